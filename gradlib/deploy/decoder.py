"""From features back to pictures: a small network that shows what a feature map looks like (You et al. 2022, Fig. 5).

It is trained on normal images alone and plays no part in detection; it shows what is stored at a coordinate.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from gradlib.checkpoint import Settings, load_model, load_tensors, save_tensors
from gradlib.data.images import image_array
from gradlib.data.samples import Dataset
from gradlib.errors import InputError
from gradlib.features.backbones import backbone_of_run
from gradlib.features.cache import cached_features
from gradlib.seeds import epoch_generator
from gradlib.standardise import Features

FILE = "decoder.safetensors"
BLACK, WHITE = (0.0,) * 3, (1.0,) * 3  # as mean and std they leave images in [0, 1]
SCALE = 8  # pixels of the picture per pixel of the map, along each axis
WIDTHS = (64, 32, 16)
EPOCHS, BATCH, RATE = 6, 32, 3e-3  # half a minute on two cores; after it the error still falls slowly


class Decoder(nn.Module):
    """Standardised features (B, C, H, W) -> pictures (B, 3, 8H, 8W) in [0, 1]."""

    def __init__(self, C: int):
        super().__init__()
        first, second, third = WIDTHS
        self.layers = nn.Sequential(
            *convolution(C, first),
            nn.Upsample(scale_factor=2),  # (B, 64, 2H, 2W)
            *convolution(first, second),
            nn.Upsample(scale_factor=2),  # (B, 32, 4H, 4W)
            *convolution(second, third),
            nn.Conv2d(third, 3 * 4, 3, padding=1),
            nn.PixelShuffle(2),  # (B, 3, 8H, 8W)
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def convolution(C_in: int, C_out: int) -> tuple[nn.Module, ...]:
    """A 3x3 convolution, batch normalisation and ReLU: (B, C_in, H, W) -> (B, C_out, H, W)."""
    return nn.Conv2d(C_in, C_out, 3, padding=1, bias=False), nn.BatchNorm2d(C_out), nn.ReLU()


def decoder_of_run(folder: Path | str, dataset: Dataset, *, seed: int = 0) -> Decoder:
    """The decoder of a run's model, in evaluation mode; trained at the first call and saved as decoder.safetensors.

    folder: of a finished run with one model; dataset: that run's. Raises InputError without such a model or a normal
    training image, and for a saved decoder that does not fit the model.
    """
    path = Path(folder) / FILE
    model, settings = load_model(folder)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        decoder = Decoder(model.config.channels)
    if path.is_file():
        try:
            decoder.load_state_dict(load_tensors(path)[0])
        except RuntimeError as error:
            raise InputError(f"{path} does not fit the model beside it: delete it to train it anew.") from error
        return decoder.eval()
    train = dataset.select(split="train", label=0)
    if not train:
        raise InputError(
            f"{dataset.root} has no normal training image to train the decoder on: give the run's own data set."
        )
    size, H = image_size_of(settings, folder), model.config.map_size[0]
    features = cached_features(train, backbone_of_run(settings), image_size=size, map_size=H)
    pictures = np.stack([image_array(s.image, SCALE * H, BLACK, WHITE) for s in train])  # (N, 3, 8H, 8H)
    statistics = model.feature_mean, model.feature_std
    train_decoder(decoder, features, statistics, torch.from_numpy(pictures), seed=seed)
    save_tensors(path, decoder.state_dict(), {"decoder": {"epochs": EPOCHS, "seed": seed}})
    return decoder.eval()


def image_size_of(settings: Settings, folder: Path | str) -> int:
    """S of a run's images, from the settings saved with its model. Raises InputError if they do not say it."""
    try:
        return int(settings["experiment"]["image_size"])
    except KeyError as error:
        raise InputError(
            f"The model in {folder} was saved without {error} in its settings, so its image size is unknown: give "
            "the folder of a run that the training chapter made."
        ) from error


def train_decoder(
    decoder: Decoder, features: Features, statistics: tuple[Tensor, Tensor], pictures: Tensor, *, seed: int
) -> None:
    """Minimise the mean squared error between decoded features (N, C, H, W) and pictures (N, 3, 8H, 8W).

    statistics: mean and standard deviation (C,) by which the model standardises features; its decoder sees the same.
    """
    mean, std = (values[:, None, None] for values in statistics)  # (C, 1, 1)
    steps = EPOCHS * -(-len(pictures) // BATCH)
    optimiser = torch.optim.AdamW(decoder.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    decoder.train()
    for epoch in tqdm(range(EPOCHS), desc="decoder", unit="epoch"):
        order = torch.randperm(len(pictures), generator=epoch_generator(seed, epoch, "decoder"))
        for batch in order.split(BATCH):
            x = (features[batch] - mean) / std  # (B, C, H, W)
            loss = F.mse_loss(decoder(x), pictures[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
