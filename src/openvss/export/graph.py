"""One step as an ONNX file: traced, tidied, its large tensors in a file that all graphs share."""

from __future__ import annotations

import hashlib
import io
import tempfile
import warnings
from pathlib import Path

import onnx
import onnxruntime
import torch
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from openvss.engines.manifest import Graph
from openvss.export.steps import AsGraph, Step
from openvss.models.base import VideoModel

OPSET = 18  # the first with an antialiased Resize
WEIGHTS = "weights.bin"
SMALL = 1024  # bytes that stay in the graph
ALIGNED = 4096  # bytes at whose multiples the others begin, so that they can be mapped


class Weights:
    """The file of large tensors; equal ones are in it once."""

    def __init__(self, folder: Path) -> None:
        self._file, self._places = folder / WEIGHTS, dict[bytes, tuple[int, int]]()
        self._file.write_bytes(b"")

    def move(self, model: ModelProto) -> None:
        """Take the large tensors out of a graph."""
        with self._file.open("ab") as file:
            for tensor in model.graph.initializer:
                content = numpy_helper.to_array(tensor).tobytes()
                if len(content) <= SMALL:
                    continue
                key = hashlib.sha256(content).digest()
                if key not in self._places:
                    file.write(b"\0" * (-file.tell() % ALIGNED))
                    self._places[key] = file.tell(), len(content)
                    file.write(content)
                offset, length = self._places[key]
                tensor.ClearField("raw_data")
                tensor.ClearField("float_data")
                tensor.data_location = TensorProto.EXTERNAL
                for name, value in (("location", WEIGHTS), ("offset", offset), ("length", length)):
                    tensor.external_data.add(key=name, value=str(value))


def write_graph(model: VideoModel, step: Step, folder: Path, weights: Weights) -> Graph:
    """Trace a step and write its graph."""
    proto = _traced(model, step)
    _pad_in_convolutions(proto)
    weights.move(proto)
    file = f"{step.name}.onnx"
    onnx.save(proto, folder / file)
    return Graph(
        file=file,
        inputs=tuple(one.name for one in proto.graph.input),  # a step may need less than it was given
        outputs=tuple(step.outputs),
    )


def _traced(model: VideoModel, step: Step) -> ModelProto:
    examples = tuple(
        x.permute(0, 2, 3, 1).contiguous() if name in step.last else x for name, x in step.inputs.items()
    )
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sizes that become constants: `check` finds those that should not
        torch.onnx.export(
            AsGraph(model, step).eval(),
            examples,
            content,  # type: ignore[arg-type]  # the stubs know the other exporter
            dynamo=False,  # the other exporter takes minutes for sizes that are symbols
            opset_version=OPSET,
            input_names=list(step.inputs),
            output_names=list(step.outputs),
            dynamic_axes={
                name: _free_axes(name, x, step) for name, x in {**step.inputs, **step.outputs}.items()
            },
        )
    return _folded(content.getvalue())


def _folded(content: bytes) -> ModelProto:
    """What depends on constants only as a constant: the tracer spells out each amount of padding."""
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(Path(folder, "folded.onnx"))
        options.log_severity_level = 3
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def _free_axes(name: str, x: torch.Tensor, step: Step) -> list[int]:
    """Heights and widths; of words and logits the number of words."""
    if name == "words":
        return [0]
    if name == "logits":
        return [1, 2, 3]
    return list(range(1, x.ndim - 1)) if name in step.last else list(range(2, x.ndim))


def _pad_in_convolutions(proto: ModelProto) -> None:
    """Let convolutions pad for themselves, also unevenly, as PyTorch's cannot."""
    graph = proto.graph
    constants = {node.output[0]: node for node in graph.node if node.op_type == "Constant"}
    tensors = {one.name: one for one in graph.initializer}
    takers: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            takers.setdefault(name, []).append(node)

    def values(name: str) -> list[int] | None:
        if name in tensors:
            return [int(x) for x in numpy_helper.to_array(tensors[name])]
        if name in constants:
            return [int(x) for x in numpy_helper.to_array(constants[name].attribute[0].t)]
        return None

    for pad in [node for node in graph.node if node.op_type == "Pad"]:
        used, amounts = takers.get(pad.output[0], []), values(pad.input[1])
        if amounts is None or len(amounts) != 8 or any(node.op_type != "Conv" for node in used):
            continue
        top, left, bottom, right = amounts[2], amounts[3], amounts[6], amounts[7]
        for convolution in used:
            pads = next(one for one in convolution.attribute if one.name == "pads")
            pads.ints[:] = [a + b for a, b in zip(pads.ints, (top, left, bottom, right), strict=True)]
            convolution.input[0] = pad.input[0]
        graph.node.remove(pad)


def _antialiased(g: object, x: object, size: object, *rest: object) -> object:
    """The operator that torch's tracer does not know: ONNX has it as an attribute of Resize."""
    del rest
    shape = g.op("Shape", x)  # type: ignore[attr-defined]
    start, end = (g.op("Constant", value_t=torch.tensor([n])) for n in (0, 2))  # type: ignore[attr-defined]
    kept = g.op("Slice", shape, start, end)  # type: ignore[attr-defined]
    sizes = g.op("Concat", kept, g.op("Cast", size, to_i=7), axis_i=0)  # type: ignore[attr-defined]
    empty = g.op("Constant", value_t=torch.tensor([], dtype=torch.float32))  # type: ignore[attr-defined]
    return g.op(  # type: ignore[attr-defined]
        "Resize", x, empty, empty, sizes, antialias_i=1, exclude_outside_i=1, mode_s="linear",
        coordinate_transformation_mode_s="pytorch_half_pixel",
    )  # fmt: skip


torch.onnx.register_custom_op_symbolic(  # type: ignore[attr-defined]
    "aten::_upsample_bilinear2d_aa", _antialiased, OPSET
)
