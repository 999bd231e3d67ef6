"""Key maps of SAM, the whole of it or its image encoder alone, to our modules.

Files of Meta and of transformers hold the same tensors, of the same shapes, under different names.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from openvss.weights.renaming import Rule, rename

# One table of positions, which the network has in two places and files have in either or both.
_TWINS = (
    "shared_image_embedding.positional_embedding",
    "prompt_encoder.shared_embedding.positional_embedding",
)


def sam(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as `SamModel.save_pretrained` or Meta writes them -> `models.encoders.sam.Sam`; ours stay."""
    if _is_metas(state):
        state = rename(state, _WHOLE_META)
    tables = {twin: state[name] for name in _TWINS if name in state for twin in _TWINS}
    return {n if n.startswith("sam.") else f"sam.{n}": x for n, x in ({**state, **tables}).items()}


def image_encoder(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of a file of transformers or Meta the image encoder alone -> `encoders.vit.ViT`."""
    return rename(state, [*(_META if _is_metas(state) else _TRANSFORMERS), Rule(_REST, ())])


def _is_metas(state: Mapping[str, Tensor]) -> bool:
    return any(name.startswith("image_encoder.") for name in state)


_END = r"\.(weight|bias)"
_REST = r"(prompt_encoder|mask_decoder|shared_image_embedding)\..*"
_BLOCK, _LAYER = r"image_encoder\.blocks\.(\d+)\.", r"model.layers.\1."

_META = [
    Rule(r"image_encoder\.pos_embed", ("model.pos_embed",)),
    Rule(rf"image_encoder\.patch_embed\.proj{_END}", (r"model.patch_embed.projection.\1",)),
    Rule(rf"{_BLOCK}norm([12]){_END}", (rf"{_LAYER}layer_norm\2.\3",)),
    Rule(rf"{_BLOCK}(attn\.qkv|attn\.proj|mlp\.lin1|mlp\.lin2){_END}", (rf"{_LAYER}\2.\3",)),
    Rule(rf"{_BLOCK}(attn\.rel_pos_[hw])", (rf"{_LAYER}\2",)),
    Rule(r"image_encoder\.neck\.0\.weight", ("model.neck.conv1.weight",)),
    Rule(rf"image_encoder\.neck\.1{_END}", (r"model.neck.layer_norm1.\1",)),
    Rule(r"image_encoder\.neck\.2\.weight", ("model.neck.conv2.weight",)),
    Rule(rf"image_encoder\.neck\.3{_END}", (r"model.neck.layer_norm2.\1",)),
]

_TRANSFORMERS = [Rule(r"vision_encoder\.(.*)", (r"model.\1",))]

_ATTENTION = r"mask_decoder\.transformer\."
_MLP = r"(mask_decoder\.(?:output_hypernetworks_mlps\.\d|iou_prediction_head))\.layers"
# Places in Meta's sequences; those between have no weights.
_MASK_EMBED = {0: "conv1", 1: "layer_norm1", 3: "conv2", 4: "layer_norm2", 6: "conv3"}
_UPSCALE = {0: "upscale_conv1", 1: "upscale_layer_norm", 3: "upscale_conv2"}
_MLP_LAYERS = {0: "proj_in", 1: "layers.0", 2: "proj_out"}

# To the names of transformers. What is not listed has the same name there.
_WHOLE_META = [
    *(
        Rule(rule.pattern, tuple(name.replace("model.", "vision_encoder.", 1) for name in rule.names))
        for rule in _META
    ),
    Rule(r"prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix", (_TWINS[1],)),
    Rule(r"prompt_encoder\.point_embeddings\.(.*)", (r"prompt_encoder.point_embed.\1",)),
    *(
        Rule(rf"prompt_encoder\.mask_downscaling\.{place}{_END}", (rf"prompt_encoder.mask_embed.{ours}.\1",))
        for place, ours in _MASK_EMBED.items()
    ),
    Rule(
        rf"{_ATTENTION}layers\.(\d)\.norm([1-4]){_END}",
        (r"mask_decoder.transformer.layers.\1.layer_norm\2.\3",),
    ),
    Rule(rf"{_ATTENTION}norm_final_attn{_END}", (r"mask_decoder.transformer.layer_norm_final_attn.\1",)),
    *(
        Rule(rf"mask_decoder\.output_upscaling\.{place}{_END}", (rf"mask_decoder.{ours}.\1",))
        for place, ours in _UPSCALE.items()
    ),
    *(Rule(rf"{_MLP}\.{place}{_END}", (rf"\1.{ours}.\2",)) for place, ours in _MLP_LAYERS.items()),
]
