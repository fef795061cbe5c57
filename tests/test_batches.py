"""How features reach the device: in order, one batch ahead, and an error on the way reaches whoever trains."""

import threading

import pytest
import torch

from gradlib.batches import on_device, prefetch
from gradlib.errors import InputError

CPU = torch.device("cpu")
BATCHES = torch.arange(9).split(2)


class Slow:
    """Features that say when they are read, and by which thread."""

    def __init__(self, *, broken: int | None = None) -> None:
        self.x = torch.arange(9.0)[:, None, None, None].expand(9, 2, 3, 3)
        self.reads: list[list[int]] = []
        self.threads: set[str] = set()
        self.broken = broken
        self.read = threading.Semaphore(0)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: torch.Tensor) -> torch.Tensor:
        if self.broken in index.tolist():
            raise InputError(f"image {self.broken} cannot be read")
        self.reads.append(index.tolist())
        self.threads.add(threading.current_thread().name)
        self.read.release()
        return self.x[index]


def test_batches_arrive_in_their_order_read_by_another_thread() -> None:
    features = Slow()
    for batch, x in zip(BATCHES, prefetch(features, BATCHES, CPU), strict=True):
        assert torch.equal(x, features.x[batch])
    assert features.reads == [batch.tolist() for batch in BATCHES]
    assert threading.current_thread().name not in features.threads
    assert len(features.threads) == 1


def test_the_next_batch_is_read_while_this_one_is_worked_on_and_no_further() -> None:
    features = Slow()
    coming = prefetch(features, BATCHES, CPU)
    next(coming)
    for _ in range(2):
        assert features.read.acquire(timeout=30)
    assert not features.read.acquire(timeout=0.1)
    next(coming)
    assert features.read.acquire(timeout=30)
    coming.close()  # as a step that fails does
    assert len(features.reads) == 3


def test_what_is_in_memory_is_only_indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradlib.batches.ThreadPoolExecutor", None)
    features = torch.randn(9, 2, 3, 3)
    for batch, x in zip(BATCHES, prefetch(features, BATCHES, CPU), strict=True):
        assert torch.equal(x, features[batch])
    assert on_device(features, CPU) is features


def test_an_error_in_the_thread_ends_training() -> None:
    coming = prefetch(Slow(broken=3), BATCHES, CPU)
    assert next(coming).shape == (2, 2, 3, 3)
    with pytest.raises(InputError, match="image 3"):
        next(coming)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_a_cuda_device_gets_the_same_numbers() -> None:
    features, device = Slow(), torch.device("cuda", 0)
    for batch, x in zip(BATCHES, prefetch(features, BATCHES, device), strict=True):
        assert x.is_cuda
        assert torch.equal(x.cpu(), features.x[batch])
    assert torch.equal(on_device(features, device)[torch.arange(9)].cpu(), features.x)
