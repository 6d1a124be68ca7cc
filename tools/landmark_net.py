"""The architecture of `models/landmarks.onnx`: residual bottlenecks (ResNet) and attention-weighted regression.

Each point is the mean, over the cells of a feature map, of the cell's place plus an offset the cell votes for, weighted
by a softmax: precise like a heatmap, yet it can point outside the crop. The 14 eye points read a 28 x 28 map, since an
eye is only 5 pixels high here, the others a 14 x 14 one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EYE_POINTS = (*range(36, 48), 68, 69)
OTHER_POINTS = (*range(36), *range(48, 68))


def conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, act: bool = True) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if act else nn.Sequential(*layers)


class Residual(nn.Module):
    """A residual block with a 3 x 3 convolution between a narrowing and a widening one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.body = nn.Sequential(conv(channels, inner), conv(inner, inner, 3), conv(inner, channels, act=False))

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        return torch.relu(x + self.body(x))


class Votes(nn.Module):
    """Points as attention-weighted means of cell centre plus offset."""

    def __init__(self, channels: int, points: int, size: int) -> None:
        super().__init__()
        self.points = points
        self.head = nn.Conv2d(channels, points * 3, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)
        place = (torch.arange(size, dtype=torch.float32) + 0.5) / size
        self.register_buffer("x", place.repeat(size).reshape(1, 1, -1))
        self.register_buffer("y", place.repeat_interleave(size).reshape(1, 1, -1))

    def forward(self, features: Tensor) -> Tensor:
        """Return points (N, P, 2) in crop units from features (N, C, S, S)."""
        votes = self.head(features).flatten(2).float()
        weight, dx, dy = votes[:, : self.points], votes[:, self.points : -self.points], votes[:, -self.points :]
        weight = weight.softmax(dim=2)
        return torch.stack([(weight * (self.x + dx)).sum(2), (weight * (self.y + dy)).sum(2)], dim=2)


class LandmarkNet(nn.Module):
    """Grey crop (N, 1, 112, 112), 0 to 1, to points (N, 70, 2) in crop units and the face probability (N,)."""

    def __init__(self) -> None:
        super().__init__()
        self.to28 = nn.Sequential(conv(1, 16, 3, 2), conv(16, 32, 3, 2), Residual(32))
        self.to14 = nn.Sequential(conv(32, 64, 3, 2), Residual(64), Residual(64))
        self.to7 = nn.Sequential(conv(64, 96, 3, 2), Residual(96), Residual(96))
        self.top = conv(96, 64, act=False)
        self.mix14 = Residual(64)
        self.down14 = conv(64, 32, act=False)
        self.mix28 = Residual(32)
        self.others = Votes(64, len(OTHER_POINTS), 14)
        self.eyes = Votes(32, len(EYE_POINTS), 28)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.face = nn.Linear(96, 1)
        order = [*OTHER_POINTS, *EYE_POINTS]
        self.register_buffer("place", torch.tensor([order.index(i) for i in range(len(order))]))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return points and face probability."""
        points, logit = self.logits(image)
        return points, torch.sigmoid(logit)

    def logits(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Like `forward`, with the face score before its sigmoid."""
        # Brightness and contrast carry nothing about shape; with them gone a sixteenth of the light looks the same.
        centred = image - image.mean(dim=(2, 3), keepdim=True)
        scale = (centred * centred).mean(dim=(2, 3), keepdim=True).sqrt()
        f28 = self.to28(centred / (scale + 1 / 255))
        f14 = self.to14(f28)
        f7 = self.to7(f14)
        m14 = self.mix14(torch.relu(f14 + self.up(self.top(f7))))
        m28 = self.mix28(torch.relu(f28 + self.up(self.down14(m14))))
        points = torch.cat([self.others(m14), self.eyes(m28)], dim=1)[:, self.place]
        return points, self.face(f7.float().mean(dim=(2, 3))).squeeze(1)
