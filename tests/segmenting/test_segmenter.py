"""The streaming core, on the two-frame model of the tests."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from openvss.engines.labelling import label_pixels
from openvss.engines.names import Precision
from openvss.errors import InputError
from openvss.models.base import FrameFeatures, Fused, Output
from openvss.models.rest import prepare
from openvss.models.words import WordEmbeddings
from openvss.segmenting.segmenter import Segmenter
from openvss.segmenting.settings import Context
from openvss.video.frame import Frame
from openvss.video.labelmap import LabelMap
from openvss.video.sources import open_source
from openvss.words import Vocabulary
from tests.models.suite import WORDS, as_frames, randomise_zeros, video
from tests.models.two_frame import TwoFrame


@pytest.fixture
def segmenter() -> Segmenter:
    torch.manual_seed(0)
    model = TwoFrame()
    randomise_zeros(model)
    return Segmenter(model, WORDS, device="cpu")


@pytest.mark.parametrize("how", ["set_words", "ask"])
def test_words_that_cannot_be_used_change_nothing(
    segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    frame = as_frames(video(1))[0]
    before = segmenter.step(frame)

    def refuse(words: object) -> None:
        raise InputError("no such word")

    with monkeypatch.context() as patch:
        patch.setattr(segmenter.model, "embed", refuse)
        with pytest.raises(InputError, match="no such word"):
            getattr(segmenter, how)("one, two")
    segmenter.reset()
    after = segmenter.step(frame)
    assert same(before, after)
    assert before.words == after.words
    with pytest.raises(InputError, match="Words are a string"):
        getattr(segmenter, how)(["sky", 3])


def test_words_may_be_a_list_wherever_they_are_taken() -> None:
    words, frames = ["cat | kitten", "sofa"], as_frames(video(1))
    segmenter = Segmenter(TwoFrame(), words, device="cpu")
    assert segmenter.vocabulary == Vocabulary.parse("cat | kitten, sofa")
    assert segmenter.step(frames[0]).words == ("cat", "sofa")
    assert segmenter.ask(["dog", "rug"]).words == ("dog", "rug")
    segmenter.set_words(("rug", "dog"))
    assert segmenter.vocabulary.names == ("rug", "dog")
    assert [m.words for m in segmenter.stream([frames[0].pixels], ["sky", "sea"])] == [("sky", "sea")]


def same(a: LabelMap, b: LabelMap) -> bool:
    return np.array_equal(a.labels, b.labels) and np.array_equal(a.confidence, b.confidence)


@pytest.mark.parametrize("cut", [13, 59])
def test_skipping_far_into_a_video_changes_nothing(segmenter: Segmenter, cut: int) -> None:
    frames = as_frames(video(60))
    whole = [segmenter.step(f) for f in frames]
    segmenter.reset()
    for frame in frames[:cut]:
        segmenter.skip(frame)
    resumed = [segmenter.step(f) for f in frames[cut:]]
    assert all(same(a, b) for a, b in zip(whole[cut:], resumed, strict=True))


def test_skipping_encodes_only_what_is_looked_at(
    segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = as_frames(video(200))
    encoded: list[int] = []
    encode = segmenter.model.encode

    def watched(images: torch.Tensor) -> FrameFeatures:
        encoded.append(len(images))
        return encode(images)

    monkeypatch.setattr(segmenter.model, "encode", watched)
    for frame in frames[:199]:
        segmenter.skip(frame)
    assert not encoded
    segmenter.step(frames[199])
    assert 3 <= len(encoded) <= 5  # the target, two references, two distant frames


@pytest.mark.parametrize("context", ["past", "whole"])
def test_state_stays_within_its_bound(segmenter: Segmenter, context: Context) -> None:
    """What the sizes of one 64x64 frame say is enough for any number of frames."""
    compact = 16 * 16 * 16 * 4  # the map that references are kept as; larger than the 64 x 64 x 3 image
    rest = 64 * 64 * 3 + compact + 16 * 4  # pixels, fused map, context
    segmenter = Segmenter(segmenter.model, WORDS, device="cpu", context=context)
    source = open_source([f.pixels for f in as_frames(video(150, 64, 64))])
    segmenter.begin(source)
    for frame in source:
        segmenter.step(frame)
        assert segmenter.state.nbytes <= segmenter.state.limit(compact, rest)
    assert len(segmenter.state.recent) == 7
    assert 8 <= len(segmenter.state.reservoir.entries) <= segmenter.state.reservoir.capacity


def test_60_fps_looks_back_the_same_time_as_15(segmenter: Segmenter) -> None:
    slow = as_frames(video(12))
    fast = [Frame(4 * i + k, Fraction(4 * i + k, 60), f.pixels) for i, f in enumerate(slow) for k in range(4)]
    at_15 = [segmenter.step(f) for f in slow]
    segmenter.reset()
    at_60 = [segmenter.step(f) for f in fast]
    assert all(same(a, b) for a, b in zip(at_15, at_60[::4], strict=True))
    assert len(segmenter.state.recent) == 7


def test_words_change_without_encoding_again(segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = as_frames(video(9))
    for frame in frames[:8]:
        segmenter.step(frame)
    with monkeypatch.context() as patch:
        patch.setattr(segmenter.model, "encode", lambda x: pytest.fail("encoded again"))
        asked = segmenter.ask("cat, sofa")
    assert asked.words == ("cat", "sofa")
    after = segmenter.step(frames[8])
    fresh = Segmenter(segmenter.model, "cat, sofa", device="cpu")
    expected = [fresh.step(f) for f in frames]
    assert same(asked, expected[7])
    assert after.words == tuple(w.split(" |")[0] for w in WORDS.split(", "))
    segmenter.set_words("cat, sofa")
    segmenter.reset()
    assert [same(segmenter.step(f), e) for f, e in zip(frames, expected, strict=True)] == [True] * 9


def test_whole_context_sees_the_end(segmenter: Segmenter) -> None:
    arrays = [f.pixels for f in as_frames(video(30))]
    changed = [*arrays[:-1], 255 - arrays[-1]]
    past = [list(Segmenter(segmenter.model, WORDS, device="cpu").stream(a)) for a in (arrays, changed)]
    whole = [
        list(Segmenter(segmenter.model, WORDS, device="cpu", context="whole").stream(a))
        for a in (arrays, changed)
    ]
    assert same(past[0][3], past[1][3])
    assert not same(whole[0][3], whole[1][3])


def test_frames_of_any_size_give_labels_of_that_size(segmenter: Segmenter) -> None:
    for height, width in [(33, 35), (240, 31), (20, 300)]:
        segmenter.reset()
        labels = segmenter.step(as_frames(video(1, height, width))[0])
        assert labels.labels.shape == (height, width)
        assert ((labels.confidence >= 0) & (labels.confidence <= 1)).all()


def test_unlabelled_below(segmenter: Segmenter) -> None:
    frame = as_frames(video(1))[0]
    free = segmenter.step(frame)
    threshold = float(np.median(free.confidence))
    strict = Segmenter(segmenter.model, WORDS, device="cpu", unlabelled_below=threshold).step(frame)
    np.testing.assert_array_equal(strict.labels == 255, free.confidence < threshold)
    assert strict.shares().sum() == pytest.approx(1.0)
    assert strict.shares()[-1] == pytest.approx((free.confidence < threshold).mean())


def clips() -> tuple[list[npt.NDArray[np.uint8]], list[npt.NDArray[np.uint8]]]:
    first = [frame.pixels for frame in as_frames(video(12))]
    return first, [255 - pixels[::-1] for pixels in first]


def test_two_streams_of_one_segmenter_are_an_error(segmenter: Segmenter) -> None:
    one, two = clips()
    first, second = segmenter.stream(one), segmenter.stream(two)
    next(first)
    next(second)
    with pytest.raises(InputError, match=r"other frames while .* second video with segmenter\.another\(\)"):
        next(first)
    assert [frame.index for frame in second] == list(range(1, 12))  # the second is not harmed
    assert [frame.index for frame in segmenter.stream(one)] == list(range(12))


@pytest.mark.parametrize("how", ["step", "skip", "reset and step"])
def test_frames_between_those_of_a_stream_are_an_error(segmenter: Segmenter, how: str) -> None:
    one, two = clips()
    stream = segmenter.stream(one)
    next(stream)
    if how == "reset and step":
        segmenter.reset()
    getattr(segmenter, how.split()[-1])(two[0])
    with pytest.raises(InputError, match=r"segmenter\.another\(\)"):
        next(stream)


def test_a_stream_may_be_reset_at_a_cut(segmenter: Segmenter) -> None:
    one, two = clips()
    found = []
    for frame in segmenter.stream([*one, *two]):
        found.append(frame)
        if frame.index == len(one) - 1:
            segmenter.reset()
    fresh = list(Segmenter(segmenter.model, WORDS, device="cpu").stream(two))
    assert all(same(a, b) for a, b in zip(found[len(one) :], fresh, strict=True))
    segmenter.reset()
    whole = [segmenter.step(pixels) for pixels in [*one, *two]]
    assert not same(found[len(one)], whole[len(one)])


def test_asking_and_new_words_do_not_disturb_a_stream(segmenter: Segmenter) -> None:
    one, _ = clips()
    expected = list(segmenter.stream(one))
    found = []
    for frame in segmenter.stream(one):
        segmenter.ask("cat, sofa")
        segmenter.set_words(WORDS)
        found.append(frame)
    assert all(same(a, b) for a, b in zip(found, expected, strict=True))


def test_another_labels_a_second_video_at_the_same_time(segmenter: Segmenter) -> None:
    one, two = clips()
    alone = [list(segmenter.stream(clip)) for clip in (one, two)]
    segmenter.step(one[0])
    other = segmenter.another()
    assert other.model is segmenter.model
    with pytest.raises(InputError, match="No frame has been seen yet"):
        other.ask("cat")
    both = list(zip(segmenter.stream(one), other.stream(two), strict=True))
    for mine, expected in zip(zip(*both, strict=True), alone, strict=True):
        assert all(same(a, b) for a, b in zip(mine, expected, strict=True))
    other.set_words("cat, sofa")
    assert segmenter.step(one[0]).words != other.step(one[0]).words


def test_bare_arrays_are_frames(segmenter: Segmenter) -> None:
    frames = as_frames(video(3))
    expected = [segmenter.step(f) for f in frames]
    segmenter.reset()
    got = [segmenter.step(f.pixels) for f in frames]
    assert all(same(a, b) for a, b in zip(expected, got, strict=True))
    assert [g.index for g in got] == [0, 1, 2]


def test_images_paths_and_grey_arrays_are_frames(segmenter: Segmenter, tmp_path: Path) -> None:
    pixels = as_frames(video(1))[0].pixels
    Image.fromarray(pixels).save(tmp_path / "a.png")
    expected = segmenter.step(pixels)
    for given in (Image.fromarray(pixels), tmp_path / "a.png", str(tmp_path / "a.png")):
        segmenter.reset()
        assert same(segmenter.step(given), expected)
    segmenter.reset()
    segmenter.skip(Image.fromarray(pixels))
    grey = segmenter.step(pixels[..., 0])
    assert (grey.index, grey.labels.shape) == (1, pixels.shape[:2])
    assert same(next(segmenter.stream([Image.fromarray(pixels)])), expected)


def test_asking_does_not_depend_on_a_buffer_that_was_reused() -> None:
    model = Edges()
    randomise_zeros(model)
    pixels = as_frames(video(1))[0].pixels
    segmenter = Segmenter(model, WORDS, device="cpu")
    expected = segmenter.step(pixels)
    pixels[:] = 0
    assert same(segmenter.ask(WORDS), expected)


def test_errors_say_what_to_do(segmenter: Segmenter) -> None:
    frames = as_frames(video(2))
    segmenter.step(frames[1])
    with pytest.raises(InputError, match=r"not later.*reset"):
        segmenter.step(frames[0])
    segmenter.reset()
    segmenter.step(frames[0])
    with pytest.raises(InputError, match=r"differs in size.*reset"):
        segmenter.step(as_frames(video(2, 128, 64))[1])
    with pytest.raises(InputError, match="uint8"):
        segmenter.step(np.zeros((4, 4, 2), np.uint8))
    with pytest.raises(InputError, match="no words"):
        Segmenter(TwoFrame(), device="cpu").step(frames[0])
    with pytest.raises(InputError, match="step"):
        Segmenter(TwoFrame(), device="cpu").ask("a")
    with pytest.raises(InputError, match="0 to 1"):
        Segmenter(TwoFrame(), WORDS, device="cpu", unlabelled_below=50)
    with pytest.raises(InputError, match="32 to 4096"):
        Segmenter(TwoFrame(), WORDS, device="cpu", size=3)
    with pytest.raises(InputError, match="past or whole"):
        Segmenter(TwoFrame(), WORDS, device="cpu", context="all")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Device 'abacus' is not available"):
        Segmenter(TwoFrame(), WORDS, device="abacus")


class Edges(TwoFrame):
    """Follows the edges of the frame."""

    edge_aware = True


class Watched(TwoFrame):
    """Writes down in which precision it computes and is asked for words."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, torch.dtype]] = set()

    def encode(self, frames: torch.Tensor) -> FrameFeatures:
        features = super().encode(frames)
        self.seen |= {("frames", frames.dtype), ("map", features["map"].dtype)}
        return features

    def score(self, fused: Fused, words: WordEmbeddings) -> Output:
        output = super().score(fused, words)
        self.seen |= {("words", words.embeddings.dtype), ("logits", output.logits.dtype)}
        return output


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_the_model_computes_in_the_precision_that_was_asked_for(
    precision: Precision, dtype: torch.dtype
) -> None:
    model = Watched()
    randomise_zeros(model)
    expected = Segmenter(model, WORDS, device="cpu").step(as_frames(video(1))[0])
    model.seen.clear()
    found = Segmenter(model, WORDS, device="cpu", precision=precision).step(as_frames(video(1))[0])
    assert model.seen == {
        ("frames", torch.float32), ("map", dtype), ("words", torch.float32), ("logits", dtype),
    }  # fmt: skip
    assert found.confidence.dtype == np.float32
    np.testing.assert_allclose(found.confidence, expected.confidence, atol=0.02)


def test_fp32_leaves_it_to_the_caller() -> None:
    model = Watched()
    segmenter = Segmenter(model, WORDS, device="cpu")
    with torch.autocast("cpu", torch.bfloat16):
        segmenter.step(as_frames(video(1))[0])
    assert ("map", torch.bfloat16) in model.seen


def test_precisions_that_cannot_be() -> None:
    with pytest.raises(InputError, match="fp16 needs a GPU"):
        Segmenter(TwoFrame(), WORDS, device="cpu", precision="fp16")
    with pytest.raises(InputError, match="not 'fp8'"):
        Segmenter(TwoFrame(), WORDS, device="cpu", precision="fp8")  # type: ignore[arg-type]


def test_words_may_come_later() -> None:
    segmenter = Segmenter(TwoFrame(), device="cpu")
    with pytest.raises(InputError, match="There are no words to label with"):
        _ = segmenter.vocabulary
    segmenter.set_words("cat, sofa")
    assert segmenter.vocabulary.names == ("cat", "sofa")
    frame = as_frames(video(1))[0]
    assert segmenter.step(frame).words == ("cat", "sofa")
    assert segmenter.ask("dog, rug").words == ("dog", "rug")
    assert segmenter.vocabulary.names == ("cat", "sofa")


@pytest.mark.parametrize(
    ("words", "others", "labels", "rest"),
    [
        ("dog", None, ("dog", "everything else"), 1),
        ("dog", True, ("dog", "everything else"), 1),
        ("dog", False, ("dog",), None),
        ("dog, cat", None, ("dog", "cat"), None),
        ("dog, cat", True, ("dog", "cat", "everything else"), 2),
        ("background, cat", None, ("background", "cat"), 0),
        ("background, cat", True, ("background", "cat"), 0),
        ("background, cat", False, ("background", "cat"), None),
    ],
)
def test_everything_else(words: str, others: bool | None, labels: tuple[str, ...], rest: int | None) -> None:
    segmenter = Segmenter(TwoFrame(), words, others=others, device="cpu")
    found = segmenter.step(as_frames(video(1))[0])
    assert found.words == segmenter.vocabulary.names == labels
    assert found.rest == segmenter.rest == rest


def test_everything_else_is_where_a_hidden_word_is_the_likelier() -> None:
    torch.manual_seed(0)
    frame, model = as_frames(video(1))[0], TwoFrame()
    every = Segmenter(model, "ade150", device="cpu").step(frame)
    common = every.words[int(every.counts().argmax())]
    segmenter = Segmenter(model, f"everything else, {common}", device="cpu")
    found = segmenter.step(frame)
    assert 0 < (found.labels == 0).mean() < 1
    assert segmenter.state.last is not None
    rest = prepare(model, segmenter.vocabulary, 0)
    with torch.inference_mode():
        joined = rest.join(model.score(segmenter.state.last[0], rest.words).logits[0])
    labels, confidence = label_pixels(joined, frame.pixels.shape[:2])
    assert np.array_equal(found.labels, labels)
    assert np.array_equal(found.confidence, confidence)


def test_asking_for_everything_else_keeps_the_words(segmenter: Segmenter) -> None:
    frame = as_frames(video(1))[0]
    before = segmenter.step(frame)
    assert segmenter.ask("dog").words == ("dog", "everything else")
    assert segmenter.rest is None
    segmenter.reset()
    assert same(segmenter.step(frame), before)
