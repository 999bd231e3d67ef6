"""CLIP with a ConvNeXt image tower: an image-text pair that also gives a pyramid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor, nn

from openvss.models.encoders.clip_text import ClipText
from openvss.models.encoders.pixels import CLIP_MEAN, CLIP_STD, normalise, whole_cells
from openvss.weights import open_clip
from openvss.weights.public import fill_published

if TYPE_CHECKING:
    from transformers import CLIPTextConfig, ConvNextConfig

ConvNextSize = Literal["base", "nano"]
FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
HUB = "laion/CLIP-convnext_base_w_320-laion_aesthetic-s13B-b82K"


class ConvNextClip(nn.Module):
    """An `ImageText` pair and a `Backbone` at once.

    Its text side is frozen, its image side is not: SED trains it, and `pairs.pair` freezes it.

    Args:
        size: "base" is open_clip's `convnext_base_w_320`, "nano" is for tests.
    """

    strides = (4, 8, 16, 32)

    def __init__(self, size: ConvNextSize = "base") -> None:
        from transformers import CLIPTextModelWithProjection, ConvNextModel

        super().__init__()
        image, words = _image_config(size), _text_config(size)
        self.channels: tuple[int, ...] = tuple(image.hidden_sizes)
        self.dim: int = words.projection_dim
        self.image = ConvNextModel(image)
        self.projection = nn.Linear(self.channels[-1], self.dim, bias=False)
        self.words = CLIPTextModelWithProjection(words).requires_grad_(False)
        self.hub = HUB if size == "base" else None
        self.text = ClipText(self.words.text_model, self.words.text_projection, self.hub)

    def load_pretrained(self) -> None:
        fill_published(self, self.hub, open_clip.convnext, FILES)

    def forward(self, frames: Tensor) -> list[Tensor]:
        """(B, 3, H, W) RGB in 0..1 -> res2 to res5, at strides 4, 8, 16 and 32 of a frame of whole cells."""
        x = self.image.embeddings(normalise(whole_cells(frames, self.strides[-1]), CLIP_MEAN, CLIP_STD))
        maps = []
        for stage in self.image.encoder.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def project(self, top: Tensor) -> Tensor:
        """res5 -> (B, dim, h, w): each position passes the head as if it were a whole image."""
        return self._head(top.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def dense(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in 0..1 -> (B, dim, ceil(H / 32), ceil(W / 32)), not normalised."""
        return self.project(self(frames)[-1])

    def pooled(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in 0..1 -> (B, dim), what the whole image says; not normalised."""
        return self._head(self(frames)[-1].mean((2, 3)))

    def _head(self, x: Tensor) -> Tensor:
        return self.projection(self.image.layernorm(x))


def _image_config(size: ConvNextSize) -> ConvNextConfig:
    from transformers import ConvNextConfig

    sizes: dict[ConvNextSize, dict[str, Any]] = {
        "base": {"hidden_sizes": [128, 256, 512, 1024], "depths": [3, 3, 27, 3]},
        # Full layer scale: at the usual 1e-6 the blocks of an untrained network do nothing.
        "nano": {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "layer_scale_init_value": 1.0},
    }
    # The weights were trained with timm's eps; transformers' default is 1e-12.
    return ConvNextConfig(**sizes[size], hidden_act="gelu", layer_norm_eps=1e-6, drop_path_rate=0.0)


def _text_config(size: ConvNextSize) -> CLIPTextConfig:
    from transformers import CLIPTextConfig

    sizes = {
        "base": {
            "vocab_size": 49408,
            "hidden_size": 640,
            "intermediate_size": 2560,
            "num_hidden_layers": 12,
            "num_attention_heads": 10,
            "projection_dim": 640,
        },
        "nano": {
            "vocab_size": 258,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "projection_dim": 24,
        },
    }
    last = sizes[size]["vocab_size"] - 1
    marks = {"bos_token_id": last - 1, "eos_token_id": last, "pad_token_id": last}
    return CLIPTextConfig(**sizes[size], **marks, hidden_act="gelu", layer_norm_eps=1e-5)
