"""SAM's image side alone, as part of a model."""

from __future__ import annotations

from openvss.models.encoders.sam import Sam, Size
from openvss.weights.checkpoint import load_state
from openvss.weights.public import weights_file
from openvss.weights.sam import sam
from openvss.weights.strict import fill


class SamImages(Sam):
    """SAM without what draws masks: the auxiliary branch is no part of the model."""

    def __init__(self, size: Size = "vit-b") -> None:
        super().__init__(size)
        del self.sam.prompt_encoder, self.sam.mask_decoder, self.sam.shared_image_embedding

    def load_pretrained(self) -> None:
        if self.hub:
            file = weights_file(self.hub)
            own = self.state_dict()
            fill(
                self, {name: value for name, value in sam(load_state(file)).items() if name in own}, str(file)
            )
