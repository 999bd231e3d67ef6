"""`--model hf:NAME`: any SegFormer of the Hugging Face hub, with the words it was trained for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from openvss.errors import InputError
from openvss.models.base import FrameFeatures, Fused, Output, VideoModel
from openvss.models.encoders.pixels import IMAGENET_MEAN, IMAGENET_STD, ChannelValues, normalise
from openvss.models.fixed_words import select
from openvss.models.segformer.keys import hub_segformer
from openvss.models.words import WordEmbeddings
from openvss.weights import checkpoint
from openvss.weights.public import WEIGHTS, find_public, public_file
from openvss.weights.strict import fill
from openvss.words.vocabulary import Label, Vocabulary

if TYPE_CHECKING:
    from transformers import SegformerConfig


def load(name: str) -> HubSegFormer:
    """The model of a repository of the hub, or of a local folder that holds the files of one."""
    settings = _json(public_file(name, "config.json"))
    if settings.get("model_type") != "segformer":
        kind = settings.get("model_type", "unknown")
        raise InputError(f"{name} is a model of the type {kind}, but hf: takes SegFormers only.")
    from transformers import SegformerConfig

    look = find_public(name, "preprocessor_config.json")
    with torch.random.fork_rng(devices=[]):  # start values must not advance the caller's seed
        model = HubSegFormer(SegformerConfig.from_dict(settings), _json(look) if look else {})
    file = public_file(name, *WEIGHTS)
    fill(model.model, hub_segformer(checkpoint.load_state(file)), str(file))
    model.weights_sha256 = checkpoint.sha256(file)
    return model.eval()


class HubSegFormer(VideoModel):
    """transformers' SegFormer, each frame alone.

    Args:
        config: Of transformers; its `id2label` are the words.
        look: How frames were shown to it in training: the settings of its image processor.
    """

    def __init__(self, config: SegformerConfig, look: Mapping[str, Any]) -> None:
        from transformers import SegformerForSemanticSegmentation

        super().__init__()
        self.fixed_words = vocabulary(config.id2label)
        self.model = SegformerForSemanticSegmentation(config)
        self.size = _short_side(look.get("size"), self.size)
        self.mean: ChannelValues = tuple(look.get("image_mean", IMAGENET_MEAN))
        self.std: ChannelValues = tuple(look.get("image_std", IMAGENET_STD))

    def encode(self, frames: Tensor) -> FrameFeatures:
        return {"logits": self.model(normalise(frames, self.mean, self.std)).logits}  # (B, all words, h, w)

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        return Output(select(fused["logits"], words))


def vocabulary(id2label: Mapping[int, str]) -> Vocabulary:
    """The words of a checkpoint: commas and semicolons separate the synonyms of a label."""
    return Vocabulary(tuple(_label(id2label[i]) for i in sorted(id2label)))


def _label(text: str) -> Label:
    parts = (" ".join(part.lower().split()) for part in text.replace(";", ",").split(","))
    synonyms = tuple(dict.fromkeys(part for part in parts if part)) or (text,)
    return Label(synonyms[0], synonyms)


def _short_side(size: Any, otherwise: int) -> int:
    """The size of an image processor is a number or a table, depending on its age."""
    if isinstance(size, Mapping):
        size = min((side for side in size.values() if isinstance(side, int)), default=otherwise)
    return size if isinstance(size, int) else otherwise


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as JSON: download it again.") from error
    if not isinstance(content, dict):
        raise InputError(f"{file} does not hold settings: download it again.")
    return content
