"""How a run scores itself, that evaluations of it do the same, and how its weights are chosen."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from openvss import load
from openvss.data.make import make
from openvss.data.synthetic.job import RenderOptions
from openvss.errors import InputError
from openvss.training.recipe.schema import Recipe
from openvss.training.runs import log as journal
from openvss.training.validation import decisive, open_checks, remarks
from openvss.weights.checkpoint import BEST, LAST, find_checkpoint, read_metadata
from openvss.words.vocabulary import Label, Vocabulary
from tests.cli.runner import Runner
from tests.evaluation.sets import write_objects, write_set
from tests.training.drive import PRESET
from tests.training.small import recipe, write


@pytest.fixture
def few_words(tmp_path: Path) -> Path:
    """Videos of four words."""
    return write_set(tmp_path / "set", (20, 12), size=(48, 64))


@pytest.fixture
def trained(run: Runner, few_words: Path, tmp_path: Path) -> Path:
    """A run that was scored at another size than the model's own, looking at whole videos."""
    validation = {"on": [{}], "every": 20, "size": 40, "context": "whole"}
    data = {"train": [{"set": f"folder:{few_words}"}], "batch": 2}
    changes = {"data": data, "schedule": {"steps": 20}, "ema": 0.5, "optimiser": {"lr": 1e-2}}
    file = write(tmp_path / "r.yaml", recipe(few_words, validation=validation, **changes))
    run.ok("train", file, "--out", "run", "--cpu")
    return tmp_path / "run"


def evaluated(run: Runner, model: Path, videos: Path, *more: str) -> dict[str, Any]:
    data = ("--data", f"folder:{videos}")
    run.ok("evaluate", *data, "--model", model, "--out", "out", "--device", "cpu", "--overwrite", *more)
    found: dict[str, Any] = json.loads(Path("out/metrics.json").read_text())
    return found


def test_an_evaluation_of_a_run_gives_the_number_of_its_validation(
    run: Runner, few_words: Path, trained: Path
) -> None:
    (scored,) = journal.read(trained, "validation")
    for model in (trained, trained / "last.safetensors"):
        found = evaluated(run, model, few_words)
        assert (found["model"]["size"], found["model"]["context"]) == (40, "whole")
        same = [name for name in scored if name not in ("kind", "step")]
        assert {"miou", "pacc", "mvc8", "flicker"} <= set(same)
        assert {name: found[name] for name in same} == {name: scored[name] for name in same}


def test_what_is_given_explicitly_wins(run: Runner, few_words: Path, trained: Path) -> None:
    (scored,) = journal.read(trained, "validation")
    for more, size, context in (
        (("--size", "64"), 64, "whole"),
        (("--context", "past"), 40, "past"),
    ):
        found = evaluated(run, trained, few_words, *more)
        assert (found["model"]["size"], found["model"]["context"]) == (size, context)
        assert found["miou"] != scored["miou"]


def test_segmenting_takes_the_size_and_stays_in_the_past(run: Runner, few_words: Path, trained: Path) -> None:
    segmenter = load(str(trained), "sky, road")
    assert (segmenter.size, segmenter.settings.context) == (40, "past")
    run.ok("segment", few_words / "data" / "v0" / "origin", "sky, road", "--model", trained, "--out", "seg")
    settings = json.loads(Path("seg/run.json").read_text())
    assert (settings["size"], settings["context"]) == (40, "past")


def test_a_run_that_was_not_scored_remembers_nothing(run: Runner, videos: Path, tmp_path: Path) -> None:
    run.ok("train", write(tmp_path / "r.yaml", recipe(videos)), "--out", "run", "--cpu")
    found = evaluated(run, tmp_path / "run", videos)
    assert (found["model"]["size"], found["model"]["context"]) == (64, "past")
    assert found["model"]["selected_by"] == "last, step 4 of 4"


def test_a_run_that_starts_from_trained_weights_is_scored_before(
    run: Runner, videos: Path, tmp_path: Path
) -> None:
    on = [{"set": f"folder:{videos}", "split": "val"}]
    plain = write(tmp_path / "p.yaml", recipe(videos, validation={"on": on, "every": 4}))
    assert "and 1 validation of 16 frames" in run.ok("train", plain, "--out", "plain", "--cpu", "--dry-run")
    run.ok("train", plain, "--out", "plain", "--cpu")
    before = {"on": on, "every": 4, "before": True}
    start = {"preset": PRESET, "init_from": "plain"}
    file = write(tmp_path / "r.yaml", recipe(videos, model=start, validation=before))
    assert "and 2 validations" in run.ok("train", file, "--out", "run", "--cpu", "--dry-run")
    run.ok("train", file, "--out", "run", "--cpu")
    run.ok("train", file, "--out", "run", "--cpu", "--resume")
    first, last = journal.read(tmp_path / "run", "validation")
    assert (first["step"], last["step"]) == (0, 4)
    assert first["miou"] == journal.read(tmp_path / "plain", "validation")[0]["miou"]


def test_the_model_s_own_size_is_remembered(run: Runner, videos: Path, tmp_path: Path) -> None:
    validation = {"on": [{"split": "val", "videos": 1}], "every": 4}
    run.ok(
        "train", write(tmp_path / "r.yaml", recipe(videos, validation=validation)), "--out", "run", "--cpu"
    )
    assert 'size: "64"' in run.ok("models", "show", tmp_path / "run")


def test_a_word_for_everything_else_that_was_trained_stays_a_word(
    run: Runner, few_words: Path, tmp_path: Path
) -> None:
    classes = few_words / "classes.txt"
    classes.write_text(classes.read_text().replace("sky", "other"))
    for name, words in (("with", few_words), ("without", write_set(tmp_path / "more", (6,), size=(48, 64)))):
        data = {"train": [{"set": f"folder:{words}"}], "batch": 2}
        file = write(tmp_path / "r.yaml", recipe(words, data=data, schedule={"steps": 2}))
        run.ok("train", file, "--out", name, "--cpu")
    asked = "other, road, tree"
    assert load("with", asked, device="cpu").rest is None
    assert load("with", asked, others=True, device="cpu").rest == 0
    assert load("with", "road", device="cpu").rest == 1  # nothing in it was trained as such
    assert load("without", asked, device="cpu").rest == 0


def test_a_set_is_that_which_is_trained_on_unless_given(run: Runner, videos: Path, tmp_path: Path) -> None:
    on = [{"name": "same", "split": "val"}, {"name": "other", "set": f"folder:{tmp_path / 'none'}"}]
    file = write(tmp_path / "r.yaml", recipe(videos, validation={"on": on}))
    assert f"{tmp_path / 'none'} of folder does not exist" in run.sentence(
        "train", file, "--cpu", "--dry-run"
    )
    run.ok("train", file, "--cpu", "--dry-run", "--set", f"validation.on.1.set=folder:{videos}")


def status(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


def evaluated_on(run: Runner, model: Path | str, data: str, *more: str) -> dict[str, Any]:
    run.ok(
        "evaluate", "--data", data, "--model", model, "--out", "out", "--device", "cpu", "--overwrite", *more
    )
    found: dict[str, Any] = json.loads(Path("out/metrics.json").read_text())
    return found


@pytest.fixture(scope="module")
def vspw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("vspw")
    make("vspw", root, 0, RenderOptions(videos=3, frames=4, size=(48, 32)))
    return root


def one_set(spec: str, best: str, protocol: str | None = None) -> Recipe:
    """A recipe that is scored on one set."""
    on = [{"set": spec, "protocol": protocol}]
    return Recipe.model_validate_json(json.dumps(recipe(Path(), validation={"on": on, "best": best})))


def remarked(spec: str, best: str, trained: Sequence[Label], protocol: str | None = None) -> Sequence[str]:
    settings = one_set(spec, best, protocol)
    return remarks(settings, open_checks(settings), Vocabulary(tuple(trained)))


def test_the_last_weights_are_the_result_unless_a_metric_is_named(
    run: Runner, videos: Path, tmp_path: Path
) -> None:
    validation = {"on": [{"split": "val", "videos": 1}], "every": 2}
    file = write(tmp_path / "r.yaml", recipe(videos, validation=validation))
    run.ok("train", file, "--out", "run", "--cpu")
    assert find_checkpoint(tmp_path / "run") == tmp_path / "run" / LAST
    assert status(tmp_path / "run")["selected_by"] == "last, step 4 of 4"
    found = evaluated_on(run, "run", f"folder:{videos}", "--split", "val")
    assert found["model"]["selected_by"] == "last, step 4 of 4"
    rows = json.loads(run.ok("runs", "list", ".", "--json"))
    assert (rows[0]["metric"], rows[0]["best"]) == (None, None)


def test_a_metric_chooses_and_is_named(run: Runner, videos: Path, tmp_path: Path) -> None:
    validation = {"on": [{"name": "dev", "split": "val", "videos": 1}], "every": 1, "best": "dev.miou"}
    saving = {"keep_every": 3}
    file = write(tmp_path / "r.yaml", recipe(videos, validation=validation, saving=saving))
    run.ok("train", file, "--out", "run", "--cpu")
    scored = {entry["step"]: entry["dev.miou"] for entry in journal.read(tmp_path / "run", "validation")}
    step = max(scored, key=lambda step: (scored[step], -step))
    said = f"miou on 1 video of {videos.name} val, step {step}"
    assert status(tmp_path / "run")["selected_by"] == said
    assert evaluated_on(run, "run", f"folder:{videos}")["model"]["selected_by"] == said
    files = {LAST: "last, step 4 of 4", BEST: said, "step-000003.safetensors": "by hand, step 3"}
    for name, chosen in files.items():
        assert read_metadata(tmp_path / "run" / name).extra["selected_by"] == chosen
    own = evaluated_on(run, "tiny", f"folder:{videos}", "--size", "32")
    assert "selected_by" not in own["model"]


def test_a_metric_of_unseen_words_is_remarked_upon(run: Runner, vspw: Path, tmp_path: Path) -> None:
    train = [{"set": f"vspw:{vspw}", "classes": "vspw-80-44-seen"}]
    on = [{"name": "all", "split": "val", "protocol": "vspw-80-44"}]
    changes = {"data": {"train": train}, "validation": {"on": on, "every": 4, "best": "all.hiou"}}
    file = write(tmp_path / "r.yaml", recipe(vspw, schedule={"steps": 1}, **changes))
    code, _, messages = run("train", file, "--out", "run", "--cpu")
    assert code == 0
    told = " ".join(messages.split())
    assert "all.hiou uses labels of 44 words that training does not show" in told
    assert "say nothing about unseen words" in told
    assert "say nothing about unseen words" in run.ok("train", file, "--cpu", "--dry-run")
    assert count(vspw, "val") == 3
    said = "hiou on 3 videos of vspw val, protocol vspw-80-44, step 1"
    assert status(tmp_path / "run")["selected_by"] == said


@pytest.mark.parametrize(
    ("best", "protocol", "unseen"),
    [
        ("last", "vspw-80-44", 0),
        ("seen_miou", "vspw-80-44", 0),
        ("unseen_miou", "vspw-80-44", 44),
        ("mvc8", "vspw-80-44", 44),
        ("miou", "vspw-80-44-seen", 0),
        ("miou", "vspw-80-44-unseen", 44),
    ],
)
def test_whose_labels_a_metric_looks_at(vspw: Path, best: str, protocol: str, unseen: int) -> None:
    said = remarked(f"vspw:{vspw}", best, Vocabulary.parse("vspw").labels[:80], protocol)
    assert [f"{unseen} words" in line for line in said] == [True] * bool(unseen)


def test_one_word_that_training_does_not_show(vspw: Path) -> None:
    labels = Vocabulary.parse("vspw").labels
    (said,) = remarked(f"vspw:{vspw}", "miou", labels[1:])
    assert f"labels of a word that training does not show ({labels[0].name}), so" in said


def test_named_objects_are_what_a_metric_looks_at(tmp_path: Path) -> None:
    spec = f"folder:{write_objects(tmp_path / 'set', 1)}"
    (said,) = remarked(spec, "object_iou", Vocabulary.parse("swan, man | human").labels)
    assert "labels of a word that training does not show (horse), so" in said


def test_where_a_metric_has_no_number(vspw: Path) -> None:
    """Of words that do not occur the lowest value, so that it is the best only if there is no other."""
    settings = one_set(f"vspw:{vspw}", "seen_miou", "vspw-80-44").validation
    assert settings is not None
    assert decisive(settings, {"miou": 0.5, "seen_miou": 0.25}) == 0.25
    assert decisive(settings, {"miou": 0.5}) == -math.inf
    with pytest.raises(InputError, match=r"no metric 'mioux'.*set validation.best to last or one of miou"):
        decisive(settings.model_copy(update={"best": "mioux"}), {"miou": 0.5})


def test_validation_on_videos_that_training_leaves_out(run: Runner, vspw: Path, tmp_path: Path) -> None:
    train = [{"set": f"vspw:{vspw}", "split": "train", "classes": "vspw-80-44-seen", "draw": "videos"}]
    dev = {"name": "dev", "split": "train", "protocol": "vspw-80-44-seen", "videos": 1, "held_out": True}
    validation = {"on": [dev], "every": 4, "best": "dev.miou"}
    file = write(tmp_path / "r.yaml", recipe(vspw, data={"train": train}, validation=validation))
    n = count(vspw, "train")
    plan = run.ok("train", file, "--cpu", "--dry-run")
    assert f"train: {n - 1} clips, {n - 1} samples" in plan
    assert "1 clip is held out for validation dev" in plan
    assert "does not show" not in plan
    run.ok("train", file, "--out", "run", "--cpu")
    first = (vspw / "train.txt").read_text().split()[0]
    assert status(tmp_path / "run")["held_out"] == {"dev": [first]}
    said = "miou on 1 video held out of vspw train, protocol vspw-80-44-seen, step 4"
    assert evaluated_on(run, "run", f"vspw:{vspw}")["model"]["selected_by"] == said
    kept = yaml.safe_load((tmp_path / "run" / "recipe.yaml").read_text())
    assert kept["validation"]["on"][0]["held_out"] is True

    call = ("train", file, "--out", "other", "--cpu")
    sentence = run.sentence(*call, "--set", "validation.on.0.videos=null")
    assert "All videos of" in sentence
    sentence = run.sentence(*call, "--set", "validation.on.0.split=val")
    assert "is to be held out, but no set of data.train contains it" in sentence


def count(vspw: Path, split: str) -> int:
    return len((vspw / f"{split}.txt").read_text().split())
