"""Meta's files of SAM, made up: the tensors of transformers' under the names of the release."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

MLP = r"(mask_decoder\.(?:output_hypernetworks_mlps\.\d|iou_prediction_head))"
NAMES = (
    (r"vision_encoder\.(.*)", r"image_encoder.\1"),
    (r"(image_encoder\.patch_embed)\.projection\.(.*)", r"\1.proj.\2"),
    (r"(image_encoder)\.layers\.(.*)", r"\1.blocks.\2"),
    (r"(image_encoder\.blocks\.\d+)\.layer_norm(\d\..*)", r"\1.norm\2"),
    (r"(image_encoder\.neck)\.conv1\.(.*)", r"\1.0.\2"),
    (r"(image_encoder\.neck)\.layer_norm1\.(.*)", r"\1.1.\2"),
    (r"(image_encoder\.neck)\.conv2\.(.*)", r"\1.2.\2"),
    (r"(image_encoder\.neck)\.layer_norm2\.(.*)", r"\1.3.\2"),
    (r"prompt_encoder\.shared_embedding\.positional_embedding",
     "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"),
    (r"prompt_encoder\.point_embed\.(.*)", r"prompt_encoder.point_embeddings.\1"),
    (r"prompt_encoder\.mask_embed\.conv1\.(.*)", r"prompt_encoder.mask_downscaling.0.\1"),
    (r"prompt_encoder\.mask_embed\.layer_norm1\.(.*)", r"prompt_encoder.mask_downscaling.1.\1"),
    (r"prompt_encoder\.mask_embed\.conv2\.(.*)", r"prompt_encoder.mask_downscaling.3.\1"),
    (r"prompt_encoder\.mask_embed\.layer_norm2\.(.*)", r"prompt_encoder.mask_downscaling.4.\1"),
    (r"prompt_encoder\.mask_embed\.conv3\.(.*)", r"prompt_encoder.mask_downscaling.6.\1"),
    (r"(mask_decoder\.transformer\.layers\.\d)\.layer_norm(\d\..*)", r"\1.norm\2"),
    (r"(mask_decoder\.transformer)\.layer_norm_final_attn\.(.*)", r"\1.norm_final_attn.\2"),
    (r"mask_decoder\.upscale_conv1\.(.*)", r"mask_decoder.output_upscaling.0.\1"),
    (r"mask_decoder\.upscale_layer_norm\.(.*)", r"mask_decoder.output_upscaling.1.\1"),
    (r"mask_decoder\.upscale_conv2\.(.*)", r"mask_decoder.output_upscaling.3.\1"),
    (rf"{MLP}\.layers\.0\.(.*)", r"\1.layers.1.\2"),
    (rf"{MLP}\.proj_in\.(.*)", r"\1.layers.0.\2"),
    (rf"{MLP}\.proj_out\.(.*)", r"\1.layers.2.\2"),
)  # fmt: skip


def metas_state(theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state of transformers' `SamModel` as Meta's file has it: the table of positions is there once."""
    return {metas_name(n): x for n, x in theirs.items() if not n.startswith("shared_image_embedding.")}


def metas_name(name: str) -> str:
    """Meta's name of a tensor of transformers' `SamModel`."""
    for ours, metas in NAMES:
        if match := re.fullmatch(ours, name):
            name = match.expand(metas)
    return name
