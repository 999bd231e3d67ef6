"""What a segmenter asks of whatever runs its model. Importing this needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from openvss.engines.names import Name
from openvss.video.labelmap import Labels
from openvss.words.vocabulary import Vocabulary

if TYPE_CHECKING:
    from openvss.models.rest import Rest
    from openvss.models.words import TextEncoder, WordEmbeddings

Array = Any  # a tensor or an array, whichever the engine computes with
Arrays = dict[str, Array]


class Facts(Protocol):
    """What a model says of itself, as `openvss.models.base.VideoModel` documents it."""

    @property
    def references(self) -> tuple[int, ...]:
        """Which frames before the target it refers to."""
        ...

    @property
    def starts(self) -> Mapping[int, tuple[int, ...]]:
        """Which ones where fewer are there."""
        ...

    @property
    def text(self) -> TextEncoder | None:
        """Turns phrases into vectors."""
        ...

    @property
    def fixed_words(self) -> Vocabulary | None:
        """The only words that it knows."""
        ...

    @property
    def size(self) -> int:
        """Default short side of frames."""
        ...

    @property
    def edge_aware(self) -> bool:
        """Whether labels follow the edges of the frame."""
        ...

    @property
    def attends_across_words(self) -> bool:
        """Whether the logits of a word depend on the others."""
        ...

    @property
    def recurrent(self) -> bool:
        """Whether a frame needs the memory of the one before."""
        ...

    @property
    def weights_sha256(self) -> str | None:
        """Of the weights file."""
        ...

    def context_frames(self, t: int, n_frames: int) -> list[int]:
        """Which of `n_frames` frames, 1/15 s apart, to summarise for target `t`; empty if it uses none."""
        ...

    def embed(self, vocabulary: Vocabulary) -> WordEmbeddings:
        """What `Engine.score` needs to know of a vocabulary."""
        ...


class Engine(Protocol):
    """Computes what `VideoModel` defines, one frame at a time, in arrays of its own kind.

    Attributes:
        name: "torch" or "onnx".
        model: What the model says of itself.
        kind: Of device: "cpu", "cuda", ...
    """

    name: Name

    @property
    def model(self) -> Facts:
        """What the model says of itself."""
        ...

    @property
    def kind(self) -> str:
        """Of device: "cpu", "cuda", ..."""
        ...

    def describe(self) -> str:
        """What people call the device: "the processor, 2 threads"."""
        ...

    def versions(self) -> dict[str, str]:
        """Of the software that decides the results."""
        ...

    def shrink(self, pixels: npt.NDArray[np.uint8], size: tuple[int, int]) -> Array:
        """(H, W, 3) -> (1, 3, h, w), uint8."""
        ...

    def encode(self, image: Array) -> Arrays:
        """Features of a frame alone."""
        ...

    def compact(self, features: Arrays) -> Arrays:
        """The part of them that is needed once the frame is only a reference."""
        ...

    def encode_reference(self, image: Array) -> Arrays:
        """What `compact(encode(image))` gives."""
        ...

    def summarise(self, each: Sequence[Arrays]) -> Arrays:
        """The context that distant frames give."""
        ...

    def fuse(
        self, target: Arrays, references: Sequence[Arrays], context: Arrays | None, memory: Arrays | None
    ) -> tuple[Arrays, Arrays | None]:
        """A frame in its context, and what the next one needs of it."""
        ...

    def score(self, fused: Arrays, words: WordEmbeddings) -> Array:
        """Logits (N, h, w)."""
        ...

    def label(
        self,
        logits: Array,
        rest: Rest | None,
        pixels: npt.NDArray[np.uint8],
        half: tuple[int, int],
        unlabelled_below: float,
    ) -> tuple[Labels, npt.NDArray[np.float32]]:
        """Ids and confidences of all pixels of a frame.

        Args:
            logits: Of the asked words, and of the hidden ones if there is a label for everything else.
            rest: That label.
            pixels: Of the frame.
            half: Half of the size at which the model saw it, for edges.
            unlabelled_below: Pixels that are less certain get the unlabelled id.
        """
        ...

    def to_numpy(self, logits: Array) -> npt.NDArray[np.float32]:
        """The same numbers as an array."""
        ...
