"""The Segment Anything Model, frozen: its image features, and the masks it predicts for prompts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.encoders.pixels import IMAGENET_MEAN, normalise, per_channel
from openvss.weights.checkpoint import load_state
from openvss.weights.public import WEIGHTS, fill_published, public_file
from openvss.weights.sam import sam
from openvss.weights.strict import fill

if TYPE_CHECKING:
    from transformers import SamConfig

SamSize = Literal["vit-b", "vit-l", "vit-h", "toy", "nano"]
# Width, side, patch and layers.
SMALL: dict[SamSize, tuple[int, int, int, int]] = {"nano": (32, 128, 16, 2), "toy": (64, 64, 8, 3)}
HUBS = {
    "vit-b": "facebook/sam-vit-base",
    "vit-l": "facebook/sam-vit-large",
    "vit-h": "facebook/sam-vit-huge",
}
CHUNK = 16  # prompts decoded at once: 0.5 GB in float32


class Sam(nn.Module):
    """SAM through transformers.

    It works on a square of one size. Every frame is squashed to it; callers that want to keep the aspect
    ratio pad first. Positions are fractions of that square, so that they mean the same at every size.

    Args:
        size: "vit-b", "vit-l" and "vit-h" as published; "toy" for comparisons on two cores, "nano" for tests.
    """

    def __init__(self, size: SamSize = "vit-b") -> None:
        from transformers import SamModel

        super().__init__()
        config = _config(size)
        self.hub = HUBS.get(size)
        self.sam = SamModel(config).requires_grad_(False).eval()
        self.dim: int = config.vision_config.output_channels
        self.side: int = config.vision_config.image_size
        self.mask_side: int = 4 * config.prompt_encoder_config.image_embedding_size

    def load_pretrained(self) -> None:
        fill_published(self, self.hub, sam)

    def load(self, path: Path) -> None:
        """Fill all of it from a file of transformers, of Meta or of ours, or transformers' folder."""
        file = public_file(str(path), *WEIGHTS) if path.is_dir() else path
        fill(self, sam(load_state(file)), str(file))

    def train(self, mode: bool = True) -> Sam:
        """Stays in eval mode, whatever the model around it does."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in 0..1 of any size -> (B, dim, side / 16, side / 16)."""
        square = F.interpolate(frames, (self.side, self.side), mode="bilinear", align_corners=False)
        return self.sam.get_image_embeddings(normalise(square))

    @torch.no_grad()
    def draw(
        self,
        image: Tensor,
        points: Tensor | None = None,
        boxes: Tensor | None = None,
        masks: Tensor | None = None,
        several: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Masks of one image, one for each of n prompts: whichever kinds are given prompt together.

        Args:
            image: (1, dim, h, w), from `forward`.
            points: (n, k, 2) x and y of points inside, as fractions of the square.
            boxes: (n, 4) left, top, right and bottom, as fractions.
            masks: (n, 1, mask_side, mask_side) logits on SAM's own scale, about -20 to 10.
            several: Whether to give three masks, of part to whole, in place of one.

        Returns:
            Logits (n, 1 or 3, mask_side, mask_side), more than 0 inside, and how well SAM thinks each
            overlaps what was meant, (n, 1 or 3).
        """
        if masks is not None and masks.shape[1:] != (1, self.mask_side, self.mask_side):
            raise ValueError(f"masks are (n, 1, {self.mask_side}, {self.mask_side}), not {masks.shape}")
        given = [prompt for prompt in (points, boxes, masks) if prompt is not None]
        if not given:
            raise ValueError("give points, boxes or masks")
        positions = self.sam.get_image_wide_positional_embeddings()
        drawn, scores = [], []
        for start in range(0, len(given[0]), CHUNK):
            part = slice(start, start + CHUNK)
            some = [None if prompt is None else prompt[part] for prompt in (points, boxes, masks)]
            n = len(given[0][part])
            sparse, dense = self._embed(*some)
            # transformers has one mask for each image: n prompts are n images that look the same.
            logits, score = self.sam.mask_decoder(
                image_embeddings=image.expand(n, -1, -1, -1),
                image_positional_embeddings=positions.expand(n, -1, -1, -1),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=several,
            )
            drawn.append(logits[:, 0])
            scores.append(score[:, 0])
        number = 3 if several else 1
        empty = image.new_empty(0, number, self.mask_side, self.mask_side), image.new_empty(0, number)
        return torch.cat([empty[0], *drawn]), torch.cat([empty[1], *scores])

    def _embed(
        self, points: Tensor | None, boxes: Tensor | None, masks: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        inside = None if points is None else torch.ones(points.shape[:2], device=points.device)[:, None]
        return self.sam.prompt_encoder(
            # It counts in pixels and adds half of one itself.
            input_points=None if points is None else points[:, None] * self.side - 0.5,
            input_labels=inside,
            input_boxes=None if boxes is None else boxes[:, None] * self.side - 0.5,
            input_masks=masks,
        )


def padded(picture: Tensor, fill: Tensor) -> Tensor:
    """(..., H, W) -> (..., side, side): filled up at the right or at the bottom, as SAM was trained."""
    height, width = picture.shape[-2:]
    side = max(height, width)
    square = picture.new_empty(*picture.shape[:-2], side, side)
    square[:] = fill
    square[..., :height, :width] = picture
    return square


def mean_colour(picture: Tensor) -> Tensor:
    """(3, 1, 1): what SAM was trained to find outside a picture (..., 3, H, W)."""
    return per_channel(IMAGENET_MEAN, picture.dtype, picture.device)


def closest(drawn: Tensor, prompts: Tensor) -> Tensor:
    """Of the m candidates for each mask prompt the one that overlaps it most.

    (n, m, h, w) and (n, 1, h, w) -> (n, h, w), all logits. A mask alone says too little for SAM's own score
    to be trusted.
    """
    inside, wanted = drawn > 0, prompts > 0
    overlap = (inside & wanted).sum((2, 3)) / (inside | wanted).sum((2, 3)).clamp(min=1)
    return drawn[torch.arange(len(drawn), device=drawn.device), overlap.argmax(1)]


def _config(size: SamSize) -> SamConfig:
    from transformers import SamConfig, SamMaskDecoderConfig, SamPromptEncoderConfig, SamVisionConfig

    if size in SMALL:
        width, side, patch, layers = SMALL[size]
        return SamConfig(
            vision_config=SamVisionConfig(
                hidden_size=width,
                output_channels=width,
                num_hidden_layers=layers,
                num_attention_heads=2,
                image_size=side,
                patch_size=patch,
                window_size=3,
                global_attn_indexes=[layers - 1],
                num_pos_feats=width // 2,
                mlp_dim=2 * width,
                initializer_range=0.02,  # with transformers' default of 1e-10 all features are the same
            ),
            prompt_encoder_config=SamPromptEncoderConfig(
                hidden_size=width, image_size=side, patch_size=patch
            ),
            mask_decoder_config=SamMaskDecoderConfig(
                hidden_size=width, mlp_dim=2 * width, num_attention_heads=2, iou_head_hidden_dim=width
            ),
        )
    published = {
        "vit-b": {},
        "vit-l": {
            "hidden_size": 1024,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "global_attn_indexes": [5, 11, 17, 23],
        },
        "vit-h": {
            "hidden_size": 1280,
            "num_hidden_layers": 32,
            "num_attention_heads": 16,
            "global_attn_indexes": [7, 15, 23, 31],
        },
    }
    return SamConfig(vision_config=SamVisionConfig(**published[size], initializer_range=0.02))
