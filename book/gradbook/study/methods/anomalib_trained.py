"""Two trained baselines: reverse distillation on the frozen stages, DRAEM on the images."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock
from tqdm import tqdm

from gradbook.study.methods.anomalib_inputs import Fitted, FrozenStages, Images, anomalib_module
from gradlib.errors import InputError
from gradlib.features.backbones import Backbone

DEEPEST = 32  # stride of both methods' innermost maps; the image size must be a multiple of it
STRIDES = (4, 8, 16)  # of the maps that anomalib's decoder yields
WIDTHS = {4: 64, 8: 128, 16: 256, 32: 512}  # its channels at each stride, those of ResNet-18
DISTILLATION_EPOCHS, DISTILLATION_BATCH = 200, 16  # Deng and Li, CVPR 2022, Section 4.1
DRAEM_EPOCHS, DRAEM_BATCH = 700, 8  # Zavrtanik et al., ICCV 2021, Section 4
DRAEM_STEPS = (400, 600)  # epochs after which its rate falls to a tenth; anomalib's too
DRAEM_BLEND = (0.1, 1.0)  # opacity of the pasted texture, anomalib's default


class Distillation(nn.Module):
    """Deng and Li, CVPR 2022: a student reconstructs the teacher's maps from one narrow embedding of them.

    anomalib's decoder, loss and map; its bottleneck and decoder are those of ResNets with maps of 64, 128 and 256
    channels. The bottleneck is therefore rebuilt for the given stages by the same plan (3 x 3 convolutions of
    stride 2 to the deepest stage, concatenation, a residual layer of stride 2), and a 1 x 1 convolution follows each of
    the decoder's layers: their ReLU cannot yield the negative values that EfficientNets' stages have.
    """

    def __init__(self, backbone: Backbone, image_size: int):
        super().__init__()
        strides, channels = checked_strides(backbone), list(backbone.net.feature_info.channels())
        library = anomalib_module("models.image.reverse_distillation.anomaly_map")
        decoder = anomalib_module("models.components.backbone").get_decoder("resnet18")
        self.teacher = FrozenStages(backbone)
        self.down = nn.ModuleList(downward(c, stride) for c, stride in zip(channels, strides, strict=True))
        self.bottleneck = residual(WIDTHS[16] * (len(strides) - 1) + channels[-1])
        self.layers = nn.ModuleList([decoder.layer1, decoder.layer2, decoder.layer3][: len(strides)])
        self.heads = nn.ModuleList(
            nn.Conv2d(WIDTHS[s], c, 1) for c, s in zip(channels[::-1], strides[::-1], strict=True)
        )
        mode = library.AnomalyMapGenerationMode.ADD  # the default of anomalib's training module
        self.to_map = library.AnomalyMapGenerator(image_size=(image_size, image_size), mode=mode)

    def forward(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The teacher's maps and the student's, each (B, C_i, H_i, W_i), by stage."""
        teacher = list(self.teacher(images).values())
        deepest = [down(x) for down, x in zip(self.down, teacher, strict=True)]  # each (B, ., S/16, S/16)
        x = self.bottleneck(torch.cat(deepest, dim=1))  # (B, 512, S/32, S/32)
        student = []
        for layer, head in zip(self.layers, self.heads, strict=True):
            x = layer(x)  # twice the side, half the channels
            student.append(head(x))
        return teacher, student[::-1]

    def predict(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (B, S, S), the sum of 1 - cosine over the stages, smoothed; scores (B,), their maxima."""
        maps = self.to_map(*self(images))[:, 0]
        return maps, maps.amax(dim=(1, 2))


def checked_strides(backbone: Backbone) -> list[int]:
    """The strides of the stages. Raises InputError unless they are the last ones of STRIDES."""
    strides = list(backbone.net.feature_info.reduction())
    if strides != list(STRIDES[-len(strides) :]):
        raise InputError(
            f"Reverse distillation needs stages of strides 8, 16 or 4, 8, 16; {backbone.name} has {strides}."
        )
    return strides


def check_size(images: Images, method: str) -> None:
    """Raise InputError unless the images' side is a multiple of DEEPEST."""
    size = images.pixels.shape[-1]
    if size % DEEPEST:
        raise InputError(f"{method} needs images whose side is a multiple of {DEEPEST} pixels, not {size}.")


def downward(channels: int, stride: int) -> nn.Sequential:
    """From a stage to the size of the deepest: a convolution of stride 2 for each halving, as in anomalib's OCBE."""
    layers: list[nn.Module] = []
    while stride < STRIDES[-1]:
        stride *= 2
        convolution = nn.Conv2d(channels, WIDTHS[stride], 3, stride=2, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
        layers += [convolution, nn.BatchNorm2d(WIDTHS[stride]), nn.ReLU(inplace=True)]
        channels = WIDTHS[stride]
    return nn.Sequential(*layers)


def residual(channels: int) -> nn.Sequential:
    """Two of ResNet-18's blocks to 512 channels at stride 32."""
    width = WIDTHS[DEEPEST]
    shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, stride=2, bias=False), nn.BatchNorm2d(width))
    return nn.Sequential(BasicBlock(channels, width, stride=2, downsample=shortcut), BasicBlock(width, width))


def fit_reverse_distillation(images: Images, backbone: Backbone, epochs: int | None) -> Fitted:
    """Train the student with anomalib's loss and optimiser; the teacher is the frozen backbone."""
    check_size(images, "Reverse distillation")
    loss_of = anomalib_module("models.image.reverse_distillation.loss").ReverseDistillationLoss()
    model = Distillation(backbone, images.pixels.shape[-1]).to(images.device).train()
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trainable, lr=0.005, betas=(0.5, 0.99))
    for _ in tqdm(range(DISTILLATION_EPOCHS if epochs is None else epochs), desc="reverse distillation"):
        for block in images.epoch(DISTILLATION_BATCH):
            loss = loss_of(*model(images[block]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return Fitted(model.eval().predict, sum(p.numel() for p in trainable))


def fit_draem(images: Images, backbone: Backbone, epochs: int | None) -> Fitted:
    """Zavrtanik et al., ICCV 2021: learn to remove and to segment pasted textures. Images in [0, 1]; no backbone.

    The textures are cut from the training images themselves: the paper's (DTD) would have to be downloaded.
    """
    check_size(images, "DRAEM")
    library = anomalib_module("models.image.draem.torch_model")
    model = library.DraemModel().to(images.device).train()
    loss_of = anomalib_module("models.image.draem.loss").DraemLoss()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.0001)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, DRAEM_STEPS, gamma=0.1)
    with tempfile.TemporaryDirectory() as folder:
        paste = textures(images, Path(folder))
        for _ in tqdm(range(DRAEM_EPOCHS if epochs is None else epochs), desc="DRAEM"):
            for block in images.epoch(DRAEM_BATCH):
                clean = images[block]  # (B, 3, S, S)
                pasted, mask = paste(clean)  # (B, 3, S, S), (B, 1, S, S)
                rebuilt, marked = model(pasted)  # (B, 3, S, S), (B, 2, S, S)
                loss = loss_of(clean, rebuilt, mask, marked)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            schedule.step()
    return Fitted(partial(logit_margins, model.eval()), sum(p.numel() for p in model.parameters()))


def logit_margins(model: Any, images: Tensor) -> tuple[Tensor, Tensor]:
    """DRAEM's maps (B, S, S), the logit of "anomalous" less that of "normal", and their maxima (B,).

    anomalib's softmax is the sigmoid of this: it gives the same ranking, but many pixels become exactly 1 in float32.
    """
    rebuilt = model.reconstructive_subnetwork(images)
    logits = model.discriminative_subnetwork(torch.cat([images, rebuilt], dim=1))  # (B, 2, S, S)
    maps = logits[:, 1] - logits[:, 0]
    return maps, maps.amax(dim=(1, 2))


def textures(images: Images, folder: Path) -> nn.Module:
    """anomalib's Perlin augmentation with the training images as textures, written to `folder`."""
    for row, pixels in enumerate(images.pixels):
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(folder / f"{row:06d}.png")
    generator = anomalib_module("data.utils.generators.perlin").PerlinAnomalyGenerator
    paste = generator(anomaly_source_path=folder, blend_factor=DRAEM_BLEND)
    paste.anomaly_source_paths.sort()  # its order is the file system's
    return paste
