"""What the training tools share: the course of the learning rate and the running mean of the weights that is kept."""

from __future__ import annotations

import math

import torch
from torch import nn


def scale_of_rate(step: int, total: int, warm_share: float) -> float:
    """Return the factor on the peak rate: a warm-up over the first share, then half a cosine down to zero."""
    warm = warm_share * total
    return step / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))


@torch.no_grad()
def follow(mean: nn.Module, net: nn.Module, keep: float) -> None:
    """Let the running mean keep `keep` of itself and take the rest from `net`; counters are copied."""
    for m, v in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if m.dtype.is_floating_point:
            m.lerp_(v, 1 - keep)
        else:
            m.copy_(v)
