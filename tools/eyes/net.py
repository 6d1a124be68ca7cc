"""The architecture of `models/eyes.onnx`: a branch for the eye, and a small one for the band around both eyes."""

from __future__ import annotations

import torch
from torch import nn

from driver_monitor.perception.eyes import patch
from tools.training.nets import Residual, conv

CLOSED, ASPECT, LOWERED, IRIS, DOWN, HIDDEN, SUNGLASSES = range(7)
"""Columns of the answers of `Net`: five of the eye alone, then two of eye and band. `IRIS` and `DOWN` are helpers: they
teach the net to look at the eyeball. The exported net does not have them."""


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

        The logit of closed, the eye aspect ratio, the logit of lowered for an eye that is not closed, the visible share
        of the iris, how far down the iris is, in widths of the eye, and the logits of hidden and sunglasses.
        """
        of_eye, of_band = self.eye(eye), self.band(band)
        return torch.cat([self.lids(of_eye), self.sight(torch.cat([of_eye, of_band], 1))], 1)


FACTORS = (
    ((0, 0, 0, 0), (0, 0, 0, 0), (-1, -1, -1, 1), (1, 1, 1, 0)),
    ((-1, -1, 1, 0), (0, 0, 0, 0), (0, 0, 0, 0), (1, 1, 0, 1)),
    ((0, 0, 0, 0), (-1, 1, 0, 0), (0, 0, 0, 0), (1, 0, 1, 1)),
)
"""Each probability is a product of three factors: by hidden, by closed, by lowered. Rows of a factor: what to multiply
closed, lowered and hidden by, and what to add; columns: open, lowered, closed, hidden. So the factors of *open* are
(1 - hidden) (1 - closed) (1 - lowered). One matrix gives all factors. Written out, the same sums are 34 more operators
of the ONNX file, each on a few numbers, and take an eighth of the net's time."""


class Answers(nn.Module):
    """The exported net: probabilities of open, lowered, closed, hidden; eye aspect ratio; probability of sunglasses.

    `lines`: factor and shift of the logits of closed, lowered and hidden, see `tools.eyes.calibrate`.
    """

    lines: torch.Tensor
    which: torch.Tensor
    signs: torch.Tensor
    ones: torch.Tensor

    def __init__(self, net: Net, lines: tuple[tuple[float, float], ...] = ((1.0, 0.0),) * 3) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("lines", torch.tensor(lines))
        self.register_buffer("which", torch.tensor([CLOSED, LOWERED, HIDDEN]))
        factors = torch.tensor(FACTORS, dtype=torch.float32)
        self.register_buffer("signs", factors[:, :3].transpose(0, 1).flatten(1))
        self.register_buffer("ones", factors[:, 3].flatten())

    def forward(self, eye: torch.Tensor, band: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the three answers for n eyes."""
        out = self.net(eye, band)
        logits = out.index_select(1, self.which) * self.lines[:, 0] + self.lines[:, 1]
        by_hidden, by_closed, by_lowered = torch.addmm(self.ones, torch.sigmoid(logits), self.signs).chunk(3, 1)
        return by_hidden * by_closed * by_lowered, out[:, ASPECT].clamp(0.0, 1.0), torch.sigmoid(out[:, SUNGLASSES])


def example() -> dict[str, torch.Tensor]:
    """Return example inputs."""
    return {
        "eye": torch.rand(2, 1, patch.HEIGHT, patch.WIDTH),
        "band": torch.rand(2, 1, patch.BAND_HEIGHT, patch.BAND_WIDTH),
    }
