"""CLIP's plain vision transformer as an image-text pair with dense features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from torch import Tensor, nn

from openvss.models.encoders.clip_text import ClipText
from openvss.models.encoders.pixels import CLIP_MEAN, CLIP_STD, normalise, whole_cells
from openvss.weights import open_clip
from openvss.weights.public import fill_published

if TYPE_CHECKING:
    from transformers import CLIPConfig

ViTSize = Literal["vit-b16", "nano"]
HUB = "openai/clip-vit-base-patch16"


class ClipViT(nn.Module):
    """An `ImageText` pair, frozen.

    Dense features take the value path of the last block: there, each token is projected to its own value
    instead of attending, is added to itself and passes the rest of the network as the class token would.
    (CAT-Seg adds the class token instead; OV2VSS adds the token itself, and so do we.) Position vectors are
    interpolated to the grid of the frame, whatever its aspect ratio.

    Args:
        size: "vit-b16" as published, "nano" for tests.
    """

    def __init__(self, size: ViTSize = "vit-b16") -> None:
        from transformers import CLIPModel

        super().__init__()
        config = _config(size)
        self.clip = CLIPModel(config).requires_grad_(False)
        self.dim: int = config.projection_dim
        self.patch: int = config.vision_config.patch_size
        self.hub = HUB if size == "vit-b16" else None
        self.text = ClipText(self.clip.text_model, self.clip.text_projection, self.hub)

    def load_pretrained(self) -> None:
        fill_published(self, self.hub, open_clip.vit)

    def dense(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in 0..1 -> (B, dim, ceil(H / patch), ceil(W / patch)), not normalised."""
        vision = self.clip.vision_model
        prepared = self._prepare(frames)
        x = vision.embeddings(prepared, interpolate_pos_encoding=True)
        x = vision.pre_layrnorm(x)
        *layers, last = vision.encoder.layers
        for layer in layers:
            x = layer(x, attention_mask=None)
        x = x[:, 1:]  # the class token is no longer needed: from here on no token sees another
        x = x + last.self_attn.out_proj(last.self_attn.v_proj(last.layer_norm1(x)))
        x = x + last.mlp(last.layer_norm2(x))
        x = self.clip.visual_projection(vision.post_layernorm(x))
        return x.transpose(1, 2).unflatten(2, (prepared.shape[-2] // self.patch, -1))

    def pooled(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in 0..1 -> (B, dim), what the whole image says; not normalised."""
        seen = self.clip.vision_model(self._prepare(frames), interpolate_pos_encoding=True)
        return self.clip.visual_projection(seen.pooler_output)

    def _prepare(self, frames: Tensor) -> Tensor:
        return normalise(whole_cells(frames, self.patch), CLIP_MEAN, CLIP_STD)


def _config(size: ViTSize) -> CLIPConfig:
    from transformers import CLIPConfig, CLIPTextConfig, CLIPVisionConfig

    if size == "vit-b16":  # widths, depths and activation are transformers' defaults, but for the patch
        text = CLIPTextConfig(bos_token_id=49406, eos_token_id=49407)
        vision, dim = CLIPVisionConfig(patch_size=16), 512
    else:
        small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
        text = CLIPTextConfig(**small, vocab_size=258, bos_token_id=256, eos_token_id=257, pad_token_id=257)
        vision, dim = CLIPVisionConfig(**small, image_size=64, patch_size=16), 24
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=dim)
