"""Which of the normal photographs are trained on: a few of them, or all but those held out for the threshold."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from gradlib.data.samples import Dataset, Sample, in_order, rows_by_category
from gradlib.errors import InputError
from gradlib.seeds import epoch_generator

SHARE = 4  # one in so many is held out
ENOUGH = 19  # photographs, without which no threshold can aim at a false alarm rate of 5 % ({eq}`eq-false-alarm`)


def hold_out(dataset: Dataset, seed: int) -> Dataset:
    """Every class without normal test images gets some: training images, drawn by the seed, become test images.

    A fourth of them, but at least ENOUGH where that leaves half to train on. What is held out is never trained on, so
    that its scores are those of photographs that the model has not seen. Raises InputError for a class with fewer
    than two normal photographs.
    """
    samples: list[Sample] = []
    for category in dataset.categories:
        here = dataset.select(categories=[category])
        train = here.select(split="train", label=0).samples
        if here.select(split="test", label=0).samples:
            samples += here.samples
            continue
        if len(train) < 2:
            has = f"one normal photograph ({train[0].image})" if train else "no normal photograph"
            raise InputError(
                f"Class {category} has {has}: add more, as at least one must be trained on and another held out to "
                "see what a normal score is."
            )
        order = torch.randperm(len(train), generator=epoch_generator(seed, 0, f"held out of {category}"))
        number = min(len(train) // 2, max(len(train) // SHARE, ENOUGH))
        chosen = {train[i] for i in order[:number].tolist()}
        samples += [replace(s, split="test") if s in chosen else s for s in here.samples]
    return replace(dataset, samples=in_order(samples))


def few(samples: Sequence[Sample], shots: int, seed: int) -> tuple[Sample, ...]:
    """`shots` images of each class, drawn by the seed. Raises InputError if a class has fewer."""
    chosen: list[Sample] = []
    for category, rows in rows_by_category(samples).items():
        here = [samples[row] for row in rows]
        if len(here) < shots:
            raise InputError(f"Class {category} has {len(here)} normal training images: give shots up to that.")
        order = torch.randperm(len(here), generator=epoch_generator(seed, 0, f"shots of {category}"))
        chosen += [here[i] for i in sorted(order[:shots].tolist())]
    return tuple(chosen)
