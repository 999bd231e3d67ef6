"""The device that is not there, by which waits are counted; and what is counted with it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks.pretend import PretendDevice
from benchmarks.syncs import TRAINED, of_frame, of_step, small
from openvss.data.make import make
from openvss.data.synthetic.job import RenderOptions
from openvss.models.registry import build_model
from openvss.segmenting.segmenter import Segmenter
from tests.models.suite import WORDS
from tests.models.two_frame import TwoFrame


@pytest.mark.parametrize("inference", [False, True])
def test_counts_what_the_host_has_to_wait_for(inference: bool) -> None:
    with torch.inference_mode(inference), PretendDevice() as device:
        x = torch.arange(6, device=device.name)
        y = x.float().view(2, 3)[:, 1:].exp().sum(1) + torch.tensor([1.0, 2.0], device=device.name)
        x[2:4] = 7
        picked = x[[1, 2]], x[torch.tensor([1, 2])]
        assert not device.waits
        for wait in (
            y.cpu, lambda: y.to("cpu"), y.tolist, lambda: float(y[0]), lambda: bool(x[1] > 0),
            x.nonzero, lambda: x[x > 3], x.unique, lambda: torch.zeros(6).copy_(x),
        ):  # fmt: skip
            device.waits.clear()
            wait()
            assert device.waits.total() == 1
        assert [one.tolist() for one in picked] == [[1, 7], [1, 7]]
        assert x.tolist() == [0, 1, 7, 7, 4, 5]


def test_what_was_left_on_the_host_is_an_error() -> None:
    with PretendDevice() as device:
        there = torch.ones(3).to(device.name)
        with pytest.raises(RuntimeError, match="two devices"):
            there + torch.ones(3)
        with pytest.raises((RuntimeError, TypeError)):
            there.numpy()


def test_learns_like_the_host() -> None:
    torch.manual_seed(0)
    layer, x = nn.Linear(4, 2), torch.randn(3, 4)
    layer(x).square().sum().backward()
    assert layer.weight.grad is not None
    expected = layer.weight.grad.clone()
    with PretendDevice() as device:
        layer.to(device.name)
        layer.zero_grad()
        layer(x.to(device.name)).square().sum().backward()
        torch.testing.assert_close(layer.weight.grad.cpu(), expected)


@pytest.mark.parametrize("size", [(64, 96), (250, 200)])
def test_a_frame_is_waited_for_three_times(size: tuple[int, int]) -> None:
    assert of_frame(Segmenter(TwoFrame(), WORDS, device="cpu"), size).waits.total() == 3


def test_prototypes_add_no_wait() -> None:
    """Their frame is the third, at which they are made anew."""
    parts = {"backbone": "mit-nano", "words": "road, sky, tree", "layers": 1, "dim": 16, "heads": 2}
    model = build_model("cffm++-b1", {**parts, "prototypes": 8, "frames": 4})
    assert of_frame(Segmenter(model, "road, sky", device="cpu"), (64, 96)).waits.total() == 3


@pytest.mark.parametrize(("trained", "frames"), [(TRAINED[1], (4,)), (TRAINED[2], (4, 10))])
def test_a_step_is_waited_for_once_and_encodes_its_frames_together(
    tmp_path: Path, trained: tuple[str, str, tuple[str, ...]], frames: tuple[int, ...]
) -> None:
    make("vspw", tmp_path / "vspw", 0, RenderOptions(videos=2))
    recipe = small(*trained[:2], tmp_path / "vspw", trained[2])
    count = of_step(recipe, tmp_path)
    assert count.waits.total() == 1
    assert count.passes == tuple(number * recipe.data.batch for number in frames)
