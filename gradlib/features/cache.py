"""Features are computed once and stored on disk, since the backbone is frozen and no image is augmented.

There is one file per category and split of the given samples, so that a model of one category and a model of all share
their features, and a killed run loses one category at most. The file's name is the SHA-256 of everything that
determines its content: the images' bytes in order (not their paths), the transform, the backbone with its weights, the
map size and the number type. A file is complete once its sidecar (.json) exists; without one it is never read. The
folder may be deleted whenever nothing is running: everything in it can be computed again.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gradlib.data.samples import Sample
from gradlib.errors import InputError
from gradlib.features.backbones import FeatureExtractor
from gradlib.features.store import FeatureJob, open_or_build
from gradlib.files import cache_folder

DTYPES = ("float32", "float16")


class FeatureCache:
    """Features of N samples in their order, memory-mapped and read-only; indexing copies.

        x = cache[[0, 5, 7]]  # (3, C, H, W)

    Attributes:
        shape: (N, C, H, W).
        channels: C.
    """

    def __init__(self, arrays: Sequence[np.ndarray], places: np.ndarray) -> None:
        """arrays: (n_i, C, H, W) each; places (N, 2): the array of each sample and its row there."""
        self._arrays = arrays
        self._places = places
        self.channels: int = arrays[0].shape[1]
        self.shape = (len(places), *arrays[0].shape[1:])

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Sequence[int] | np.ndarray | Tensor) -> Tensor:
        """Features (n, C, H, W), float32, of the n samples with these numbers.

        Raises IndexError beyond N, and TypeError for a single number.
        """
        numbers = np.asarray(index.cpu() if isinstance(index, Tensor) else index)
        if numbers.ndim != 1:
            raise TypeError(f"a FeatureCache takes a list of sample numbers, not {index!r}")
        # NumPy makes an array of floats from an empty list, which cannot be an index
        places = self._places[numbers if numbers.size else numbers.astype(np.intp)]  # (n, 2)
        features = np.empty((len(places), *self.shape[1:]), np.float32)
        for number in np.unique(places[:, 0]):
            rows = places[:, 0] == number
            features[rows] = self._arrays[number][places[rows, 1]]
        return torch.from_numpy(features)


def cached_features(
    samples: Sequence[Sample],
    backbone: FeatureExtractor,
    *,
    image_size: int = 224,
    map_size: int,
    dtype: str = "float32",
    device: str | torch.device = "cpu",
    batch_size: int = 32,
    folder: Path | None = None,
) -> FeatureCache:
    """Features of a Dataset or of other samples, read from the cache or computed and stored there.

        train = cached_features(dataset.select(split="train"), load_backbone(), map_size=14)

    Safe with several processes. backbone: from `load_backbone`, or any `FeatureExtractor`; moved to `device` if
    features must be computed. image_size, map_size: S and H = W, in pixels. dtype: on disk; "float16" halves the file
    and rounds each feature above 6e-5 by a factor of at most 5e-4. folder: by default `features` in `cache_folder()`.
    Another order or subset of a category's split is computed anew. Raises InputError for no samples, an unreadable
    image, features that are not finite, or a folder that is full or not writable.
    """
    if not samples:
        raise InputError("There are no images to compute features of; choose a category and split that have some.")
    if dtype not in DTYPES or min(image_size, map_size, batch_size) < 1:
        raise InputError(
            f"Features need sizes of at least 1 and dtype {' or '.join(DTYPES)}, not image_size={image_size}, "
            f"map_size={map_size}, batch_size={batch_size}, dtype={dtype!r}; correct these."
        )
    folder = cache_folder() / "features" if folder is None else folder
    groups: dict[tuple[str, str], list[int]] = {}
    for number, sample in enumerate(samples):
        groups.setdefault((sample.category, sample.split), []).append(number)
    places = np.empty((len(samples), 2), np.intp)
    arrays: list[np.ndarray] = []
    for numbers in groups.values():
        places[numbers] = [(len(arrays), row) for row in range(len(numbers))]
        group = [samples[number] for number in numbers]
        job = FeatureJob(group, backbone, image_size, map_size, dtype, torch.device(device), batch_size)
        arrays.append(open_or_build(job, folder))
    return FeatureCache(arrays, places)
