"""What the head of `tiny` learns in a round, put together for the training engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from openvss.models.tiny.model import Tiny
from openvss.models.words import TextEncoder
from openvss.training.data.batches import TrainingData
from openvss.training.data.vocabulary import Joint
from openvss.training.optimisation import Average, groups_of
from openvss.training.recipe.schema import Recipe, TrainingSet
from openvss.training.setup import TrainingSetup, accelerate_for, build
from openvss.training.stepper import Stepper
from openvss.words.vocabulary import Vocabulary
from projects.tiny.cache import Rows
from projects.tiny.data import VOC_SPELLING, Ids, read_classes, read_pictures, read_words
from projects.tiny.head_pass import FeatureBatches, HeadPass
from projects.tiny.loss import WordLoss, WordTable
from projects.tiny.rooms import Rooms
from projects.tiny.streets import Streets
from projects.tiny.views import Views, manifest
from projects.tiny.weights import give_imagenet, untrained


class TrainingMaterial:
    """The pictures and words of a recipe whose first data set is VOC and whose second is COCO.

    Attributes:
        words: Each with its synonyms.
        names: The first of each.
        pictures: Of both data sets.
        table: Vectors of the words.
        loss: Over the words.
    """

    def __init__(self, recipe: Recipe, text: TextEncoder | None = None) -> None:
        self._recipe, self._text = recipe, text
        voc, coco = recipe.data.train
        without = {VOC_SPELLING.get(name, name) for name in (*voc.without, *coco.without)}
        self.words = read_words("words.txt", without)
        self.names = [synonyms[0] for synonyms in self.words]
        self.pictures = {
            name: read_pictures(_root(one), self.words) for name, one in (("voc", voc), ("coco", coco))
        }
        self.table = WordTable(self.words, untrained(text).pair.text)
        classes = [VOC_SPELLING.get(name, name) for name in read_classes(_root(voc)).values()]
        classes.append("cyclist")  # a person on a bicycle
        self.loss = WordLoss(self.words, [self.names.index(c) for c in classes if c in self.names])

    def manifest(self, views: int) -> list[str]:
        """How many views, of which pictures, for which words."""
        return [
            f"views/{views}",
            *manifest(self.pictures),
            *(f"words/{' | '.join(word)}" for word in self.words),
        ]

    def views(self, backgrounds: Mapping[str, Ids] | None = None) -> Views:
        """Random views, with known backgrounds if there are any."""
        return Views(self.pictures, self.names, self._recipe.view.crop[0], self._recipe.seed, backgrounds)

    def streets(self) -> Streets:
        """Drawn streets with objects from the pictures."""
        return Streets(self.views(), self.names)

    def rooms(self) -> Rooms:
        """Drawn rooms."""
        return Rooms(self.views(), self.names)

    def assembler(self, cache: Rows) -> Callable[[Recipe, Path, bool], TrainingSetup]:
        """For `train_stage`: everything but what the backbone and the video's part do is trained."""

        def assemble(recipe: Recipe, folder: Path, cpu: bool) -> TrainingSetup:
            accelerator = accelerate_for(recipe, cpu=cpu)
            built, taken = build(recipe)
            model = cast(Tiny, built)
            if taken is None:
                give_imagenet(model)
            model.requires_grad_(False)
            image = model.pair.image.requires_grad_(True)
            image.backbone.requires_grad_(False)
            image.names.requires_grad_(False)
            groups = groups_of(model, recipe.optimiser)
            batches = FeatureBatches(cache, recipe.data.batch, recipe.seed)
            data = TrainingData((), Joint(Vocabulary(()), (), ()), batches)
            stepper = Stepper(recipe, accelerator, HeadPass(model, self.table, self.loss), groups, folder)
            average = Average(model, recipe.ema) if recipe.ema else None
            return TrainingSetup(accelerator, model, taken, data, [], groups, stepper, average)

        return assemble


def _root(one: TrainingSet) -> Path:
    return Path(one.set.partition(":")[2]).expanduser()
