"""Write models as ONNX files, which run without PyTorch: in onnxruntime, also in a browser by its WebAssembly build."""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from gradlib.deploy.onnx_session import open_session
from gradlib.errors import InputError
from gradlib.files import replace_file

OPSET = 18
TOLERANCE = 1e-4  # of onnxruntime against PyTorch, relative to the largest number of an output


def write_onnx(
    module: nn.Module,
    example: Sequence[Tensor],
    path: Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Export a module in evaluation mode for inputs of the example's shapes; returns the path.

    The file is checked before it replaces an old one. metadata: plain JSON types, stored in the file as text under
    their names. Raises InputError if onnxruntime and PyTorch differ on the example by more than TOLERANCE.
    """
    module = module.eval().cpu()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module, tuple(example), dynamo=True, opset_version=OPSET, verbose=False,
            input_names=list(inputs), output_names=list(outputs),
        )  # fmt: skip
    assert program is not None
    model = program.model_proto
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in (metadata or {}).items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(model.SerializeToString())
        difference = largest_difference(part, module, example)
        if not difference <= TOLERANCE:  # NaN counts as a difference
            raise InputError(f"{path.name} differs from PyTorch by {difference:.1g}: report it with your versions.")
        replace_file(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def largest_difference(path: Path, module: nn.Module, example: Sequence[Tensor]) -> float:
    """The largest difference between onnxruntime's outputs and PyTorch's, relative to each output's largest number.

    example: one tensor for each input. NaN if an output holds NaN. Raises InputError as `open_session` does.
    """
    session = open_session(path)
    named = zip(session.get_inputs(), example, strict=True)
    outputs = session.run(None, {node.name: tensor.numpy() for node, tensor in named})
    with torch.no_grad():
        expected = module(*example)
    expected = (expected,) if isinstance(expected, Tensor) else expected
    pairs = zip(outputs, (tensor.numpy() for tensor in expected), strict=True)
    # NumPy's maximum, as Python's may skip NaN
    return float(np.max([np.abs(one - other).max() / max(np.abs(other).max(), 1e-12) for one, other in pairs]))
