"""The sentence encoder all-MiniLM-L6-v2, from weights that ship in the package, by ONNX Runtime."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from openvss.errors import InputError
from openvss.weights import bundled

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

FOLDER = bundled.FOLDER / "minilm"
GRAPH, TOKENIZER = "minilm.onnx", "tokenizer.json"
_BATCH = 128
_MAX_TOKENS = 256  # as in the model's own settings; longer phrases are cut


class MiniLM:
    """A `TextEncoder`: the mean of a phrase's token embeddings, at unit length.

    Weights are loaded, and ONNX Runtime imported, when the first phrase is encoded.
    """

    dim = 384

    def __init__(self) -> None:
        for name in (GRAPH, TOKENIZER):
            if not (FOLDER / name).is_file():
                raise InputError(f"{FOLDER / name} is missing from the installation: reinstall openvss.")

    @cached_property
    def fingerprint(self) -> str:
        """Covers every byte that decides the vectors: reading them is much faster than loading the model."""
        digest = hashlib.sha256()
        for name in (GRAPH, TOKENIZER):
            with (FOLDER / name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return f"minilm-mean-2-{digest.hexdigest()}"

    def encode(self, phrases: Sequence[str]) -> Tensor:
        """(len(phrases), 384) float32 unit vectors; a phrase's neighbours have no influence on its vector."""
        batches = [phrases[i : i + _BATCH] for i in range(0, len(phrases), _BATCH)]
        return torch.cat([torch.empty(0, self.dim), *map(self._encode_batch, batches)])

    def _encode_batch(self, phrases: Sequence[str]) -> Tensor:
        encoded: list[Encoding] = self._tokenizer.encode_batch(list(phrases))
        self._require_known(phrases, encoded)
        ids = np.array([one.ids for one in encoded], np.int64)
        mask = np.array([one.attention_mask for one in encoded], np.float32)
        (vectors,) = self._model.run(["vectors"], {"ids": ids, "mask": mask})
        return torch.from_numpy(vectors)

    def _require_known(self, phrases: Sequence[str], encoded: Sequence[Encoding]) -> None:
        """A phrase with an unknown character would mean the same as any other such phrase."""
        unknown = self._tokenizer.token_to_id("[UNK]")
        for phrase, one in zip(phrases, encoded, strict=True):
            if unknown in one.ids:
                raise InputError(
                    f"The model's text encoder knows English only and cannot read {phrase!r}: reword it."
                )

    @cached_property
    def ranks(self) -> dict[str, int]:
        """The words that it knows as a whole, of ASCII letters, each with its rank: roughly by frequency."""
        tokenizer = json.loads((FOLDER / TOKENIZER).read_text(encoding="utf-8"))
        vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
        return {token: rank for token, rank in vocabulary.items() if token.isascii() and token.isalpha()}

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(str(FOLDER / TOKENIZER))
        except Exception as error:  # it raises no narrower one
            raise InputError(_damaged()) from error
        tokenizer.enable_truncation(_MAX_TOKENS)
        tokenizer.enable_padding()
        return tokenizer

    @cached_property
    def _model(self) -> InferenceSession:
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        try:
            return InferenceSession((FOLDER / GRAPH).read_bytes(), options, ["CPUExecutionProvider"])
        except Exception as error:  # its own errors have no common base
            raise InputError(_damaged()) from error


def _damaged() -> str:
    return f"The text encoder's weights in {FOLDER} are damaged: reinstall openvss."
