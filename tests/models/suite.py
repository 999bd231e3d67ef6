"""The suite that every model passes: subclass `VideoModelSuite` in the model's test file and give `build`."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openvss.engines.edges import reading_places
from openvss.models.base import Memory, VideoModel
from openvss.segmenting.segmenter import Segmenter
from openvss.video.frame import Frame
from openvss.words.vocabulary import Vocabulary

WORDS = "road, sky, tree, person | pedestrian, car, dog"
CLOSED_SET = f"sea, {WORDS}, lamp post"


def video(n: int, height: int = 64, width: int = 96, seed: int = 0) -> Tensor:
    """(n, 3, H, W) uint8-valued floats in 0..1, each frame different."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, height, width), generator=generator) / 255


def as_frames(clip: Tensor, rate: int = 15) -> list[Frame]:
    pixels = (clip * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return [Frame(i, Fraction(i, rate), np.ascontiguousarray(p)) for i, p in enumerate(pixels)]


def randomise_zeros(model: nn.Module) -> None:
    """Give parameters that start at exactly zero (gates) a value, so that nothing is hidden behind them."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)


class VideoModelSuite:
    """What a `VideoModel` promises, whatever it is inside. A closed-set model is built with `CLOSED_SET`."""

    def build(self) -> VideoModel:
        raise RuntimeError("a subclass says how to build its model")

    @pytest.fixture
    def model(self) -> VideoModel:
        torch.manual_seed(0)
        model = self.build().eval()
        randomise_zeros(model)
        return model

    def run(
        self, model: VideoModel, clips: Tensor, words: str = WORDS, context: Tensor | None = None
    ) -> Tensor:
        with torch.no_grad():
            return model(clips, model.embed(Vocabulary.parse(words)), context).logits

    def clips(self, model: VideoModel, batch: int = 1, height: int = 64, width: int = 96) -> Tensor:
        t = len(model.references) + 1
        return torch.stack([video(t, height, width, seed) for seed in range(batch)])

    def context(self, model: VideoModel, batch: int = 1) -> Tensor | None:
        picks = model.context_frames(20, 40)
        return torch.stack([video(len(picks), seed=90 + b) for b in range(batch)]) if picks else None

    def full_size(self, model: VideoModel, frame: Tensor, logits: Tensor) -> Tensor:
        """(N, 64, 96) log-probabilities as the segmenter reads them."""
        logits = logits.log_softmax(1)
        if not model.edge_aware:
            return F.interpolate(logits, (64, 96), mode="bilinear")[0]
        pixels = (frame[None] * 255).round().byte()
        half = F.interpolate(pixels, (32, 48), mode="bilinear", antialias=True) / 255
        places = reading_places(half, (logits.shape[-2], logits.shape[-1])).permute(0, 3, 1, 2)
        grid = F.interpolate(places, (64, 96), mode="bilinear").permute(0, 2, 3, 1)
        return F.grid_sample(logits, grid, padding_mode="border", align_corners=False)[0]

    @pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (64, 32), (70, 101)])
    def test_any_size(self, model: VideoModel, height: int, width: int) -> None:
        logits = self.run(model, self.clips(model, 1, height, width))
        assert logits.shape[:2] == (1, 6)
        assert logits.shape[2] >= height // 32
        assert torch.isfinite(logits).all()

    def test_batch_equals_one_by_one(self, model: VideoModel) -> None:
        clips, context = self.clips(model, 3), self.context(model, 3)
        each = [
            self.run(model, clips[i : i + 1], context=None if context is None else context[i : i + 1])
            for i in range(3)
        ]
        expected = torch.cat(each)
        scale = max(
            1.0, float(expected.abs().max())
        )  # sums of another order: what counts is the largest logit
        torch.testing.assert_close(
            self.run(model, clips, context=context), expected, atol=1e-5 * scale, rtol=1e-5
        )

    def test_permuting_words_permutes_logits(self, model: VideoModel) -> None:
        clips, order = self.clips(model), [3, 0, 5, 1, 4, 2]
        names = WORDS.split(", ")
        permuted = self.run(model, clips, ", ".join(names[i] for i in order))
        torch.testing.assert_close(permuted, self.run(model, clips)[:, order], atol=1e-5, rtol=1e-5)

    @pytest.mark.parametrize("n", [1, 2, 300])
    def test_any_number_of_words(self, model: VideoModel, n: int) -> None:
        if model.fixed_words is not None:
            pytest.skip("closed set: has no other words")
        words = ", ".join(f"word number {i}" for i in range(n))
        assert self.run(model, self.clips(model), words).shape[1] == n

    def test_adding_a_word_leaves_the_others_alone(self, model: VideoModel) -> None:
        if model.attends_across_words:
            pytest.skip("declared: attends across words")
        clips = self.clips(model)
        longer = self.run(model, clips, WORDS + ", lamp post")
        torch.testing.assert_close(longer[:, :-1], self.run(model, clips), atol=1e-5, rtol=1e-5)

    def test_cached_equals_uncached(self, model: VideoModel) -> None:
        """Streaming with cached features gives the labels and confidences of encoding every clip anew.

        What a recurrent model carries from the frames before is part of its clip.
        """
        clip = video(14)
        segmenter = Segmenter(model, WORDS, size=64, device="cpu")
        words = model.embed(Vocabulary.parse(WORDS))
        memory: Memory | None = None
        for t, frame in enumerate(as_frames(clip)):
            streamed = segmenter.step(frame)
            references = [clip[max(t - d, 0)][None] for d in model.references]
            picks = model.context_frames(t, t + 1)
            context = clip[picks] if picks else None
            with torch.no_grad():
                if model.recurrent:
                    summary = None if context is None else model.summarise(model.encode_reference(context))
                    seen = [model.encode_reference(reference) for reference in references]
                    fused, memory = model.fuse(model.encode(clip[t][None]), seen, summary, memory)
                    logits = model.score(fused, words).logits
                else:
                    whole = torch.stack([*references, clip[t][None]], dim=1)
                    logits = model(whole, words, None if context is None else context[None]).logits
            full = self.full_size(model, clip[t], logits)
            confidence, labels = full.max(0)
            np.testing.assert_allclose(streamed.confidence, confidence.exp().numpy(), atol=1e-5)
            top = full.topk(2, dim=0).values
            clear = (top[0] - top[1]).numpy() > 1e-4  # a tie may fall either way
            np.testing.assert_array_equal(streamed.labels[clear], labels.numpy()[clear])

    @pytest.mark.parametrize("cut", [1, 5, 11])
    def test_skipping_finished_frames_changes_nothing(self, model: VideoModel, cut: int) -> None:
        """A resumed run gives the very same labels as an uninterrupted one."""
        frames = as_frames(video(12))
        segmenter = Segmenter(model, WORDS, size=64, device="cpu")
        whole = [segmenter.step(f) for f in frames]
        segmenter.reset()
        for frame in frames[:cut]:
            segmenter.skip(frame)
        for expected, frame in zip(whole[cut:], frames[cut:], strict=True):
            resumed = segmenter.step(frame)
            np.testing.assert_array_equal(resumed.labels, expected.labels)
            np.testing.assert_array_equal(resumed.confidence, expected.confidence)

    def test_one_frame_is_defined(self, model: VideoModel) -> None:
        labels = Segmenter(model, WORDS, size=64, device="cpu").step(as_frames(video(1))[0])
        assert labels.labels.shape == (64, 96)
        assert np.isfinite(labels.confidence).all()

    def test_every_reference_matters(self, model: VideoModel) -> None:
        clips = self.clips(model).requires_grad_()
        context = self.context(model)
        if context is not None:
            context.requires_grad_()
        model(clips, model.embed(Vocabulary.parse(WORDS)), context).logits.square().sum().backward()
        assert clips.grad is not None
        for i in range(clips.shape[1]):
            assert clips.grad[0, i].abs().max() > 0, f"frame {i} of {clips.shape[1]} has no influence"
        if context is not None:
            assert context.grad is not None
            assert context.grad.abs().amax((2, 3, 4)).min() > 0

    def test_no_trainable_parameter_without_gradient(self, model: VideoModel) -> None:
        if not any(parameter.requires_grad for parameter in model.parameters()):
            pytest.skip("nothing in it is trained")
        clips, context = self.clips(model, 2), self.context(model, 2)
        output = model.train()(clips, model.embed(Vocabulary.parse(WORDS)), context)
        labels = torch.randint(0, 6, (2, 64, 96), generator=torch.Generator().manual_seed(0))
        sum(model.loss(output, labels).values()).backward()  # type: ignore[union-attr]
        dead = [
            n for n, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())
        ]
        assert not dead

    def test_ignored_pixels_do_not_count(self, model: VideoModel) -> None:
        """Only the labelled part of the picture gets a gradient; nothing labelled gives a loss of 0."""
        clips = self.clips(model).requires_grad_()  # for models without anything to train
        output = model(clips, model.embed(Vocabulary.parse(WORDS)), self.context(model))
        output.logits.retain_grad()
        labels = torch.full((1, 64, 96), 255)
        assert sum(model.loss(output, labels).values()) == 0
        labels[:, :16, :24] = 1
        total = sum(model.loss(output, labels).values())
        assert isinstance(total, Tensor)
        torch.autograd.backward(total, retain_graph=True)
        assert output.logits.grad is not None
        rows, columns = output.logits.shape[-2:]
        assert output.logits.grad[..., : rows // 4, : columns // 4].any()
        assert not output.logits.grad[..., rows // 4 + 1 :, :].any()
        assert not output.logits.grad[..., columns // 4 + 1 :].any()

    def test_weights_of_words_count_in_every_term(self, model: VideoModel) -> None:
        output = model(self.clips(model), model.embed(Vocabulary.parse(WORDS)), self.context(model))
        labels = torch.randint(0, 6, (1, 64, 96), generator=torch.Generator().manual_seed(0))
        weights = torch.ones(output.logits.shape[1])
        plain = model.loss(output, labels)
        for factor in (1, 2):
            weighed = model.loss(output, labels, factor * weights)
            torch.testing.assert_close(weighed, {name: factor * term for name, term in plain.items()})

    def test_save_and_load(self, model: VideoModel) -> None:
        torch.manual_seed(5)
        other = self.build().eval()
        other.load_state_dict(model.state_dict(), strict=True)
        clips = self.clips(model)
        torch.testing.assert_close(self.run(other, clips), self.run(model, clips), atol=0, rtol=0)
