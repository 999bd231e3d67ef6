"""Checkpoints: what is written can be read, whole or not at all."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from openvss.errors import InputError, OutputError
from openvss.weights import checkpoint
from openvss.weights.checkpoint import (
    Metadata,
    find_checkpoint,
    is_ours,
    load_state,
    read_metadata,
    save_model,
)
from openvss.weights.strict import compare, fill

OPTIONS: dict[str, object] = {"backbone": "mit-nano", "references": [9, 6, 3], "text": None, "rate": 0.5}


def net(width: int = 4) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width))


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    model, file = net(), tmp_path / "a.safetensors"
    save_model(model, file, "some-model", OPTIONS, {"step": "12"})
    assert read_metadata(file) == Metadata("some-model", OPTIONS, {"step": "12"})
    assert is_ours(file)
    state = load_state(file)
    assert state.keys() == model.state_dict().keys()
    assert state["1.num_batches_tracked"].dtype == torch.int64
    other = net().requires_grad_(False)
    other[0].weight.zero_()  # type: ignore[index]
    assert fill(other, state, "a").fits
    for key, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[key], value)
    assert list(tmp_path.iterdir()) == [file]


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    notes = {f"note {i}": '"é\n\x01\x7f/道路' for i in range(12)}
    model, files = net(), [tmp_path / f"{i}.safetensors" for i in range(3)]
    for file in files:
        save_model(model, file, "some-model", OPTIONS, notes)
    assert len({file.read_bytes() for file in files}) == 1
    assert read_metadata(files[0]).extra == notes
    assert compare(model, load_state(files[0]), "").fits


def test_a_state_with_shared_and_strided_and_half_tensors(tmp_path: Path) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    state = {"a": whole, "b": whole, "t": whole.T, "row": whole[1], "half": whole.half()}
    save_model(state, tmp_path / "a.safetensors", "m", {})
    loaded = load_state(tmp_path / "a.safetensors")
    assert loaded["half"].dtype == torch.float32
    for name, value in state.items():
        assert torch.equal(loaded[name], value.float())


def test_the_metadatas_own_names_are_not_for_others(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="preset"):
        save_model(net(), tmp_path / "a.safetensors", "m", {}, {"preset": "n"})


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.safetensors"
    save_model(net(), file, "old", {})
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", full)
        with pytest.raises(OutputError, match=r"a.safetensors cannot be written .*No space left"):
            save_model(net(), file, "new", {})
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OutputError, match="cannot be written"):
            save_model(net(), file, "new", {})
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(OutputError, match="cannot be written"):
        save_model(net(), tmp_path / "none" / "a.safetensors", "m", {})


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"state_dict": Evil()}, tmp_path / "evil.pth")
    (tmp_path / "evil.pt").write_bytes(pickle.dumps(Evil()))
    (tmp_path / "noise.pth").write_bytes(b"noise")
    (tmp_path / "noise.safetensors").write_bytes(b"noise")
    (tmp_path / "text.pth").write_text("hello\n")
    (tmp_path / "empty.pth").touch()
    torch.save([torch.ones(1)], tmp_path / "list.pth")
    torch.save({"weight": torch.ones(1), "epoch": 3}, tmp_path / "mixed.pth")
    for file in sorted(tmp_path.iterdir()):
        with pytest.raises(InputError, match="cannot be read as weights"):
            load_state(file)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(InputError, match="does not exist"):
        load_state(tmp_path / "none.pth")


def test_pytorchs_own_files(tmp_path: Path) -> None:
    state = {"weight": torch.ones(2).half()}
    for name, content in (("a.pth", state), ("b.pth", {"state_dict": state, "meta": {"epoch": 1}})):
        torch.save(content, tmp_path / name)
        assert load_state(tmp_path / name)["weight"].dtype == torch.float32
        assert not is_ours(tmp_path / name)


def test_files_of_other_software_have_no_preset(tmp_path: Path) -> None:
    save_file({"weight": torch.ones(2)}, tmp_path / "a.safetensors", {"format": "pt"})
    assert not is_ours(tmp_path / "a.safetensors")
    with pytest.raises(InputError, match=r"does not say which model it belongs to.*--model.*--weights"):
        read_metadata(tmp_path / "a.safetensors")
    torch.save({}, tmp_path / "a.pth")
    with pytest.raises(InputError, match="is not a safetensors file"):
        read_metadata(tmp_path / "a.pth")


def test_the_checkpoint_of_a_run(tmp_path: Path) -> None:
    assert find_checkpoint(tmp_path) is None
    assert find_checkpoint(tmp_path / "none") is None
    for name in ("last.safetensors", "best.safetensors"):
        (tmp_path / name).touch()
        assert find_checkpoint(tmp_path) == tmp_path / name
    assert find_checkpoint(tmp_path / "last.safetensors") == tmp_path / "last.safetensors"


def test_the_checkpoint_of_a_run_in_stages(tmp_path: Path) -> None:
    for stage in ("2-tuned", "10-last", "9-more", "11-begun", "notes"):
        (tmp_path / stage).mkdir()
    for file in ("2-tuned/best.safetensors", "10-last/last.safetensors", "9-more/best.safetensors"):
        (tmp_path / file).touch()
    assert find_checkpoint(tmp_path) == tmp_path / "10-last" / "last.safetensors"


def test_what_does_not_fit_is_reported(tmp_path: Path) -> None:
    state = dict(net(8).state_dict())
    del state["1.bias"], state["1.running_var"]
    state |= {f"extra.{i}": torch.ones(1) for i in range(5)}
    model = net()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    report = compare(model, state, "file")
    assert report.missing == ("1.bias", "1.running_var")
    assert report.unexpected == tuple(f"extra.{i}" for i in range(5))
    assert report.misshapen[0] == "0.weight (8, 3, 3, 3) instead of (4, 3, 3, 3)"
    assert len(report.misshapen) == 4
    with pytest.raises(InputError, match=r"in file are not.*missing 1.bias.*extra.2 and 2 more; of another"):
        fill(model, state, "file")
    for key, value in before.items():
        assert torch.equal(model.state_dict()[key], value)
    assert str(compare(model, model.state_dict(), "self")) == "all weights fit"
