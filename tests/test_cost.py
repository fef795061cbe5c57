"""The cost of models: counts known from other sources, the record's reader, and the timing."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gradbook.bench import cost, counts, records, timing
from gradbook.paths import repository
from gradbook.study.methods import knn
from gradbook.study.model_counts import count_model
from gradbook.study.record import write_json
from gradlib.errors import InputError

# millions of parameters, GFLOPs: the released code and our UniAD, counted outside of this repository
KNOWN = {
    "grad": (26.438, 37.09),
    "grad, half width": (9.263, 10.17),
    "table6": (13.84, 17.34),
    "crad": (15.361, 13.24),
    "crad-s": (5.261, 3.47),
    "uniad": (7.717, 3.40),
}


@pytest.mark.parametrize("name", KNOWN)
def test_counts_are_those_of_other_counters(name: str) -> None:
    count, (millions, gflops) = counts.count_configuration(counts.configurations()[name]), KNOWN[name]
    assert count.parameters / 1e6 == pytest.approx(millions, abs=5e-3 if name == "table6" else 5e-4)
    assert count.flops / 1e9 == pytest.approx(gflops, abs=5e-3)


def test_counting_without_computing_gives_the_same() -> None:
    assert counts.count_configuration(counts.configurations()["lite"]) == count_model(counts.untrained_model("lite"))


def test_backbone_s_counts() -> None:
    whole, used = counts.count_backbone(), counts.count_backbone(blocks=5)
    assert (whole.parameters / 1e6, whole.flops / 1e9) == pytest.approx((19.34, 3.01), abs=5e-3)
    assert (used.parameters / 1e6, used.flops / 1e9) == pytest.approx((3.64, 1.84), abs=6e-3)


def test_formulas_are_the_counter_s() -> None:
    convolution = nn.Conv2d(6, 10, 3, padding=1, bias=False)
    with FlopCounterMode(display=False) as counter:
        convolution(torch.zeros(1, 6, 5, 7))
    assert counter.get_total_flops() == counts.convolution_flops(3, 6, 10, 5, 7)
    with FlopCounterMode(display=False) as counter:
        torch.zeros(20, 6) @ torch.zeros(6, 300)
    assert counter.get_total_flops() == counts.search_flops(20, 300, 6)


def test_every_model_has_a_schedule() -> None:
    assert [counts.training_of(name).epochs for name in ("grad", "grad, half width", "uniad")] == [100, 100, 1000]
    with pytest.raises(InputError, match="choose one of grad"):
        counts.untrained_model("nothing")


def test_spread_and_ratio_go_round_by_round() -> None:
    assert timing.quartiles([4, 1, 2, 3, 5]) == (2, 3, 4)
    np.testing.assert_allclose(timing.ratio([2, 40], [1, 20]), [2, 2])
    assert timing.summary([3, 1, 2]) == {"median": 2, "quartiles": [1.5, 2.5], "rounds": [3, 1, 2]}


def test_record_is_read(tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    write_json(path, {"cost": records.SCHEMA, "threads": 1})
    assert records.read_cost(path)["threads"] == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no record of cost"), ("{", "not valid JSON"), ("{}", "of version 1"), ("[]", "of version 1")],
)
def test_record_that_cannot_be_used_names_the_remedy(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "counts.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=words) as error:
        records.read_cost(path)
    assert "python -m gradbook.bench.cost" in str(error.value)


def test_committed_record_is_of_these_models() -> None:
    by_name = records.read_cost(repository() / "data" / "results" / records.RECORD)["models"]["by_name"]
    assert list(by_name) == list(counts.configurations())
    for name, measured in by_name.items():
        count = counts.count_configuration(counts.configurations()[name])
        assert (measured["parameters"], measured["flops"]) == (count.parameters, count.flops)


def test_ways_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(timing, "QUICK", 0.0)  # one call a turn
    seconds = timing.alternate({name: lambda name=name: calls.append(name) for name in "abc"}, 2)
    assert "".join(calls) == "abc" + "abc" + "bca"
    assert {name: len(rounds) for name, rounds in seconds.items()} == {"a": 2, "b": 2, "c": 2}


def test_a_quick_way_is_called_repeatedly(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def way(seconds: float) -> None:
        clock.append(clock[-1] + seconds)

    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[-1])
    assert timing.seconds_of(lambda: way(1.0)) == 1.0
    assert len(clock) == 1 + 1
    assert timing.seconds_of(lambda: way(0.05)) == pytest.approx(0.05)
    assert len(clock) == 2 + 2 + 4  # two calls to find out how many fill QUICK


def test_latency_is_measured_on_real_patches_as_far_as_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "QUICK", 0.0)
    real = torch.randn(4, 196, counts.LITE0_CHANNELS)
    points = cost.measure_latency((2, 4, 6), real, 2)["points"]
    kinds = {(p["N"], p["features"]) for p in points if p["way"] != cost.GRAD_NAME}
    assert kinds == {(2, "elpv"), (4, "elpv"), (4, "random"), (6, "random")}
    entries = {p["N"]: p["entries"] for p in points if p["way"] == "memory, 10 %"}
    assert entries == {2: 39, 4: 78, 6: 118}
    assert all(len(p["seconds"]["rounds"]) == 2 for p in points)
    json.dumps(points)


def test_memory_s_search_is_exact() -> None:
    entries, x = torch.randn(50, 4), torch.randn(1, 4, 3, 3)
    distance, _ = cost.nearest_entries(entries, x)()
    expected = torch.cdist(x.flatten(2)[0].T, entries).amin(dim=1)  # (9,)
    torch.testing.assert_close(torch.from_numpy(distance)[:, 0].float(), expected, atol=1e-5, rtol=1e-4)


def test_a_memory_bank_holds_a_share_of_the_patches_or_a_limited_number() -> None:
    real = torch.randn(5, 196, 3)
    entries = cost.memory_bank(5, 0.1, real)
    assert entries.shape == (98, 3)
    assert torch.cdist(entries, real.flatten(0, 1)).amin(dim=1).max() < 1e-2  # cdist's own rounding
    assert len(cost.memory_bank(1000, None, None)) == knn.ENTRIES
