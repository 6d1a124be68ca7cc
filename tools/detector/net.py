"""The architecture of `models/detector.onnx`: depthwise separable convolutions, and one map of answers at stride 8.

Features of stride 32 and 16 are added to those of stride 8. So one map answers for faces of every size. A cell near the
centre of a face gives a score, the box (as YuNet: centre and log sides) and the vector between the eyes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

ANSWERS = 7
"""Channels: score, box (4), vector between the eyes (2)."""


def conv(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Separable(nn.Module):
    """A depthwise and a pointwise convolution, with a shortcut when input and output have the same shape."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.short = inputs == outputs and stride == 1
        self.body = nn.Sequential(
            nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features at this block's stride."""
        y = self.body(x)
        return torch.relu(x + y if self.short else y)


class DetectorNet(nn.Module):
    """From a grey picture after `even_out` (1, 1, H, W), sides multiples of 32, to answers (1, 7, H / 8, W / 8)."""

    def __init__(self, fine: int = 48, middle: int = 96, coarse: int = 128) -> None:
        super().__init__()
        self.to8 = nn.Sequential(
            conv(1, 8, 2), conv(8, 16, 2), conv(16, fine, 2), *(Separable(fine, fine) for _ in "ab")
        )
        self.to16 = nn.Sequential(Separable(fine, middle, 2), *(Separable(middle, middle) for _ in "abcd"))
        self.to32 = nn.Sequential(Separable(middle, coarse, 2), *(Separable(coarse, coarse) for _ in "abc"))
        self.side32 = nn.Sequential(nn.Conv2d(coarse, fine, 1, bias=False), nn.BatchNorm2d(fine))
        self.side16 = nn.Sequential(nn.Conv2d(middle, fine, 1, bias=False), nn.BatchNorm2d(fine))
        self.mix16, self.mix8 = Separable(fine, fine), Separable(fine, fine)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.head = nn.Conv2d(fine, ANSWERS, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.bias[0], self.head.bias[3], self.head.bias[4] = -4.0, 0.7, 0.9

    def forward(self, image: Tensor) -> Tensor:
        """Return the answers; scores are probabilities."""
        answers = self.logits(image)
        return torch.cat([torch.sigmoid(answers[:, :1]), answers[:, 1:]], dim=1)

    def logits(self, image: Tensor) -> Tensor:
        """Like `forward`, but scores are before the sigmoid."""
        at8 = self.to8(image)
        at16 = self.to16(at8)
        at32 = self.to32(at16)
        back16 = self.mix16(torch.relu(self.side16(at16) + self.up(self.side32(at32))))
        return self.head(self.mix8(torch.relu(at8 + self.up(back16))))
