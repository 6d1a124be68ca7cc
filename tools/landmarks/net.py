"""The architecture of `models/landmarks.onnx`: residual bottlenecks (ResNet) and attention-weighted regression.

Each cell of a feature map votes for a point: its own place plus an offset. The point is the mean of the votes, weighted
by a softmax. This is as precise as a heatmap and can also give points outside the crop. The 14 eye points use a
28 x 28 map, because an eye is only 5 pixels high; the others use a 14 x 14 map. The rotation of the head, the face
score and the hidden mouth come from the 7 x 7 map, without pooling.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

EYE_POINTS = (*range(36, 48), 68, 69)
OTHER_POINTS = (*range(36), *range(48, 68))


def conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, act: bool = True) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if act else nn.Sequential(*layers)


class Residual(nn.Module):
    """A residual bottleneck: 1 x 1 to half the channels, 3 x 3, 1 x 1 back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.body = nn.Sequential(conv(channels, inner), conv(inner, inner, 3), conv(inner, channels, act=False))

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        return torch.relu(x + self.body(x))


class Votes(nn.Module):
    """Points as means of cell centre plus offset, weighted by a softmax."""

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
        weight = votes[:, : self.points].softmax(dim=2)
        offsets = votes[:, self.points :].reshape(-1, 2, self.points, votes.shape[2])
        places = weight @ torch.cat([self.x, self.y], dim=1)[0].T
        return places + (weight[:, None] * offsets).sum(dim=3).transpose(1, 2)


class LandmarkNet(nn.Module):
    """From a grey crop (N, 1, 112, 112), 0 to 1, to the answers of `forward`."""

    def __init__(self) -> None:
        super().__init__()
        self.to28 = nn.Sequential(conv(1, 16, 3, 2), conv(16, 32, 3, 2), Residual(32))
        self.to14 = nn.Sequential(conv(32, 64, 3, 2), Residual(64))
        self.to7 = nn.Sequential(conv(64, 96, 3, 2), Residual(96), Residual(96))
        self.top = conv(96, 64, act=False)
        self.mix14 = Residual(64)
        self.down14 = conv(64, 32, act=False)
        self.mix28 = Residual(32)
        self.others = Votes(64, len(OTHER_POINTS), 14)
        self.eyes = Votes(32, len(EYE_POINTS), 28)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.whole = nn.Sequential(conv(96, 16), nn.Flatten(), nn.Linear(16 * 49, 48), nn.ReLU(inplace=True))
        self.classify = nn.Linear(48, 2)
        self.turn = nn.Linear(48, 6)
        order = [*OTHER_POINTS, *EYE_POINTS]
        self.register_buffer("place", torch.tensor([order.index(i) for i in range(len(order))]))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the answers.

        Points (N, 70, 2) in crop units; the probability of a face (N,); the probability that the mouth is hidden (N,);
        six numbers (N, 6) for the rotation of the head relative to the crop (`rotation`).
        """
        points, whole = self._read(image)
        face, hidden = torch.sigmoid(self.classify(whole)).split(1, dim=1)
        return points, face.flatten(), hidden.flatten(), self.turn(whole)

    def logits(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return points, face and hidden mouth (N, 2) before the sigmoid, and rotations (N, 3, 3)."""
        points, whole = self._read(image)
        return points, self.classify(whole).float(), rotation(self.turn(whole).float())

    def _read(self, image: Tensor) -> tuple[Tensor, Tensor]:
        # Brightness and contrast classify nothing about shape. Without them a sixteenth of the light looks the same.
        centred = image - image.mean(dim=(2, 3), keepdim=True)
        scale = (centred * centred).mean(dim=(2, 3), keepdim=True).sqrt()
        f28 = self.to28(centred / (scale + 1 / 255))
        f14 = self.to14(f28)
        f7 = self.to7(f14)
        m14 = self.mix14(torch.relu(f14 + self.up(self.top(f7))))
        m28 = self.mix28(torch.relu(f28 + self.up(self.down14(m14))))
        points = torch.cat([self.others(m14), self.eyes(m28)], dim=1)[:, self.place]
        return points, self.whole(f7)


def rotation(six: Tensor) -> Tensor:
    """Return rotations (N, 3, 3) from six numbers each, which are all 0 for a face that looks straight ahead.

    Source: Zhou et al., On the Continuity of Rotation Representations, CVPR 2019.
    """
    x = functional.normalize(six[:, :3] + six.new_tensor([1.0, 0.0, 0.0]), dim=1)
    y = six[:, 3:] + six.new_tensor([0.0, 1.0, 0.0])
    y = functional.normalize(y - (x * y).sum(1, keepdim=True) * x, dim=1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=2)
