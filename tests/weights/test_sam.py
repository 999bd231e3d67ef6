"""Files of a whole SAM: transformers', Meta's and ours give the same masks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import SamConfig, SamModel

from openvss.errors import InputError
from openvss.models.encoders.sam import Sam
from openvss.weights.sam import sam as renamed
from openvss.weights.strict import compare
from tests.weights.sam_files import metas_state


@pytest.fixture(scope="module")
def sam() -> Sam:
    """Every tensor away from its start, so that none can hide."""
    torch.manual_seed(0)
    sam = Sam("nano")
    with torch.no_grad():
        for parameter in sam.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return sam


def write(sam: Sam, kind: str, folder: Path) -> Path:
    """A folder or file of each kind that is published."""
    if kind.startswith("transformers"):
        sam.sam.save_pretrained(folder)
        return folder if kind == "transformers' folder" else folder / "model.safetensors"
    if kind == "ours":
        save_file({name: x.clone() for name, x in sam.state_dict().items()}, folder / "sam.safetensors")
        return folder / "sam.safetensors"
    torch.save(metas_state(sam.sam.state_dict()), folder / "sam_vit_b_01ec64.pth")
    return folder / "sam_vit_b_01ec64.pth"


def masks(sam: Sam) -> Tensor:
    """Drawn from a box, a point and a mask, so that every part of it has a say."""
    generator = torch.Generator().manual_seed(1)
    image = sam(torch.rand(1, 3, 40, 60, generator=generator))
    mask = torch.randn(1, 1, sam.mask_side, sam.mask_side, generator=generator)
    points, boxes = torch.tensor([[[0.3, 0.4]]]), torch.tensor([[0.1, 0.2, 0.7, 0.8]])
    return torch.cat([sam.draw(image, points, boxes, mask, several=True)[0], sam.draw(image, points)[0]], 1)


@pytest.mark.parametrize("kind", ["transformers' folder", "transformers' file", "Meta's file", "ours"])
def test_every_file_gives_the_same_masks(sam: Sam, tmp_path: Path, kind: str) -> None:
    other = Sam("nano")
    other.load(write(sam, kind, tmp_path))
    state = sam.state_dict()
    assert all(torch.equal(x, state[name]) for name, x in other.state_dict().items())
    torch.testing.assert_close(masks(other), masks(sam))


def test_names_of_metas_file(sam: Sam) -> None:
    """A few as they are in the release, against the table of these tests."""
    assert {
        "image_encoder.pos_embed",
        "image_encoder.patch_embed.proj.weight",
        "image_encoder.blocks.1.attn.rel_pos_w",
        "image_encoder.neck.3.bias",
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
        "prompt_encoder.point_embeddings.3.weight",
        "prompt_encoder.mask_downscaling.6.bias",
        "mask_decoder.transformer.layers.1.norm4.weight",
        "mask_decoder.transformer.norm_final_attn.bias",
        "mask_decoder.output_upscaling.3.weight",
        "mask_decoder.output_hypernetworks_mlps.3.layers.1.weight",
        "mask_decoder.iou_prediction_head.layers.2.bias",
        "mask_decoder.iou_token.weight",
    } <= metas_state(sam.sam.state_dict()).keys()


@pytest.mark.parametrize("metas", [False, True])
def test_the_published_size_is_covered_exactly(metas: bool) -> None:
    with torch.device("meta"):
        ours, state = Sam("vit-b"), SamModel(SamConfig()).state_dict()
    assert compare(ours, renamed(metas_state(state) if metas else state), "theirs").fits


def test_another_size_and_other_files_are_refused(sam: Sam, tmp_path: Path) -> None:
    file = write(sam, "Meta's file", tmp_path)
    with pytest.raises(InputError, match="not those of this model"):
        Sam("toy").load(file)
    with pytest.raises(InputError, match=r"gone\.pth does not exist"):
        sam.load(tmp_path / "gone.pth")
    with pytest.raises(InputError, match=r"has no model\.safetensors"):
        sam.load(tmp_path)
