"""Train the bundled model: `python -m openvss.training.tiny --voc ROOT --coco ROOT --out FILE`.

The backbone and its ImageNet classifier stay as they came; what is between them and the text space is trained
on the features of random views, which are kept on disk. Each position is classified by its cosine with the
embeddings of 131 words. Four things make more words than those work: the classifier's 1,000 names have a path
of their own and keep teaching, synonyms are drawn at random, VOC's background only has to be "none of the
20", and a first round of training labels that background for the second.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.models.encoders.tiny import TinyEncoder, resize
from openvss.models.tiny import TEMPERATURE, Tiny
from openvss.models.words import TextEncoder, embed
from openvss.training.tiny_backgrounds import label_backgrounds
from openvss.training.tiny_cache import Cache, fill
from openvss.training.tiny_data import (
    IGNORE,
    NONE_OF_VOC,
    VOC_SPELLING,
    read_classes,
    read_pictures,
    read_scenes,
    read_words,
)
from openvss.training.tiny_views import Views, manifest
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

    views: int = 8000  # of each of the two rounds
    size: int = 288
    steps: tuple[int, int] = (1000, 2000)
    batch: int = 16
    rate: float = 2e-3
    decay: float = 0.05
    warmup: int = 60
    dropout: float = 0.1
    positions: float = 0.35  # share of the labelled positions that a step looks at
    rarity: float = 0.5  # a class counts with the number of its positions to the power of minus this
    teacher_weight: float = 0.1
    teacher_floor: float = 0.15  # positions where the classifier is less certain than this teach nothing
    ema: float = 0.995
    seed: int = 0
    without: tuple[str, ...] = ()  # words that are not trained: their pixels are ignored


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

    def __init__(
        self, words: Sequence[tuple[str, ...]], voc_ids: Sequence[int], rarity: float = Settings.rarity
    ) -> None:
        ids = {synonyms[0]: i for i, synonyms in enumerate(words)}
        self.other = torch.ones(len(words), dtype=torch.bool)
        self.other[list(voc_ids)] = False
        self.also = torch.zeros(len(words), len(words), dtype=torch.bool)
        for name, accepted in ((a, b) for a, b in ALSO if a in ids and b in ids):
            self.also[ids[name], ids[accepted]] = True
        self.rarity = rarity

    def __call__(self, dense: Tensor, labels: Tensor, words: Tensor) -> Tensor:
        """`dense` (n, D) unit vectors, `labels` (n,) without `IGNORE`, `words` (N, D)."""
        logits = dense @ words.T / TEMPERATURE  # (n, N)
        named = labels != NONE_OF_VOC
        target = labels[named]
        each = F.cross_entropy(logits[named].masked_fill(self.also[target], -1e4), target, reduction="none")
        count = torch.bincount(target, minlength=len(words)).clamp(min=1).float()
        weight = count.pow(-self.rarity)[target]
        weight = weight / weight.mean().clamp(min=1e-6)
        rest = logits[~named]
        none_of_voc = rest.logsumexp(1) - rest[:, self.other].logsumexp(1)
        return ((each * weight).sum() + none_of_voc.sum()) / max(len(labels), 1)


def name_loss(vectors: Tensor, posterior: Tensor, names: Tensor, floor: float) -> Tensor:
    """Cross-entropy between the classifier's names and the words nearest to the vectors.

    `vectors` (B, h, w, D) of unit length, `posterior` (B, h, w, K), `names` (K, D).
    """
    certain = posterior.amax(-1)
    weight = certain * (certain > floor)
    logits = vectors @ names.T / TEMPERATURE
    each = -(posterior * logits.log_softmax(-1)).sum(-1)
    loss: Tensor = (each * weight).sum() / weight.sum().clamp(min=1)
    return loss


def start(text: TextEncoder | None = None) -> Tiny:
    """The model with ImageNet weights and an untrained head; `text` replaces MiniLM."""
    checkpoint = imagenet_checkpoint()
    model = Tiny(text)
    assert model.text is not None
    model.image.backbone.load_state_dict(fold(checkpoint))
    model.image.names.load_state_dict(fold_classifier(checkpoint), strict=False)
    names = Vocabulary(tuple(Label(s[0], s) for s in read_words("imagenet1k.txt")))
    model.image.names.names.copy_(embed(names, model.text, Tiny.templates).embeddings[:, 0])
    model.image.backbone.requires_grad_(False)
    model.image.names.requires_grad_(False)
    return model


def train(voc: Path, coco: Path, work: Path, settings: Settings, text: TextEncoder | None = None) -> Tiny:
    """The trained model. `work` takes the features, some 250 kB a view, and the first round's weights."""
    torch.manual_seed(settings.seed)
    words = read_words("tiny_words.txt", settings.without)
    pictures = {"voc": read_pictures(voc, words), "coco": read_pictures(coco, words)}
    work.mkdir(parents=True, exist_ok=True)
    (work / "manifest.txt").write_text("\n".join(manifest(pictures)) + "\n", encoding="utf-8")
    model = start(text)
    assert model.text is not None
    table = WordTable(words, model.text)
    classes = (VOC_SPELLING.get(name, name) for name in read_classes(voc).values())
    names = [synonyms[0] for synonyms in words]
    loss = WordLoss(words, [names.index(c) for c in classes if c in names], settings.rarity)

    backbone = model.image.backbone.eval()
    first = fill(
        work / "round1", Views(pictures, names, settings.size), backbone, settings.views, settings.seed
    )
    fit(model.image, first, table, loss, settings, settings.steps[0])
    bundled.save(model, work / "round1.safetensors")
    behind = label_backgrounds(model.eval(), pictures["voc"], table.means, loss.other, read_scenes(words))
    views = Views(pictures, names, settings.size, behind)
    second = fill(work / "round2", views, backbone, settings.views, settings.seed + 1)
    fit(model.image, second, table, loss, settings, settings.steps[1])
    return model


def fit(
    image: TinyEncoder, cache: Cache, table: WordTable, loss: WordLoss, settings: Settings, steps: int
) -> None:
    """Train the head in place; what it ends with is the moving average of its weights."""
    rng, shuffler = random.Random(settings.seed), np.random.default_rng(settings.seed)
    trained = {name: p for name, p in image.named_parameters() if p.requires_grad}
    average = {name: p.detach().clone() for name, p in trained.items()}
    optimiser = _optimiser(list(trained.values()), settings)
    image.train()
    order: list[int] = []
    begun = time.monotonic()
    for step in range(steps):
        _set_rate(optimiser, step, steps, settings)
        if len(order) < settings.batch:
            order += shuffler.permutation(len(cache)).tolist()
        batch, order = order[: settings.batch], order[settings.batch :]
        named, taught = _losses(image, *cache.rows(batch), table.draw(rng), loss, settings)
        optimiser.zero_grad()
        torch.autograd.backward(named + settings.teacher_weight * taught)
        nn.utils.clip_grad_norm_(trained.values(), 5.0)
        optimiser.step()
        keep = min(settings.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, p in trained.items():
                average[name].lerp_(p, 1 - keep)
        if step % 50 == 0:
            left = (time.monotonic() - begun) / (step + 1) * (steps - step - 1) / 60
            print(f"step {step} words {named:.3f} imagenet {taught:.3f}, {left:.0f} min left", flush=True)
    with torch.no_grad():
        for name, p in trained.items():
            p.copy_(average[name])


def _losses(
    image: TinyEncoder, maps: list[Tensor], ids: Tensor, words: Tensor, loss: WordLoss, settings: Settings
) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        posterior = image.names.posterior(maps[-1])
        name = image.names.mean(posterior)
    with torch.autocast("cpu", torch.bfloat16):
        parts = image.parts(maps, name, settings.dropout)
        fine, coarse = ((x.shape[1], x.shape[2]) for x in (parts.fine, parts.name))
        looked_at = (ids != IGNORE) & (torch.rand(ids.shape) < settings.positions)
        dense = image.vectors(
            parts.fine[looked_at], resize(parts.middle, fine)[looked_at], resize(parts.name, fine)[looked_at]
        )
        deep = image.vectors(resize(parts.fine, coarse), resize(parts.middle, coarse), parts.name)
    taught = name_loss(deep.float(), posterior, image.names.names, settings.teacher_floor)
    return loss(dense.float(), ids[looked_at], words), taught


def _optimiser(parameters: list[nn.Parameter], settings: Settings) -> torch.optim.AdamW:
    """No decay on biases and norms."""
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.99))


def _set_rate(optimiser: torch.optim.Optimizer, step: int, steps: int, settings: Settings) -> None:
    """Linear warm-up, then half a cosine down to zero."""
    factor = min(1.0, (step + 1) / settings.warmup) * 0.5 * (1 + math.cos(math.pi * step / steps))
    for group in optimiser.param_groups:
        group["lr"] = settings.rate * factor


def main() -> None:
    """Parse the command line, train, save."""
    parser = argparse.ArgumentParser(
        prog="python -m openvss.training.tiny", description="Train the bundled model."
    )
    parser.add_argument("--voc", type=Path, required=True, help="images/ labels/ classes.txt held_out.txt")
    parser.add_argument("--coco", type=Path, required=True, help="images/ labels/ classes.txt held_out.txt")
    parser.add_argument("--out", type=Path, required=True, help="the safetensors file to write")
    parser.add_argument("--work", type=Path, required=True, help="a folder for 4 GB of features")
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--without", default="", help="words to keep out of training, with commas between")
    arguments = parser.parse_args()
    without = tuple(word.strip() for word in arguments.without.split(",") if word.strip())
    settings = Settings(seed=arguments.seed, without=without)
    model = train(arguments.voc, arguments.coco, arguments.work, settings)
    bundled.save(model, arguments.out)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
