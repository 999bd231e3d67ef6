"""What a training run is made of: every key of a recipe, its type and its default."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from openvss.data.clips import MIN_GAP
from openvss.data.pseudo_clips import CameraMotion
from openvss.data.transforms import Augmentation
from openvss.wording import counted

MOST_WORDS = 254  # labels of a step are one byte, and 255 is "not labelled"
LAST = "last"  # validation.best: no metric chooses


class Section(BaseModel):
    """A part of a recipe: no unknown keys, nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Model(Section):
    """What is trained.

    Attributes:
        preset: One of `openvss models`.
        options: Options of the preset.
        pretrained: Start backbone and image-text pair from their published weights.
        init_from: Checkpoint or run to take weights from, as far as names and shapes agree; also a released
            file of the authors of SED, CFFM or SegFormer.
        freeze: Patterns of parameter or module names that are not trained and stay in eval mode.
    """

    preset: str
    options: dict[str, Any] = {}
    pretrained: bool = False
    init_from: str | None = None
    freeze: tuple[str, ...] = ()


class TrainingSet(Section):
    """One data set to train on.

    Attributes:
        set: `name:root`.
        split: A split of the set; "train" where it has one.
        weight: Its share of the samples, relative to the other sets.
        draw: A sample is a labelled frame, or a video with a random one of its labelled frames as target.
        classes: Train on these alone: a protocol's counted classes, "seen" or "unseen" for the compositions
            of synthetic sets, or names. Pixels of other classes are unlabelled, and their words not given.
        without: Names of classes to leave out.
        blank_unseen: Make pixels of left-out classes black in the frames as well.
        rename: Another word, with synonyms if wanted, for a class: "diningtable: dining table | table".
            Classes of the same name in several sets become one.
        labels: The set's own, or made by the run (`targets`); then the set needs none.
    """

    set: str
    split: str | None = None
    weight: float = Field(default=1.0, gt=0)
    draw: Literal["frames", "videos"] = "frames"
    classes: str | tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    blank_unseen: bool = False
    rename: dict[str, str] = {}
    labels: Literal["own", "made"] = "own"


class Data(Section):
    """Where batches come from.

    Attributes:
        train: The data sets.
        batch: Clips that go through the model at once, on each process.
        accumulate: Batches per step of the optimiser.
        mix: Whether sets are mixed within a batch, or each batch comes from one set and has its words alone.
        workers: Processes that prepare batches; with 0 they are prepared between steps.
        cache: Keep decoded frames and labels in memory.
        pin_memory: Have batches copied to a GPU while it computes; without one nothing changes.
    """

    train: tuple[TrainingSet, ...] = Field(min_length=1)
    batch: int = Field(default=1, ge=1)
    accumulate: int = Field(default=1, ge=1)
    mix: Literal["samples", "batches"] = "samples"
    workers: int = Field(default=0, ge=0)
    cache: bool = False
    pin_memory: bool = True


class Clips(Section):
    """Which frames a sample has and which of them are labelled.

    Attributes:
        references: Distances to look back, farthest first, instead of the model's own.
        truncation: Share of the clips that are cut as at the start of a video, down to one frame.
        min_gap: Frames between the clip and its distant frame.
        context: One random distant frame, the model's own choice of frames, the context that the run makes of
            the whole video (`targets`), or none. A model that uses no context gets none.
        context_size: How many frames of the model's own choice, evenly spread.
        earliest: No target lies before this frame; a video with labels only before it gives its last.
        labels: Only the target, all frames, or this many last frames.
        still: How stills become clips; null repeats the still.
    """

    references: tuple[int, ...] | None = None
    truncation: float = Field(default=0.0, ge=0, le=1)
    min_gap: int = Field(default=MIN_GAP, ge=1)
    context: Literal["distant", "own", "made", "none"] = "distant"
    context_size: int = Field(default=8, ge=1)
    earliest: int = Field(default=0, ge=0)
    labels: Literal["target", "all"] | int = "target"
    still: CameraMotion | None = CameraMotion()

    @field_validator("references")
    @classmethod
    def _farthest_first(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if value is not None and (
            min(value, default=1) < 1 or list(value) != sorted(set(value), reverse=True)
        ):
            raise PydanticCustomError("order", "distances are at least 1 and the farthest comes first")
        return value

    @field_validator("labels")
    @classmethod
    def _some_labels(cls, value: Literal["target", "all"] | int) -> Literal["target", "all"] | int:
        if isinstance(value, int) and value < 1:
            raise PydanticCustomError("few", "at least the target needs labels")
        return value


class WordChoice(Section):
    """Which words a step is given, and how much each counts.

    Attributes:
        cap: How many: those that occur in the batch, and random others up to this number. None gives all.
        fewest: With `cap`, a random number at each step from this to `cap`, whose logarithm is uniform.
        seen: Words of an earlier stage, as `--words` takes them. They weigh `alpha` in the loss and all
            others 1 - `alpha` (Eq. 6 of STSeg); None weighs all equally.
        alpha: See `seen`.
        balance: Words with few pixels in a batch weigh more: n^-balance for n pixels. With 0 each pixel
            counts the same, with 1 each word.
    """

    cap: int | None = Field(default=None, ge=1, le=MOST_WORDS)
    fewest: int | None = Field(default=None, ge=1)
    seen: str | None = None
    alpha: float = Field(default=0.3, gt=0, lt=1)
    balance: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _weighed(self) -> WordChoice:
        if self.fewest is not None and (self.cap is None or self.fewest > self.cap):
            raise impossible("fewest", "it is the lower end of a range, and words.cap must be its upper end")
        return self


class Optimiser(Section):
    """AdamW and its parameter groups.

    Attributes:
        lr: Peak learning rate.
        weight_decay: Of all but norms, biases and `no_decay`.
        decay: Patterns of norms and biases that decay all the same.
        betas: Of AdamW.
        rates: Pattern of names -> factor on the learning rate; the last match counts.
        no_decay: Patterns of parameters without decay, whatever `decay` says.
        clip_norm: Largest norm of the gradient; None does not clip.
    """

    lr: float = Field(gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    betas: tuple[float, float] = (0.9, 0.999)
    rates: dict[str, float] = {}
    decay: tuple[str, ...] = ()
    no_decay: tuple[str, ...] = ()
    clip_norm: float | None = Field(default=None, gt=0)


class Schedule(Section):
    """How long, and the learning rate over time.

    Attributes:
        steps: Steps of the optimiser.
        warmup: Steps over which the rate rises linearly.
        warmup_start: Factor on the rate at the start of the rise.
        shape: Shape of the fall after it.
        power: Exponent of "poly".
        floor: Factor on the rate at the end of the fall.
    """

    steps: int = Field(ge=1)
    warmup: int = Field(default=0, ge=0)
    warmup_start: float = Field(default=1e-6, ge=0, le=1)
    shape: Literal["poly", "cosine", "constant"] = "poly"
    power: float = Field(default=1.0, gt=0)
    floor: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _warmup_ends(self) -> Schedule:
        if self.warmup >= self.steps and self.warmup:
            raise impossible(
                "warmup",
                f"{counted(self.warmup, 'step')} of warm-up cannot fit into {counted(self.steps, 'step')}",
            )
        return self


class ValidationSet(Section):
    """A data set to score on.

    Attributes:
        set: `name:root`; that of the first data set to train on if None.
        split: Of the set.
        name: Prefix of its metrics if there are several sets.
        protocol: As in `openvss evaluate`.
        videos: At most this many, evenly spread over the set.
        held_out: The videos belong to a split to train on, and training leaves them out.
    """

    set: str | None = None
    split: str | None = None
    name: str | None = None
    protocol: str | None = None
    videos: int | None = Field(default=None, ge=1)
    held_out: bool = False

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\w[\w .+-]{0,99}", value):
            raise PydanticCustomError(
                "name", "use letters, digits and any of . _ + - (its pictures go to a folder of that name)"
            )
        return value


class Validation(Section):
    """When and how the model is scored.

    Attributes:
        on: The data sets.
        every: Steps between validations; there is always one at the end.
        before: Whether there is one before the first step, too.
        size: Short side at which the model sees frames; its own default if None.
        context: Whether models that use distant frames see only the past or the whole video.
        best: Which weights are the result: the last, or the best by a metric of one of the sets.
    """

    on: tuple[ValidationSet, ...] = Field(min_length=1)
    every: int = Field(default=1000, ge=1)
    before: bool = False
    size: int | None = Field(default=None, ge=32)
    context: Literal["past", "whole"] = "past"
    best: str = LAST

    @model_validator(mode="after")
    def _distinct(self) -> Validation:
        names = [one.name for one in self.on]
        if len(names) > 1 and (None in names or len(set(names)) < len(names)):
            raise impossible("on", "each of several sets needs a name of its own")
        if self.best != LAST and (self.best.rpartition(".")[0] or None) not in names:
            metrics = ", ".join(f"{name}.miou" if name else "miou" for name in names)
            raise impossible("best", f"{self.best} is neither `{LAST}` nor a metric of a set, like {metrics}")
        return self


class Targets(Section):
    """The labels or contexts that the run makes for itself.

    Attributes:
        maker: A name in `openvss.training.targets.rounds.MAKERS`.
        every: Steps between two rounds; None for one round before the first step.
        options: Options of the maker.
    """

    maker: str
    every: int | None = Field(default=None, ge=1)
    options: dict[str, Any] = {}


class Saving(Section):
    """What is saved and logged.

    Attributes:
        every: Steps between two saved states, from which a run can be resumed.
        keep_every: Steps between weights that are kept besides the best and the last.
        log_every: Steps that each line of the log averages.
        tensorboard: Write for TensorBoard as well.
    """

    every: int = Field(default=500, ge=1)
    keep_every: int | None = Field(default=None, ge=1)
    log_every: int = Field(default=10, ge=1)
    tensorboard: bool = False


class Recipe(Section):
    """One stage of training.

    Attributes:
        ema: Decay of a moving average of the weights, which is then scored and saved; None for no average.
        precision: Of the computation; weights are float32.
        tf32: Let GPUs that can multiply float32 with a mantissa of 10 bits, several times as fast.
        seed: Of all random draws.
        deterministic: Use operations whose result is always the same. One that has no such version is an
            error on the CPU and a warning on a GPU.
    """

    model: Model
    data: Data
    clip: Clips = Clips()
    view: Augmentation = Augmentation()
    words: WordChoice = WordChoice()
    optimiser: Optimiser
    schedule: Schedule
    ema: float | None = Field(default=None, gt=0, lt=1)
    validation: Validation | None = None
    targets: Targets | None = None
    saving: Saving = Saving()
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    tf32: bool = True
    seed: int = Field(default=0, ge=0)
    deterministic: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Recipe:
        if self.clip.references is not None and isinstance(self.clip.labels, int):
            length = len(self.clip.references) + 1
            if self.clip.labels > length:
                frames = counted(length, "frame")
                raise impossible(
                    "clip.labels",
                    f"a clip has {frames}, so {self.clip.labels} of them cannot have labels",
                )
        made = self.clip.context == "made" or any(one.labels == "made" for one in self.data.train)
        if made and self.targets is None:
            raise impossible("targets", "labels or contexts are to be made, but it is missing")
        if self.targets is not None and not made:
            raise impossible("targets", "neither data.train has labels: made nor clip has context: made")
        if self.view.jitter_per_frame and not self.view.jitter:
            raise impossible("view.jitter_per_frame", "with jitter: 0 nothing is drawn for each frame")
        return self


def impossible(key: str, reason: str) -> PydanticCustomError:
    """The error for keys that contradict each other; `key` is the one to name."""
    return PydanticCustomError("impossible", "{reason}", {"key": key, "reason": reason})
