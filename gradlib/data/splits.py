"""Choose the normal training images: a few-shot subset, or all except a hold-out set for the threshold."""

from dataclasses import replace

import torch

from gradlib.data.samples import Dataset, Sample, rows_by_category, sort_samples
from gradlib.errors import InputError
from gradlib.seeds import epoch_generator

ONE_IN = 4  # training images is held out
MIN_HOLD_OUT = 19  # images; fewer allow no threshold with an expected false alarm rate of 5 % ({eq}`eq-false-alarm`)


def hold_out(dataset: Dataset, seed: int) -> Dataset:
    """The data set with some training images of each category turned into normal test images, where it has none.

    The seed draws a quarter of them, but at least MIN_HOLD_OUT if that leaves half to train on. Held-out images are
    never trained on, so their scores are those of unseen normal images. Raises InputError for a category with fewer
    than two normal images.
    """
    samples: list[Sample] = []
    for category in dataset.categories:
        part = dataset.select(categories=[category])
        train = part.select(split="train", label=0)
        if part.select(split="test", label=0):
            samples += part
            continue
        if len(train) < 2:
            has = f"one normal image ({train[0].image})" if train else "no normal image"
            raise InputError(
                f"Category {category} has {has}: add more, as one must be trained on and another held out to measure "
                "the score of a normal image."
            )
        order = torch.randperm(len(train), generator=epoch_generator(seed, 0, f"held out of {category}"))
        number = min(len(train) // 2, max(len(train) // ONE_IN, MIN_HOLD_OUT))
        held_out = {train[i] for i in order[:number].tolist()}
        samples += [replace(s, split="test") if s in held_out else s for s in part]
    return replace(dataset, samples=sort_samples(samples))


def choose_shots(dataset: Dataset, shots: int, seed: int) -> Dataset:
    """`shots` images of each category, drawn by the seed. Raises InputError if a category has fewer."""
    subset: list[Sample] = []
    for category, rows in rows_by_category(dataset).items():
        if len(rows) < shots:
            raise InputError(f"Category {category} has {len(rows)} normal training images: give at most {len(rows)}.")
        order = torch.randperm(len(rows), generator=epoch_generator(seed, 0, f"shots of {category}"))
        subset += [dataset[rows[i]] for i in sorted(order[:shots].tolist())]
    return replace(dataset, samples=tuple(subset))
