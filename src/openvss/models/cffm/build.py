"""SegFormer, CFFM and CFFM++ from plain options."""

from __future__ import annotations

from openvss.models.cffm.geometry import COARSE, FINE, MIDDLE, Geometry, Pooling
from openvss.models.cffm.model import CFFM, CFFMSettings
from openvss.models.cffm.plusplus import CFFMPlusPlus
from openvss.models.encoders.backbones import backbone as backbone_of
from openvss.models.encoders.minilm import MiniLM
from openvss.models.encoders.pairs import pair
from openvss.models.segformer.model import SegFormer
from openvss.models.words import TextEncoder
from openvss.words.vocabulary import Vocabulary


def build_segformer(
    backbone: str = "mit-b1", words: str = "vspw", text: str | None = None, dim: int = 256
) -> SegFormer:
    """SegFormer without trained weights.

    Args:
        backbone: By name.
        words: The fixed list: a built-in one's name, or the words themselves.
        text: In place of the list, what reads any words: `minilm`, or the text side of an image-text pair.
        dim: Width of the decoder; 256 here and in CFFM's comparison, 768 in SegFormer's own B2 to B5.
    """
    return SegFormer(backbone_of(backbone), _words(words, text), dim)


def build(
    backbone: str = "mit-b1",
    words: str = "vspw",
    text: str | None = None,
    references: tuple[int, ...] = (9, 6, 3),
    pooling: tuple[tuple[int, int], ...] | None = None,
    target: tuple[int, int] = (1, 5),
    expand: int = 3,
    layers: int = 2,
    dim: int = 256,
    heads: int = 8,
    attend: bool = True,
    stride: int = 8,
    centred: bool = False,
    mask_border: bool = False,
    official: bool = False,
    global_layers: int = 0,
    prototypes: int = 100,
    frames: int = 10,
    weight: float = 0.5,
    teacher: str | None = None,
) -> CFFM:
    """CFFM, or CFFM++ if there are global layers, without trained weights.

    Args:
        backbone: By name.
        words: The fixed list: a built-in one's name, or the words themselves.
        text: In place of the list, what reads any words: `minilm`, or the text side of an image-text pair.
        references: How far back to look, farthest first; () lets the target stand in for all of them.
        pooling: Cells and kernel of each reference, see `Pooling`; by rank if None, see `roles`.
        target: Cells and kernel of the target itself.
        expand: Width of the ring around each window.
        layers: N of the paper; 0 gives SegFormer.
        dim: Width of all features after the backbone.
        heads: Of attention.
        attend: False gives the paper's variant of assembling without mining.
        stride: Of the map that is mined, unless the backbone's finest is coarser.
        centred: Regions that lie around their window; not for the authors' checkpoints.
        mask_border: Hide padding and the opposite edge; not for the authors' checkpoints.
        official: Begin a video, average losses, find prototypes and count parameters as the authors do.
        global_layers: N_g of the paper.
        prototypes: N_p of the paper.
        frames: f of the paper: how many frames of the video are summarised.
        weight: Lambda of the paper.
        teacher: Backbone of a larger CFFM that the prototypes are taken from.
    """
    geometry = Geometry(
        expand=expand,
        target=Pooling(*target),
        references=roles(len(references)) if pooling is None else tuple(Pooling(*p) for p in pooling),
        centred=centred,
        mask_border=mask_border,
    )
    settings = CFFMSettings(references, geometry, layers, dim, heads, attend, stride, official)
    known = _words(words, text)
    if not global_layers:
        return CFFM(backbone_of(backbone), known, settings)
    larger = None if teacher is None else CFFM(backbone_of(teacher), known, CFFMSettings(layers=0, dim=dim))
    return CFFMPlusPlus(
        backbone_of(backbone), known, settings, global_layers, prototypes, frames, weight, larger
    )


def roles(n: int) -> tuple[Pooling, ...]:
    """Pooling by rank: the nearest reference finely, the third and all beyond coarsely."""
    ranked = (COARSE, MIDDLE, FINE)
    return (COARSE,) * (n - 3) + ranked[-n:] if n else ranked


def _words(words: str, text: str | None) -> Vocabulary | TextEncoder:
    if text is None:
        return Vocabulary.parse(words)
    return MiniLM() if text == "minilm" else pair(text).text
