"""Frozen feature extractors: an image becomes the feature map x that GRAD learns to reconstruct."""

import difflib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import timm
import torch
from timm.models import get_pretrained_cfg
from torch import Tensor, nn
from torch.nn import functional

from gradlib.errors import InputError
from gradlib.features import weights

B4 = "tf_efficientnet_b4"
STRIDES = (8, 16)  # of the default stages, as the paper's 3rd and 4th of EfficientNet-b4
B4_STAGE = 2  # the padding correction replaces its first convolution

Net = Any  # a Module that timm builds, with the untyped attributes `feature_info` and `pretrained_cfg`


class FeatureExtractor(Protocol):
    """What `cached_features` needs of a network: `Backbone` has it for timm's, a class of your own may.

    A torch.nn.Module with these attributes and methods is enough; it must be in eval mode and give no gradients.
    """

    @property
    def name(self) -> str: ...  # for messages
    @property
    def channels(self) -> int: ...  # C
    @property
    def mean(self) -> Sequence[float]: ...  # of images, RGB in [0, 1]: (image - mean) / std goes into `features`
    @property
    def std(self) -> Sequence[float]: ...
    def features(self, images: Tensor, map_size: int) -> Tensor: ...  # (B, 3, S, S) -> (B, C, map_size, map_size)
    def identity(self) -> Mapping[str, Any]: ...  # all that the features depend on, plain JSON, in a fixed order
    def to(self, device: torch.device, /) -> Any: ...  # as torch.nn.Module does


class Backbone(nn.Module):
    """A frozen timm network whose outputs are stage maps m_i: always in eval mode, without gradients, channels_last.

    Attributes:
        name: timm's name, with the tag of the weights if one was given.
        stages: timm's `out_indices`, in order.
        channels: C, the sum over the stages.
        mean, std: of the images it was trained on, RGB in [0, 1].
        weights_id: origin and SHA-256 of the weights, and the padding correction if it is applied.
    """

    def __init__(self, net: Net, name: str, stages: tuple[int, ...], weights_id: str) -> None:
        super().__init__()
        self.name = name
        self.stages = stages
        self.channels: int = sum(net.feature_info.channels())
        self.mean: tuple[float, float, float] = tuple(net.pretrained_cfg["mean"])
        self.std: tuple[float, float, float] = tuple(net.pretrained_cfg["std"])
        self.weights_id = weights_id
        self._channel_axis_is_last = getattr(net, "output_fmt", "NCHW") == "NHWC"  # Swin and similar networks
        self.net = net.requires_grad_(False).to(memory_format=torch.channels_last)
        self.train(False)

    def identity(self) -> dict[str, Any]:
        """What the features depend on, as plain JSON types: name, stages and weights."""
        return {"name": self.name, "stages": list(self.stages), "weights": self.weights_id}

    def train(self, mode: bool = True) -> "Backbone":
        """Stay in eval mode for any `mode`: batch statistics would make features depend on their batch."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps of the selected stages, each (B, C_i, H_i, W_i), of normalised images (B, 3, S, S).

        Raises:
            InputError: the images are not square RGB, or the network does not accept their size.
        """
        if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] != images.shape[3]:
            raise InputError(f"{self.name} takes images of shape (B, 3, S, S), not {tuple(images.shape)}; resize them.")
        try:
            maps = self.net(images.contiguous(memory_format=torch.channels_last))
        except AssertionError as error:
            size = images.shape[-1]
            raise InputError(f"{self.name} cannot take images of {size} pixels ({error}); change the size.") from error
        return [stage.permute(0, 3, 1, 2) for stage in maps] if self._channel_axis_is_last else list(maps)

    @torch.no_grad()
    def features(self, images: Tensor, map_size: int) -> Tensor:
        """Features x (B, C, map_size, map_size), float32: all stages resized and concatenated in order.

        Implements {eq}`eq-features`. Bilinear with `align_corners=True`, as in the released code; nothing is averaged,
        so a map of 28 x 28 resized to 14 x 14 is sampled at 14 x 14 points and its other values are unused.

        Raises:
            InputError: as `forward`, or `map_size` is less than 1.
        """
        if map_size < 1:
            raise InputError(f"The map size must be at least 1, not {map_size}; usual values are 14 and 28.")
        size = (map_size, map_size)
        resized = [
            functional.interpolate(stage.float(), size, mode="bilinear", align_corners=True) for stage in self(images)
        ]
        return torch.cat(resized, dim=1)  # (B, C, map_size, map_size)


def load_backbone(
    name: str = weights.LITE0,
    *,
    stages: tuple[int, ...] | None = None,
    b4_padding_fix: bool = True,
    pretrained: bool = True,
) -> Backbone:
    """Any convolutional network or vision transformer that timm knows by `name`, frozen.

        x = load_backbone("resnet18").features(images, map_size=14)  # (B, 384, 14, 14)

    Args:
        name: the ImageNet weights of `tf_efficientnet_lite0` are in an installed package, as those of `..._lite1` and
            `..._lite2` may be; all others come from the hub.
        stages: timm's `out_indices`; by default those of stride 8 and 16, or the last two if all strides are equal.
        b4_padding_fix: only for EfficientNet-b4: pad one convolution as the released code does. Its SAME padding is
            that of 380 pixels at every size, (2, 2); timm's depends on the size and is (1, 2) at 224.
        pretrained: False gives random weights, the same at every call (seed 0), without internet access.

    Raises:
        InputError: unknown name, tag or stage, or unavailable weights.
    """
    _check_name(name)
    with weights.own_random_state():
        outline = _outline(name)
        stages = _default_stages(name, outline) if stages is None else _checked_stages(name, outline, stages)
        any_size = _takes_any_size(outline)
        net, origin = _weighted(name, stages, any_size) if pretrained else (_create(name, stages, any_size), "")
    weights_id = f"{origin or f'random, seed {weights.SEED}'}; sha256 {weights.state_sha256(net)}"
    if b4_padding_fix and _architecture(name) == B4 and max(stages) >= B4_STAGE:
        _pad_as_at_380(net)
        weights_id += "; padding of 380 pixels"
    return Backbone(net, name, stages, weights_id)


def backbone_of_run(settings: Mapping[str, Any]) -> Backbone:
    """The backbone whose features a run's model was trained on; settings: those saved with it (see `load_model`)."""
    identity = settings["backbone"]
    return load_backbone(identity["name"], stages=tuple(identity["stages"]))


def _architecture(name: str) -> str:
    return name.split(".")[0]


def _create(name: str, stages: tuple[int, ...], any_size: bool, pretrained: bool = False) -> Net:
    extra: dict[str, Any] = {"dynamic_img_size": True} if any_size else {}
    return timm.create_model(name, pretrained=pretrained, features_only=True, out_indices=stages, **extra)


def _check_name(name: str) -> None:
    architecture, _, tag = name.partition(".")
    known = timm.list_models()
    if architecture not in known:
        close = (
            ", ".join(difflib.get_close_matches(architecture, known, n=3)) or f"none; the default is {weights.LITE0}"
        )
        raise InputError(f"timm {timm.__version__} has no backbone {name!r}; the closest names are: {close}.")
    trained = timm.list_pretrained(f"{architecture}.*")
    if tag and name not in trained:
        raise InputError(f"timm has no weights {name!r}; of this network it has: {', '.join(trained) or 'none'}.")


def _outline(name: str) -> Net:
    """The network with random weights: only an instance knows which stages it has."""
    try:
        return timm.create_model(name, pretrained=False, features_only=True)
    except (RuntimeError, AttributeError, AssertionError) as error:
        raise InputError(f"{name} offers no stage maps in timm ({error}); choose another backbone.") from error


def _default_stages(name: str, outline: Net) -> tuple[int, ...]:
    strides = [info["reduction"] for info in outline.feature_info.info]
    if len(set(strides)) == 1:
        return tuple(range(len(strides)))[-2:]
    stages = tuple(index for index, stride in enumerate(strides) if stride in STRIDES)
    if {strides[index] for index in stages} != set(STRIDES):
        raise InputError(f"{name} has stages of strides {strides}, not both of {STRIDES}; pass `stages`.")
    return stages


def _checked_stages(name: str, outline: Net, stages: tuple[int, ...]) -> tuple[int, ...]:
    count = len(outline.feature_info.info)
    if not stages or list(stages) != sorted(set(stages)) or stages[0] < 0 or stages[-1] >= count:
        raise InputError(f"{name} has stages 0 to {count - 1}, and {stages} is no ascending choice of them.")
    return tuple(stages)


def _takes_any_size(outline: Net) -> bool:
    """Whether it is a transformer whose position embedding can be resized to the images' size (DINOv2 expects 518)."""
    inner = getattr(outline, "model", outline)
    return "dynamic_img_size" in inspect.signature(type(inner)).parameters


def _weighted(name: str, stages: tuple[int, ...], any_size: bool) -> tuple[Net, str]:
    """The network with trained weights, and the origin of these."""
    cfg = get_pretrained_cfg(name)
    if cfg is None or not cfg.has_weights:
        raise InputError(
            f"timm has no trained weights for {name!r}; choose another backbone, or pass pretrained=False."
        )
    full_name = f"{cfg.architecture}.{cfg.tag}" if cfg.tag else name
    if cfg.architecture in weights.PACKAGED:
        net = _create(name, stages, any_size)
        trained = weights.packaged_classifier(cfg.architecture).state_dict()
        net.load_state_dict({key: trained[key] for key in net.state_dict()})
        return net, f"package {weights.PACKAGED[cfg.architecture].package}"
    if cfg.hf_hub_id and not weights.in_hub_cache(cfg) and not weights.hub_answers():
        raise weights.unavailable_error(full_name, "no answer")
    try:
        return _create(name, stages, any_size, pretrained=True), f"hub {full_name}"
    except Exception as error:  # the same call without weights succeeded, so the weights must be the cause
        raise weights.unavailable_error(full_name, str(error)) from error


def _pad_as_at_380(net: Net) -> None:
    """Replace the 5 x 5 convolution of stride 2 that leads to stride 8 by one with a fixed padding of (2, 2)."""
    block = net.blocks[B4_STAGE][0]
    old = block.conv_dw
    new = nn.Conv2d(
        old.in_channels, old.out_channels, 5, stride=2, padding=2, groups=old.groups, bias=False, dtype=old.weight.dtype
    )
    new.weight = old.weight
    block.conv_dw = new
