"""EfficientNet-Lite0 as a feature pyramid, with batch norms folded into the convolutions."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from openvss.weights.lite0 import PACKAGE, fold, imagenet_checkpoint
from openvss.weights.strict import fill

# repeats, kernel, stride, expansion, channels: EfficientNet-B0's plan without squeeze-and-excitation
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM = 32
# the pixel statistics that the ImageNet weights were trained with (TensorFlow's, not the usual ones)
MEAN, STD = 127 / 255, 128 / 255


class Conv(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding: ceil(size / stride) out, the odd pixel at the end."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            inputs, outputs, kernel, stride, padding=0 if stride > 1 else kernel // 2, groups=groups
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] > 1:
            x = F.pad(x, (*self._pad(x.shape[-1]), *self._pad(x.shape[-2])))
        return super().forward(x)

    def _pad(self, size: int) -> tuple[int, int]:
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = max(kernel - (int(size) % stride or stride), 0)
        return total // 2, total - total // 2


class Block(nn.Module):
    """Inverted residual: expand, depth-wise, project."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = Conv(inputs, hidden, 1) if expansion > 1 else None
        self.depthwise = Conv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = Conv(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        y = self.project(F.relu6(self.depthwise(y), inplace=True))
        return x + y if self.residual else y


class Lite0(nn.Module):
    """RGB in 0..1 -> maps at strides 8, 16 and 32 with 40, 112 and 320 channels."""

    channels = (40, 112, 320)
    strides = (8, 16, 32)

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv(3, STEM, 3, stride=2)
        blocks: list[Block] = []
        channels = STEM
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for i in range(repeats):
                blocks.append(Block(channels, outputs, kernel, stride if i == 0 else 1, expansion))
                channels = outputs
        self.blocks = nn.ModuleList(blocks)

    def forward(self, frames: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> one map a stride."""
        return self.later(self.early(frames))

    def load_pretrained(self) -> None:
        fill(self, fold(imagenet_checkpoint()), PACKAGE)

    def early(self, frames: Tensor) -> Tensor:
        """Stem and blocks up to stride 8."""
        x = F.relu6(self.stem((frames - MEAN) / STD), inplace=True)
        for block in self.blocks[:5]:
            x = block(x)
        return x

    def later(self, x: Tensor) -> list[Tensor]:
        """The rest of the pyramid from the stride-8 map."""
        maps = [x]
        for i, block in enumerate(self.blocks[5:], start=5):
            x = block(x)
            if i in (10, 15):
                maps.append(x)
        return maps
