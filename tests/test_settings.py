"""Settings of an experiment: what means nothing is refused, before anything is computed where that can be."""

import pytest

from gradbook.study.execution import run
from gradbook.study.experiment import Experiment
from gradlib.errors import InputError


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"method": "magic"}, "knn"),
        ({"shots": 0}, "set shots to 1"),
        ({"train": {"speed": 9}}, "TRAINING has no field speed"),
        ({"preset": "huge"}, "huge"),
        ({"preset": "huge", "method": "uniad"}, "huge"),
        ({"epochs": 0}, "epochs and batch_size must be at least 1"),
        ({"map_size": 0}, "map_size=0"),
        ({"image_size": 0}, "image_size=0"),
        ({"protocol": "papr"}, "protocol 'papr'"),
    ],
)
def test_settings_that_mean_nothing_are_refused_at_once(wrong, reason):
    with pytest.raises(InputError, match=reason):
        Experiment(**wrong)


def test_a_tuple_in_the_settings_is_the_list_that_the_record_holds():
    given, read = (Experiment(train={"drops": drops}) for drops in ((0.5, 0.75), [0.5, 0.75]))
    assert given.settings() == read.settings()


def test_a_change_of_an_unknown_field_is_refused(tiny_mvtec, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAD_CACHE", str(tmp_path / "cache"))
    wrong = Experiment(dataset="mvtec", map_size=4, image_size=32, model={"depth": 9})
    with pytest.raises(InputError, match=r"MODEL has no field depth.*blocks"):
        run(wrong, data_root=tiny_mvtec, out=tmp_path, device="cpu")


def test_an_unknown_setting_is_refused():
    with pytest.raises(InputError, match='"separate"'):
        Experiment(setting="both")
