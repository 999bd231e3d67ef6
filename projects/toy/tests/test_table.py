"""Toy tables: videos, cells that are made once, differences paired by seed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from tests.models.two_frame import LetterText
from torch import Tensor

from openvss.data.base import Clip
from openvss.data.catalogue import open_dataset
from openvss.data.protocol import PLAIN
from openvss.data.synthetic.files import write_ids, write_image
from openvss.errors import InputError
from openvss.evaluation.protocol import find_protocol
from openvss.evaluation.streaming import ModelPredictions
from openvss.models.base import FrameFeatures, Fused, Output, VideoModel
from openvss.models.tiny.model import Tiny
from openvss.models.words import WordEmbeddings
from openvss.segmenting.segmenter import Segmenter
from openvss.training.recipe.reader import read_stages
from openvss.video.frame import Frame
from openvss.video.images import read_image
from openvss.words.vocabulary import Vocabulary
from projects.toy import table
from projects.toy.data import LOOKS, SEEN, ToyVideos, make_videos, protocol
from projects.toy.oracle import Oracle
from projects.toy.plan import Bench
from projects.toy.report import report, spread

TOY = Path(__file__).parents[1]
ROOT = TOY.parents[1]  # plans name recipes as seen from here
FEW = ToyVideos(train=1, val=1, test=1, frames=9)
PLAN: dict[str, Any] = {
    "recipe": str(TOY / "recipes" / "ov2vss.yaml"),
    "seeds": [1, 2],
    "rows": {
        "baseline": ["schedule.steps=1", "schedule.warmup=0", "model.options.stcf=false"],
        "full": ["schedule.steps=1", "schedule.warmup=0"],
    },
    "against": "full",
    "metrics": {"unseen_miou": "unseen", "mvc8": "mVC8"},
    "differences": ["unseen_miou"],
    "whole": ["baseline"],
    "videos": {"train": 1, "val": 1, "test": 1, "frames": 9},
    "tables": [
        {
            "title": "Parts",
            "lines": [
                {"row": "baseline", "text": "less", "published": 14.98},
                {"row": "full", "text": "all"},
            ],
        }
    ],
}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    file = tmp_path / "plan.yaml"
    file.write_text(yaml.safe_dump(PLAN, sort_keys=False))
    return Bench(file, tmp_path / "out")


def put(bench: Bench, row: str, seed: int, unseen: float, mvc: float) -> None:
    file = bench.cell(row, seed)
    file.parent.mkdir(parents=True, exist_ok=True)
    found = {"unseen_miou": unseen, "mvc8": mvc}
    cell = {"row": row, "seed": seed, "frozen": bench.frozen, "metrics": found, "cpu_seconds": 90}
    file.write_text(json.dumps(cell))


def test_spread_by_hand() -> None:
    assert spread([]) == ""
    assert spread([0.123]) == "12.3"
    # mean 12; deviations -2, 0, 2; (4 + 0 + 4) / (3 - 1) = 4
    assert spread([0.10, 0.12, 0.14]) == "12.0 ± 2.0"
    assert spread([0.01, -0.01], signed=True) == "+0.0 ± 1.4"


def test_differences_are_paired_by_seed(bench: Bench) -> None:
    """Seed 2 is harder for both: the rows overlap, and yet every seed says that `full` is better."""
    for seed, baseline, full in ((1, 0.30, 0.33), (2, 0.20, 0.24)):
        put(bench, "baseline", seed, baseline, 0.5)
        put(bench, "full", seed, full, 0.6)
    assert report(bench).splitlines() == [
        "4 of 4 cells, 6 core minutes; mean ± standard deviation over seeds 1, 2",
        "",
        "| Parts | unseen | mVC8 | unseen − full, paired | published |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| less | 25.0 ± 7.1 | 50.0 ± 0.0 | -3.5 ± 0.7 | 14.98 |",
        "| all | 28.5 ± 6.4 | 60.0 ± 0.0 |  |  |",
    ]


def test_a_missing_cell_takes_its_pair_out(bench: Bench) -> None:
    put(bench, "baseline", 1, 0.3, 0.5)
    put(bench, "baseline", 2, 0.2, 0.5)
    put(bench, "full", 2, 0.25, 0.6)
    lines = report(bench).splitlines()
    assert "| less | 25.0 ± 7.1 | 50.0 ± 0.0 | -5.0 | 14.98 |" in lines
    assert "| all | 25.0 | 60.0 |  |  |" in lines


def test_a_row_against_itself_with_copies_and_the_oracle(tmp_path: Path) -> None:
    """A column of what other frames bring to each row, and a line of what no model knows."""
    file = tmp_path / "plan.yaml"
    shown = {"title": "Parts", "lines": [{"row": "full", "text": "all"}, {"row": "oracle", "text": "oracle"}]}
    plan = {**PLAN, "copies": ["mvc8"], "oracle": "full", "against": "baseline", "tables": [shown]}
    file.write_text(yaml.safe_dump(plan, sort_keys=False))
    bench = Bench(file, tmp_path / "out")
    for seed, mvc in ((1, 0.6), (2, 0.7)):
        put(bench, "full", seed, 0.3, mvc)
        cell = json.loads(bench.cell("full", seed).read_text())
        cell |= {"copies": {"unseen_miou": 0.1, "mvc8": 0.5}, "oracle": {"unseen_miou": 0.9, "mvc8": 1.0}}
        bench.cell("full", seed).write_text(json.dumps(cell))
    assert report(bench).splitlines()[2:] == [
        "| Parts | unseen | mVC8 | unseen − baseline, paired | mVC8 − its copies |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| all | 30.0 ± 0.0 | 65.0 ± 7.1 |  | +15.0 ± 7.1 |",
        "| oracle | 90.0 ± 0.0 | 100.0 ± 0.0 |  |  |",
    ]


class Grey(VideoModel):
    """Says "dark" or "bright" of each pixel by its grey, never surely."""

    def __init__(self) -> None:
        super().__init__()
        self.threshold = torch.nn.Parameter(torch.tensor(0.5))

    def encode(self, frames: Tensor) -> FrameFeatures:
        return {"grey": frames.mean(1, keepdim=True)}

    def embed(self, vocabulary: Vocabulary) -> WordEmbeddings:
        return WordEmbeddings(vocabulary.names, torch.zeros(len(vocabulary), 1, 1))

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        bright = fused["grey"] - self.threshold
        return Output(torch.cat([-bright, bright], dim=1))


def test_the_oracle_averages_clean_frames_over_each_thing(tmp_path: Path) -> None:
    """A thing that looks wrong in this frame, but right in the three before, gets the right word whole."""
    noisy, clean = tmp_path / "noisy", tmp_path / "clean"
    truth = np.zeros((32, 32), np.uint8)
    truth[:, 16:] = 1
    for root in (noisy, clean):
        root.mkdir()
        for t in range(10):
            pixels = np.where(truth, 160, 100).astype(np.uint8)
            if t == 9 or root == noisy:
                pixels = 255 - pixels  # the wrong way round
            write_image(root / "data" / "clip" / "origin" / f"{t}.png", np.repeat(pixels[..., None], 3, 2))
            write_ids(root / "data" / "clip" / "mask" / f"{t}.png", truth)
        (root / "classes.txt").write_text("0 dark\n1 bright\n")
    dataset = open_dataset(f"folder:{noisy}", "all")
    rules = find_protocol(PLAIN, dataset.vocabulary)
    labelled = dict(Oracle(Grey(), dataset, clean, rules).of(dataset.clips[0]))
    assert list(labelled) == list(range(10))
    np.testing.assert_array_equal(labelled[9], truth)
    alone = Segmenter(Grey(), "dark, bright", device="cpu").step(read_image(clean / "data/clip/origin/9.png"))
    np.testing.assert_array_equal(alone.labels, 1 - truth)


def test_copies_see_no_other_frame(tmp_path: Path) -> None:
    """The last frame of a video is labelled as if it were the only one."""
    make_videos(tmp_path, 5, FEW)
    dataset = open_dataset(f"folder:{tmp_path / 'all'}", "test")
    model = Tiny(text=LetterText(), smoothing=0.9)
    segmenter = Segmenter(model, "disc, sky, ground", size=48, device="cpu")
    rules = find_protocol(PLAIN, segmenter.vocabulary)
    clip = dataset.clips[0]
    labelled = dict(table.Copies(segmenter, rules, {}).of(clip))
    assert list(labelled) == list(range(9))
    only = Clip(clip.name, clip.frames[-1:], clip.labels[-1:])
    ((_, last),) = ModelPredictions(segmenter, rules, {}).of(only)
    np.testing.assert_array_equal(labelled[8], last)


def test_the_oracle_sees_the_same_videos_undisturbed(bench: Bench) -> None:
    videos = {**PLAN["videos"], "train": 2}  # the oracle needs none to train on
    bench.file.write_text(yaml.safe_dump({**PLAN, "videos": videos, "oracle": "full"}))
    table.prepare(bench, 1)
    labels, frames = ([*bench.data(1).glob(f"all/data/*/{kind}/*")] for kind in ("mask", "origin"))
    assert labels
    assert len(frames) == len(labels)
    for path in labels:
        assert path.read_bytes() == (bench.clean(1) / path.relative_to(bench.data(1))).read_bytes()
    for path in frames:
        assert path.read_bytes() != (bench.clean(1) / path.relative_to(bench.data(1))).read_bytes()


def test_results_of_another_plan_do_not_mix(bench: Bench) -> None:
    put(bench, "full", 1, 0.3, 0.5)
    bench.file.write_text(bench.file.read_text() + "# a thought\n")
    with pytest.raises(InputError, match="belongs to another plan"):
        bench.results()


def test_a_finished_cell_is_not_made_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts = []

    class Noted(Segmenter):
        def begin_frames(self, frames: Iterable[Frame]) -> None:
            contexts.append(self.settings.context)
            super().begin_frames(frames)

    monkeypatch.setattr(table, "Segmenter", Noted)
    table.prepare(bench, 1)
    table.run_cell(bench, "baseline", 1)
    assert set(contexts) == {"whole"}
    assert bench.plan.context("full") == "past"
    (made,) = bench.results().values()
    assert {"miou", "seen_miou", "unseen_miou", "hiou", "mvc8"} <= made["metrics"].keys()
    asked: list[tuple[object, ...]] = []

    def note(workers: int, work: object, tasks: list[tuple[object, ...]]) -> None:
        if work is table.run_cell:
            asked.extend(task[1:] for task in tasks)

    monkeypatch.setattr(table, "in_processes", note)
    table.run(bench, workers=1, cells=2)
    assert asked == [("baseline", 2), ("full", 1)]


def test_training_videos_show_seen_words_only(tmp_path: Path) -> None:
    make_videos(tmp_path, 5, FEW)
    seen = open_dataset(f"folder:{tmp_path / 'seen'}", "train")
    assert seen.vocabulary.names == tuple(look.word for look in SEEN)
    everything = open_dataset(f"folder:{tmp_path / 'all'}", "test")
    assert everything.vocabulary.names == tuple(look.word for look in LOOKS)
    rules = protocol()
    assert sorted((*rules.groups["seen"], *rules.groups["unseen"])) == list(range(60))
    assert not set(seen.vocabulary.names) & {everything.vocabulary.names[i] for i in rules.groups["unseen"]}


def test_videos_depend_on_the_seed_and_differ_between_sets(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        make_videos(tmp_path / name, seed, FEW)
    place = "seen/data/train_000/origin/00003.png"
    a, b, c = ((tmp_path / name / place).read_bytes() for name in "abc")
    assert a == b != c
    read = [
        open_dataset(f"folder:{tmp_path / 'a' / name}", split)
        for name, split in (("seen", "val"), ("seen", "test"), ("all", "val"), ("all", "test"))
    ]
    masks = [next(one.read_label(p) for p in one.clips[0].labels if p is not None) for one in read]
    assert not any(np.array_equal(masks[i], masks[j]) for i in range(4) for j in range(i))


def test_only_the_first_stage_starts_from_the_toy_pair() -> None:
    plan = yaml.safe_load((TOY / "cffm.yaml").read_text())
    stages = read_stages(ROOT / plan["recipe"], plan["rows"]["cffm++"])
    first = table.starting_from(stages[0], Path("pair.safetensors"))
    assert (first.name, first.recipe.model.init_from) == (stages[0].name, "pair.safetensors")
    assert stages[1].recipe.model.init_from is None
    assert first.recipe.schedule == stages[0].recipe.schedule


def test_cffm_plusplus_is_scored_with_what_it_is_trained_on() -> None:
    plan = Bench(TOY / "cffm.yaml", Path()).plan
    assert {row: plan.context(row) for row in plan.rows} == {
        **dict.fromkeys(("segformer", "segformer-4", "static", "cffm"), "past"),
        "cffm++": "whole",
    }
