"""What trainings share: blocks of nets, the learning rate, the running mean of the weights, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional


def conv(i: int, o: int, k: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(i, o, k, stride, k // 2, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        tail = nn.Conv2d(inner, channels, 3, 1, 1, bias=False)
        self.body = nn.Sequential(conv(channels, inner), tail, nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape (n, c, h, w)."""
        return functional.relu(x + self.body(x))


def scale_of_rate(step: int, total: int, warm_share: float) -> float:
    """Return the factor on the peak rate: a linear warm-up, then half a cosine down to zero."""
    warm = warm_share * total
    return step / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))


def rate(epoch: float, courses: Sequence[tuple[int, float]], warm_share: float) -> float:
    """Return the learning rate at `epoch`.

    `courses`: pairs of an end epoch and a peak rate. In each course the rate rises to the peak and falls to zero.
    """
    start = 0
    for end, peak in courses:
        if epoch < end:
            return peak * scale_of_rate(round(1000 * (epoch - start)), 1000 * (end - start), warm_share)
        start = end
    return 0.0


def half_floats() -> torch.autocast:
    """Return a block in which a net multiplies 16-bit floats, if the processor has AVX-512.

    Without AVX-512 they are slower than 32 bits: eight times for the landmark net.
    """
    fast = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return torch.autocast("cpu", torch.bfloat16, enabled=fast)


@torch.no_grad()
def follow(mean: nn.Module, net: nn.Module, keep: float) -> None:
    """Update the running mean of the weights: `keep` of `mean`, the rest from `net`. Counters are copied."""
    for m, v in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if m.dtype.is_floating_point:
            m.lerp_(v, 1 - keep)
        else:
            m.copy_(v)


def resume(path: Path, net: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Load the checkpoint that `save` wrote to `path`. Returns the finished epochs, 0 without a checkpoint."""
    if not path.exists():
        return 0
    saved = torch.load(path, weights_only=True)
    for part, name in ((net, "net"), (mean, "mean"), (optimizer, "optimizer")):
        part.load_state_dict(saved[name])
    return int(saved["epoch"])


def save(path: Path, net: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer, epochs: int) -> None:
    """Write a checkpoint of a training after `epochs`. An interrupted write does not damage the one before."""
    state = {"net": net.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epochs}
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").rename(path)
