"""`tiny` with the weights that its training starts from, and with those that a stage of it came to."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.encoders.tiny import TEMPLATES
from openvss.models.tiny.model import Tiny
from openvss.models.words import TextEncoder, embed
from openvss.weights.checkpoint import find_checkpoint, load_state
from openvss.weights.lite0 import fold, fold_classifier, imagenet_checkpoint
from openvss.weights.strict import fill
from openvss.words.vocabulary import Label, Vocabulary
from projects.tiny.data import read_kinds, read_words


def untrained(text: TextEncoder | None = None) -> Tiny:
    """The model with ImageNet weights and all else untrained; `text` replaces MiniLM."""
    model = Tiny(text).eval()
    give_imagenet(model)
    return model


def give_imagenet(model: Tiny) -> None:
    """Fill the backbone, its classifier, and the table of the classifier's names."""
    image, checkpoint = model.pair.image, imagenet_checkpoint()
    image.backbone.load_state_dict(fold(checkpoint))
    image.names.load_state_dict(fold_classifier(checkpoint), strict=False)
    image.names.names.copy_(name_table(model.pair.text))


def name_table(text: TextEncoder) -> Tensor:
    """(1000, D): each class of ImageNet as its name and, if it has one, the common word for its kind."""
    classes = [synonyms[0] for synonyms in read_words("imagenet1k.txt")]
    kinds = read_kinds()
    phrases = list(dict.fromkeys([*classes, *kinds]))
    vectors = embed(Vocabulary(tuple(Label(p, (p,)) for p in phrases)), text, TEMPLATES).embeddings[:, 0]
    place = {phrase: i for i, phrase in enumerate(phrases)}
    table = vectors[[place[name] for name in classes]]
    for i in range(len(classes)):
        own = [vectors[place[kind]] for kind, ids in kinds.items() if i in ids]
        if own:
            table[i] = F.normalize(table[i] + torch.stack(own).mean(0), dim=0)
    return table


def load(run: Path, text: TextEncoder | None = None) -> Tiny:
    """The model that a stage came to."""
    file = find_checkpoint(run)
    assert file is not None
    model = Tiny(text).eval()
    fill(model, load_state(file), str(file))
    return model
