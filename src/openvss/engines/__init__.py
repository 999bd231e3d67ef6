"""What runs a model: PyTorch, or ONNX Runtime on an exported folder."""
