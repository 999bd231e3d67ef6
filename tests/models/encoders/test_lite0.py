"""EfficientNet-Lite0: padding, folded batch norms, the foreign checkpoint's key map."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from openvss.models.encoders.lite0 import Conv, Lite0
from openvss.weights.lite0 import EPS, fold, fold_classifier, imagenet_checkpoint


@pytest.mark.parametrize("size", [7, 8, 33])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 2), (1, 1)])
def test_same_padding_spelt_out(size: int, kernel: int, stride: int) -> None:
    """Output i sees inputs from i * stride - before; `before` is half of what is missing, rounded down."""
    conv = Conv(1, 1, kernel, stride)
    x = torch.randn(1, 1, size, size)
    out = conv(x)[0, 0]
    n = -(-size // stride)
    assert out.shape == (n, n)
    before = max((n - 1) * stride + kernel - size, 0) // 2
    for i, j in [(0, 0), (n - 1, n - 1), (n // 2, 0)]:
        total = conv.bias[0].item() if conv.bias is not None else 0.0
        for a in range(kernel):
            for b in range(kernel):
                y, z = i * stride - before + a, j * stride - before + b
                if 0 <= y < size and 0 <= z < size:
                    total += (conv.weight[0, 0, a, b] * x[0, 0, y, z]).item()
        assert out[i, j].item() == pytest.approx(total, abs=1e-5)


def unfolded(state: dict[str, Tensor], x: Tensor, conv: str, norm: str, stride: int, groups: int) -> Tensor:
    """Convolution, then batch norm with the stored statistics."""
    weight = state[f"{conv}.weight"]
    layer = Conv(weight.shape[1] * groups, weight.shape[0], weight.shape[2], stride, groups)
    with torch.no_grad():
        layer.weight.copy_(weight)
        assert layer.bias is not None
        layer.bias.zero_()
        x = layer(x)
    mean, variance = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
    return F.batch_norm(x, mean, variance, state[f"{norm}.weight"], state[f"{norm}.bias"], eps=EPS)


def test_folding_keeps_the_function() -> None:
    state = imagenet_checkpoint()
    model = Lite0()
    model.load_state_dict(fold(state), strict=True)
    x = torch.randn(1, 3, 40, 56)
    stem = F.relu6(unfolded(state, x, "_conv_stem", "_bn0", 2, 1))
    with torch.no_grad():
        torch.testing.assert_close(F.relu6(model.stem(x)), stem, atol=1e-4, rtol=1e-4)
        y = torch.randn(1, 16, 20, 28)
        z = F.relu6(unfolded(state, y, "_blocks.1._expand_conv", "_blocks.1._bn0", 1, 1))
        z = F.relu6(unfolded(state, z, "_blocks.1._depthwise_conv", "_blocks.1._bn1", 2, 96))
        z = unfolded(state, z, "_blocks.1._project_conv", "_blocks.1._bn2", 1, 1)
        torch.testing.assert_close(model.blocks[1](y), z, atol=1e-4, rtol=1e-4)


def test_pyramid_shapes_and_whole_checkpoint_used() -> None:
    state = imagenet_checkpoint()
    maps = Lite0()(torch.rand(2, 3, 70, 101))
    assert [tuple(m.shape[1:]) for m in maps] == [(40, 9, 13), (112, 5, 7), (320, 3, 4)]
    convolutions = [key for key in state if key.endswith(".weight") and state[key].ndim == 4]
    folded = [key for key in fold(state) if key.endswith(".weight")]
    assert len(folded) == len(convolutions) - 1  # all but the classifier's head
    assert fold_classifier(state)["fc.weight"].shape == (1000, 1280)
