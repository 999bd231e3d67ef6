"""Key map of MiT: from the naming of mmsegmentation or of transformers' checkpoints to our backbone."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from openvss.weights.renaming import Rule, rename

STAGES = 4

_END = r"\.(weight|bias)"


def mit(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The backbone's weights, whichever the naming; classifiers and decoders on top of it are left out."""
    if any(name.startswith("segformer.") for name in state):
        return rename(state, [*TRANSFORMERS, Rule(r"(classifier|decode_head)\..*", ())])
    whole = {name.removeprefix("backbone."): v for name, v in state.items() if name.startswith("backbone.")}
    return rename(whole or state, [*MMSEG, Rule(rf"head{_END}", ())])


def _mmseg(stage: int) -> list[Rule]:
    """Their stages count from 1; keys and values are one matrix."""
    n, ours = stage + 1, f"model.stages.{stage}."
    block, blocks = rf"block{n}\.(\d+)\.", rf"{ours}blocks.\1."
    return [
        Rule(rf"patch_embed{n}\.proj{_END}", (rf"{ours}patch_embeddings.proj.\1",)),
        Rule(rf"patch_embed{n}\.norm{_END}", (rf"{ours}patch_embeddings.layer_norm.\1",)),
        Rule(rf"{block}norm1{_END}", (rf"{blocks}layernorm_before.\2",)),
        Rule(rf"{block}norm2{_END}", (rf"{blocks}layernorm_after.\2",)),
        Rule(rf"{block}attn\.q{_END}", (rf"{blocks}attention.q_proj.\2",)),
        Rule(
            rf"{block}attn\.kv{_END}",
            (rf"{blocks}attention.k_proj.\2", rf"{blocks}attention.v_proj.\2"),
            "in halves",
        ),
        Rule(rf"{block}attn\.proj{_END}", (rf"{blocks}attention.o_proj.\2",)),
        Rule(rf"{block}attn\.sr{_END}", (rf"{blocks}attention.sequence_reduction.sequence_reduction.\2",)),
        Rule(rf"{block}attn\.norm{_END}", (rf"{blocks}attention.sequence_reduction.layer_norm.\2",)),
        Rule(rf"{block}mlp\.(fc1|fc2|dwconv\.dwconv){_END}", (rf"{blocks}mlp.\2.\3",)),
        Rule(rf"norm{n}{_END}", (rf"{ours}layer_norm.\1",)),
    ]


MMSEG = [rule for stage in range(STAGES) for rule in _mmseg(stage)]

_BLOCK, _BLOCKS = r"segformer\.encoder\.block\.(\d)\.(\d+)\.", r"model.stages.\1.blocks.\2."
_ATTENTION = rf"{_BLOCK}attention\."

# The names that checkpoints of the hub have; transformers renames them when it loads them.
TRANSFORMERS = [
    Rule(
        rf"segformer\.encoder\.patch_embeddings\.(\d)\.(proj|layer_norm){_END}",
        (r"model.stages.\1.patch_embeddings.\2.\3",),
    ),
    Rule(rf"{_BLOCK}layer_norm_1{_END}", (rf"{_BLOCKS}layernorm_before.\3",)),
    Rule(rf"{_BLOCK}layer_norm_2{_END}", (rf"{_BLOCKS}layernorm_after.\3",)),
    Rule(rf"{_ATTENTION}self\.query{_END}", (rf"{_BLOCKS}attention.q_proj.\3",)),
    Rule(rf"{_ATTENTION}self\.key{_END}", (rf"{_BLOCKS}attention.k_proj.\3",)),
    Rule(rf"{_ATTENTION}self\.value{_END}", (rf"{_BLOCKS}attention.v_proj.\3",)),
    Rule(rf"{_ATTENTION}output\.dense{_END}", (rf"{_BLOCKS}attention.o_proj.\3",)),
    Rule(rf"{_ATTENTION}self\.sr{_END}", (rf"{_BLOCKS}attention.sequence_reduction.sequence_reduction.\3",)),
    Rule(rf"{_ATTENTION}self\.layer_norm{_END}", (rf"{_BLOCKS}attention.sequence_reduction.layer_norm.\3",)),
    Rule(rf"{_BLOCK}mlp\.dense1{_END}", (rf"{_BLOCKS}mlp.fc1.\3",)),
    Rule(rf"{_BLOCK}mlp\.dense2{_END}", (rf"{_BLOCKS}mlp.fc2.\3",)),
    Rule(rf"{_BLOCK}mlp\.dwconv\.dwconv{_END}", (rf"{_BLOCKS}mlp.dwconv.dwconv.\3",)),
    Rule(rf"segformer\.encoder\.layer_norm\.(\d){_END}", (r"model.stages.\1.layer_norm.\2",)),
    Rule(r"segformer\.(stages\..*)", (r"model.\1",)),  # what transformers writes if asked not to rename
]
