"""The presets of SED and STSeg."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from openvss.errors import InputError
from openvss.models.preset import Preset, weight_of_past
from openvss.plugs import later
from openvss.words.templates import TemplateSet


@dataclass(frozen=True)
class PairOptions:
    """What both systems begin with.

    Attributes:
        pair: Image-text pair with a pyramid, by name; its image side is trained, its text side is not.
    """

    pair: str = "clip-convnext-b"


@dataclass(frozen=True)
class SharpeningOptions(PairOptions):
    """What STSeg has beside SED.

    Attributes:
        sam: Size of SAM.
        heads: Of the attention of DEA; the equations have one.
        init: "identity" starts DEA close to LN(F_c), which the words still fit; "random" is what the
            equations say of themselves, and starts with features that no word fits.
        keep_sam_grid: Whether DEA looks at all of SAM's positions, and not at as many as F_c has.
    """

    sam: Literal["vit-b", "vit-l", "vit-h", "toy", "nano"] = "vit-b"
    heads: int = 8
    init: Literal["identity", "random"] = "identity"
    keep_sam_grid: bool = False


@dataclass(frozen=True)
class SEDOptions(PairOptions):
    """What can be chosen of SED.

    Attributes:
        templates: Prompts around each word, kept apart in the cost volume.
        square: Side of the square that every frame is squashed to, as the authors do; None keeps its shape
            and only rounds both sides to whole cells.
        topk: Words a position that early rejection keeps at inference; None keeps all.
        rejecting: Share of the steps of training in which it is at work as well, so that the attention among
            words has met what is left of them.
        width: Of the decoder.
        workspace: Megabytes that the words in work at once may take in the decoder: more is faster with many
            words on a large device, less fits into a small one. It changes no result but for rounding.
        smoothing: Weight of the past, 0..1, where a video stands still; 0 labels each frame alone.
        official: Two habits of the authors' code: pixels without a label are negatives of every word, and
            at inference probabilities, not logits, are brought to full size (confidences then mean nothing).
        rivals: Learns with Eq. 6 as printed, a softmax in which words compete for a pixel, and not yes or no
            to each word.
    """

    templates: TemplateSet = "imagenet"
    square: int | None = 768
    topk: int | None = None
    rejecting: float = 0.0
    width: int = 128
    workspace: int = 256
    smoothing: float = 0.0
    official: bool = False
    rivals: bool = False

    def __post_init__(self) -> None:
        if self.topk is not None and self.topk < 1:
            raise InputError(f"topk is a number of words, 1 or more, not {self.topk}.")
        if self.workspace < 1:
            raise InputError(f"workspace is megabytes, 1 or more, not {self.workspace}.")
        if not 0 <= self.rejecting <= 1:
            raise InputError(f"rejecting is a share of the steps, 0 to 1, not {self.rejecting:g}.")
        weight_of_past(self.smoothing)
        if self.rivals and (self.official or self.rejecting):
            raise InputError("rivals is about the loss of Eq. 6: leave official and rejecting out.")


@dataclass(frozen=True)
class STSegOptions(SEDOptions, SharpeningOptions):
    """What can be chosen of STSeg: all of SED, and how SAM sharpens its features."""


_keys = later("openvss.models.stseg.keys:sed")

PRESETS = {
    "sed-b": Preset(
        summary="image system with a cost-aware decoder",
        pair="CLIP ConvNeXt-B",
        options=SEDOptions(),
        builder=later("openvss.models.stseg.sed:build"),
        keys=_keys,
    ),
    "sed-b-fast": Preset(
        summary="sed-b that drops words early which are nowhere among the 8 likeliest",
        pair="CLIP ConvNeXt-B",
        options=SEDOptions(topk=8),
        builder=later("openvss.models.stseg.sed:build"),
        keys=_keys,
    ),
    "stseg-b": Preset(
        summary="sed-b with features sharpened by SAM's, made for self-training",
        pair="CLIP ConvNeXt-B",
        options=STSegOptions(),
        builder=later("openvss.models.stseg.stseg:build"),
        keys=_keys,  # of which it is an extension
    ),
}
