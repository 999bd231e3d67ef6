"""A plain vision transformer as a backbone: the image encoder of SAM, through transformers."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.encoders.pixels import normalise, whole_cells
from openvss.weights.public import fill_published
from openvss.weights.sam import image_encoder

PATCH = 16
MAPS = 4


@dataclass(frozen=True)
class ViTPlan:
    """What differs between the sizes.

    Attributes:
        hub: Where the weights of SAM are.
        depth: Blocks, a multiple of four; the last of each quarter attends globally, the others in windows.
        width: Of the tokens.
        heads: Of the attention.
        channels: Of the maps, behind the neck.
        image: Side of the images that the position vectors are for; other sizes interpolate them.
        window: Side of the windows, in tokens.
    """

    hub: str | None
    depth: int = 12
    width: int = 768
    heads: int = 12
    channels: int = 256
    image: int = 1024
    window: int = 14


PLANS = {
    "vit-b": ViTPlan("facebook/sam-vit-base"),
    "vit-nano": ViTPlan(None, depth=4, width=16, heads=2, channels=16, image=64, window=2),  # for tests
}


class ViT(nn.Module):
    """RGB in 0..1 -> four maps at stride 16: the last block of each quarter, all through the same neck."""

    strides = (PATCH,) * MAPS

    def __init__(self, plan: ViTPlan) -> None:
        from transformers import SamVisionConfig
        from transformers.models.sam.modeling_sam import SamVisionEncoder

        super().__init__()
        self.channels = (plan.channels,) * MAPS
        self.hub = plan.hub
        self.taps = tuple(plan.depth // MAPS * (i + 1) - 1 for i in range(MAPS))
        self.model = SamVisionEncoder(
            SamVisionConfig(
                hidden_size=plan.width,
                output_channels=plan.channels,
                num_hidden_layers=plan.depth,
                num_attention_heads=plan.heads,
                image_size=plan.image,
                patch_size=PATCH,
                window_size=plan.window,
                global_attn_indexes=list(self.taps),
                mlp_dim=4 * plan.width,
                initializer_range=0.02,  # their default, 1e-10, leaves an untrained network without signal
            )
        )

    def forward(self, frames: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> four maps (B, channels, ceil(H / 16), ceil(W / 16))."""
        x = self.model.patch_embed.projection(whole_cells(normalise(frames), PATCH))
        x = (x + self._positions(x)).permute(0, 2, 3, 1)  # (B, h, w, width)
        maps = []
        for i, block in enumerate(self.model.layers):
            x = block(x)
            if i in self.taps:
                maps.append(self.model.neck(x))
        return maps

    def load_pretrained(self) -> None:
        fill_published(self, self.hub, image_encoder)

    def _positions(self, like: Tensor) -> Tensor:
        """(1, width, h, w); the relative ones of the attention are interpolated by the attention itself."""
        table = self.model.pos_embed.permute(0, 3, 1, 2)
        if table.shape[-2:] == like.shape[-2:]:
            return table
        return F.interpolate(table, like.shape[-2:], mode="bicubic", align_corners=False)


def named(name: str) -> ViT:
    """One of `PLANS`, without trained weights."""
    return ViT(PLANS[name])
