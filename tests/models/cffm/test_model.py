import numpy as np
import torch

from openvss.engines.labelling import label_pixels
from openvss.models.base import Output, VideoModel
from openvss.models.cffm.model import CFFM
from openvss.models.cffm.presets import CFFMOptions
from openvss.models.registry import build_model
from openvss.models.segformer.model import SegFormer
from openvss.segmenting.segmenter import Segmenter
from openvss.words.vocabulary import Vocabulary
from tests.models.cffm.small import Pyramid
from tests.models.suite import CLOSED_SET, VideoModelSuite, as_frames, video
from tests.models.two_frame import LetterText

NANO = {"backbone": "mit-nano", "words": CLOSED_SET, "dim": 16}


class TestSegFormer(VideoModelSuite):
    def build(self) -> VideoModel:
        return build_model("segformer-b0", NANO)


class TestCFFM(VideoModelSuite):
    def build(self) -> VideoModel:
        return build_model("cffm-b1", {**NANO, "heads": 2})


class TestAssemblingAlone(VideoModelSuite):
    def build(self) -> VideoModel:
        return build_model(
            "cffm-b0", {**NANO, "heads": 2, "attend": False, "pooling": [[1, 3], [2, 3], [3, 3]]}
        )


class TestCFFMPlusPlus(VideoModelSuite):
    def build(self) -> VideoModel:
        return build_model("cffm++-b1", {**NANO, "heads": 2, "layers": 1, "prototypes": 8, "frames": 4})


class TestWordCFFM(VideoModelSuite):
    def build(self) -> VideoModel:
        return CFFM(Pyramid(), LetterText(), CFFMOptions(layers=1, dim=16, heads=2))


def clip_output() -> tuple[CFFM, Output]:
    torch.manual_seed(0)
    model = CFFM(
        Pyramid(), Vocabulary.parse("road, sky, tree"), CFFMOptions(layers=1, dim=16, heads=2)
    ).train()
    frames = torch.rand(2, 4, 3, 64, 64)
    assert model.fixed_words is not None
    return model, model(frames, model.embed(model.fixed_words))


def test_the_loss_is_of_the_target_and_half_of_all_labelled_frames_alone() -> None:
    model, output = clip_output()
    labels = torch.randint(0, 3, (2, 4, 64, 64))
    labels[0, 1] = labels[1, 0] = 255  # frames without labels
    labels[:, 3, :8] = 255

    def mean(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        wide = torch.nn.functional.interpolate(logits, (64, 64), mode="bilinear")
        picked = wide.log_softmax(1).gather(1, wanted.clamp(max=2)[:, None])[:, 0]
        return -picked[wanted != 255].mean()

    terms = model.loss(output, labels)
    assert set(terms) == {"target", "frames"}
    torch.testing.assert_close(terms["target"], mean(output.logits, labels[:, 3]))
    alone = mean(output.aux["frames"].flatten(0, 1), labels.flatten(0, 1))
    torch.testing.assert_close(terms["frames"], 0.5 * alone)


def test_labels_of_the_target_only_are_enough() -> None:
    model, output = clip_output()
    labels = torch.full((2, 4, 64, 64), 255)
    labels[:, -1] = torch.randint(0, 3, (2, 64, 64))
    torch.testing.assert_close(model.loss(output, labels[:, -1]), model.loss(output, labels))


def test_the_official_loss_divides_by_ignored_pixels_too() -> None:
    model, output = clip_output()
    labels = torch.randint(0, 3, (2, 64, 64))
    labels[:, :32] = 255
    ours = model.loss(output, labels)
    model.official = True
    torch.testing.assert_close(model.loss(output, labels), {name: x / 2 for name, x in ours.items()})


def test_no_auxiliary_maps_at_inference() -> None:
    model, _ = clip_output()
    assert model.fixed_words is not None
    with torch.no_grad():
        output = model.eval()(torch.rand(1, 4, 3, 64, 64), model.embed(model.fixed_words))
    assert not output.aux
    assert output.logits.shape == (1, 3, 16, 16)


def test_static_contexts_need_no_other_frame() -> None:
    """The target in the place of its references is a clip of one frame four times."""
    torch.manual_seed(0)
    static = CFFM(Pyramid(), LetterText(), CFFMOptions(references=(), layers=1, dim=16, heads=2)).eval()
    video = CFFM(Pyramid(), LetterText(), CFFMOptions(layers=1, dim=16, heads=2)).eval()
    video.load_state_dict(static.state_dict())
    frame, words = torch.rand(1, 1, 3, 64, 64), static.embed(Vocabulary.parse("road, sky"))
    with torch.no_grad():
        expected = video(frame.expand(-1, 4, -1, -1, -1), words).logits
        torch.testing.assert_close(static(frame, words).logits, expected)


def test_without_layers_it_is_segformer() -> None:
    torch.manual_seed(0)
    model = CFFM(Pyramid(), Vocabulary.parse("road, sky"), CFFMOptions(layers=0, dim=16)).eval()
    segformer = SegFormer(Pyramid(), Vocabulary.parse("road, sky"), dim=16).eval()
    state = {name.replace("frame_classifier", "classifier"): x for name, x in model.state_dict().items()}
    segformer.load_state_dict(state)
    assert model.references == ()
    assert model.fixed_words is not None
    frame, words = torch.rand(1, 1, 3, 64, 64), model.embed(model.fixed_words)
    with torch.no_grad():
        torch.testing.assert_close(model(frame, words).logits, segformer(frame, words).logits)


def test_officially_a_video_begins_with_frames_alone_and_then_a_table_of_references() -> None:
    torch.manual_seed(0)
    words = "road, sky, tree"
    settings = CFFMOptions(layers=1, dim=16, heads=2, official=True)
    model = CFFM(Pyramid(), Vocabulary.parse(words), settings).eval()
    clip = video(12)
    segmenter = Segmenter(model, words, size=64, device="cpu")
    given = model.embed(Vocabulary.parse(words))
    for t, frame in enumerate(as_frames(clip)):
        streamed = segmenter.step(frame)
        with torch.no_grad():
            if t < 3:
                logits = model.frame_classifier(model.encode(clip[t : t + 1])["fine"], given)
            else:
                earlier = {3: [0, 1, 2], 5: [0, 2, 4], 8: [0, 3, 6]}.get(t, [t - 9, t - 6, t - 3])
                if t not in (3, 5, 8, 9, 10, 11):
                    continue
                logits = model(clip[[*earlier, t]][None], given).logits
        np.testing.assert_allclose(streamed.confidence, label_pixels(logits[0], (64, 96))[1], atol=1e-5)
