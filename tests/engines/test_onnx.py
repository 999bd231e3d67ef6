"""ONNX Runtime as an engine: the same labels as PyTorch, and the same segmenter around it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import openvss
from openvss.engines.manifest import FILE
from openvss.engines.onnx import OnnxEngine
from openvss.errors import InputError
from openvss.segmenting.segmenter import Segmenter
from openvss.video.frame import Frame

WORDS = "sky, wall | building, car, person, dog"


def video(n: int, height: int = 72, width: int = 128) -> npt.NDArray[np.uint8]:
    """A disc that moves over a slope."""
    y, x = np.mgrid[:height, :width]
    frames = np.stack([np.stack([y, x, x + y], -1).astype(np.uint8) for _ in range(n)])
    for i, frame in enumerate(frames):
        frame[(x - 30 - 5 * i) ** 2 + (y - 36) ** 2 < 400] = (200, 60, 40)
    return frames


@pytest.fixture
def both(exported: Path) -> tuple[Segmenter, Segmenter]:
    return openvss.load(str(exported), WORDS, size=96), openvss.load("tiny", WORDS, size=96, device="cpu")


def test_labels_agree_with_torch(both: tuple[Segmenter, Segmenter]) -> None:
    onnx, torch = both
    assert (onnx.engine.name, torch.engine.name) == ("onnx", "torch")
    for pixels in video(4):
        ours, other = onnx.step(pixels), torch.step(pixels)
        assert (ours.labels == other.labels).mean() >= 0.999
        np.testing.assert_allclose(ours.confidence, other.confidence, atol=1e-3)
    asked, expected = onnx.ask("animal, plant, sky"), torch.ask("animal, plant, sky")
    assert (asked.labels == expected.labels).mean() >= 0.999
    onnx.set_words("cat, ground")
    assert onnx.step(video(5)[-1]).words == ("cat", "ground")


def test_one_word_is_told_from_everything_else(both: tuple[Segmenter, Segmenter]) -> None:
    onnx, torch = both
    for segmenter in both:
        segmenter.set_words("car")
    ours, other = (segmenter.step(video(1)[0]) for segmenter in (onnx, torch))
    assert ours.rest == 1
    assert (ours.labels == other.labels).mean() >= 0.999


def test_what_it_shows_depends_on_the_past(exported: Path) -> None:
    frames = video(3)
    segmenter = openvss.load(str(exported), WORDS, size=96)
    streamed = [labels.confidence for labels in segmenter.stream(frames)]
    segmenter.reset()
    alone = segmenter.step(frames[2]).confidence
    assert not np.array_equal(streamed[2], alone)
    segmenter.reset()
    for i in range(2):
        segmenter.skip(Frame(i, Fraction(i, 15), frames[i]))
    np.testing.assert_array_equal(
        segmenter.step(Frame(2, Fraction(2, 15), frames[2])).confidence, streamed[2]
    )


def test_state_stays_as_large_as_it_was(exported: Path) -> None:
    segmenter = openvss.load(str(exported), WORDS, size=64)
    sizes = set()
    for pixels in video(6):
        segmenter.step(pixels)
        sizes.add(segmenter.state.nbytes)
    assert len(sizes) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"engine": "torch"}, "which --engine torch cannot run: use auto or onnx."),
        ({"precision": "bf16"}, "has the precision that it was exported with: leave --precision out."),
        ({"device": "tpu"}, "ONNX Runtime has no device 'tpu' here: use --device cpu or auto."),
    ],
)
def test_what_it_cannot_do_is_refused(exported: Path, changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        openvss.load(str(exported), WORDS, **changes)  # type: ignore[arg-type]
    assert sentence in str(error.value)


def test_a_preset_has_to_be_exported_first() -> None:
    with pytest.raises(InputError, match="make one with `openvss export tiny OUT`"):
        openvss.load("tiny", WORDS, engine="onnx")


def test_weights_and_options_are_as_exported(exported: Path) -> None:
    with pytest.raises(InputError, match="leave --weights, --untrained and --option out"):
        openvss.load(str(exported), WORDS, options={"smoothing": 0})


@pytest.mark.parametrize("damage", ["cut", "format", "graph", "missing"])
def test_a_damaged_folder(exported: Path, tmp_path: Path, damage: str) -> None:
    folder = shutil.copytree(exported, tmp_path / "damaged")
    manifest = folder / FILE
    if damage == "cut":
        manifest.write_bytes(manifest.read_bytes()[:100])
    elif damage == "format":
        manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    elif damage == "graph":
        (folder / "encode.onnx").write_bytes(b"no graph")
    else:
        (folder / "fuse.onnx").unlink()
    with pytest.raises(InputError, match=r"export the model again\.$"):
        openvss.load(str(folder), WORDS, size=64).step(video(1)[0])


def test_its_model_runs_without_torch(exported: Path) -> None:
    """Encoding, memory and scores; what labels pixels and embeds words still asks torch."""
    code = f"""
import sys
import numpy as np
from pathlib import Path
from types import SimpleNamespace
from openvss.engines.onnx import OnnxEngine
engine = OnnxEngine(Path({str(exported)!r}), "cpu")
image = np.zeros((1, 3, 64, 96), np.uint8)
fused, memory = engine.fuse(engine.encode(image), [], None, None)
fused, memory = engine.fuse(engine.encode(image), [], None, memory)
words = SimpleNamespace(embeddings=np.ones((5, 1, 384), np.float32))
assert engine.score(fused, words).shape == (5, 8, 12)
import openvss.segmenting.segmenter
assert "torch" not in sys.modules, "torch was imported"
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_threads_are_those_that_were_asked_for(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert OnnxEngine(exported, "cpu").describe() == "the processor, 3 threads, ONNX Runtime"
