"""ONNX Runtime runs exported folders. Importing this needs no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from openvss.engines.contract import Arrays
from openvss.engines.manifest import Manifest, read_manifest
from openvss.engines.names import Name
from openvss.errors import InputError
from openvss.video.labelmap import Labels
from openvss.words.vocabulary import Label, Vocabulary

if TYPE_CHECKING:
    from openvss.models.rest import Rest
    from openvss.models.words import TextEncoder, WordEmbeddings

Floats = npt.NDArray[np.float32]

PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}


class Exported:
    """What an exported folder says of its model.

    Attributes:
        manifest: All of it.
    """

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.references, self.starts = manifest.references, manifest.starts
        self.size, self.edge_aware = manifest.size, manifest.edge_aware
        self.attends_across_words, self.recurrent = manifest.attends_across_words, manifest.recurrent
        self.weights_sha256 = manifest.weights_sha256
        own = manifest.words
        self.fixed_words = Vocabulary(tuple(Label(words[0], words) for words in own)) if own else None

    def context_frames(self, t: int, n_frames: int) -> list[int]:
        """None: models that summarise a video are not exported."""
        del t, n_frames
        return []

    @cached_property
    def text(self) -> TextEncoder | None:
        """Turns phrases into vectors."""
        if self.manifest.text is None:
            return None
        from openvss.models.encoders.minilm import MiniLM

        return MiniLM()

    def embed(self, vocabulary: Vocabulary) -> WordEmbeddings:
        """The vectors of free words, or which of its own words are meant."""
        from openvss.models.fixed_words import choose
        from openvss.models.words import WordEmbeddings, embed

        if self.fixed_words is not None:
            return WordEmbeddings(vocabulary.names, choose(vocabulary, self.fixed_words))
        assert self.text is not None
        return embed(vocabulary, self.text, self.manifest.templates, average=self.manifest.average_templates)


class OnnxEngine:
    """An `Engine` for a folder that `openvss export` made.

    Args:
        folder: That folder.
        device: "auto", "cpu", "cuda", "cuda:1", "coreml".
        threads: With which the processor computes; None for one a core.
    """

    name: Name = "onnx"

    def __init__(self, folder: Path, device: str = "auto", threads: int | None = None) -> None:
        self.folder, self.model = folder, Exported(read_manifest(folder))
        self._threads = threads or _own_threads()
        self.kind, self._providers = _choose_providers(device)
        self._sessions: dict[str, Any] = {}

    def describe(self) -> str:
        """What people call the device: "the processor, 2 threads, ONNX Runtime"."""
        if self.kind != "cpu":
            return f"{self.kind}, ONNX Runtime"
        return f"the processor, {self._threads} thread{'s' if self._threads > 1 else ''}, ONNX Runtime"

    def versions(self) -> dict[str, str]:
        """Of the software that decides the results."""
        import onnxruntime

        return {"onnxruntime": onnxruntime.__version__}

    def shrink(self, pixels: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
        """(H, W, 3) -> (1, 3, h, w)."""
        from openvss.engines.inputs import shrink

        return shrink(pixels, size).numpy()

    def encode(self, image: npt.NDArray[np.uint8]) -> Arrays:
        """Features of a frame alone."""
        frames = image.astype(np.float32) / np.float32(255)
        features = self._run("encode", {"frames": frames})
        return {**features, "frames": frames} if "again" in self.model.manifest.graphs else features

    def compact(self, features: Arrays) -> Arrays:
        """The part of them that is needed once the frame is only a reference."""
        return {name: features[name] for name in self.model.manifest.kept}

    def encode_reference(self, image: npt.NDArray[np.uint8]) -> Arrays:
        """What `compact(encode(image))` gives."""
        return self.compact(self.encode(image))

    def summarise(self, each: Sequence[Arrays]) -> Arrays:
        """No exported model has a context."""
        raise TypeError(f"{self.folder} summarises no video, got {len(each)} frames")

    def fuse(
        self, target: Arrays, references: Sequence[Arrays], context: Arrays | None, memory: Arrays | None
    ) -> tuple[Arrays, Arrays | None]:
        """A frame in its context, and what the next one needs of it."""
        del context
        graphs = self.model.manifest.graphs
        if "fuse" not in graphs:
            return target, None
        given = _named("target", target)
        for i, one in enumerate(references):
            given |= _named(f"reference.{i}", one)
        if memory is None and "start" in graphs:
            if "again" in graphs:
                smaller = self._run("again", {"frames": target["frames"]})["smaller"]
                given |= _named("again", self._run("encode", {"frames": smaller}))
            found = self._run("start", given)
        else:
            found = self._run("fuse", given | (memory or {}))
        fused = _under("fused", found)
        memory = {**fused, **_under("next", found)}  # what both have is there once
        names = (name for name in graphs["fuse"].inputs if name.startswith("memory."))
        return fused, {name: memory[name.removeprefix("memory.")] for name in names} or None

    def score(self, fused: Arrays, words: WordEmbeddings) -> Floats:
        """Logits (N, h, w)."""
        vectors: Floats = np.asarray(words.embeddings)
        logits: Floats = self._run("score", {**fused, "words": vectors})["logits"][0]
        return logits if self.model.fixed_words is None else logits[vectors[:, 0].argmax(-1)]

    def label(
        self,
        logits: Floats,
        rest: Rest | None,
        pixels: npt.NDArray[np.uint8],
        half: tuple[int, int],
        unlabelled_below: float,
    ) -> tuple[Labels, Floats]:
        """Ids and confidences of all pixels of a frame."""
        import torch

        from openvss.engines.edges import reading_places
        from openvss.engines.inputs import shrink, to_input
        from openvss.engines.labelling import label_pixels

        with torch.inference_mode():
            scores = torch.from_numpy(logits)
            if rest is not None:
                scores = rest.join(scores)
            places = None
            if self.model.edge_aware:
                image = to_input(shrink(pixels, half), scores.device)
                places = reading_places(image, (scores.shape[-2], scores.shape[-1]))
            return label_pixels(scores, (pixels.shape[0], pixels.shape[1]), unlabelled_below, places)

    def to_numpy(self, logits: Floats) -> Floats:
        """They are an array."""
        return logits

    def _run(self, step: str, given: Mapping[str, Any]) -> Arrays:
        graph = self.model.manifest.graphs[step]
        if step not in self._sessions:
            self._sessions[step] = self._session(graph.file)
        found = self._sessions[step].run(list(graph.outputs), {name: given[name] for name in graph.inputs})
        return dict(zip(graph.outputs, found, strict=True))

    def _session(self, file: str) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        # threads that wait for work by spinning take the processor from those that read and write video
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(self.folder / file, options, providers=self._providers)
        except Exception as error:  # its errors have no common class of their own
            raise InputError(f"{self.folder / file} is damaged: export the model again.") from error


def _named(prefix: str, arrays: Arrays) -> Arrays:
    return {f"{prefix}.{name}": x for name, x in arrays.items()}


def _under(prefix: str, arrays: Arrays) -> Arrays:
    start = f"{prefix}."
    return {name.removeprefix(start): x for name, x in arrays.items() if name.startswith(start)}


def _own_threads() -> int:
    """One a core, or what OMP_NUM_THREADS says, which PyTorch heeds, too."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() and int(given) else os.cpu_count() or 1


def _choose_providers(device: str) -> tuple[str, list[Any]]:
    """The kind of device, and what ONNX Runtime calls it; the processor does what the device cannot."""
    try:
        import onnxruntime
    except ImportError:
        raise InputError("The engine onnx needs ONNX Runtime: `pip install onnxruntime`.") from None
    here = onnxruntime.get_available_providers()
    kind, _, number = device.partition(":")
    if kind == "auto":
        kind = next(kind for kind, provider in PROVIDERS.items() if provider in here)
    if kind not in PROVIDERS or PROVIDERS[kind] not in here or not (number or "0").isdecimal():
        able = " or ".join(kind for kind, provider in PROVIDERS.items() if provider in here)
        raise InputError(f"ONNX Runtime has no device {device!r} here: use --device {able} or auto.")
    first: Any = (PROVIDERS[kind], {"device_id": number}) if number else PROVIDERS[kind]
    return kind, [first] if kind == "cpu" else [first, PROVIDERS["cpu"]]
