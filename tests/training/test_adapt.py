"""From a trained model, pictures and words to a recipe."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from openvss.data.catalogue import open_dataset
from openvss.errors import InputError
from openvss.models.registry import build_model
from openvss.training.adapt import find_start, gather, lowered_rates, write_recipe
from openvss.training.optimisation import groups_of
from openvss.training.recipe.reader import read_stages
from openvss.training.recipe.schema import LAST, WordChoice
from openvss.training.stepper import word_weights
from openvss.weights.checkpoint import save_model
from openvss.words.vocabulary import Vocabulary
from tests.video.clips import write_clip

OPTIONS = {"pair": "clip-convnext-nano", "templates": "plain", "square": None, "width": 32}
WORDS = Vocabulary.parse("sky, road | street")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, and a file that is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("b.png", "a.jpg"):
        Image.fromarray(np.full((40, 50, 3), 90, np.uint8)).save(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    return folder


def names(spec: str) -> list[str]:
    return [clip.name for clip in open_dataset(spec, labelled=False).clips]


def test_pictures_of_a_folder_become_a_set_without_labels(folder: Path, tmp_path: Path) -> None:
    spec = gather([str(folder)], WORDS, tmp_path / "set", 1.0)
    assert names(spec) == ["a", "b"]
    assert open_dataset(spec, labelled=False).vocabulary == WORDS
    (folder / "a.jpg").unlink()
    assert gather([str(folder)], WORDS, tmp_path / "set", 1.0) == spec  # done already
    with pytest.raises(InputError, match="other data or words"):
        gather([str(folder)], WORDS, tmp_path / "set", 2.0)


def test_frames_of_a_video_are_taken_some_time_apart(tmp_path: Path) -> None:
    write_clip(tmp_path / "film.mp4", n=16, fps=15)
    assert len(names(gather([str(tmp_path / "film.mp4")], WORDS, tmp_path / "set", 0.5))) == 3


def test_two_pictures_of_one_name(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"called a\.jpg: rename one"):
        gather([str(folder), str(folder)], WORDS, tmp_path / "set", 1.0)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("data", "words", "says"),
    [
        (["photos"], None, "give --words"),
        (["camvid:photos"], "sky", "brings its own words"),
        (["photos", "nowhere.mp4"], "sky", "does not exist"),
    ],
)
def test_wrong_data(
    folder: Path, monkeypatch: pytest.MonkeyPatch, data: list[str], words: str | None, says: str
) -> None:
    monkeypatch.chdir(folder.parent)
    with pytest.raises(InputError, match=says):
        write_recipe("tiny", data, words, folder.parent / "out", 1.0)


def test_recipe_of_a_checkpoint(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    checkpoint = tmp_path / "sed.safetensors"
    save_model(build_model("sed-b", OPTIONS), checkpoint, "sed-b", OPTIONS)
    file = write_recipe(str(checkpoint), [str(folder)], "sky, road", tmp_path / "out", 1.0)
    (stage,) = read_stages(file, ["schedule.steps=80", "targets.options.prior=none"])
    recipe = stage.recipe
    assert recipe.model.preset == "sed-b"
    assert recipe.model.init_from == str(checkpoint)
    assert recipe.optimiser.rates == {"pair": 0.01}
    assert recipe.targets is not None
    assert recipe.targets.options == {"prior": "none"}
    (plain,) = read_stages(file, [])
    assert plain.recipe.targets is not None
    assert plain.recipe.targets.options == {"prior": "edges"}
    assert names(recipe.data.train[0].set) == ["a", "b"]
    assert recipe.words.balance == 0  # it says yes or no to each word


def test_tiny_learns_at_the_rate_that_is_stated(folder: Path, tmp_path: Path) -> None:
    (stage,) = read_stages(write_recipe("tiny", [str(folder)], "sky, road", tmp_path / "out", 1.0), [])
    groups = groups_of(build_model("tiny"), stage.recipe.optimiser)
    assert {group.lr for group in groups} == {2e-5}


@pytest.mark.parametrize(
    ("preset", "options", "rates"),
    [
        ("tiny", {}, {}),  # it is its pair
        ("sed-b", {"pair": "clip-convnext-nano"}, {"pair": 0.01}),
        ("stseg-b", {"pair": "clip-convnext-nano", "sam": "nano"}, {"pair": 0.01}),  # SAM is frozen
        ("ov2vss-mit-b2", {}, {"backbone": 0.1}),  # the pair is frozen
    ],
)
def test_attached_encoders_learn_slower(
    preset: str, options: dict[str, object], rates: dict[str, float]
) -> None:
    with torch.device("meta"):
        assert lowered_rates(build_model(preset, options)) == rates


def test_rival_words_are_balanced(folder: Path, tmp_path: Path) -> None:
    (stage,) = read_stages(write_recipe("tiny", [str(folder)], "sky, road", tmp_path / "out", 1.0), [])
    assert stage.recipe.words.balance == 1


def test_words_that_labels_taught_weigh_less(folder: Path, tmp_path: Path) -> None:
    """Eq. 6, if the run that the weights lie in says which words these are."""
    save_model(build_model("sed-b", OPTIONS), tmp_path / "last.safetensors", "sed-b", OPTIONS)

    def words_for() -> WordChoice:
        file = write_recipe(str(tmp_path), [str(folder)], "sky, road | street", tmp_path / "out", 1.0)
        return read_stages(file)[0].recipe.words

    assert words_for().seen is None
    status = {"labelled_words": ["street", "pavement"], "status": "finished"}
    (tmp_path / "run.json").write_text(json.dumps(status))
    assert (words_for().seen, words_for().alpha) == ("street, pavement", 0.3)
    weights = word_weights(words_for(), WORDS)
    assert weights is not None
    torch.testing.assert_close(weights, torch.tensor([0.7, 0.3]))
    (tmp_path / "run.json").write_text(json.dumps({"labelled_words": []}))
    assert words_for().seen is None


def test_labels_of_others_are_for_scores(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    stages = read_stages(write_recipe("tiny", [str(folder)], "sky, road", out, 1.0, check="camvid:CamVid"))
    recipe = stages[0].recipe
    assert recipe.validation is not None
    assert [one.set for one in recipe.validation.on] == ["camvid:CamVid"]
    assert (recipe.validation.best, recipe.validation.before) == (LAST, True)
    assert [(one.set, one.labels) for one in recipe.data.train] == [(f"folder:{out}/pictures", "made")]


def test_where_to_start(tmp_path: Path) -> None:
    assert find_start("tiny").file.name == "tiny.safetensors"
    with pytest.raises(InputError, match="no trained weights of sed-b"):
        find_start("sed-b")
    with pytest.raises(InputError, match="No checkpoint was found at gone"):
        find_start("gone")
