"""ONNX files: what onnxruntime computes is what PyTorch does, and a broken file is named."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gradlib.deploy.onnx_file import largest_difference, write_onnx
from gradlib.deploy.onnx_session import open_session
from gradlib.errors import InputError


class Small(nn.Module):
    """Two outputs from two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3)

    def forward(self, image: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.layer(image) + shift
        return maps, maps.amax(dim=(1, 2, 3))


class Changing(nn.Module):
    """Computes something else when exported."""

    def __init__(self, added: float) -> None:
        super().__init__()
        self.added = added

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return 2 * x, (x + self.added if torch.compiler.is_compiling() else x)


def example() -> list[Tensor]:
    return [torch.rand(1, 3, 8, 8), torch.rand(1)]


def test_file_computes_what_the_module_does(tmp_path: Path) -> None:
    module, names = Small(), {"inputs": ["image", "shift"], "outputs": ["map", "score"]}
    path = write_onnx(module, example(), tmp_path / "new" / "small.onnx", **names, metadata={"C": [3, 4], "name": "ü"})
    assert max(largest_difference(path, module, example()) for _ in range(5)) < 1e-5
    session = open_session(path)
    assert [node.name for node in session.get_inputs()] == names["inputs"]
    assert [node.name for node in session.get_outputs()] == names["outputs"]
    metadata_read = {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}
    assert metadata_read == {"C": [3, 4], "name": "ü"}
    assert [file.name for file in path.parent.iterdir()] == ["small.onnx"]


@pytest.mark.parametrize("added", [1.0, float("nan")])
def test_file_that_differs_is_removed(added: float, tmp_path: Path) -> None:
    module, path = Changing(added), tmp_path / "changing.onnx"
    with pytest.raises(InputError, match=r"changing\.onnx differs from PyTorch by"):
        write_onnx(module, [torch.rand(1, 2)], path, inputs=["x"], outputs=["double", "sum"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("contents", [None, b"", b"no ONNX model"])
def test_broken_file_is_named(contents: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(InputError, match=r"broken\.onnx cannot be read as an ONNX model"):
        open_session(path)
