"""What the tests of the readers share: a small grey photograph, and how many samples a data set has of each kind."""

from collections import Counter

import numpy as np

from gradlib.data.samples import Dataset

GREY = np.full((8, 8), 90, np.uint8)


def counts(dataset: Dataset) -> Counter:
    """Samples by category, split and label."""
    return Counter((sample.category, sample.split, sample.label) for sample in dataset)
