"""The architecture of `models/eyes.onnx`: a branch for the eye, and a small one for the band around both eyes."""

from __future__ import annotations

import torch
from torch import nn

from driver_monitor.perception.eyes import patch
from tools.training.nets import Residual, conv


class Net(nn.Module):
    """About 130,000 parameters and 3 million multiplications for one eye.

    Closed or not and the eye aspect ratio come from the eye alone. The band would show the driver's face, and training
    has closed eyes of few drivers. Hidden or not comes from both.
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
        """Return (n, 4): logits of hidden, closed and sunglasses, and the eye aspect ratio."""
        of_eye, of_band = self.eye(eye), self.band(band)
        lids, sight = self.lids(of_eye), self.sight(torch.cat([of_eye, of_band], 1))
        return torch.stack([sight[:, 0], lids[:, 0], sight[:, 1], lids[:, 1]], 1)


class Answers(nn.Module):
    """The exported net: probabilities of open, closed, hidden; eye aspect ratio; probability of sunglasses."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, eye: torch.Tensor, band: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the three answers for n eyes."""
        out = self.net(eye, band)
        hidden, closed, sunglasses = torch.sigmoid(out[:, :3]).unbind(1)
        p = torch.stack([(1 - hidden) * (1 - closed), (1 - hidden) * closed, hidden], 1)
        return p, out[:, 3].clamp(0.0, 1.0), sunglasses


def example() -> dict[str, torch.Tensor]:
    """Return example inputs."""
    return {
        "eye": torch.rand(2, 1, patch.HEIGHT, patch.WIDTH),
        "band": torch.rand(2, 1, patch.BAND_HEIGHT, patch.BAND_WIDTH),
    }
