"""Run an ONNX file without PyTorch."""

from pathlib import Path

import onnxruntime

from gradlib.errors import InputError


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """The ONNX file loaded by onnxruntime on the CPU. Raises InputError if it is missing or not an ONNX model."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise InputError(f"{path} cannot be read as an ONNX model ({error}): export it again.") from error
