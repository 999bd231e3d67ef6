"""SegFormers of the hub, from a folder that transformers wrote."""

from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import OfflineModeIsEnabled
from transformers import SegformerConfig, SegformerForSemanticSegmentation

import openvss
from openvss.errors import InputError
from openvss.models.base import VideoModel
from openvss.models.segformer.hub import HubSegFormer, load, vocabulary
from openvss.models.trained import load_model
from openvss.weights.checkpoint import sha256
from openvss.words.vocabulary import Vocabulary
from tests.models.suite import CLOSED_SET, VideoModelSuite, as_frames, video


def config(*labels: str) -> SegformerConfig:
    return SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 16, 24, 32],
        num_attention_heads=[1, 2, 3, 4],
        decoder_hidden_size=16,
        drop_path_rate=0.0,
        id2label=dict(enumerate(labels)),
    )


class TestHubSegFormer(VideoModelSuite):
    def build(self) -> VideoModel:
        return HubSegFormer(config(*CLOSED_SET.replace(" | ", ";").split(", ")), {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a repository of the hub holds."""
    torch.manual_seed(0)
    theirs = SegformerForSemanticSegmentation(config("Wall", "building, edifice", "sky", "bed "))
    with torch.no_grad():
        theirs.decode_head.batch_norm.running_mean.normal_()
    theirs.save_pretrained(tmp_path / "model")
    look = {"size": {"height": 96, "width": 64}, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.5, 1.0]}
    (tmp_path / "model" / "preprocessor_config.json").write_text(json.dumps(look))
    return tmp_path / "model"


def test_the_same_logits_as_transformers(folder: Path) -> None:
    theirs = SegformerForSemanticSegmentation.from_pretrained(folder).eval()
    model = load(str(folder))
    assert model.size == 64
    assert model.weights_sha256 == sha256(folder / "model.safetensors")
    frame = torch.rand(1, 1, 3, 70, 101)
    with torch.no_grad():
        pixels = (frame[:, 0] - 0.5) / torch.tensor([0.25, 0.5, 1.0]).view(3, 1, 1)
        expected = theirs(pixels).logits
        found = model(frame, model.embed(Vocabulary.parse("bed, edifice"))).logits
    torch.testing.assert_close(found, expected[:, [3, 1]])


def test_it_streams_with_its_own_words(folder: Path) -> None:
    torch.manual_seed(2)
    segmenter = openvss.load(f"hf:{folder}", device="cpu")
    drawn = torch.rand(1)
    assert segmenter.step(as_frames(video(1))[0]).words == ("wall", "building", "sky", "bed")
    torch.manual_seed(2)
    assert torch.equal(torch.rand(1), drawn)


def test_files_of_a_folder_that_is_laid_out_like_the_hub(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = SegformerForSemanticSegmentation.from_pretrained(folder)
    repository = folder / "nvidia" / "segformer-b0"
    repository.mkdir(parents=True)
    (folder / "config.json").rename(repository / "config.json")
    torch.save(theirs.state_dict(), repository / "pytorch_model.bin")
    monkeypatch.setenv("OPENVSS_WEIGHTS", str(folder))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", _offline)
    model = load_model("hf:nvidia/segformer-b0")
    assert isinstance(model, HubSegFormer)
    assert model.size == VideoModel.size  # it has no settings of an image processor


def _offline(*_: str) -> str:
    raise OfflineModeIsEnabled("offline")


def test_names_become_labels() -> None:
    words = vocabulary({1: "Chest of  Drawers, bureau; dresser", 0: "wall", 2: "wall", 3: ","})
    assert words.names == ("wall", "chest of drawers", "wall", ",")
    assert words.labels[1].synonyms == ("chest of drawers", "bureau", "dresser")


def test_classes_of_one_name_are_all_kept_if_nothing_is_chosen() -> None:
    model = HubSegFormer(config("wall", "sky", "wall"), {})
    assert model.fixed_words is not None
    assert torch.equal(model.embed(model.fixed_words).embeddings[:, 0], torch.eye(3))


@pytest.mark.parametrize(
    ("look", "size"),
    [({}, 480), ({"size": 640}, 640), ({"size": {"shortest_edge": 320}}, 320), ({"size": {}}, 480)],
)
def test_sizes_of_image_processors(look: dict[str, object], size: int) -> None:
    assert HubSegFormer(config("wall"), look).size == size


def test_problems_are_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENVSS_WEIGHTS", raising=False)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", _offline)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    for name, says in (
        ("hf:nvidia/none", "nvidia/none is not on this machine"),
        (f"hf:{folder}/none", "neither a folder nor a name on the Hugging Face hub"),
        ("hf:", "neither a folder nor a name"),
        ("hf:a/b/c", "neither a folder nor a name"),
    ):
        with pytest.raises(InputError, match=says):
            load_model(name)
    with pytest.raises(InputError, match="brings its own weights"):
        load_model(f"hf:{folder}", untrained=True)
    with pytest.raises(InputError, match="Hugging Face hub"):
        load_model("nvidia/none")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, "model_type": "bert"}))
    with pytest.raises(InputError, match="of the type bert, but hf: takes SegFormers only"):
        load(str(folder))
    (folder / "config.json").write_text("[]")
    with pytest.raises(InputError, match="does not hold settings"):
        load(str(folder))
    (folder / "config.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as JSON"):
        load(str(folder))
    (folder / "config.json").write_text(json.dumps({**settings, "decoder_hidden_size": 8}))
    with pytest.raises(InputError, match="not those of this model: of another shape decode_head"):
        load(str(folder))
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"has no model.safetensors or pytorch_model.bin"):
        load(str(folder))
