"""Two processes train the model that one process trains with the same batches, within what addition in another order
changes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from gradlib.checkpoint import load_tensors, save_tensors
from gradlib.config import GradConfig, TrainConfig
from gradlib.coordinates import jitter
from gradlib.fabric import make_fabric
from gradlib.model import GRAD
from gradlib.processes import SharedBatchNorm, share_statistics
from gradlib.train import fit

TOLERANCE = 1e-4  # of weights after so many steps, absolute and relative; the statement of the chapter on training
TINY = GradConfig(channels=8, map_size=(6, 6), fusion="slim", blocks=1, width=16, standardise=True, jitter_std=0.2)
TRAINING = TrainConfig(epochs=4, batch_size=16, lr_grids=1e-2)

SCRIPT = """
import sys
from pathlib import Path
from test_processes import train_here
train_here(Path(sys.argv[1]))
"""


def train_here(folder: Path) -> None:
    """Train on 40 drawn maps, so that the last of three batches is a half one; process 0 keeps the weights."""
    fabric = make_fabric("cpu")
    torch.manual_seed(0)
    model = GRAD(TINY)
    x = torch.randn(40, 8, 6, 6, generator=torch.Generator().manual_seed(1)) + 3
    log = fit(model, x, TRAINING, fabric=fabric)
    if fabric.global_rank == 0:
        save_tensors(folder / f"{fabric.world_size}.safetensors", model.state_dict(), {"losses": log.losses})


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    (folder / "train.py").write_text(SCRIPT)
    for processes in (1, 2):
        command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}", "--standalone"]
        answer = subprocess.run(
            [*command, str(folder / "train.py"), str(folder)],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr[-2000:]
    return [load_tensors(folder / f"{processes}.safetensors") for processes in (1, 2)]


def test_two_processes_end_with_the_weights_of_one(both):
    (one, _), (two, _) = both
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(
            two[name], one[name], atol=TOLERANCE, rtol=TOLERANCE, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_two_processes_report_the_losses_of_one(both):
    (_, one), (_, two) = both
    torch.testing.assert_close(torch.tensor(two["losses"]), torch.tensor(one["losses"]), atol=0, rtol=TOLERANCE)
    assert len(set(one["losses"])) == TRAINING.epochs  # it did learn


def test_shared_normalisation_keeps_weights_and_alone_is_its_parent():
    layer = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU())
    before, x = dict(layer.named_parameters()), torch.randn(4, 3, 5, 5)
    expected = nn.BatchNorm2d(3)(x).relu()
    share_statistics(layer)
    assert type(layer[0]) is SharedBatchNorm
    assert all(parameter is before[name] for name, parameter in layer.named_parameters())
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("per", ["pixel", "batch"])
def test_noise_is_that_of_the_whole_batch(per):
    c, settings = torch.zeros(6, 2, 5, 5), {"per": per, "fraction": 0.7}
    whole, even, odd = (
        jitter(c[rank::world], shard=(rank, world), generator=torch.Generator().manual_seed(3), **settings)
        for rank, world in ((0, 1), (0, 2), (1, 2))
    )
    assert whole.abs().max() > 0
    torch.testing.assert_close(whole[0::2], even)
    torch.testing.assert_close(whole[1::2], odd)
