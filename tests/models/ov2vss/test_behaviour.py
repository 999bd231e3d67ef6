"""What OV2VSS promises beyond the shared suite and the equations."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.errors import InputError
from openvss.models.base import Memory
from openvss.models.layers.memory import follow
from openvss.models.ov2vss import decoder
from openvss.models.ov2vss.features import unpack, views
from openvss.models.ov2vss.memory import follow_all, remember
from openvss.models.ov2vss.model import OV2VSS
from openvss.models.ov2vss.presets import OV2VSSOptions
from openvss.models.words import WordEmbeddings
from openvss.segmenting.segmenter import Segmenter
from tests.models.ov2vss.stand_ins import Pyramid, SmallPair, small, textured, words
from tests.models.suite import WORDS, VideoModelSuite, as_frames, randomise_zeros, video


def built(**options: Any) -> OV2VSS:
    torch.manual_seed(0)
    model = small(**options).eval()
    randomise_zeros(model)
    return model


def spy(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Collects what the pair is shown."""
    seen: list[Tensor] = []
    dense = SmallPair.dense

    def look(pair: SmallPair, frames: Tensor) -> Tensor:
        seen.append(frames)
        return dense(pair, frames)

    monkeypatch.setattr(SmallPair, "dense", look)
    return seen


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [(33, 47), (101, 70), (96, 427)])
def test_all_scales_have_the_same_tokens(size: tuple[int, int]) -> None:
    features = built().encode(torch.rand(1, 3, *size))
    sizes = [[x.shape[-2:] for x in scale] for scale in unpack(features)]
    assert len(sizes) == 4
    assert all(scale == sizes[0] for scale in sizes)


@pytest.mark.parametrize(
    "options",
    [{}, {"affinity": "softmax", "clip_on_all": False}, {"stcf": False}, {"vte": False}, {"recurrent": True}],
)
def test_references_are_encoded_for_less(options: dict[str, Any]) -> None:
    model, frames = built(**options), video(2)
    expected, cheap = model.compact(model.encode(frames)), model.encode_reference(frames)
    assert list(expected) == list(cheap)
    for name, x in expected.items():
        close(cheap[name], x)


def test_references_need_no_pass_of_the_pair_where_words_do_not_look_at_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = spy(monkeypatch)
    clip, context = video(8).unflatten(0, (2, 4)), video(2)[:, None]
    model = built(clip_on_all=False)
    model(clip, words(model), context)
    assert [len(x) for x in seen] == [2]
    seen.clear()
    model = built(vte=False)
    model(clip, words(model), context)
    assert not seen
    model = built()
    model(clip, words(model), context)
    assert [len(x) for x in seen] == [6, 2]  # the references together, then the targets; no distant frame


def test_a_remembered_frame_is_small() -> None:
    """Pooled tokens and, unless words look at the target alone, dense features; never the maps."""
    model = built(channels=64, pool=32, clip_on_all=False)
    features = model.encode(torch.rand(1, 3, 480, 640))
    kept = model.compact(features)
    assert set(kept) < set(features)
    assert sum(x.numel() for x in kept.values()) * 15 < sum(x.numel() for x in features.values())


def test_one_set_of_weights_for_any_number_of_references() -> None:
    three, five = built(references=(9, 6, 3)), built(references=(15, 12, 9, 6, 3))
    five.load_state_dict(three.state_dict(), strict=True)
    clip = video(6)[None]
    logits = five(clip, words(five)).logits
    assert not torch.allclose(logits, three(clip[:, 2:], words(three)).logits, atol=1e-4)
    repeated = torch.cat([clip[:, :1]] * 3 + [clip[:, 1:3], clip[:, -1:]], dim=1)
    assert torch.isfinite(five(repeated, words(five)).logits).all()
    unshared = built(references=(9, 6, 3), shared=False)
    with pytest.raises(RuntimeError, match="Missing key"):
        unshared.load_state_dict(three.state_dict(), strict=True)


def test_recurrent_mode_is_the_chain_over_all_earlier_frames() -> None:
    alone: dict[str, Any] = {"smoothing": 0, "clip_on_all": False}
    exact = built(**alone)
    recurrent = small(recurrent=True, **alone).eval()
    recurrent.load_state_dict(exact.state_dict(), strict=True)
    assert recurrent.references == ()
    frames = [recurrent.encode(x[None]) for x in video(5)]
    memory: Memory | None = None
    for t, frame in enumerate(frames):
        fused, memory = recurrent.fuse(frame, [], None, memory)
        expected, _ = exact.fuse(frame, [exact.compact(f) for f in frames[:t] or frames[:1]])
        for name in fused:
            close(fused[name], expected[name])


def test_recurrent_mode_resumes_exactly() -> None:
    VideoModelSuite().test_skipping_finished_frames_changes_nothing(built(recurrent=True), 5)


def test_recurrent_mode_remembers_one_frame() -> None:
    segmenter = Segmenter(built(recurrent=True, rfe=False), WORDS, size=64, device="cpu")
    assert segmenter.model.references == ()
    for frame in as_frames(video(6)):
        segmenter.step(frame)
    assert not segmenter.state.recent
    assert segmenter.state.memory is not None


def test_noise_is_averaged_away() -> None:
    """Of a picture that stands still: half of the error of any single frame is gone."""
    generator = torch.Generator().manual_seed(0)
    clean = torch.randn(1, 24, 2, 3, generator=generator).repeat_interleave(4, 2).repeat_interleave(4, 3)
    frames = [clean + 0.6 * torch.randn(clean.shape, generator=generator) for _ in range(8)]

    def error(dense: Tensor) -> float:
        return float((F.normalize(dense, dim=1) - F.normalize(clean, dim=1)).square().sum(1).mean())

    average = follow_all(frames, 0.9)
    assert average is not None
    assert error(average) < 0.5 * min(error(frame) for frame in frames)


def test_what_is_remembered_is_forgotten_where_the_picture_changes() -> None:
    now, before = (F.normalize(torch.randn(1, 24, 6, 7), dim=1) for _ in range(2))
    before[:, :, :, :3] = now[:, :, :, :3]
    average = remember(now, before, 0.9)
    close(average[..., 0], now[..., 0])
    assert ((average[..., 6] * now[..., 6]).sum(1) > 0.92).all()  # unlike anything near: as if it were new
    close(remember(now, before[..., :4], 0.9), now)  # another size: the start of a video


def test_where_all_is_alike_more_likeness_is_asked_for() -> None:
    """Vectors with a large part in common, as CLIP's: another scene is forgotten all the same."""
    common = 3 * F.normalize(torch.ones(1, 24, 1, 1), dim=1)
    now, before = (
        F.normalize(common + F.normalize(torch.randn(1, 24, 6, 7), dim=1), dim=1) for _ in range(2)
    )
    assert (now * before).sum(1).min() > 0.7
    change = (remember(now, before, 0.9) - now).norm() / (follow(now, before, 3, 0.03) - now).norm()
    assert change < 0.6


@pytest.mark.parametrize("size", [(1, 1), (6, 7)])
def test_a_frame_of_one_colour_forgets_what_it_does_not_show(size: tuple[int, int]) -> None:
    """All of its places are alike, up to rounding; so is the only place of a very small frame."""
    for seed in range(50):
        generator = torch.Generator().manual_seed(seed)
        now, before = (
            F.normalize(torch.randn(1, 24, 1, 1, generator=generator), dim=1).expand(1, 24, *size)
            for _ in range(2)
        )
        close(remember(now, now, 0.9), now)
        close(remember(now, before, 0.9), now)


def test_what_moves_is_followed() -> None:
    """By as many positions as it may move in a frame: what is remembered of it comes along."""
    generator = torch.Generator().manual_seed(0)
    wide = F.normalize(torch.randn(1, 24, 6, 15, generator=generator), dim=1)
    before, now = wide[..., 3:], wide[..., :-3]  # three positions to the right
    noisy = F.normalize(now + 0.15 * torch.randn(now.shape, generator=generator), dim=1)
    inner = (..., slice(3, None))  # what was in the frame before
    found = remember(noisy, before, 0.9)[inner]
    assert (found - now[inner]).norm() < 0.6 * (noisy - now)[inner].norm()


def test_streaming_goes_on_from_the_frame_before() -> None:
    """A memory that is there takes the place of what the references show."""
    model = built()
    features, other = (model.encode(frame[None]) for frame in video(2))
    references = [model.compact(other)] * 3
    before = F.normalize(torch.randn_like(features["dense"]), dim=1)
    _, memory = model.fuse(features, references, None, {"dense": before})
    assert memory is not None
    close(memory["dense"], remember(features["dense"], before, 0.9))


def test_in_training_the_clip_is_what_is_remembered() -> None:
    """The earliest first, each followed to the next; streaming goes on from the frame before instead."""
    model = built()
    frames = [model.encode(x[None]) for x in video(4)]
    *references, target = frames
    _, memory = model.fuse(target, [model.compact(r) for r in references])
    assert memory is not None
    expected: Tensor | None = None
    for frame in frames:
        expected = remember(frame["dense"], expected, 0.9)
    assert expected is not None
    close(memory["dense"], expected)
    reversed_order, _ = model.fuse(target, [model.compact(r) for r in references[::-1]])
    assert not torch.allclose(reversed_order["dense"], expected, atol=1e-4)


def test_the_fused_features_are_a_map_of_each_word() -> None:
    """The logits are the decoder's and, added, the cosine of the fused features with the plain words."""
    model, plain = built(), built(video_map=False)
    plain.load_state_dict(model.state_dict(), strict=True)
    clip, context = video(4)[None], video(1, seed=2)[None]
    own = words(model)
    features = [model.encode(x[None]) for x in clip[0]]
    summary = model.summarise(model.compact(model.encode(context[0])))
    fused, _ = model.fuse(features[-1], [model.compact(f) for f in features[:-1]], summary)
    assert model.auxiliary is not None
    video_part = model.auxiliary.compare(fused["video"], own.embeddings[None])
    close(model(clip, own, context).logits, plain(clip, own, context).logits + video_part)
    without_context, _ = model.fuse(features[-1], [model.compact(f) for f in features[:-1]])
    assert not torch.allclose(without_context["video"], fused["video"], atol=1e-3)


def test_paper_mode_has_no_way_around() -> None:
    model = built(paper_mode=True)
    assert not model.recurrent
    assert not model.video_map
    names = {name.split(".")[0] for name, _ in model.named_parameters()}
    assert "merge" not in names
    assert {"stcf", "rfe"} <= names


@pytest.mark.parametrize("options", [{}, {"vte": False}, {"decoder": "factorised"}, {"keep_templates": True}])
def test_chunks_of_words_change_nothing(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    model, clip = built(templates="short", **options), video(8).unflatten(0, (2, 4))
    many = words(model, ", ".join(f"word {i}" for i in range(23)))
    at_once = model(clip, many).logits
    for name in ("decoder", "factorised"):
        monkeypatch.setattr(f"openvss.models.ov2vss.{name}.ROOM", 1)
    fused, _ = model.fuse(
        model.encode(clip[:, 0]), [model.encode_reference(clip[:, 0])] * len(model.references)
    )
    assert model.decoder.words_at_once(fused) == 1
    close(model(clip, many).logits, at_once)


def test_a_chunk_is_bounded() -> None:
    guide = torch.empty(1, 64, 60, 107)
    assert built().decoder.words_at_once({"guide": guide}) * guide.numel() <= decoder.ROOM


@pytest.mark.parametrize("options", [{}, {"vte": False}, {"vte": False, "stcf": False}])
def test_the_distant_frame_is_trained_by_the_main_loss_alone(options: dict[str, Any]) -> None:
    """The auxiliary loss is about O_t, which does not know the distant frame (Eq. 7)."""
    model = built(**options).train()
    output = model(video(len(model.references) + 1)[None], words(model), video(1, seed=9)[None])
    assert model.rfe is not None
    for logits, matters in ((output.logits, True), (output.aux["o"], False)):
        gradient = torch.autograd.grad(
            logits.square().sum(), model.rfe.norm.weight, retain_graph=True, allow_unused=True
        )
        assert (gradient[0] is not None) == matters


def test_nothing_is_made_for_the_loss_when_segmenting() -> None:
    model = built(vte=False)
    assert not model(video(4)[None], words(model)).aux


def test_prompts_kept_apart_are_part_of_the_model() -> None:
    model = built(templates="short", keep_templates=True)
    kept = words(model)
    assert kept.embeddings.shape[1] == model.prompts == 4
    assert model(video(4)[None], kept).logits.shape[1] == 6
    with pytest.raises(ValueError, match="4 vectors a word expected, got 1"):
        model(video(4)[None], WordEmbeddings(kept.names, kept.embeddings[:, :1]))


def test_every_frame_of_the_clip_is_a_target_once() -> None:
    """Table III, "4 frames, 4 annotations": the loss is over the labelled pixels of all frames."""
    model = built(supervise="clip", rfe=False, beta=0.0)
    clip, labels = video(8).unflatten(0, (2, 4)), torch.randint(0, 6, (2, 4, 64, 96))
    labels[:, 1] = 255
    loss = model.loss(model.train()(clip, words(model)), labels)["main"]
    single = small(rfe=False, beta=0.0).eval()
    single.load_state_dict(model.state_dict(), strict=True)
    terms = []
    for i in (0, 2, 3):
        earlier = torch.cat([clip[:, :1]] * (3 - i) + [clip[:, : i + 1]], dim=1)
        terms.append(single.loss(single(earlier, words(single)), labels[:, i])["main"])
    close(loss, torch.stack(terms).mean())
    assert "clip" not in model.eval()(clip, words(model)).aux


def test_target_alone_is_supervised_by_default() -> None:
    model, clip = built(), video(4)[None]
    labels = torch.randint(0, 6, (1, 4, 64, 96))
    output = model.train()(clip, words(model))
    close(model.loss(output, labels)["main"], model.loss(output, labels[:, -1])["main"])
    assert set(model.loss(output, labels)) == {"main", "aux"}
    assert set(model.loss(model.eval()(clip, words(model)), labels)) == {"main"}


def test_the_pair_stays_frozen_and_is_saved_once() -> None:
    model = small().train()
    assert model.training
    assert not model.pair.training  # type: ignore[attr-defined]
    assert not any(p.requires_grad for name, p in model.named_parameters() if name.startswith("pair."))
    assert all(p.requires_grad for name, p in model.named_parameters() if not name.startswith("pair."))
    assert not any(name.startswith("text") for name in model.state_dict())


def test_large_frames_are_shrunk_for_the_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = spy(monkeypatch)
    model = built(pair_pixels=64 * 64)
    model.encode(torch.rand(1, 3, 64, 64))
    model.encode(torch.rand(1, 3, 64, 256))
    assert [x.shape[-2:] for x in seen] == [(64, 64), (32, 128)]


def test_words_may_look_at_averages_of_dense_features() -> None:
    """Squares of 2 x 2, cut off at the right and at the bottom."""
    torch.manual_seed(0)
    model = built(look_stride=2)
    features = model.encode(torch.rand(1, 3, 72, 104))
    dense = features["dense"]
    h, w = dense.shape[-2:]
    squares = [dense[:, :, y : y + 2, x : x + 2].mean((2, 3)) for y in range(0, h, 2) for x in range(0, w, 2)]
    assert model.vte is not None
    norm = model.vte.norm_image(torch.stack(squares, dim=1))
    fused, _ = model.fuse(features, [model.compact(features)] * 3)
    close(fused["key"][:, 0], model.vte.key(norm))


@pytest.mark.parametrize("options", [{}, {"vte": False}, {"paper_mode": True}])
def test_the_weight_of_the_past_is_a_fraction(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="smoothing must be at least 0"):
        OV2VSSOptions(smoothing=1, **options)


def test_words_look_at_every_frame_of_the_clip() -> None:
    model = built()
    clip = [model.encode(x[None]) for x in video(4)]
    fused, _ = model.fuse(clip[-1], [model.compact(f) for f in clip[:-1]])
    assert model.vte is not None
    each = [model.vte.look(f["dense"][:, None])[0][:, 0] for f in clip]
    close(fused["key"], torch.stack(each, dim=1))


@pytest.mark.parametrize(
    ("position", "moves"), [("shallow", {"u0"}), ("deep", {"u3"}), ("both", {"u0", "u3"})]
)
def test_position_comes_from_the_map_that_is_named(position: str, moves: set[str]) -> None:
    """Eq. 13: the paper's is the shallow one."""
    model, frame = built(position=position), video(1)
    features = model.encode(frame)
    references = [model.compact(features)] * 3
    plain = model.fuse(features, references)[0]["position"]
    for name in ("u0", "u1", "u2", "u3"):
        other = model.fuse({**features, name: torch.randn_like(features[name])}, references)[0]["position"]
        assert torch.equal(other, plain) == (name not in moves)
    assert OV2VSSOptions().position == "shallow"


def test_the_chain_starts_at_the_farthest_reference() -> None:
    """Eq. 3 and 4: t-9, t-6, t-3, t, in the order in which a clip has them."""
    model = built(smoothing=0, rfe=False, vte=False)
    assert model.stcf is not None
    assert model.references == (9, 6, 3)
    clip = video(4)
    each = [model.encode(frame[None]) for frame in clip]
    far, middle, near, target = (views(features) for features in each)
    o = model.stcf(target, model.stcf.past([far, middle, near]))
    assert model.merge is not None
    us = [each[-1][f"u{i}"] for i in range(4)]
    expected = model.merge(us, (o.shape[-2], o.shape[-1])) + o
    fused, _ = model.fuse(each[-1], [model.compact(features) for features in each[:-1]])
    close(fused["o"], expected)
    close(model(clip[None], words(model)).logits, model.score(fused, words(model)).logits)
    mirrored = model.stcf(target, model.stcf.past([near, middle, far]))
    assert not torch.allclose(mirrored, o, atol=1e-2)


def test_a_plain_transformer_decodes_at_stride_8() -> None:
    model = small(Pyramid((8, 8, 8, 8), (16, 16, 16, 16))).eval()
    assert model(video(4)[None], words(model)).logits.shape[-2:] == (64 // 8, 96 // 8)


def test_distant_frame() -> None:
    model = built()
    assert model.context_frames(0, 1) == [0]
    assert model.context_frames(30, 31) == [0]  # streaming: the farthest of the past
    assert model.context_frames(3, 40) == [39]
    assert model.context_frames(20, 41) == [0]  # the earlier of two
    assert built(rfe=False).context_frames(3, 40) == []


def test_a_backbone_inside_the_pair_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmallPair, "dense", lambda self, x: pytest.fail("the maps were there already"))
    model = built(shared_backbone=True)
    assert model.encode(video(1))["dense"].shape[1] == model.pair.dim


@pytest.mark.parametrize(
    "options", [{}, {"decoder": "factorised"}, {"affinity": "softmax", "paper_mode": True}]
)
def test_half_precision_stays_close(options: dict[str, Any]) -> None:
    """bfloat16 has 8 bits: logits agree to a few hundredths of their spread."""
    model, clip, context = built(**options), textured(4)[None], textured(1, seed=2)[None]
    exact = model(clip, words(model), context).logits
    with torch.autocast("cpu", torch.bfloat16):
        half = model(clip, words(model), context).logits.float()
    allowed = 0.1 if options.get("paper_mode") else 0.05  # without residuals all of it passes every norm
    assert (half - exact).abs().mean() < allowed * exact.std()
