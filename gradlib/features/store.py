"""Files of the feature cache: their key, their computation, and atomic writing."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import PIL
import timm
import torch
from filelock import FileLock
from torch import Tensor
from tqdm import tqdm

from gradlib.data.images import image_array
from gradlib.data.samples import Sample
from gradlib.errors import InputError
from gradlib.features.backbones import FeatureExtractor
from gradlib.files import replace_file, sha256_of

# of `image_array`; raise the number whenever that function gives other pixels
TRANSFORM = "1: upright 8-bit RGB, squashed to a square by Pillow's bilinear filter, normalised"
THREADS = min(8, os.cpu_count() or 1)  # for reading and decoding, which both release the interpreter lock


@dataclass(frozen=True)
class FeatureJob:
    """The content of one cache file, and how to compute it."""

    samples: Sequence[Sample]
    backbone: FeatureExtractor
    image_size: int
    map_size: int
    dtype: str
    device: torch.device
    batch_size: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, C, H, W) of the features."""
        return (len(self.samples), self.backbone.channels, self.map_size, self.map_size)

    @property
    def size(self) -> int:
        """Bytes on disk, without the header of about a hundred."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize

    @cached_property
    def recipe(self) -> dict[str, object]:
        """Everything that determines the content, except torch's version, which changes only the last digits."""
        with ThreadPoolExecutor(THREADS) as pool:
            images = list(pool.map(sha256_of, [sample.image for sample in self.samples]))
        return {
            "images": {"count": len(images), "sha256": hashlib.sha256("".join(images).encode()).hexdigest()},
            "transform": [TRANSFORM, self.image_size, list(self.backbone.mean), list(self.backbone.std)],
            "backbone": list(self.backbone.identity().values()),  # the names stay out of the key
            "map_size": self.map_size,
            "dtype": self.dtype,
            "versions": {"timm": timm.__version__, "pillow": PIL.__version__},
        }

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) of the recipe: the file's name."""
        return hashlib.sha256(json.dumps(self.recipe, sort_keys=True).encode()).hexdigest()

    def blocks(self) -> Iterator[np.ndarray]:
        """Features batch by batch, (n, C, H, W); while one batch is computed, the next is decoded."""
        self.backbone.to(self.device)
        starts = range(0, len(self.samples), self.batch_size)
        batches = [self.samples[start : start + self.batch_size] for start in starts]
        title = f"features of {self.samples[0].category} {self.samples[0].split}"
        read = partial(image_array, size=self.image_size, mean=self.backbone.mean, std=self.backbone.std)

        def decode(batch: Sequence[Sample]) -> list[Future[np.ndarray]]:
            return [pool.submit(read, sample.image) for sample in batch]

        with (
            ThreadPoolExecutor(THREADS) as pool,
            tqdm(total=len(self.samples), desc=title, unit="image", disable=None) as progress,
        ):
            pending = decode(batches[0])
            for batch, following in zip(batches, [*batches[1:], []], strict=True):
                images = torch.from_numpy(np.stack([image.result() for image in pending]))  # (n, 3, S, S)
                pending = decode(following)
                yield self._features(batch, images)
                progress.update(len(batch))

    def _features(self, batch: Sequence[Sample], images: Tensor) -> np.ndarray:
        # full precision whatever the caller uses, as neither autocast nor TF32 is part of the key
        with (
            torch.autocast(self.device.type, enabled=False),
            torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
        ):
            features = self.backbone.features(images.to(self.device), self.map_size).cpu().contiguous()
        stored = features.to(getattr(torch, self.dtype))
        for values, remedy in (
            (features, "check the weights of the backbone and the image"),
            (stored, 'they are beyond float16, pass dtype="float32"'),
        ):
            finite = values.isfinite().flatten(1).all(dim=1)
            if not finite.all():
                image = batch[int(finite.logical_not().nonzero()[0])].image
                raise InputError(f"The {self.backbone.name} features of {image} are not all finite; {remedy}.")
        return stored.numpy()


def open_or_build(job: FeatureJob, folder: Path) -> np.ndarray:
    """The job's features (n, C, H, W), memory-mapped read-only, read from `folder` or computed and stored there.

    Raises:
        InputError: an unreadable image, features that are not finite, a folder that is full or not writable.
    """
    file = folder / f"{job.key}.npy"
    array = _open(job, file)
    if array is not None:
        return array
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock"):
            array = _open(job, file)  # another process may have built it while this one waited
            if array is not None:
                return array
            if shutil.disk_usage(folder).free < job.size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            _build(job, file)
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise _unwritable(job, folder, error) from error


def _open(job: FeatureJob, file: Path) -> np.ndarray | None:
    """The file's array if file and sidecar are complete and belong to the job, else None."""
    try:
        sidecar = json.loads(file.with_suffix(".json").read_text())
        array = np.load(file, mmap_mode="r", allow_pickle=False)
        complete = sidecar == _sidecar(job, file)
    except (OSError, ValueError, EOFError):
        return None
    return array if complete and array.shape == job.shape and array.dtype == job.dtype else None


def _sidecar(job: FeatureJob, file: Path) -> dict[str, object]:
    return {"bytes": file.stat().st_size, "shape": list(job.shape), **job.recipe}


def _build(job: FeatureJob, file: Path) -> None:
    """Write a .part file, rename it, then write the sidecar: if killed at any point, no incomplete file is ever read.

    Written as a stream: a memory map would kill the process when the disk is full.
    """
    sidecar, part = file.with_suffix(".json"), file.with_suffix(".part")
    header = {"descr": np.dtype(job.dtype).str, "fortran_order": False, "shape": job.shape}
    try:
        sidecar.unlink(missing_ok=True)
        with part.open("wb") as stream:
            np.lib.format.write_array_header_1_0(stream, header)
            for block in job.blocks():
                stream.write(block.data)
        replace_file(part, file)
        part.write_text(json.dumps(_sidecar(job, file), indent=1))
        replace_file(part, sidecar)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _unwritable(job: FeatureJob, folder: Path, error: OSError) -> InputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free
        return InputError(
            f"The features need {job.size:,} bytes in {folder}, where {free:,} are free ({error.strerror}); "
            "free some space, or set GRAD_CACHE to a folder on a larger disk."
        )
    return InputError(
        f"The features cannot be stored in {folder} ({error.strerror or error}); set GRAD_CACHE to a writable folder."
    )
