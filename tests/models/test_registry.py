"""Presets: building by name, and trained weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import openvss
from openvss.errors import InputError
from openvss.models import trained
from openvss.models.registry import PRESETS, build_model, checked_options, options_of
from openvss.models.trained import load_model
from openvss.weights import bundled
from openvss.weights.checkpoint import save_model
from tests.models.closed import PRESET as CLOSED
from tests.models.closed import Closed


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> str:
    """A preset without trained weights."""
    monkeypatch.setitem(PRESETS, "closed", CLOSED)
    return "closed"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_says_what_it_is(name: str) -> None:
    preset = PRESETS[name]
    assert preset.summary
    assert preset.pair
    assert hash(preset.options)  # frozen: all models of a preset share them
    if preset.weights:
        assert bundled.path(preset.weights).is_file()
        assert bundled.card(preset.weights)


@pytest.mark.parametrize("name", PRESETS)
def test_the_options_of_every_preset_survive_a_checkpoint(name: str) -> None:
    options = options_of(name)
    read = json.loads(json.dumps(options))
    assert checked_options(name, read) == options


def test_options_of_a_preset_and_of_the_caller(closed: str) -> None:
    assert options_of(closed) == {"words": "car, sea", "width": 8, "shape": (1,)}
    model = build_model(closed, {"width": 4, "shape": [1, 2]})
    assert isinstance(model, Closed)
    assert model.fixed_words is not None
    assert model.fixed_words.names == ("car", "sea")
    assert model.stem.out_channels == 4


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("huge", {}, "No model is called 'huge': `openvss models` lists them."),
        ("tiney", {}, "No model is called 'tiney': did you mean tiny[?] `openvss models` lists them"),
        ("closed", {"wdith": 4}, "closed has no option 'wdith': choose one of words, width, shape"),
        ("closed", {"width": "4"}, "option width of closed cannot be '4': input should be a valid integer"),
        ("closed", {"shape": [1, "a"]}, "option shape"),
        ("tiny", {"depth": 4}, "tiny has no option 'depth': choose one of smoothing"),
    ],
)
def test_unknown_presets_and_options_are_named(
    closed: str, name: str, options: dict[str, object], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        build_model(name, options)


def test_without_trained_weights_a_model_must_be_asked_for_as_it_is(closed: str) -> None:
    with pytest.raises(InputError, match=r"no trained weights for closed yet.*--weights FILE.*--untrained"):
        load_model(closed)
    torch.manual_seed(3)
    model = load_model(closed, untrained=True)
    drawn = torch.rand(1)
    assert model.weights_sha256 is None
    assert not model.training
    torch.manual_seed(4)
    again = load_model(closed, untrained=True)
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    torch.manual_seed(3)
    assert torch.equal(torch.rand(1), drawn)  # the caller's random numbers are left alone


@pytest.mark.parametrize("place", ["file", "run folder", "--weights"])
def test_a_checkpoint_rebuilds_its_model(closed: str, tmp_path: Path, place: str) -> None:
    torch.manual_seed(1)
    model = build_model(closed, {"width": 4, "words": "dog, cat"})
    save_model(model, tmp_path / "last.safetensors", closed, {"width": 16})
    file = tmp_path / "best.safetensors"
    save_model(model, file, closed, {"width": 4, "words": "dog, cat"})
    match place:
        case "file":
            loaded = load_model(str(file))
        case "run folder":
            loaded = load_model(str(tmp_path))
        case _:
            loaded = load_model(closed, file)
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value)
    assert loaded.fixed_words is not None
    assert loaded.fixed_words.names == ("dog", "cat")
    assert loaded.weights_sha256 is not None
    assert len(loaded.weights_sha256) == 64


@pytest.mark.parametrize(
    ("width", "says"),
    [(10**8, "stem.weight"), (10**18, "cannot be built with"), (10**20, "cannot be built with")],
)
def test_a_huge_model_is_refused_before_it_is_built(
    closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, says: str
) -> None:
    file = tmp_path / "huge.safetensors"
    save_model(build_model(closed, {"width": 4}), file, closed, {"width": width})
    monkeypatch.setattr(trained, "_build", lambda *given: pytest.fail("it is built"))
    with pytest.raises(InputError, match=says):
        load_model(str(file))


def test_foreign_weights_of_the_same_names_and_shapes(closed: str, tmp_path: Path) -> None:
    model = build_model(closed)
    torch.save({"state_dict": model.state_dict(), "meta": {"epoch": 3}}, tmp_path / "theirs.pth")
    loaded = load_model(closed, tmp_path / "theirs.pth")
    assert torch.equal(loaded.state_dict()["stem.weight"], model.state_dict()["stem.weight"])
    with pytest.raises(InputError, match=r"theirs.pth is not a safetensors file"):
        load_model(str(tmp_path / "theirs.pth"))


def test_the_authors_own_files_go_through_the_key_map(
    closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keys(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name.replace("head", "classifier"): value for name, value in state.items()}

    monkeypatch.setitem(PRESETS, closed, replace(PRESETS[closed], keys=keys))
    state = build_model(closed).state_dict()
    theirs = {name.replace("classifier", "head"): value for name, value in state.items()}
    for names in (theirs, state):
        torch.save(names, tmp_path / "theirs.pth")
        loaded = load_model(closed, tmp_path / "theirs.pth").state_dict()
        assert all(torch.equal(loaded[name], value) for name, value in state.items())
    torch.save({**theirs, "more": torch.ones(1)}, tmp_path / "theirs.pth")
    with pytest.raises(InputError, match="unexpected more"):
        load_model(closed, tmp_path / "theirs.pth")


def test_wrong_combinations_are_one_sentence(closed: str, tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    save_model(build_model(closed), file, closed, {})
    (tmp_path / "empty").mkdir()
    for name, weights, untrained, says in (
        (
            "huge",
            None,
            False,
            "No model is called 'huge': `openvss models` lists them; a checkpoint, a run's folder",
        ),
        (str(tmp_path / "empty"), None, False, r"holds no weights \(best.safetensors or last"),
        (str(file), file, False, "brings its own weights"),
        (str(file), None, True, "brings its own weights"),
        (closed, file, True, "contradict"),
        (closed, tmp_path / "none.safetensors", False, "does not exist"),
        ("tiny", file, False, "holds weights of closed, not of tiny: use --model closed"),
    ):
        with pytest.raises(InputError, match=says):
            load_model(name, weights, untrained=untrained)
    save_model(build_model(closed), file, "gone", {})
    with pytest.raises(InputError, match="a model 'gone', which this version does not have"):
        load_model(str(file))
    save_model(build_model(closed, {"width": 4}), file, closed, {})
    with pytest.raises(InputError, match=r"not those of this model: of another shape stem.weight \(4, 3"):
        load_model(str(file))


def test_load_takes_weights_and_untrained(closed: str, tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    save_model(build_model(closed), file, closed, {})
    assert openvss.load(str(file), device="cpu").vocabulary.names == ("car", "sea")
    assert openvss.load(closed, "sea, car", weights=file, device="cpu").vocabulary.names == ("sea", "car")
    assert openvss.load(closed, untrained=True, device="cpu").model.weights_sha256 is None


def test_a_checkpoint_knows_its_words(tmp_path: Path) -> None:
    small = {"backbone": "mit-nano", "words": "cat, dog", "dim": 16}
    file = tmp_path / "small.safetensors"
    save_model(build_model("segformer-b0", small), file, "segformer-b0", small)
    fixed = load_model(str(file)).fixed_words
    assert fixed is not None
    assert fixed.names == ("cat", "dog")
    for name, weights in ((str(file), None), ("segformer-b0", file)):
        with pytest.raises(InputError, match="brings its own words"):
            load_model(name, weights, options={"words": "sky, sea"})
