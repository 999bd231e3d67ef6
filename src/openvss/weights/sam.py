"""Key maps of SAM, the whole of it or its image encoder alone, to our modules."""

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
    """Weights as `SamModel.save_pretrained` writes them -> `models.encoders.sam.Sam`."""
    tables = {twin: state[name] for name in _TWINS if name in state for twin in _TWINS}
    return {f"sam.{name}": value for name, value in ({**state, **tables}).items()}


def image_encoder(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of a file of transformers or Meta the image encoder alone -> `encoders.vit.ViT`."""
    raw = any(name.startswith("image_encoder.") for name in state)
    return rename(state, [*(_META if raw else _TRANSFORMERS), Rule(_REST, ())])


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
