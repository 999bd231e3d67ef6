"""Mix Transformer (MiT), the backbone of SegFormer, through transformers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from openvss.models.encoders.pixels import normalise
from openvss.weights.mit import mit
from openvss.weights.public import fill_published


@dataclass(frozen=True)
class MiTPlan:
    """What differs between the sizes, for each of the four stages; `hub` has weights trained on ImageNet."""

    hub: str | None
    depths: tuple[int, ...]
    channels: tuple[int, ...] = (64, 128, 320, 512)
    heads: tuple[int, ...] = (1, 2, 5, 8)
    drop_path: float = 0.1


PLANS = {
    "mit-b0": MiTPlan("nvidia/mit-b0", (2, 2, 2, 2), (32, 64, 160, 256)),
    "mit-b1": MiTPlan("nvidia/mit-b1", (2, 2, 2, 2)),
    "mit-b2": MiTPlan("nvidia/mit-b2", (3, 4, 6, 3)),
    "mit-b3": MiTPlan("nvidia/mit-b3", (3, 4, 18, 3)),
    "mit-b4": MiTPlan("nvidia/mit-b4", (3, 8, 27, 3)),
    "mit-b5": MiTPlan("nvidia/mit-b5", (3, 6, 40, 3)),
    "mit-nano": MiTPlan(None, (1, 1, 1, 1), (8, 16, 24, 32), heads=(1, 2, 3, 4), drop_path=0.0),  # for tests
}
REDUCTIONS = (8, 4, 2, 1)  # sides of the cells that keys and values are reduced to


class MiT(nn.Module):
    """RGB in 0..1 -> maps at strides 4, 8, 16 and 32."""

    strides = (4, 8, 16, 32)

    def __init__(self, plan: MiTPlan) -> None:
        from transformers import SegformerConfig, SegformerModel

        super().__init__()
        self.channels = plan.channels
        self.hub = plan.hub
        self.model = SegformerModel(
            SegformerConfig(
                depths=list(plan.depths),
                hidden_sizes=list(plan.channels),
                num_attention_heads=list(plan.heads),
                sr_ratios=list(REDUCTIONS),
                drop_path_rate=plan.drop_path,
                hidden_dropout_prob=0.0,
                attention_probs_dropout_prob=0.0,
            )
        )
        _set_official_eps(self.model)

    def forward(self, frames: Tensor) -> list[Tensor]:
        """(B, 3, H, W) -> one map a stride, of ceil(H / stride) rows."""
        return list(self.model(normalise(frames), output_hidden_states=True).hidden_states)

    def load_pretrained(self) -> None:
        fill_published(self, self.hub, mit)


def named(name: str) -> MiT:
    """One of `PLANS`, without trained weights."""
    return MiT(PLANS[name])


def _set_official_eps(model: Any) -> None:
    """The weights were trained with 1e-6 in blocks and after stages; patch embedding and reduction have 1e-5.

    transformers has 1e-5 everywhere.
    """
    for stage in model.stages:
        norms = [stage.layer_norm]
        for block in stage.blocks:
            norms += [block.layernorm_before, block.layernorm_after]
        for norm in norms:
            norm.eps = 1e-6
