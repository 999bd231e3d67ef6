"""`openvss export`: a model as a folder of ONNX graphs, checked against PyTorch."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from openvss import __version__
from openvss.engines.inputs import MULTIPLE
from openvss.engines.manifest import FILE, FORMAT, Graph, Manifest, Text
from openvss.errors import InputError
from openvss.export.check import Agreement, check
from openvss.export.graph import Weights, write_graph
from openvss.export.steps import steps
from openvss.models.base import VideoModel
from openvss.models.encoders.minilm import MiniLM
from openvss.models.trained import load_model
from openvss.models.words import WordEmbeddings
from openvss.storage.file_errors import make_folder, reporting
from openvss.words.vocabulary import Vocabulary, Words

EXAMPLE = (96, 160)  # size of the frames with which steps are traced


def export(
    model: str,
    out: Path,
    words: Words | None = None,
    *,
    weights: str | Path | None = None,
    untrained: bool = False,
    options: Mapping[str, object] | None = None,
    pictures: Sequence[npt.NDArray[np.uint8]] = (),
) -> Agreement:
    """Write a model's graphs to a folder, after comparing them with PyTorch.

    Args:
        model: What `openvss.load` takes, as are `weights`, `untrained` and `options`.
        out: The folder, which must not exist or be empty.
        words: To be baked in, as `openvss.load` takes them; None leaves them free.
        weights: A file to use instead of the model's own weights.
        untrained: Take a model without trained weights, at random.
        options: The model's own.
        pictures: To compare with; some are made up if there are none.

    Raises:
        InputError: The model cannot be exported, or the folder is not empty.
        OpenVSSError: A graph gives other results than PyTorch.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not an empty folder: choose another one.")
    built = load_model(model, weights, untrained=untrained, options=options).requires_grad_(False)
    _require_exportable(model, built, words)
    vocabulary = None if words is None else Vocabulary.of(words)
    if vocabulary is not None and built.fixed_words is not None:
        raise InputError(f"{model} has words of its own: leave --words out.")
    baked = None if vocabulary is None else built.embed(vocabulary)
    draft = out.with_name(f".{out.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    make_folder(draft)
    try:
        with reporting(draft):
            _write_all(model, built, vocabulary, baked, dict(options or {}), draft)
        found = check(built, draft, pictures)
        draft.replace(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return found


def _write_all(
    name: str,
    built: VideoModel,
    vocabulary: Vocabulary | None,
    baked: WordEmbeddings | None,
    options: dict[str, object],
    out: Path,
) -> None:
    with torch.inference_mode(False), torch.no_grad():
        graphs = _write(name, built, baked, out)
    own = built.fixed_words or vocabulary
    manifest = Manifest(
        format=FORMAT,
        model=name,
        options=options,
        weights_sha256=built.weights_sha256,
        size=built.size,
        multiple=MULTIPLE,
        references=built.references,
        starts=dict(built.starts),
        kept=_kept(built),
        edge_aware=built.edge_aware,
        attends_across_words=built.attends_across_words,
        recurrent=built.recurrent,
        templates=built.templates,
        average_templates=built.average_templates,
        words=tuple(label.synonyms for label in own) if own else None,
        text=None if own else _text(built),
        graphs=graphs,
        versions={"openvss": __version__, "torch": torch.__version__},
    )
    (out / FILE).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _require_exportable(name: str, model: VideoModel, words: Words | None) -> None:
    if model.context_frames(0, 1):
        raise InputError(
            f"{name} cannot be exported because it summarises distant frames: choose another model, or "
            "segment with --engine torch."
        )
    if words is None and model.fixed_words is None and not isinstance(model.text, MiniLM):
        raise InputError(
            f"{name} cannot be exported with free words because its text encoder is not MiniLM: bake "
            "words in with --words."
        )


def _write(name: str, model: VideoModel, baked: WordEmbeddings | None, out: Path) -> dict[str, Graph]:
    frames = torch.rand(1, 3, *EXAMPLE, generator=torch.Generator().manual_seed(0))
    weights = Weights(out)
    graphs = {}
    for step in steps(model, frames, baked):
        try:
            graphs[step.name] = write_graph(model, step, out, weights)
        except (torch.onnx.errors.OnnxExporterError, RuntimeError, TypeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                f"{name} cannot be exported because ONNX has no form of its step {step.name} ({reason}): "
                "use --engine torch."
            ) from error
    return graphs


def _kept(model: VideoModel) -> tuple[str, ...]:
    frames = torch.zeros(1, 3, *EXAMPLE)
    return tuple(model.compact(model.encode(frames)))


def _text(model: VideoModel) -> Text:
    assert model.text is not None
    return Text(kind="minilm", fingerprint=model.text.fingerprint, dim=model.text.dim)
