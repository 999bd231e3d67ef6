"""`openvss models`, and models that are chosen by path, by their weights or untrained."""

from __future__ import annotations

import json
from pathlib import Path

from transformers import SegformerForSemanticSegmentation

from openvss.models.registry import PRESETS, build_model
from openvss.weights import bundled
from openvss.weights.checkpoint import save_model, sha256
from tests.cli.runner import Runner
from tests.evaluation.sets import write_set
from tests.models.segformer.test_hub import config as segformer_config
from tests.video.clips import write_clip

SMALL = ["--size", "32", "--device", "cpu"]


def test_the_list(run: Runner, closed: str) -> None:
    listed = {row["name"]: row for row in json.loads(run.ok("models", "--json"))}
    assert listed.keys() == PRESETS.keys()
    assert listed["tiny"]["weights"].startswith("bundled, sha256 ")
    assert listed["closed"]["weights"] == "none yet"
    table = run.ok("models")
    assert all(word in table for word in ("tiny", "closed", "none yet", "cffm-b0..b5"))
    assert "cffm-b1" not in table


def test_show(run: Runner, closed: str) -> None:
    shown = run.ok("models", "show", "tiny")
    assert bundled.sha256("tiny") in shown
    assert bundled.card("tiny") in shown
    shown = run.ok("models", "show", closed)
    assert "weights: none yet" in shown
    assert 'option words: "car, sea" unless given' in shown
    assert "No model is called 'huge'" in run.sentence("models", "show", "huge")
    assert "on the Hugging Face hub" in run.sentence("models", "show", "hf:some/one")


def test_show_a_checkpoint_or_a_run(run: Runner, tmp_path: Path, closed: str) -> None:
    options: dict[str, object] = {"words": "dog, cat, sky"}
    file = tmp_path / "run" / "best.safetensors"
    file.parent.mkdir()
    save_model(build_model(closed, options), file, closed, options, {"step": "7"})
    for name in ("run", "run/best.safetensors"):
        shown = run.ok("models", "show", name).splitlines()
        assert shown == [
            "run/best.safetensors",
            "model: closed: for tests",
            'option words: "dog, cat, sky"',
            'step: "7"',
            f"weights: {8 * 27 + 8 + 3 * 8 + 3} numbers in 4 tensors",
            f"sha256: {sha256(file)}",
        ]
    (tmp_path / "empty").mkdir()
    assert "holds no weights" in run.sentence("models", "show", "empty")


def test_segmenting_with_a_checkpoint_a_weights_file_or_none(
    run: Runner, tmp_path: Path, closed: str
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=2, size=(64, 48))
    file = tmp_path / "run" / "best.safetensors"
    file.parent.mkdir()
    save_model(build_model(closed, {"words": "dog, cat, sky"}), file, closed, {"words": "dog, cat, sky"})

    def names(*arguments: str | Path) -> tuple[list[str], str | None]:
        run.ok("segment", clip, *arguments, "--format", "png", "--out", "out", "--overwrite", *SMALL)
        classes = json.loads((tmp_path / "out" / "classes.json").read_text())
        settings = json.loads((tmp_path / "out" / "run.json").read_text())
        return [entry["name"] for entry in classes], settings["weights_sha256"]

    trained = sha256(file)
    assert names("--model", "run") == (["dog", "cat", "sky"], trained)
    assert names("sky, dog", "--model", file) == (["sky", "dog"], trained)
    assert names("--model", closed, "--weights", file) == (["dog", "cat", "sky"], trained)
    assert names("--model", closed, "--untrained") == (["car", "sea"], None)
    said = run.sentence("segment", clip, "--model", closed, *SMALL)
    assert "no trained weights for closed yet" in said
    said = run.sentence("segment", clip, "sky, cow", "--model", "run", "--out", "new", *SMALL)
    assert "does not know the word 'cow'" in said


def test_options_of_a_trained_model(run: Runner, tmp_path: Path, closed: str) -> None:
    clip = write_clip(tmp_path / "clip.mp4", n=2, size=(64, 48))
    file = tmp_path / "a.safetensors"
    save_model(build_model(closed), file, closed, {"words": "car, sea"})
    call: list[str | Path] = ["segment", clip, "--model", file, "--format", "png", "--out", "out", *SMALL]
    run.ok(*call, "--option", "shape=[1,2]")
    settings = json.loads((tmp_path / "out" / "run.json").read_text())
    assert settings["options"] == {"shape": [1, 2]}
    assert "options.shape" in run.sentence(*call, "--resume", "--option", "shape=[1,3]")
    wrong = {
        "width": "--option width is not KEY=VALUE",
        "wdith=4": "no option 'wdith': choose one of words, width, shape",
        "width=wide": "cannot be 'wide'",
        "width=4": "do not fit the model with width=4",
        "words=cow, sky": "brings its own words",
    }
    for option, said in wrong.items():
        assert said in run.sentence(*call, "--overwrite", "--option", option)
    assert "has no options" in run.sentence("segment", clip, "--model", "hf:x", "--option", "a=1", *SMALL)


def test_options_decide_a_score(run: Runner, tmp_path: Path) -> None:
    write_set(tmp_path / "set", (3,))
    call = ("evaluate", "--data", "folder:set", "--out", "a", *SMALL, "--option", "smoothing=0")
    run.ok(*call)
    result = json.loads((tmp_path / "a" / "metrics.json").read_text())
    assert result["model"]["options"] == {"smoothing": 0}
    assert "different settings" in run.sentence(*call[:-1], "smoothing=0.5", "--resume")
    assert "cannot be combined" in run.sentence(*call, "--predictions", "set")


def test_a_segformer_in_the_layout_of_the_hub(run: Runner, tmp_path: Path) -> None:
    theirs = SegformerForSemanticSegmentation(segformer_config("wall", "sky", "road"))
    theirs.save_pretrained(tmp_path / "theirs")
    clip = write_clip(tmp_path / "clip.mp4", n=2, size=(64, 48))
    for words, expected in (((), ["wall", "sky", "road"]), (("road, sky",), ["road", "sky"])):
        run.ok("segment", clip, *words, "--model", "hf:theirs", "--out", "out", "--overwrite", *SMALL)
        classes = json.loads((tmp_path / "out" / "classes.json").read_text())
        assert [entry["name"] for entry in classes] == expected
    said = run.sentence("segment", clip, "cow", "--model", "hf:theirs", "--out", "new", *SMALL)
    assert "does not know the word 'cow'" in said
    said = run.sentence("segment", clip, "--model", "hf:none/of-these", "--out", "new", *SMALL)
    assert "the Hugging Face hub cannot be reached" in said


def test_scoring_a_checkpoint(run: Runner, tmp_path: Path, closed: str) -> None:
    write_set(tmp_path / "set", (2,))  # its words are sky, road, person, tree
    options: dict[str, object] = {"words": "sea, tree, person, road, sky"}
    save_model(build_model(closed, options), tmp_path / "a.safetensors", closed, options)
    data = ("--data", "folder:set")
    run.ok("evaluate", *data, "--model", "a.safetensors", "--out", "a", *SMALL)
    run.ok("evaluate", *data, "--model", closed, "--weights", "a.safetensors", "--out", "b", *SMALL)
    a, b = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in "ab")
    assert a["model"]["weights_sha256"] == b["model"]["weights_sha256"] == sha256(tmp_path / "a.safetensors")
    assert a["per_class"] == b["per_class"]
    said = run.sentence("evaluate", *data, "--model", closed, "--untrained", *SMALL)
    assert "does not know the word 'sky'" in said
    said = run.sentence("evaluate", *data, "--predictions", "set", "--untrained")
    assert "--untrained cannot be combined with --predictions" in said
