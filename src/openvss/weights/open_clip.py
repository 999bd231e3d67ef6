"""Key maps of CLIP: from the naming of open_clip and OpenAI, and of transformers, to that of our pairs."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from openvss.weights.renaming import Rule, rename

_END = r"\.(weight|bias)"


def vit(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a CLIP with a plain vision transformer, of either naming -> `encoders.clip.ClipViT`."""
    if "visual.conv1.weight" in state:
        return rename(_flat(state), [*_transformer("visual.", "clip.vision_model."), *_VIT, *_text("clip.")])
    return rename(state, _TRANSFORMERS)


def convnext(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """open_clip's weights of a CLIP with a ConvNeXt -> `encoders.convnext_clip.ConvNextClip`."""
    return rename(_flat(state), [*_CONVNEXT, *_text("words."), Rule("logit_scale", ())])


def _flat(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Newer files have the text tower under a name of its own."""
    return {name.removeprefix("text."): value for name, value in state.items()}


def _transformer(theirs: str, ours: str) -> list[Rule]:
    """The blocks of either tower."""
    block, layer = rf"{theirs}transformer\.resblocks\.(\d+)\.", rf"{ours}encoder.layers.\1."
    attention = [rf"{layer}self_attn.{part}_proj" for part in "qkv"]
    return [
        Rule(rf"{block}ln_1{_END}", (rf"{layer}layer_norm1.\2",)),
        Rule(rf"{block}ln_2{_END}", (rf"{layer}layer_norm2.\2",)),
        Rule(rf"{block}attn\.in_proj_(weight|bias)", tuple(rf"{a}.\2" for a in attention), "in thirds"),
        Rule(rf"{block}attn\.out_proj{_END}", (rf"{layer}self_attn.out_proj.\2",)),
        Rule(rf"{block}mlp\.c_fc{_END}", (rf"{layer}mlp.fc1.\2",)),
        Rule(rf"{block}mlp\.c_proj{_END}", (rf"{layer}mlp.fc2.\2",)),
    ]


def _text(ours: str) -> list[Rule]:
    tower = f"{ours}text_model."
    return [
        *_transformer("", tower),
        Rule(r"token_embedding\.weight", (f"{tower}embeddings.token_embedding.weight",)),
        Rule(r"positional_embedding", (f"{tower}embeddings.position_embedding.weight",)),
        Rule(rf"ln_final{_END}", (rf"{tower}final_layer_norm.\1",)),
        # They multiply from the left. The matrix may be square, so a missed transpose would raise no error.
        Rule(r"text_projection", (f"{ours}text_projection.weight",), "transposed"),
        Rule(r"attn_mask|input_resolution|context_length|vocab_size", ()),
    ]


_VIT = [
    Rule(r"visual\.conv1\.weight", ("clip.vision_model.embeddings.patch_embedding.weight",)),
    Rule(r"visual\.class_embedding", ("clip.vision_model.embeddings.class_embedding",)),
    Rule(r"visual\.positional_embedding", ("clip.vision_model.embeddings.position_embedding.weight",)),
    Rule(rf"visual\.ln_pre{_END}", (r"clip.vision_model.pre_layrnorm.\1",)),  # their spelling
    Rule(rf"visual\.ln_post{_END}", (r"clip.vision_model.post_layernorm.\1",)),
    Rule(r"visual\.proj", ("clip.visual_projection.weight",), "transposed"),
    Rule(r"logit_scale", ("clip.logit_scale",)),
]

_TRANSFORMERS = [
    Rule(r".*\.position_ids", ()),  # older files have them, but they carry no information
    Rule(r"(.*)", (r"clip.\1",)),
]

_STAGE = r"visual\.trunk\.stages\.(\d+)\."
_BLOCK = rf"{_STAGE}blocks\.(\d+)\."
_LAYER = r"image.encoder.stages.\1.layers.\2."

_CONVNEXT = [
    Rule(rf"visual\.trunk\.stem\.0{_END}", (r"image.embeddings.patch_embeddings.\1",)),
    Rule(rf"visual\.trunk\.stem\.1{_END}", (r"image.embeddings.layernorm.\1",)),
    Rule(rf"{_STAGE}downsample\.([01]){_END}", (r"image.encoder.stages.\1.downsampling_layer.\2.\3",)),
    Rule(rf"{_BLOCK}conv_dw{_END}", (rf"{_LAYER}dwconv.\3",)),
    Rule(rf"{_BLOCK}norm{_END}", (rf"{_LAYER}layernorm.\3",)),
    Rule(rf"{_BLOCK}mlp\.fc([12])\.weight", (rf"{_LAYER}pwconv\3.weight",), "squeezed"),
    Rule(rf"{_BLOCK}mlp\.fc([12])\.bias", (rf"{_LAYER}pwconv\3.bias",)),
    Rule(rf"{_BLOCK}gamma", (rf"{_LAYER}layer_scale_parameter",)),
    Rule(rf"visual\.trunk\.head\.norm{_END}", (r"image.layernorm.\1",)),
    Rule(r"visual\.head\.proj\.weight", ("projection.weight",)),
]
