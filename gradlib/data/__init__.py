"""Photographs with labels, splits and masks: five readers, one Dataset, and a downloader."""

from gradlib.data.elpv import read_elpv
from gradlib.data.folder import read_folder
from gradlib.data.images import image_tensor, read_image, read_mask
from gradlib.data.mvtec import read_mvtec
from gradlib.data.samples import Dataset, Sample, load_dataset
from gradlib.data.synthetic import make_synthetic, read_synthetic
from gradlib.data.visa import read_visa

__all__ = [
    "Dataset",
    "Sample",
    "image_tensor",
    "load_dataset",
    "make_synthetic",
    "read_elpv",
    "read_folder",
    "read_image",
    "read_mask",
    "read_mvtec",
    "read_synthetic",
    "read_visa",
]
