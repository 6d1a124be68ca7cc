"""The eye net: a branch for what is between the lids, a small one for what may cover them."""

from __future__ import annotations

import torch
from torch import nn

from driver_monitor.perception.eyes import patch
from training import Residual, conv


class Net(nn.Module):
    """About 130,000 parameters and 3 million multiplications an eye.

    Whether an eye is closed, and how far it is open, is told from the eye alone: the band knows the driver's face, and
    few drivers were seen with closed eyes. Whether it can be seen at all is told from both.
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
        self.lids = nn.Linear(48, 2)
        self.sight = nn.Sequential(nn.Linear(80, 24), nn.ReLU(inplace=True), nn.Linear(24, 2))

    def forward(self, eye: torch.Tensor, band: torch.Tensor) -> torch.Tensor:
        """Pictures to logits of hidden, closed, sunglasses, and the eye aspect ratio, (n, 4)."""
        of_eye, of_band = self.eye(eye), self.band(band)
        lids, sight = self.lids(of_eye), self.sight(torch.cat([of_eye, of_band], 1))
        return torch.stack([sight[:, 0], lids[:, 0], sight[:, 1], lids[:, 1]], 1)


class Answers(nn.Module):
    """The net as exported: probabilities of open, closed, hidden; the eye aspect ratio; probability of sunglasses."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, eye: torch.Tensor, band: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pictures to the three answers."""
        out = self.net(eye, band)
        hidden, closed, sunglasses = torch.sigmoid(out[:, :3]).unbind(1)
        p = torch.stack([(1 - hidden) * (1 - closed), (1 - hidden) * closed, hidden], 1)
        return p, out[:, 3].clamp(0.0, 1.0), sunglasses


def example() -> dict[str, torch.Tensor]:
    """Return what the net takes."""
    return {
        "eye": torch.rand(2, 1, patch.HEIGHT, patch.WIDTH),
        "band": torch.rand(2, 1, patch.BAND_HEIGHT, patch.BAND_WIDTH),
    }
