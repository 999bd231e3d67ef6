"""ResNet through transformers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from openvss.models.encoders.pixels import normalise
from openvss.weights.public import fill_published
from openvss.weights.resnet import resnet


@dataclass(frozen=True)
class ResNetPlan:
    """What differs between the sizes, for each of the four stages; `hub` has weights trained on ImageNet."""

    hub: str | None
    depths: tuple[int, ...]
    channels: tuple[int, ...] = (256, 512, 1024, 2048)
    stem: int = 64
    layer: Literal["basic", "bottleneck"] = "bottleneck"


PLANS = {
    "resnet-50": ResNetPlan("microsoft/resnet-50", (3, 4, 6, 3)),
    "resnet-101": ResNetPlan("microsoft/resnet-101", (3, 4, 23, 3)),
    "resnet-nano": ResNetPlan(None, (1, 1, 1, 1), (8, 16, 24, 32), stem=8, layer="basic"),  # for tests
}


class ResNet(nn.Module):
    """RGB in 0..1 -> maps at strides 4, 8, 16 and 32. In bottlenecks the 3x3 convolution has the stride."""

    strides = (4, 8, 16, 32)

    def __init__(self, plan: ResNetPlan) -> None:
        from transformers import ResNetBackbone, ResNetConfig

        super().__init__()
        self.channels = plan.channels
        self.hub = plan.hub
        self.model = ResNetBackbone(
            ResNetConfig(
                embedding_size=plan.stem,
                hidden_sizes=list(plan.channels),
                depths=list(plan.depths),
                layer_type=plan.layer,
                out_features=["stage1", "stage2", "stage3", "stage4"],
            )
        )

    def forward(self, frames: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> one map a stride, of ceil(H / stride) rows."""
        return list(self.model(normalise(frames)).feature_maps)

    def load_pretrained(self) -> None:
        fill_published(self, self.hub, resnet)


def named(name: str) -> ResNet:
    """One of `PLANS`, without trained weights."""
    return ResNet(PLANS[name])
