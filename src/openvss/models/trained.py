"""A model with trained weights: bundled with its preset, in a checkpoint or a file, or of its parts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.models.encoders.contract import Pretrained
from openvss.models.registry import HUB, PRESETS, build_model, find_preset, load_from_hub, unknown
from openvss.weights import bundled, checkpoint
from openvss.weights.strict import compare, fill, require_fit

LEARNED_REST = "learned_rest"


def load_model(
    name: str,
    weights: str | Path | None = None,
    *,
    untrained: bool = False,
    options: Mapping[str, object] | None = None,
) -> VideoModel:
    """A model that is ready to segment.

    Args:
        name: A preset; or the path of a checkpoint, or of the folder of a training run, which say themselves
            which model they belong to; or `hf:` and the name of a SegFormer on the Hugging Face hub.
        weights: A file for the preset to use instead of its own weights: a checkpoint, whose options count,
            or weights of other software.
        untrained: Take the model as it was built, at random, the same each time.
        options: Of the model, in place of the preset's or the checkpoint's, as long as its weights still fit.
    """
    chosen = options or {}
    if name.startswith(HUB):
        if weights or untrained:
            raise InputError(f"{name} brings its own weights: leave --weights and --untrained out.")
        if chosen:
            raise InputError(f"{name} has no options: leave --option out.")
        return load_from_hub(name.removeprefix(HUB))
    if name not in PRESETS:
        return _from_checkpoint(name, weights, chosen, untrained=untrained)
    if untrained and weights:
        raise InputError("--untrained and --weights contradict each other: leave one of them out.")
    if untrained:
        return _build(name, chosen).eval()
    if weights:
        return _with_weights(name, Path(weights), chosen)
    if find_preset(name).parts:
        return _from_parts(name, chosen)
    own = find_preset(name).weights
    if own is None:
        raise InputError(
            f"There are no trained weights for {name} yet: give a file with --weights FILE, or use random "
            "weights with --untrained."
        )
    _require_fit(_outline(name, chosen), chosen, checkpoint.load_state(bundled.path(own)))
    model = _build(name, chosen)
    bundled.load_into(model, bundled.path(own))
    model.weights_sha256 = bundled.sha256(own)
    return model.eval()


def pretrained_parts(model: nn.Module) -> dict[str, nn.Module]:
    """Backbones and image-text pairs by name.

    Parts inside such a part are not listed: it fills them itself.
    """
    found: dict[str, nn.Module] = {}
    for name, part in model.named_modules():  # the outer before the inner
        inside = any(name.startswith(f"{outer}." if outer else "") for outer in found)
        if not inside and isinstance(part, Pretrained):
            assert isinstance(part, nn.Module)
            found[name] = part
    return found


def load_pretrained(model: nn.Module) -> tuple[str, ...]:
    """Fill backbones and image-text pairs with their published weights; the names of these parts."""
    parts = pretrained_parts(model)
    for part in parts.values():
        assert isinstance(part, Pretrained)
        part.load_pretrained()
    return tuple(parts)


def checkpoint_of(name: str) -> Path:
    """The file of a checkpoint or run; anything else is taken for a misspelt preset."""
    file = checkpoint.find_checkpoint(Path(name))
    if file is None and Path(name).is_dir():
        raise InputError(
            f"The folder {name} holds no weights ({checkpoint.BEST} or {checkpoint.LAST}): name a checkpoint."
        )
    if file is None:
        raise unknown(name, "; a checkpoint, a run's folder or hf:NAME of the Hugging Face hub also works")
    return file


def state_for(name: str, file: Path) -> dict[str, Tensor]:
    """The tensors of a file under the names of a preset's model, whichever software wrote it."""
    state, keys = checkpoint.load_state(file), find_preset(name).keys
    return state if keys is None or checkpoint.is_ours(file) else keys(state)


def notes(name: str, weights: str | Path | None = None) -> dict[str, str]:
    """What else the checkpoint of a model notes; nothing if it is not a checkpoint of ours.

    Those of training runs say how they were chosen (`selected_by`), the `size` and `context` with which the
    run was validated, and whether a word such as "background" was trained (`LEARNED_REST`).
    """
    if name.startswith(HUB):
        return {}
    if name not in PRESETS:
        return checkpoint.read_metadata(checkpoint_of(name)).extra
    ours = weights is not None and checkpoint.is_ours(Path(weights))
    return checkpoint.read_metadata(Path(weights)).extra if weights and ours else {}


def _from_parts(name: str, chosen: Mapping[str, object]) -> VideoModel:
    model = _build(name, chosen)
    load_pretrained(model)
    model.weights_sha256 = checkpoint.state_sha256(model.state_dict())
    return model.eval()


def _from_checkpoint(
    name: str, weights: str | Path | None, chosen: Mapping[str, object], *, untrained: bool
) -> VideoModel:
    file = checkpoint_of(name)
    if weights or untrained:
        raise InputError(f"{name} brings its own weights: leave --weights and --untrained out.")
    note = checkpoint.read_metadata(file)
    if note.preset not in PRESETS:
        raise InputError(
            f"{file} belongs to a model {note.preset!r}, which this version does not have: install the "
            "package that adds it."
        )
    return _load_ours(note, chosen, file)


def _with_weights(name: str, file: Path, chosen: Mapping[str, object]) -> VideoModel:
    if not checkpoint.is_ours(file):
        state = state_for(name, file)
        _require_all(_outline(name, chosen), chosen, file, state)
        return _filled(_build(name, chosen), file, state)
    note = checkpoint.read_metadata(file)
    if note.preset != name:
        raise InputError(f"{file} holds weights of {note.preset}, not of {name}: use --model {note.preset}.")
    return _load_ours(note, chosen, file)


def _load_ours(note: checkpoint.Metadata, chosen: Mapping[str, object], file: Path) -> VideoModel:
    options, state = {**note.options, **chosen}, checkpoint.load_state(file)
    outline = _outline(note.preset, options)
    size = note.extra.get("size", str(outline.size))
    if not (size.isascii() and size.isdecimal()):
        raise InputError(checkpoint.DAMAGED_NOTE.format(file))
    if "words" in chosen and outline.fixed_words is not None:
        raise InputError(f"{file} brings its own words: leave the option words out.")
    _require_all(outline, chosen, file, state)
    model = _build(note.preset, options)
    model.size = int(size)
    return _filled(model, file, state)


def _outline(name: str, options: Mapping[str, object]) -> VideoModel:
    """The model without memory for its weights: the options of a damaged file may ask for any size."""
    try:
        with torch.device("meta"):
            return build_model(name, options)
    except (RuntimeError, TypeError, OverflowError) as error:  # sizes beyond what torch can count
        given = ", ".join(f"{key}={json.dumps(value)}" for key, value in options.items())
        raise InputError(f"The model {name} cannot be built with {given}: correct these options.") from error


def _build(name: str, options: Mapping[str, object]) -> VideoModel:
    """The same random weights each time, and the caller's random numbers stay as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_model(name, options)


def _require_fit(model: VideoModel, chosen: Mapping[str, object], state: Mapping[str, Tensor]) -> None:
    """Options may be chosen for trained weights only if a model has the same weights with them."""
    if chosen and not compare(model, state, "").fits:
        given = ", ".join(f"{key}={json.dumps(value)}" for key, value in chosen.items())
        raise InputError(
            f"The weights do not fit the model with {given}: leave out options that can only be chosen in "
            "training."
        )


def _require_all(
    outline: VideoModel, chosen: Mapping[str, object], file: Path, state: Mapping[str, Tensor]
) -> None:
    """Every weight of the model is in the file, in its shape, and nothing else."""
    _require_fit(outline, chosen, state)
    require_fit(compare(outline, state, str(file)))


def _filled(model: VideoModel, file: Path, state: Mapping[str, Tensor]) -> VideoModel:
    fill(model, state, str(file))
    model.weights_sha256 = checkpoint.sha256(file)
    return model.eval()
