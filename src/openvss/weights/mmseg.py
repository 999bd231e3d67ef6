"""Key map of mmsegmentation's SegFormer, MiT and the head that fuses its maps, and of what is built on it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

from openvss.weights.mit import mit
from openvss.weights.renaming import Rule, rename

SCALES = 4
HEAD = "decode_head."

_END = r"\.(weight|bias)"
_BN = r"\.(weight|bias|running_mean|running_var|num_batches_tracked)"


def segmenter(state: Mapping[str, Tensor], rules: Sequence[Rule]) -> dict[str, Tensor]:
    """A whole checkpoint, as mmsegmentation or transformers names it, under our names.

    Args:
        state: Their weights; ours stay as they are.
        rules: About what the head has beside the maps that it fuses.
    """
    if not any(name.startswith(HEAD) for name in state):
        return dict(state)
    head = {n.removeprefix(HEAD): v for n, v in state.items() if n.startswith(HEAD)}
    rest = {n: v for n, v in state.items() if not n.startswith(HEAD)}
    backbone = {f"backbone.{name}": value for name, value in mit(rest).items()}
    return backbone | rename(_reshaped(head), [*_FUSING, *rules])


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
        else:
            new[name] = value
    return new


_FUSING = [
    *(
        Rule(rf"linear_c\.?{theirs}\.proj{_END}", (rf"head.reduce.{scale}.\1",))
        for scale, theirs in enumerate(range(1, SCALES + 1))
    ),
    Rule(r"fuse\.(\d)\.weight", (r"head.fuse.\1.weight",)),
    Rule(rf"(?:linear_fuse\.bn|batch_norm){_BN}", (r"head.norm.\1",)),
    Rule(rf"conv_seg{_END}", ()),  # every head of mmsegmentation has it, whether used or not
]
