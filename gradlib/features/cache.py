"""Features are computed once: the backbone is frozen and nothing is augmented, so they are kept on disk.

One file per class and split of the given samples, so that training on one class and on all of them share their work,
and a killed run loses one class at most. The file's name is the SHA-256 of everything that determines its content:
the images' bytes in order (not where they lie), the transform, the backbone with its weights, the map size and the
type of number. A file is whole once its sidecar (.json) stands beside it; without one it is never read. The
folder may be deleted whenever nothing is running: all of it can be computed again.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gradlib.data.samples import Sample
from gradlib.errors import InputError
from gradlib.features.backbones import Backbone
from gradlib.features.store import FeatureJob, open_or_build
from gradlib.files import cache_folder

DTYPES = ("float32", "float16")


class FeatureCache:
    """Features of N samples in their order, memory-mapped and read-only; looking up copies.

    Attributes:
        shape: (N, C, H, W).
        channels: C.
    """

    def __init__(self, arrays: Sequence[np.ndarray], places: np.ndarray) -> None:
        """`arrays` of shapes (n_i, C, H, W); `places` (N, 2): which array and which of its rows holds each sample."""
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
        # an empty list becomes an array of floats, which cannot be an index
        places = self._places[numbers if numbers.size else numbers.astype(np.intp)]  # (n, 2)
        features = np.empty((len(places), *self.shape[1:]), np.float32)
        for number in np.unique(places[:, 0]):
            here = places[:, 0] == number
            features[here] = self._arrays[number][places[here, 1]]
        return torch.from_numpy(features)


def cached_features(
    samples: Sequence[Sample],
    backbone: Backbone,
    *,
    image_size: int = 224,
    map_size: int,
    dtype: str = "float32",
    device: str | torch.device = "cpu",
    batch_size: int = 32,
    folder: Path | None = None,
) -> FeatureCache:
    """Features of `samples`, read from the cache or computed into it; several processes may ask at once.

    Args:
        samples: another order or choice of the images of one class and split counts as new and is computed again.
        backbone: moved to `device` if something must be computed.
        image_size, map_size: S and H = W, in pixels.
        dtype: as stored; "float16" halves the file, and rounds each feature by at most 5e-4 of itself (above 6e-5).
        folder: by default `features` in `cache_folder()`, thus under GRAD_CACHE where it is set.

    Raises:
        InputError: no samples, an unreadable image, features that are not finite, or a folder that is full or
            cannot be written.
    """
    if not samples:
        raise InputError("There are no images to compute features of; choose a class and split that have some.")
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
