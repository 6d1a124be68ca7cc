"""The architecture of `models/eyes.onnx`: a branch for the eye, and a small one for the band around both eyes."""

from __future__ import annotations

import torch
from torch import nn

from driver_monitor.perception.eyes import patch
from tools.training.nets import Residual, conv

HIDDEN, CLOSED, SUNGLASSES, ASPECT, LOWERED, IRIS, DOWN = range(7)
"""Columns of the answers of `Net`. `IRIS` and `DOWN` are helpers: they teach the net to look at the eyeball. The
exported net does not have them."""


class Net(nn.Module):
    """About 130,000 parameters and 3 million multiplications for one eye.

    All about the lids comes from the eye alone. The band would show the driver's face, and training has closed eyes of
    few people. Hidden or not comes from both.
    """

    def __init__(self) -> None:
        super().__init__()
        self.eye = nn.Sequential(
            conv(1, 12, 5, 2), conv(12, 24, 3, 2), Residual(24, 16), conv(24, 48, 3, 2), Residual(48, 40),
            nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(48 * 6, 48), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.band = nn.Sequential(
            conv(1, 8, 5, 2), conv(8, 16, 3, 2), conv(16, 32, 3, 2), Residual(32, 24),
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(32 * 32, 32), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.lids = nn.Linear(48, 5)
        self.sight = nn.Sequential(nn.Linear(80, 24), nn.ReLU(inplace=True), nn.Linear(24, 2))

    def forward(self, eye: torch.Tensor, band: torch.Tensor) -> torch.Tensor:
        """Return (n, 7), in the order of the columns above.

        The logits of hidden, closed and sunglasses, the eye aspect ratio, the logit of lowered for an eye that is not
        closed, the visible share of the iris, and how far down the iris is, in widths of the eye.
        """
        of_eye, of_band = self.eye(eye), self.band(band)
        closed, aspect, lowered, iris, down = self.lids(of_eye).unbind(1)
        hidden, sunglasses = self.sight(torch.cat([of_eye, of_band], 1)).unbind(1)
        return torch.stack([hidden, closed, sunglasses, aspect, lowered, iris, down], 1)


class Answers(nn.Module):
    """The exported net: probabilities of open, lowered, closed, hidden; eye aspect ratio; probability of sunglasses.

    `lines`: factor and shift of the logits of closed, lowered and hidden, see `tools.eyes.calibrate`.
    """

    lines: torch.Tensor

    def __init__(self, net: Net, lines: tuple[tuple[float, float], ...] = ((1.0, 0.0),) * 3) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("lines", torch.tensor(lines))

    def forward(self, eye: torch.Tensor, band: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the three answers for n eyes."""
        out = self.net(eye, band)
        logits = out[:, [CLOSED, LOWERED, HIDDEN]] * self.lines[:, 0] + self.lines[:, 1]
        closed, lowered, hidden = torch.sigmoid(logits).unbind(1)
        opened = (1 - hidden) * (1 - closed)
        p = torch.stack([opened * (1 - lowered), opened * lowered, (1 - hidden) * closed, hidden], 1)
        return p, out[:, ASPECT].clamp(0.0, 1.0), torch.sigmoid(out[:, SUNGLASSES])


def example() -> dict[str, torch.Tensor]:
    """Return example inputs."""
    return {
        "eye": torch.rand(2, 1, patch.HEIGHT, patch.WIDTH),
        "band": torch.rand(2, 1, patch.BAND_HEIGHT, patch.BAND_WIDTH),
    }
