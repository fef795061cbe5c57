"""From features back to pictures: a small network that shows what a feature map looks like (You et al. 2022, Fig. 5).

It is trained on normal images alone and takes no part in detection; it lets a reader see what lies at a coordinate.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from gradlib.checkpoint import load_model, load_tensors, save_tensors
from gradlib.data.images import image_tensor
from gradlib.data.samples import Dataset
from gradlib.errors import InputError
from gradlib.features.backbones import backbone_of_run
from gradlib.features.cache import FeatureCache, cached_features
from gradlib.seeds import epoch_generator

FILE = "decoder.safetensors"
BLACK, WHITE = (0.0,) * 3, (1.0,) * 3  # pictures stay in [0, 1]
SCALE = 8  # pixels of the picture for each pixel of the map
WIDTHS = (64, 32, 16)
EPOCHS, BATCH, RATE = 6, 32, 3e-3  # what half a minute on two cores allows; the error still falls slowly after it


class Decoder(nn.Module):
    """Features in the model's units (B, C, H, W) -> pictures (B, 3, 8H, 8W) in [0, 1]."""

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
    """A 3x3 convolution with what follows it: (B, C_in, H, W) -> (B, C_out, H, W)."""
    return nn.Conv2d(C_in, C_out, 3, padding=1, bias=False), nn.BatchNorm2d(C_out), nn.ReLU()


def decoder_of_run(folder: Path | str, dataset: Dataset, *, seed: int = 0) -> Decoder:
    """The decoder beside a run's model, in evaluation mode; trained at the first call, kept as decoder.safetensors.

    folder: of a finished run with one model; dataset: that run's. Raises InputError without such a model or a normal
    training image, and for a kept decoder that does not fit the model.
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
            raise InputError(f"{path} does not fit the model beside it: delete it, and it is trained anew.") from error
        return decoder.eval()
    train = dataset.select(split="train", label=0).samples
    if not train:
        raise InputError(
            f"{dataset.root} has no normal training image to learn pictures from: give the run's own data."
        )
    size, H = settings["experiment"]["image_size"], model.config.map_size[0]
    features = cached_features(train, backbone_of_run(settings), image_size=size, map_size=H)
    pictures = torch.stack([image_tensor(s.image, SCALE * H, BLACK, WHITE) for s in train])  # (N, 3, 8H, 8H)
    train_decoder(decoder, features, (model.feature_mean, model.feature_std), pictures, seed=seed)
    save_tensors(path, decoder.state_dict(), {"decoder": {"epochs": EPOCHS, "seed": seed}})
    return decoder.eval()


def train_decoder(
    decoder: Decoder, features: FeatureCache, units: tuple[Tensor, Tensor], pictures: Tensor, *, seed: int
) -> None:
    """Least squares between decoded features and pictures; units: the model's mean and deviation (C,) of features."""
    mean, std = (values[:, None, None] for values in units)  # (C, 1, 1)
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
