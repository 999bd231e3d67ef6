"""`model.json` of an exported folder: all that a runtime needs to know. Importing this needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from openvss.errors import InputError

FILE = "model.json"
FORMAT = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Graph(_Part):
    """A file, what it takes and what it gives."""

    file: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class Text(_Part):
    """The text tower.

    Attributes:
        kind: Of its tokens.
        fingerprint: Of the encoder: embeddings on disk are kept under it.
        dim: Length of its vectors.
    """

    kind: Literal["minilm", "clip"]
    fingerprint: str
    dim: int


class Manifest(_Part):
    """What a folder says of its model.

    Frames are (1, 3, H, W), RGB in 0..1, both sides multiples of `multiple`; graphs normalise them.

    Attributes:
        format: Version of this list.
        model: Its preset.
        options: Of the preset, as it was exported.
        weights_sha256: Hash of the weights that it was made of.
        size: Short side of the input, unless another is asked for.
        multiple: Both sides of the input are multiples of it.
        references: How far back to look, in frames of 1/15 s, farthest first.
        starts: Frames that the first frames of a video look at instead.
        kept: Names of the features that are still needed once the frame is only a reference.
        edge_aware: Whether labels follow the edges of the frame.
        attends_across_words: Whether adding a word may change the logits of the others.
        recurrent: Whether a frame needs the memory of the one before.
        templates: Prompts around each phrase.
        average_templates: Whether they count as one.
        words: The words of a model that has its own, or those that were baked in; None if they are free.
        text: None if words are not free.
        graphs: By step.
        versions: Of the software that made the folder.
    """

    format: int
    model: str
    options: dict[str, object]
    weights_sha256: str | None
    size: int
    multiple: int
    references: tuple[int, ...]
    starts: dict[int, tuple[int, ...]]
    kept: tuple[str, ...]
    edge_aware: bool
    attends_across_words: bool
    recurrent: bool
    templates: tuple[str, ...]
    average_templates: bool
    words: tuple[tuple[str, ...], ...] | None
    text: Text | None
    graphs: dict[str, Graph]
    versions: dict[str, str]


def is_exported(name: str) -> bool:
    """Whether a model's name is the path of an exported folder."""
    return (Path(name) / FILE).is_file()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder."""
    file = folder / FILE
    try:
        manifest = Manifest.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{file} is damaged: export the model again.") from error
    if manifest.format != FORMAT:
        raise InputError(f"{file} was written by another version of openvss: export the model again.")
    for graph in manifest.graphs.values():
        if not (folder / graph.file).is_file():
            raise InputError(f"{folder} lacks {graph.file}: export the model again.")
    return manifest
