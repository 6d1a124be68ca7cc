"""The architecture of `models/objects.onnx`."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from driver_monitor.perception.objects import net as program
from tools.training.nets import Residual, conv

ANSWERS, SIDE = len(program.ANSWERS), program.SIZE
"""How many answers the net gives; width and height of its input, pixels."""
FLOOR = 0.02
"""Contrast that is added, of 0 to 1: noise alone is not amplified to the contrast of a face."""


class Net(nn.Module):
    """About 170,000 parameters and 17 million multiplications for one face.

    The first layer steps by 4 pixels: nothing that matters here is smaller. The last layers look at each of 6 x 6
    places with weights of its own, because an ear, the mouth and the cheek have fixed places in the crop.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            conv(1, 24, 5, 4), Residual(24, 16),
            conv(24, 48, 3, 2), Residual(48, 32), Residual(48, 32),
            conv(48, 80, 3, 2), Residual(80, 48),
        )  # fmt: skip
        self.places = nn.Sequential(nn.Conv2d(80, 160, 6, groups=80, bias=False), nn.BatchNorm2d(160))
        self.drop = nn.Dropout(0.3)
        self.answers = nn.Linear(160, ANSWERS)

    def forward(self, face: torch.Tensor) -> torch.Tensor:
        """Return logits (n, 6) for faces (n, 1, 96, 96), 0 to 1, in the order of `ObjectsView`."""
        features = functional.relu(self.places(self.trunk(evened(face)))).flatten(1)
        answers: torch.Tensor = self.answers(self.drop(features))
        return answers


def evened(face: torch.Tensor) -> torch.Tensor:
    """Return faces with mean 0 and contrast 1, so that a dark picture looks like a bright one."""
    from_mean = face - face.mean((2, 3), keepdim=True)
    power = (from_mean * from_mean).mean((2, 3), keepdim=True)
    return from_mean * torch.rsqrt(power + FLOOR**2)


class Answers(nn.Module):
    """The exported net: calibrated probabilities for faces of 0 to 255. `lines`: factor and shift of each logit."""

    lines: torch.Tensor

    def __init__(self, net: Net, lines: torch.Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("lines", lines)

    def forward(self, face: torch.Tensor) -> torch.Tensor:
        """Return probabilities (n, 6) for faces (n, 1, 96, 96), uint8."""
        logits = self.net(face.to(torch.float32) * (1 / 255))
        return torch.sigmoid(logits * self.lines[:, 0] + self.lines[:, 1])
