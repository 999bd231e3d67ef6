"""What engines and their precisions are called."""

from typing import Literal

Name = Literal["torch", "onnx"]
Choice = Literal["auto", "onnx", "torch"]
Precision = Literal["fp32", "bf16", "fp16"]
