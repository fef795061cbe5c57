"""A trained detector in use: ONNX files, thresholds, folders of photographs."""
