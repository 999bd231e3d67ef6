"""A recipe from start to end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from openvss import load
from openvss.errors import InputError
from openvss.training import trainer as loop
from openvss.training.recipe.schema import Recipe
from openvss.training.run import RunOptions, train_stage
from openvss.training.runs import log as journal
from openvss.training.runs.log import Watcher
from openvss.training.setup import TrainingSetup
from openvss.weights.checkpoint import find_checkpoint
from tests.cli.runner import Runner
from tests.training.small import recipe, write


def test_learns_and_leaves_a_usable_run(run: Runner, videos: Path, tmp_path: Path) -> None:
    on = [{"set": f"folder:{videos}", "split": "val"}]
    changes = {"schedule": {"steps": 30}, "ema": 0.5, "validation": {"on": on, "every": 15}}
    file = write(tmp_path / "r.yaml", recipe(videos, **changes))
    assert run.ok("train", file, "--out", "run", "--cpu").strip() == "run"
    losses = [entry["loss"] for entry in journal.read(tmp_path / "run", "train")]
    assert len(losses) == 30
    assert sum(losses[-5:]) < 0.95 * sum(losses[:5])
    scored = journal.read(tmp_path / "run", "validation")
    assert [entry["step"] for entry in scored] == [15, 30]
    assert {"miou", "pacc", "mvc8"} <= scored[0].keys()
    assert (tmp_path / "run" / "validation" / "000015" / "best.png").is_file()
    assert yaml.safe_load((tmp_path / "run" / "recipe.yaml").read_text())["optimiser"]["betas"] == [
        0.9,
        0.999,
    ]
    status = json.loads((tmp_path / "run" / "run.json").read_text())
    assert status["status"] == "finished"
    assert "blue plain sky" in status["labelled_words"]
    segmenter = load(str(tmp_path / "run"), "red plain disc, blue plain sky")
    assert "stem.weight" in segmenter.model.state_dict()


def test_the_rate_in_the_log_is_that_of_the_recipe(run: Runner, videos: Path, tmp_path: Path) -> None:
    """Of several, that which no pattern changes, be others higher or lower."""
    rates = {"stem": 0.1, "gate": 10}
    changes = {"optimiser": {"lr": 1e-3, "rates": rates}, "schedule": {"steps": 4, "warmup": 2}}
    code, _, messages = run(
        "train", write(tmp_path / "r.yaml", recipe(videos, **changes)), "--out", "run", "--cpu"
    )
    assert code == 0, messages
    logged = [entry["lr"] for entry in journal.read(tmp_path / "run", "train")]
    assert logged == pytest.approx([1e-9, 1e-3 * 0.75 * (0.5 + 5e-7), 5e-4, 2.5e-4])


def test_stopping_and_resuming_gives_the_same_weights(run: Runner, videos: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "r.yaml", recipe(videos, ema=0.9))
    run.ok("train", file, "--out", "whole", "--cpu")
    run.ok("train", file, "--out", "twice", "--cpu")
    run.ok("train", file, "--out", "twice", "--cpu", "--resume", "--set", "data.pin_memory=false")
    whole, twice = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "twice"))
    assert whole.keys() == twice.keys()
    assert all(torch.equal(whole[name], twice[name]) for name in whole)


def test_a_run_is_not_overwritten(run: Runner, videos: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "r.yaml", recipe(videos, schedule={"steps": 1}))
    run.ok("train", file, "--out", "run", "--cpu")
    assert "already holds a run" in run.sentence("train", file, "--out", "run", "--cpu")
    other = run.sentence("train", file, "--out", "run", "--cpu", "--resume", "--set", "seed=5")
    assert "different settings (seed: 0 then, 5 now)" in other
    run.ok("train", file, "--out", "run", "--cpu", "--overwrite", "--set", "seed=5")


def test_a_run_that_cannot_begin_leaves_no_folder(run: Runner, videos: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", recipe(videos, data={"train": [{"set": "folder:nowhere"}], "batch": 2}))
    before = sorted(tmp_path.iterdir())
    assert "nowhere" in run.sentence("train", file, "--out", "runs/a", "--cpu")
    assert sorted(tmp_path.iterdir()) == before
    own = tmp_path / "runs" / "a" / "notes.txt"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    run.sentence("train", file, "--out", "runs/a", "--cpu")
    assert list(own.parent.iterdir()) == [own]


def test_a_corrected_mistake_needs_no_new_folder(run: Runner, videos: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "r.yaml", recipe(videos, schedule={"steps": 1}))
    call = ("train", file, "--out", "run", "--cpu")
    assert "check the path" in run.sentence(*call, "--set", "data.train.0.set=folder:nowhere")
    run.ok(*call)
    (tmp_path / "run" / "state.safetensors").unlink()
    assert "already holds a run" in run.sentence(*call)  # its weights are still there


def test_only_what_a_run_wrote_is_replaced(run: Runner, videos: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "r.yaml", recipe(videos, schedule={"steps": 1}))
    out = tmp_path / "run"
    run.ok("train", file, "--out", out, "--cpu")
    (out / "notes.txt").write_text("mine")
    run.ok("train", file, "--out", out, "--cpu", "--overwrite")
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("wrong", ["only", "second"])
def test_a_mistake_does_not_cost_the_run_to_be_replaced(
    run: Runner, videos: Path, tmp_path: Path, wrong: str
) -> None:
    out = tmp_path / "run"
    run.ok("train", write(tmp_path / "r.yaml", recipe(videos, schedule={"steps": 1})), "--out", out, "--cpu")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    lost = {"train": [{"set": "folder:nowhere", "split": "train"}]}
    stages = [{"name": "a"}, {"name": "b", "data": lost}]
    changes = {"stages": stages} if wrong == "second" else {"data": lost}
    file = write(tmp_path / "r.yaml", recipe(videos, **changes))
    assert "check the path" in run.sentence("train", file, "--out", out, "--cpu", "--overwrite")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_stage_of_ones_own_keeps_what_it_cannot_replace(videos: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    settings = Recipe.model_validate(recipe(videos, schedule={"steps": 1}))
    train_stage(settings, out, RunOptions(cpu=True), Watcher())
    before = (out / "last.safetensors").read_bytes()

    def fail(recipe: Recipe, folder: Path, cpu: bool) -> TrainingSetup:
        raise InputError("There is no data.")

    with pytest.raises(InputError, match="no data"):
        train_stage(settings, out, RunOptions(cpu=True, overwrite=True), Watcher(), fail)
    assert (out / "last.safetensors").read_bytes() == before


def test_the_folder_of_another_command_is_refused(run: Runner, videos: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "r.yaml", recipe(videos))
    (tmp_path / "segmented").mkdir()
    (tmp_path / "segmented" / "run.json").write_text("{}")
    sentence = run.sentence("train", file, "--out", "segmented", "--cpu", "--overwrite")
    assert "another command" in sentence


def test_stages_start_from_the_best_before(run: Runner, videos: Path, tmp_path: Path) -> None:
    stages = [
        {"name": "first", "schedule": {"steps": 2}},
        {"name": "second", "model": {"freeze": ["stem"]}, "optimiser": {"lr": 1e-5}},
    ]
    file = write(tmp_path / "r.yaml", recipe(videos, stages=stages))
    run.ok("train", file, "--out", "run", "--cpu")
    first = load_file(tmp_path / "run" / "1-first" / "last.safetensors")
    second = load_file(tmp_path / "run" / "2-second" / "last.safetensors")
    assert torch.equal(first["stem.weight"], second["stem.weight"])
    assert not torch.equal(first["gate"], second["gate"])


def test_stages_of_an_earlier_run_are_replaced_as_a_whole(
    run: Runner, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recipe_of(*names: str) -> Path:
        stages = {"stages": [{"name": name} for name in names]} if names else {}
        return write(tmp_path / "r.yaml", recipe(videos, schedule={"steps": 1}, **stages))

    def train(file: Path, *more: str) -> list[str]:
        run.ok("train", file, "--out", "run", "--cpu", *more)
        return sorted(path.name for path in (tmp_path / "run").iterdir() if path.is_dir())

    run.ok("train", recipe_of(), "--out", "run/9-own", "--cpu")  # no stage, though it is called like one
    shutil.move(tmp_path / "run" / "9-own", tmp_path / "run" / "own")
    assert train(recipe_of("a", "b", "c")) == ["1-a", "2-b", "3-c", "own"]
    (tmp_path / "run" / "3-c" / "notes.txt").write_text("mine")
    file = recipe_of("a", "d")
    assert "run/2-b holds a run that is not part of" in run.sentence("train", file, "--out", "run", "--cpu")

    with monkeypatch.context() as patch:  # dies in the first stage
        patch.setattr(loop.Trainer, "run", lambda self, *, resume: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(file, "--overwrite")
    assert find_checkpoint(tmp_path / "run") is None

    assert train(file, "--overwrite") == ["1-a", "2-d", "3-c", "own"]
    assert [path.name for path in (tmp_path / "run" / "3-c").iterdir()] == ["notes.txt"]
    assert find_checkpoint(tmp_path / "run") == tmp_path / "run" / "2-d" / "last.safetensors"
    assert train(recipe_of(), "--overwrite") == ["3-c", "own"]
    assert "run holds a run that is no" in run.sentence("train", recipe_of("a"), "--out", "run", "--cpu")
    assert train(recipe_of("a"), "--overwrite") == ["1-a", "3-c", "own"]
    assert find_checkpoint(tmp_path / "run") == tmp_path / "run" / "1-a" / "last.safetensors"


def test_trains_on_stills(run: Runner, images: Path, videos: Path, tmp_path: Path) -> None:
    train = [
        {"set": f"folder:{images}", "split": "train", "weight": 2},
        {"set": f"folder:{videos}", "split": "train"},
    ]
    data = {"train": train, "batch": 2, "mix": "batches", "workers": 1}
    file = write(tmp_path / "r.yaml", recipe(videos, data=data, clip={"labels": "all"}))
    run.ok("train", file, "--out", "run", "--cpu")


def test_half_precision(run: Runner, videos: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "r.yaml", recipe(videos, precision="bf16", ema=0.9))
    run.ok("train", file, "--out", "half", "--cpu")
    run.ok("train", file, "--out", "whole", "--cpu", "--set", "precision=fp32")
    half, whole = (journal.read(tmp_path / name, "train") for name in ("half", "whole"))
    for one, other in zip(half, whole, strict=True):
        assert one["loss"] != other["loss"]
        assert abs(one["loss"] - other["loss"]) < 0.05
    weights = load_file(tmp_path / "half" / "last.safetensors")
    assert {value.dtype for value in weights.values()} == {torch.float32}
    assert "fp16 needs a GPU" in run.sentence("train", file, "--out", "x", "--cpu", "--set", "precision=fp16")


def test_half_precision_on_a_processor_without_it(
    run: Runner, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    file = write(tmp_path / "r.yaml", recipe(videos))
    for precision, told in (("bf16", True), ("fp32", False)):
        code, _, messages = run("train", file, "--out", precision, "--cpu", "--set", f"precision={precision}")
        assert code == 0
        assert ("many times slower" in messages) is told


def test_weights_that_are_kept(run: Runner, videos: Path, tmp_path: Path) -> None:
    saving = {"every": 3, "keep_every": 2}
    run.ok("train", write(tmp_path / "r.yaml", recipe(videos, saving=saving)), "--out", "run", "--cpu")
    kept = sorted(path.name for path in (tmp_path / "run").glob("step-*"))
    assert kept == ["step-000002.safetensors", "step-000004.safetensors"]


def test_weights_of_another_model_fit_partly(run: Runner, videos: Path, tmp_path: Path) -> None:
    run.ok("train", write(tmp_path / "r.yaml", recipe(videos)), "--out", "run", "--cpu")
    state = load_file(tmp_path / "run" / "last.safetensors")
    state["far.weight"] = torch.zeros(3, 3)
    state["other"] = state.pop("gate")
    save_file(state, tmp_path / "a.safetensors")
    model = {"preset": "two-frame", "init_from": str(tmp_path / "a.safetensors")}
    code, _, err = run(
        "train", write(tmp_path / "s.yaml", recipe(videos, model=model)), "--out", "b", "--cpu"
    )
    assert code == 0
    told = " ".join(err.split())
    assert "7 tensors from" in told
    assert "1 of the model are not in it (gate), 1 of it are not used, 1 have other shapes" in told
    (tmp_path / "a.safetensors").rename(tmp_path / "b.safetensors")  # a run that has begun does without
    run.ok("train", tmp_path / "s.yaml", "--out", "b", "--cpu", "--resume")
    save_file({"none": torch.zeros(2)}, tmp_path / "a.safetensors")
    assert "No tensor of" in run.sentence("train", tmp_path / "s.yaml", "--out", "c", "--cpu")
    (tmp_path / "a.safetensors").unlink()
    assert "No checkpoint was found at" in run.sentence("train", tmp_path / "s.yaml", "--out", "d", "--cpu")


def test_the_recipe_in_the_repository_trains(run: Runner, tmp_path: Path) -> None:
    file = Path(__file__).parents[2] / "recipes" / "synthetic.yaml"
    run.ok("data", "make", "folder", "data/toy", "--videos", "2", "--frames", "4")
    changes = [f"--set={c}" for c in ("schedule.steps=3", "schedule.warmup=1", "validation.on.0.videos=1")]
    run.ok("train", file, "--cpu", "--set=model.preset=two-frame", "--set=model.pretrained=false", *changes)
    scored = journal.read(tmp_path / "runs" / "synthetic", "validation")
    assert "unseen.miou" in scored[0]


def test_words_that_a_model_lacks_are_found_first(run: Runner, videos: Path, tmp_path: Path) -> None:
    model = {"preset": "segformer-b0", "options": {"backbone": "mit-nano", "words": "red plain disc, sky"}}
    file = write(tmp_path / "r.yaml", recipe(videos, model=model))
    assert "does not know the word" in run.sentence("train", file, "--out", "run", "--cpu")
