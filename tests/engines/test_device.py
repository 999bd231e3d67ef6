"""Devices and precisions that there are, and those that there are not."""

from __future__ import annotations

import pytest
import torch

from openvss.engines.device import check_precision, choose_device, computing
from openvss.errors import InputError


def test_a_device_by_name_or_the_best() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    best = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    assert choose_device("auto") == (best or torch.device("cpu"))


@pytest.mark.parametrize("name", ["abacus", "meta", "", "cuda:99", "cpu:x"])
def test_a_device_that_is_not_there(name: str) -> None:
    with pytest.raises(InputError, match=rf"Device '{name}' is not available here: use --device cpu"):
        choose_device(name)


def test_precisions_that_a_device_does_not_have() -> None:
    with pytest.raises(InputError, match="fp16 needs a GPU"):
        check_precision("fp16", torch.device("cpu"))
    for precision in ("fp32", "bf16"):
        check_precision(precision, torch.device("cpu"))
    check_precision("fp16", torch.device("cuda"))
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="This GPU does not have --precision bf16"):
            check_precision("bf16", torch.device("cuda"))


def test_fp32_leaves_the_precision_to_the_caller() -> None:
    x = torch.ones(2, 2)
    for outer in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=outer):
            with computing("fp32", torch.device("cpu")):
                assert (x @ x).dtype == (torch.bfloat16 if outer else torch.float32)
            with computing("bf16", torch.device("cpu")):
                assert (x @ x).dtype == torch.bfloat16
