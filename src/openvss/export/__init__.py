"""Models as ONNX graphs, for a runtime without PyTorch."""
