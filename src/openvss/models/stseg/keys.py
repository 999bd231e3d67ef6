"""Key map of SED's released checkpoints to `models.stseg.sed.SED`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from openvss.weights import open_clip
from openvss.weights.renaming import Rule, rename

CLIP = "sem_seg_head.predictor.clip_model."
DECODER = "sem_seg_head.predictor.transformer."

_END = r"\.(weight|bias)"


def sed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their checkpoint, with the CLIP that was tuned along, under our names."""
    clip = {n.removeprefix(CLIP): v for n, v in state.items() if n.startswith(CLIP)}
    rest = {n.removeprefix(DECODER): v for n, v in state.items() if not n.startswith(CLIP)}
    return {f"pair.{n}": v for n, v in open_clip.convnext(clip).items()} | rename(rest, _DECODER)


def _stage(number: int) -> list[Rule]:
    theirs, ours = rf"decoder{number + 1}\.", f"decoder.stages.{number}."
    return [
        Rule(rf"{theirs}cnext\.dwconv{_END}", (rf"{ours}surroundings.depthwise.\1",)),
        Rule(rf"{theirs}cnext\.norm{_END}", (rf"{ours}surroundings.norm.\1",)),
        Rule(rf"{theirs}cnext\.pwconv1{_END}", (rf"{ours}surroundings.up.\1",)),
        Rule(rf"{theirs}cnext\.pwconv2{_END}", (rf"{ours}surroundings.down.\1",)),
        Rule(rf"{theirs}cnext\.gamma", (f"{ours}surroundings.scale",)),
        Rule(rf"{theirs}attention\.attention\.([qkv]){_END}", (rf"{ours}attention.\1.\2",)),
        Rule(rf"{theirs}attention\.MLP\.([02]){_END}", (rf"{ours}attention.mlp.\1.\2",)),
        Rule(rf"{theirs}attention\.norm([12]){_END}", (rf"{ours}attention.norm\1.\2",)),
        Rule(rf"{theirs}up{_END}", (rf"{ours}fusion.raise_map.\1",)),
        Rule(rf"{theirs}conv\.double_conv\.([0134]){_END}", (rf"{ours}fusion.join.\1.\2",)),
    ]


_DECODER = [
    Rule(rf"conv1{_END}", (r"decoder.embed.\1",)),
    *(rule for number in range(3) for rule in _stage(number)),
    Rule(rf"decoder_guidance_projection\.(\d)\.0{_END}", (r"decoder.stages.\1.fusion.skip.0.\2",)),
    Rule(rf"decoder_corr_guidance_projection\.(\d)\.0{_END}", (r"decoder.stages.\1.fusion.guide.0.\2",)),
    Rule(rf"head([012]){_END}", (r"decoder.early.\1.\2",)),
    Rule(rf"head{_END}", (r"decoder.head.\1",)),
]
