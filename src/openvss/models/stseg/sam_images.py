"""SAM's image side alone, as part of a model."""

from __future__ import annotations

from openvss.models.encoders.sam import Sam, SamSize
from openvss.weights.public import fill_published
from openvss.weights.sam import sam


class SamImages(Sam):
    """SAM without what draws masks: the auxiliary branch is not part of the model."""

    def __init__(self, size: SamSize = "vit-b") -> None:
        super().__init__(size)
        del self.sam.prompt_encoder, self.sam.mask_decoder, self.sam.shared_image_embedding

    def load_pretrained(self) -> None:
        own = self.state_dict()
        fill_published(self, self.hub, lambda state: {n: v for n, v in sam(state).items() if n in own})
