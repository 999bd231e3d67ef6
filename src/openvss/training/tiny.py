"""Train the bundled model: `python -m openvss.training.tiny --voc ROOT --coco ROOT --out FILE`.

Each position of the image encoder is classified by its cosine with the embeddings of about 130 words. Three
things make more words than those work: synonyms are drawn at random, VOC's background only has to be "none of
the 20", and the ImageNet classifier that the backbone came with keeps teaching its 1,000 names, as texts.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.encoders.lite0 import Lite0
from openvss.models.encoders.tiny import TinyEncoder
from openvss.models.tiny import TEMPERATURE, Tiny
from openvss.models.words import TextEncoder, embed
from openvss.training.tiny_data import (
    IGNORE,
    NONE_OF_VOC,
    Picture,
    read_pictures,
    read_words,
    view,
)
from openvss.weights import bundled
from openvss.weights.lite0 import fold, fold_classifier, imagenet_checkpoint
from openvss.words.vocabulary import Label, Vocabulary

# A pixel of the left class of VOC may as well be called the right word: no penalty there.
ALSO = (
    ("dining table", "table"),
    ("potted plant", "flower"),
    ("potted plant", "tree"),
    ("potted plant", "vase"),
)


@dataclass(frozen=True)
class Settings:
    """What the shipped weights were made with."""

    steps: int = 2400
    batch: int = 12
    crop: int = 256
    share_of_coco: float = 0.35
    head_rate: float = 1e-3
    backbone_rate: float = 1e-4
    warmup: int = 100
    teacher_weight: float = 0.1
    teacher_floor: float = 0.15  # positions where the classifier is less certain than this teach nothing
    ema: float = 0.998
    seed: int = 0


class WordTable:
    """Embeddings of the training words and their synonyms."""

    def __init__(self, words: Sequence[tuple[str, ...]], text: TextEncoder) -> None:
        phrases = Vocabulary(tuple(Label(phrase, (phrase,)) for synonyms in words for phrase in synonyms))
        self.phrases = embed(phrases, text, Tiny.templates).embeddings[:, 0]
        ends = np.cumsum([0, *(len(synonyms) for synonyms in words)])
        self.spans = list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
        self.means = torch.stack([F.normalize(self.phrases[a:b].mean(0), dim=0) for a, b in self.spans])

    def draw(self, rng: random.Random) -> Tensor:
        """(N, D): for each label either the mean of its synonyms or one of them."""
        one = torch.tensor([rng.randrange(a, b) for a, b in self.spans])
        mean = torch.tensor([rng.random() < 0.5 for _ in self.spans])
        return torch.where(mean[:, None], self.means, self.phrases[one])


class WordLoss:
    """Cross-entropy of dense vectors against words; VOC's background may be any word but the 20."""

    def __init__(self, words: Sequence[tuple[str, ...]], voc_ids: Sequence[int]) -> None:
        ids = {synonyms[0]: i for i, synonyms in enumerate(words)}
        self.other = torch.ones(len(words), dtype=torch.bool)
        self.other[list(voc_ids)] = False
        self.also = torch.zeros(len(words), len(words), dtype=torch.bool)
        for name, accepted in ALSO:
            self.also[ids[name], ids[accepted]] = True

    def __call__(self, dense: Tensor, labels: Tensor, from_voc: Tensor, words: Tensor) -> Tensor:
        """`dense` (B, D, h, w), `labels` (B, h, w), `from_voc` (B,), `words` (N, D)."""
        kept = labels != IGNORE
        logits = dense.permute(0, 2, 3, 1)[kept] @ words.T / TEMPERATURE  # (pixels, N)
        labels, voc = labels[kept], from_voc[:, None, None].expand_as(kept)[kept]
        named = labels != NONE_OF_VOC
        target = labels[named]
        excused = self.also[target] & voc[named][:, None]
        each = F.cross_entropy(logits[named].masked_fill(excused, -1e4), target, reduction="none")
        # Small classes count more: weights fall with the square root of the pixels in the batch.
        weight = torch.bincount(target, minlength=len(words)).clamp(min=1).float().rsqrt()[target]
        weight = weight / weight.mean().clamp(min=1e-6)
        rest = logits[~named]
        none_of_voc = rest.logsumexp(1) - rest[:, self.other].logsumexp(1)
        return ((each * weight).sum() + none_of_voc.sum()) / max(len(labels), 1)


class Teacher(nn.Module):
    """The backbone as it came, with its ImageNet classifier applied at every position."""

    def __init__(
        self, backbone: Lite0, checkpoint: dict[str, Tensor], text: TextEncoder, floor: float
    ) -> None:
        super().__init__()
        self.backbone = deepcopy(backbone)
        self.head = nn.Conv2d(320, 1280, 1)
        self.fc = nn.Linear(1280, 1000)
        self.load_state_dict(fold_classifier(checkpoint), strict=False)
        self.requires_grad_(False)
        names = Vocabulary(tuple(Label(s[0], s) for s in read_words("imagenet1k.txt")))
        self.names = embed(names, text, Tiny.templates).embeddings[:, 0]
        self.floor = floor

    def loss(self, early: Tensor, dense: Tensor) -> Tensor:
        """Cross-entropy between the classifier's names and the words nearest to the student's vectors."""
        with torch.no_grad():
            deep = self.backbone.later(early)[-1]
            hidden = F.relu6(self.head(deep)).permute(0, 2, 3, 1)
            posterior = self.fc(hidden).softmax(-1)  # (B, h, w, 1000)
            certain = posterior.amax(-1)
            weight = certain * (certain > self.floor)
        student = F.normalize(F.adaptive_avg_pool2d(dense, (deep.shape[-2], deep.shape[-1])), dim=1).permute(
            0, 2, 3, 1
        )
        logits = student @ self.names.T / TEMPERATURE
        each = -(posterior * logits.log_softmax(-1)).sum(-1)
        loss: Tensor = (each * weight).sum() / weight.sum().clamp(min=1)
        return loss


def train(voc: Path, coco: Path, settings: Settings, text: TextEncoder | None = None) -> Tiny:
    """The trained model: the moving average of its weights. `text` replaces MiniLM."""
    torch.manual_seed(settings.seed)
    rng = random.Random(settings.seed)
    words = read_words("tiny_words.txt")
    pictures = {"voc": read_pictures(voc, words), "coco": read_pictures(coco, words)}
    model = Tiny(text)
    assert model.text is not None
    table = WordTable(words, model.text)
    voc_ids = sorted({int(i) for i in pictures["voc"][0].table} - {IGNORE, NONE_OF_VOC})
    word_loss = WordLoss(words, voc_ids)
    checkpoint = imagenet_checkpoint()
    student = model.image
    student.backbone.load_state_dict(fold(checkpoint))
    teacher = Teacher(student.backbone, checkpoint, model.text, settings.teacher_floor)
    average = deepcopy(student).requires_grad_(False)
    optimiser = _optimiser(student, settings)
    start = time.monotonic()
    for step in range(settings.steps):
        _set_rate(optimiser, step, settings)
        names = ["coco" if rng.random() < settings.share_of_coco else "voc" for _ in range(settings.batch)]
        images, labels = _batch([rng.choice(pictures[name]) for name in names], settings.crop, rng)
        with torch.no_grad():
            early = student.backbone.early(images)
        dense = student.head(student.backbone.later(early))
        from_voc = torch.tensor([name == "voc" for name in names])
        named = word_loss(dense, labels[:, 4::8, 4::8], from_voc, table.draw(rng))
        taught = teacher.loss(early, dense)
        optimiser.zero_grad()
        torch.autograd.backward(named + settings.teacher_weight * taught)
        nn.utils.clip_grad_norm_(student.parameters(), 5.0)
        optimiser.step()
        decay = min(settings.ema, (1 + step) / (10 + step))
        for mean, value in zip(average.parameters(), student.parameters(), strict=True):
            mean.lerp_(value.detach(), 1 - decay)
        if step % 50 == 0:
            left = (time.monotonic() - start) / (step + 1) * (settings.steps - step - 1) / 60
            print(f"step {step} words {named:.3f} imagenet {taught:.3f}, {left:.0f} min left", flush=True)
    model.image.load_state_dict(average.state_dict())
    return model


def _batch(pictures: Sequence[Picture], crop: int, rng: random.Random) -> tuple[Tensor, Tensor]:
    images, labels = zip(*(view(picture, crop, rng) for picture in pictures), strict=True)
    return torch.stack(images).contiguous(memory_format=torch.channels_last), torch.stack(labels)


def _optimiser(student: TinyEncoder, settings: Settings) -> torch.optim.AdamW:
    """Stem and first blocks frozen, other blocks slow, the head fast; no decay on biases and norms."""
    student.backbone.stem.requires_grad_(False)
    student.backbone.blocks[:5].requires_grad_(False)
    backbone = [p for p in student.backbone.parameters() if p.requires_grad]
    head = [p for name, p in student.named_parameters() if not name.startswith("backbone.")]
    groups = [
        {"params": backbone, "lr": settings.backbone_rate, "weight_decay": 0.01},
        {"params": [p for p in head if p.ndim > 1], "lr": settings.head_rate, "weight_decay": 0.05},
        {"params": [p for p in head if p.ndim <= 1], "lr": settings.head_rate, "weight_decay": 0.0},
    ]
    for group in groups:
        group["peak"] = group["lr"]
    return torch.optim.AdamW(groups)


def _set_rate(optimiser: torch.optim.Optimizer, step: int, settings: Settings) -> None:
    """Linear warm-up, then half a cosine down to zero."""
    factor = min(1.0, (step + 1) / settings.warmup) * 0.5 * (1 + math.cos(math.pi * step / settings.steps))
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * factor


def main() -> None:
    """Parse the command line, train, save."""
    parser = argparse.ArgumentParser(
        prog="python -m openvss.training.tiny", description="Train the bundled model."
    )
    parser.add_argument("--voc", type=Path, required=True, help="images/ labels/ classes.txt held_out.txt")
    parser.add_argument("--coco", type=Path, required=True, help="images/ labels/ classes.txt held_out.txt")
    parser.add_argument("--out", type=Path, required=True, help="the safetensors file to write")
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    arguments = parser.parse_args()
    model = train(arguments.voc, arguments.coco, Settings(steps=arguments.steps, seed=arguments.seed))
    bundled.save(model, arguments.out)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
