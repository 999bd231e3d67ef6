"""CLIP under open_clip's names: full cover, and the same vectors as a forward pass from the definition."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from openvss.models.encoders.clip import ClipViT
from openvss.models.encoders.clip_tokens import HashedWords
from openvss.models.encoders.convnext_clip import ConvNextClip
from openvss.weights import open_clip
from tests.weights.open_clip_files import (
    Shapes,
    State,
    TextSize,
    convnext_head,
    convnext_shapes,
    convnext_top,
    gelu,
    linear,
    mlp,
    norm,
    quick_gelu,
    random_state,
    text_shapes,
    text_vector,
    vit_block,
    vit_head,
    vit_shapes,
    vit_tokens,
)

TEXT = TextSize()
BASE_TEXT = TextSize(49408, 640, 2560, 12, 10, 640)
NANO_CONVNEXT = convnext_shapes((8, 16, 24, 32), (1, 1, 1, 1), TEXT.dim) | text_shapes(TEXT)
NANO_VIT = vit_shapes(32, 64, 2, 16, 4, TEXT.dim) | text_shapes(TEXT)
PHRASES = ["road", "a photo of a traffic light", "itap of my dog!"]


def loaded_convnext(state: State) -> ConvNextClip:
    pair = ConvNextClip("nano").double().eval()
    pair.load_state_dict(open_clip.convnext(state), strict=True)
    return pair


def loaded_vit(state: State) -> ClipViT:
    pair = ClipViT("nano").double().eval()
    pair.load_state_dict(open_clip.vit(state), strict=True)
    return pair


@pytest.fixture
def frame() -> Tensor:
    return torch.rand(3, 64, 96, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def test_convnext_base_is_covered_exactly() -> None:
    """All 493 names of the published file, none missing, none left over, each of the shape that is wanted."""
    shapes = convnext_shapes((128, 256, 512, 1024), (3, 3, 27, 3), 640) | text_shapes(BASE_TEXT)
    assert len(shapes) == 493
    assert_covers(ConvNextClip, shapes)


def test_vit_b16_is_covered_exactly() -> None:
    shapes = vit_shapes(768, 3072, 12, 16, 14, 512) | text_shapes(TextSize(49408, 512, 2048, 12, 8, 512))
    assert_covers(ClipViT, shapes)


def assert_covers(build: type[ClipViT] | type[ConvNextClip], shapes: Shapes) -> None:
    with torch.device("meta"):
        own = {name: value.shape for name, value in build().state_dict().items()}
        theirs = {name: torch.empty(shape) for name, shape in shapes.items()}
    rename = open_clip.vit if build is ClipViT else open_clip.convnext
    assert {name: value.shape for name, value in rename(theirs).items()} == own


def test_convnext_dense_and_pooled_features(frame: Tensor) -> None:
    state = random_state(NANO_CONVNEXT)
    pair = loaded_convnext(state)
    maps = convnext_top(state, frame)
    dense = convnext_head(state, maps[-1].permute(1, 2, 0)).permute(2, 0, 1)
    with torch.no_grad():
        for ours, theirs in zip(pair(frame[None]), maps, strict=True):
            torch.testing.assert_close(ours[0], theirs, atol=1e-6, rtol=0)
        torch.testing.assert_close(pair.dense(frame[None])[0], dense, atol=1e-6, rtol=0)
        pooled = convnext_head(state, maps[-1].mean((1, 2)))
        torch.testing.assert_close(pair.pooled(frame[None])[0], pooled, atol=1e-6, rtol=0)


def test_convnext_keeps_the_trained_eps() -> None:
    """Transformers' default differs by less than most tests would notice."""
    pair = ConvNextClip("nano")
    norms = [m for m in pair.image.modules() if isinstance(m, torch.nn.LayerNorm)]
    assert {m.eps for m in norms} == {1e-6}


def test_vit_dense_features(frame: Tensor) -> None:
    """The last block: to each token its own value, projected, is added, without attention."""
    state = random_state(NANO_VIT)
    block = "visual.transformer.resblocks.1."
    x = vit_tokens(state, frame, heads=2, layers=2)[1:]
    values = norm(x, state, f"{block}ln_1") @ state[f"{block}attn.in_proj_weight"][64:].T
    values = values + state[f"{block}attn.in_proj_bias"][64:]
    x = mlp(x + linear(values, state, f"{block}attn.out_proj"), state, block, quick_gelu)
    dense = vit_head(state, x).T.reshape(TEXT.dim, 4, 6)
    with torch.no_grad():
        torch.testing.assert_close(loaded_vit(state).dense(frame[None])[0], dense, atol=1e-6, rtol=0)


def test_vit_pooled_features(frame: Tensor) -> None:
    state = random_state(NANO_VIT)
    x = vit_block(state, vit_tokens(state, frame, heads=2, layers=2), 1, heads=2)
    with torch.no_grad():
        pooled = loaded_vit(state).pooled(frame[None])[0]
    torch.testing.assert_close(pooled, vit_head(state, x[0]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", ["convnext", "vit"])
def test_text_vectors(kind: str) -> None:
    state = random_state(NANO_CONVNEXT if kind == "convnext" else NANO_VIT)
    pair = loaded_convnext(state) if kind == "convnext" else loaded_vit(state)
    vectors = pair.text.encode(PHRASES).double()
    for phrase, vector in zip(PHRASES, vectors, strict=True):
        ids = HashedWords(TEXT.words)([phrase])[0].tolist()
        expected = text_vector(state, ids, TEXT, gelu if kind == "convnext" else quick_gelu)
        torch.testing.assert_close(vector, expected, atol=1e-6, rtol=0)


def test_a_transposed_projection_would_be_noticed() -> None:
    """Where the projection is square no shape gives a missed transpose away; the vectors do."""
    square = TextSize(dim=32)
    state = random_state(NANO_CONVNEXT | text_shapes(square))
    ids = HashedWords(TEXT.words)(PHRASES[:1])[0].tolist()
    right = text_vector(state, ids, square, gelu)
    wrong = text_vector(state | {"text_projection": state["text_projection"].T}, ids, square, gelu)
    assert right @ wrong < 0.9
    ours = open_clip.convnext(state)["words.text_projection.weight"]
    torch.testing.assert_close(ours, state["text_projection"].T, atol=0, rtol=0)


def test_newer_names_and_leftovers() -> None:
    """The text tower may be under `text.`; attention masks say nothing; 1x1 convolutions are matrices."""
    state = random_state(NANO_CONVNEXT)
    newer = {n if n.startswith("visual.") or n == "logit_scale" else f"text.{n}": v for n, v in state.items()}
    newer["text.attn_mask"] = torch.zeros(77, 77)
    newer = {
        n: v[..., None, None] if n.endswith(("fc1.weight", "fc2.weight")) else v for n, v in newer.items()
    }
    renamed = open_clip.convnext(newer)
    plain = open_clip.convnext(state)
    assert renamed.keys() == plain.keys()
    assert all(torch.equal(renamed[name], plain[name]) for name in plain)


def test_unknown_names_stay_to_be_reported() -> None:
    state = random_state(NANO_CONVNEXT) | {"visual.trunk.extra": torch.zeros(1)}
    assert "visual.trunk.extra" in open_clip.convnext(state)


def test_transformers_names() -> None:
    """As `CLIPModel.save_pretrained` writes them, with the positions that old versions added."""
    source = ClipViT("nano")
    state = dict(source.clip.state_dict()) | {"text_model.embeddings.position_ids": torch.arange(77)[None]}
    target = ClipViT("nano")
    target.load_state_dict(open_clip.vit(state), strict=True)
    assert target.text.fingerprint == source.text.fingerprint
