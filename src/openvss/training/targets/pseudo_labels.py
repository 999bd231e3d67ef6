"""Pseudo-labels as targets of a run: what `targets: {maker: pseudo-labels}` in a recipe does."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from openvss.data.base import Dataset
from openvss.engines.edges import reading_places
from openvss.models.base import VideoModel
from openvss.models.encoders.sam import Sam, SamSize
from openvss.models.regions.superpixels import Superpixels
from openvss.models.stseg.gate import SMALLEST, Gate
from openvss.models.stseg.priors import PromptMode, region_prior, sam_prior
from openvss.models.stseg.pseudo import Prior, Refinement, Sight
from openvss.training.data.training_set import frame_name
from openvss.training.targets.maker import TargetRequest, read_options
from openvss.training.targets.report import write_report
from openvss.training.targets.teacher import LabelFolder, Teacher, UnlabelledPicture, fingerprint


class PseudoLabelOptions(BaseModel):
    """`targets.options` of a recipe.

    Attributes:
        threshold: Words of which the model is less confident are dropped.
        score: What counts as confidence: `openvss.models.stseg.gate.Gate`.
        smallest: The share of a picture in which a word must be more likely than not.
        prior: What refines the masks: "sam", "edges", "superpixels", or "none".
        sam: Which SAM.
        sam_weights: A file of its weights, Meta's, transformers' or ours, or the folder that transformers
            writes; the published ones if None.
        prompts: How SAM is prompted; "mask" is the paper's.
        superpixels: Their approximate number in a picture.
        same: Least overlap of a refined mask with the model's; below it, the refined mask is rejected.
        drop: Whether the word of a rejected mask is dropped; otherwise it keeps the model's mask.
        size: Short side at which the model sees pictures; its own default if None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float = Field(default=0.9, ge=0, le=1)
    score: Literal["highest", "best", "mask"] = "highest"
    smallest: float = Field(default=SMALLEST, ge=0, le=1)
    prior: Literal["sam", "edges", "superpixels", "none"] = "sam"
    sam: SamSize = "vit-b"
    sam_weights: str | None = None
    prompts: PromptMode = "mask+box"
    superpixels: int = Field(default=400, ge=2)
    same: float = Field(default=0.5, ge=0, le=1)
    drop: bool = False
    size: int | None = Field(default=None, ge=32)


def pseudo_labels(request: TargetRequest) -> None:
    """Label every frame of the data set, or this process's share, with the model in its present state."""
    settings, model = read_options(PseudoLabelOptions, request.options), request.model
    done = _folder(request, settings)
    refine = Refinement(
        Gate(settings.threshold, settings.score, settings.smallest),
        _prior(settings, model),
        settings.same,
        settings.drop,
    )
    teacher = Teacher(model, model.embed(request.vocabulary), settings.size)
    done.label(pictures_of(request.dataset), teacher, refine, request.update)


def report(request: TargetRequest) -> None:
    """Join what all processes noted of their labels, and report on all of it."""
    done, pictures = (
        _folder(request, read_options(PseudoLabelOptions, request.options)),
        pictures_of(request.dataset),
    )
    done.gather(pictures)
    write_report(done, pictures)


def pictures_of(dataset: Dataset) -> list[UnlabelledPicture]:
    """All frames of a data set, under the names of their labels."""
    return [
        UnlabelledPicture(frame_name(clip, index), frame)
        for clip in dataset.clips
        for index, frame in enumerate(clip.frames)
    ]


def _folder(request: TargetRequest, settings: PseudoLabelOptions) -> LabelFolder:
    made_with = {"snapshot": fingerprint(request.model), **settings.model_dump()}
    return LabelFolder(request.folder, request.vocabulary.names, made_with, request.share)


def _prior(settings: PseudoLabelOptions, model: VideoModel) -> Prior | None:
    if settings.prior == "none":
        return None
    if settings.prior == "edges":
        return edge_prior
    if settings.prior == "superpixels":
        return region_prior(Superpixels(settings.superpixels))
    sam = Sam(settings.sam)
    if settings.sam_weights is None:
        sam.load_pretrained()
    else:
        sam.load(Path(settings.sam_weights))
    return sam_prior(sam.to(model.device), settings.prompts)


def edge_prior(sight: Sight, logits: Tensor) -> Tensor:
    """Masks are read along the edges of the picture, as the labels of a video are.

    Not of the paper: for those who have no weights of SAM.
    """
    places = reading_places(F.avg_pool2d(sight.small, 2), (logits.shape[-2], logits.shape[-1]))
    return F.grid_sample(logits[None], places, padding_mode="border", align_corners=False)[0]
