"""Key map of the authors' CFFM and CFFM++ checkpoints, and of mmsegmentation's and the hub's SegFormer."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from openvss.weights.mit import mit
from openvss.weights.renaming import Rule, rename

SCALES = 4

_END = r"\.(weight|bias)"
_BN = r"\.(weight|bias|running_mean|running_var|num_batches_tracked)"
_LAYER, _OURS = r"decoder_focal\.blocks\.(\d+)\.", r"layers.\1."
_BIAS, _TABLES = rf"{_LAYER}attn\.relative_position_bias_table", rf"{_OURS}attention.bias"
_GLOBAL, _OURS_GLOBAL = r"decoder_swin\.blocks\.(\d+)\.", r"global_layers.\1."


def cffm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint of CFFM or CFFM++ with the authors' names, which are mmsegmentation's, under ours."""
    return _whole(state, _CFFM)


def segformer(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint of SegFormer as mmsegmentation or transformers names it, under our names."""
    return _whole(state, _SEGFORMER)


def with_teacher(student: Mapping[str, Tensor], teacher: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a CFFM and of a larger one's frame features, for prototypes: what CFFM++ starts from."""
    needed = ("backbone.", "head.", "frame_classifier.")
    return {**student, **{f"teacher.{name}": x for name, x in teacher.items() if name.startswith(needed)}}


def _whole(state: Mapping[str, Tensor], rules: list[Rule]) -> dict[str, Tensor]:
    if not any(name.startswith("decode_head.") for name in state):
        return dict(state)
    head = {n.removeprefix("decode_head."): v for n, v in state.items() if n.startswith("decode_head.")}
    rest = {n: v for n, v in state.items() if not n.startswith("decode_head.")}
    backbone = {f"backbone.{name}": value for name, value in mit(rest).items()}
    return backbone | rename(_reshaped(head), rules)


def _reshaped(head: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Matrices as the 1x1 convolutions that they are here, and a fusing layer for each scale.

    They fuse the concatenation of all scales, coarsest first.
    """
    new: dict[str, Tensor] = {}
    for name, value in head.items():
        if name in ("linear_fuse.conv.weight", "linear_fuse.weight"):
            parts = reversed(value.chunk(SCALES, dim=1))
            new |= {f"fuse.{scale}.weight": part for scale, part in enumerate(parts)}
        elif re.fullmatch(r"linear_c.*\.proj\.weight", name):
            new[name] = value[:, :, None, None]
        elif re.fullmatch(rf"{_LAYER}pool_layers(_clips)?\.\d\.weight", name):
            side = round(value.numel() ** 0.5)
            new[name] = value.view(side, side)
        elif re.fullmatch(rf"{_BIAS}_to_neighbors", name):
            new[name] = value[0]
        elif re.fullmatch(rf"{_GLOBAL}attn\.qkv{_END}", name):
            new[name] = value.chunk(3)[0]  # of the prototypes' keys and values they have another layer
        else:
            new[name] = value
    return new


_HEAD = [
    *(
        Rule(rf"linear_c\.?{theirs}\.proj{_END}", (rf"head.reduce.{scale}.\1",))
        for scale, theirs in enumerate(range(1, SCALES + 1))
    ),
    Rule(r"fuse\.(\d)\.weight", (r"head.fuse.\1.weight",)),
    Rule(rf"(?:linear_fuse\.bn|batch_norm){_BN}", (r"head.norm.\1",)),
    Rule(rf"conv_seg{_END}", ()),  # every head of mmsegmentation has it, used or not
]

_SEGFORMER = [*_HEAD, Rule(rf"(?:linear_pred|classifier){_END}", (r"classifier.project.\1",))]

_CFFM = [
    *_HEAD,
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
