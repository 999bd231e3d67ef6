"""Key map of the authors' CFFM and CFFM++ checkpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from openvss.weights.mmseg import HEAD, segmenter
from openvss.weights.renaming import Rule

_END = r"\.(weight|bias)"
_LAYER, _OURS = r"decoder_focal\.blocks\.(\d+)\.", r"layers.\1."
_BIAS, _TABLES = rf"{_LAYER}attn\.relative_position_bias_table", rf"{_OURS}attention.bias"
_GLOBAL, _OURS_GLOBAL = r"decoder_swin\.blocks\.(\d+)\.", r"global_layers.\1."


def cffm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint of CFFM or CFFM++ with the authors' names, which are mmsegmentation's, under ours."""
    return segmenter(
        {name: _reshaped(name.removeprefix(HEAD), value) for name, value in state.items()}, _CFFM
    )


def with_teacher(student: Mapping[str, Tensor], teacher: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a CFFM and of a larger one's frame features, for prototypes: what CFFM++ starts from."""
    needed = ("backbone.", "head.", "frame_classifier.")
    return {**student, **{f"teacher.{name}": x for name, x in teacher.items() if name.startswith(needed)}}


def _reshaped(name: str, value: Tensor) -> Tensor:
    """The weight of that name in their head as it is here."""
    if re.fullmatch(rf"{_LAYER}pool_layers(_clips)?\.\d\.weight", name):
        side = round(value.numel() ** 0.5)
        return value.view(side, side)
    if re.fullmatch(rf"{_BIAS}_to_neighbors", name):
        return value[0]
    if re.fullmatch(rf"{_GLOBAL}attn\.qkv{_END}", name):
        return value.chunk(3)[0]  # of the prototypes' keys and values they have another layer
    return value


_CFFM = [
    Rule(rf"linear_pred{_END}", (r"frame_classifier.project.\1",)),
    Rule(rf"linear_pred2{_END}", (r"classifier.project.\1",)),
    Rule(rf"linear_pred3{_END}", (r"global_classifier.project.\1",)),
    Rule(rf"{_LAYER}attn\.(relative_position_index.*|valid_ind_rolled)", ()),
    Rule(rf"{_LAYER}pool_layers\.0{_END}", (rf"{_OURS}assemble.pools.0.\2",)),
    *(
        Rule(rf"{_LAYER}pool_layers_clips\.{r}{_END}", (rf"{_OURS}assemble.pools.{r + 1}.\2",))
        for r in range(9)
    ),
    Rule(_BIAS, (f"{_TABLES}.tables.0",), "transposed"),
    Rule(rf"{_BIAS}_to_neighbors", (f"{_TABLES}.ring",)),
    Rule(rf"{_BIAS}_to_windows\.0", (f"{_TABLES}.tables.1",)),
    *(Rule(rf"{_BIAS}_to_windows_clips\.{r}", (f"{_TABLES}.tables.{r + 2}",)) for r in range(9)),
    Rule(rf"{_LAYER}attn\.qkv{_END}", (rf"{_OURS}attention.qkv.\2",)),
    Rule(rf"{_LAYER}attn\.proj{_END}", (rf"{_OURS}attention.project.\2",)),
    Rule(rf"{_LAYER}norm([12]){_END}", (rf"{_OURS}norm\2.\3",)),
    Rule(rf"{_LAYER}mlp\.fc1{_END}", (rf"{_OURS}mlp.0.\2",)),
    Rule(rf"{_LAYER}mlp\.fc2{_END}", (rf"{_OURS}mlp.2.\2",)),
    Rule(rf"{_GLOBAL}attn\.(relative_position_.*|proj\..*)", ()),  # built, but not used
    Rule(rf"{_GLOBAL}attn\.qkv{_END}", (rf"{_OURS_GLOBAL}query.\2",)),
    Rule(rf"{_GLOBAL}attn\.qkv_cluster{_END}", (rf"{_OURS_GLOBAL}key_value.\2",)),
    Rule(rf"{_GLOBAL}attn\.proj_cluster{_END}", (rf"{_OURS_GLOBAL}project.\2",)),
    Rule(rf"{_GLOBAL}norm([12]){_END}", (rf"{_OURS_GLOBAL}norm\2.\3",)),
    Rule(rf"{_GLOBAL}mlp\.fc1{_END}", (rf"{_OURS_GLOBAL}mlp.0.\2",)),
    Rule(rf"{_GLOBAL}mlp\.fc2{_END}", (rf"{_OURS_GLOBAL}mlp.2.\2",)),
]
