"""Change cached faces to look as a camera in a car sees them: moved, turned, infrared, dark, glaring or blurred.

Everything works on whole batches in torch. All random numbers come from the given generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass
class BatchRandom:
    """Random numbers for a batch of `n` pictures."""

    generator: torch.Generator
    n: int

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Draw (n, *shape), uniform between `low` and `high`."""
        return low + (high - low) * torch.rand(self.n, *shape, generator=self.generator)

    def normal(self, *shape: int) -> Tensor:
        """Draw (n, *shape) from the standard normal distribution."""
        return torch.randn(self.n, *shape, generator=self.generator)

    def chance(self, p: float) -> Tensor:
        """Draw (n,), each true with probability `p`."""
        return torch.rand(self.n, generator=self.generator) < p


@dataclass
class Views:
    """Squares in N crops: `centre` and `side` (N, 2) in units of the crop, `roll` in radians, mirrored or not."""

    centre: Tensor
    side: Tensor
    roll: Tensor
    mirror: Tensor


def resample(crops: Tensor, views: Views, size: int) -> Tensor:
    """Cut squares (N, 1, size, size) out of `crops` (N, 1, S, S)."""
    centre, side, roll, mirror = views.centre, views.side, views.roll, views.mirror
    place = (torch.arange(size) + 0.5) / size - 0.5
    v, u = torch.meshgrid(place, place, indexing="ij")
    c, s = (f(roll)[:, None, None] for f in (torch.cos, torch.sin))
    x = centre[:, 0, None, None] + side[:, 0, None, None] * c * u - side[:, 1, None, None] * s * v
    y = centre[:, 1, None, None] + side[:, 0, None, None] * s * u + side[:, 1, None, None] * c * v
    x = torch.where(mirror[:, None, None], 1 - x, x)
    grid = torch.stack([x, y], dim=3) * 2 - 1
    return functional.grid_sample(crops, grid, padding_mode="border", align_corners=False)


def map_turn(turn: Tensor, views: Views) -> Tensor:
    """Return the rotations `turn` (N, 3, 3) of heads in crops as they are in the squares that `resample` cuts."""
    flip = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))
    turn = torch.where(views.mirror[:, None, None], flip @ turn @ flip, turn)
    c, s = torch.cos(views.roll), torch.sin(views.roll)
    zero, one = torch.zeros_like(c), torch.ones_like(c)
    about = torch.stack([c, -s, zero, s, c, zero, zero, zero, one], dim=1).reshape(-1, 3, 3)
    return about @ turn


def map_points(points: Tensor, views: Views, swap: Tensor) -> Tensor:
    """Return where `points` (N, P, 2), in crop units, lie in the squares that `resample` cuts.

    `swap`: the index of each point after mirroring.
    """
    centre, side, roll, mirror = views.centre, views.side, views.roll, views.mirror
    flipped = points[:, swap] * torch.tensor([-1.0, 1.0]) + torch.tensor([1.0, 0.0])
    points = torch.where(mirror[:, None, None], flipped, points) - centre[:, None]
    c, s = torch.cos(roll)[:, None], torch.sin(roll)[:, None]
    x, y = points[..., 0], points[..., 1]
    return torch.stack([(c * x + s * y) / side[:, :1], (c * y - s * x) / side[:, 1:]], dim=2) + 0.5


def photograph(image: Tensor, irises: Tensor | None, generator: torch.Generator) -> Tensor:
    """Change light, sharpness and noise of `image` (N, 1, H, W), 0 to 1. Some pupils at `irises` (N, 2, 2) glow."""
    random = BatchRandom(generator, len(image))
    for share, change in ((0.5, _gamma), (0.25, _infrared), (0.35, _sun)):
        image = _some(image, random, share, change)
    if irises is not None:
        image = _bright_pupils(image, irises, random)
    for share, change in ((0.4, _blur), (0.12, _coarse), (0.1, _overexpose), (0.3, _dim), (0.12, _noise)):
        image = _some(image, random, share, change)
    faint = image + random.uniform(0, 4 / 255, 1, 1, 1) * random.normal(*image.shape[1:])
    return (faint * 255).round().clamp(0, 255) / 255


def _some(image: Tensor, random: BatchRandom, share: float, change: Callable[[Tensor, BatchRandom], Tensor]) -> Tensor:
    """Apply `change` to a random `share` of the batch."""
    chosen = torch.nonzero(random.chance(share)).squeeze(1)
    if len(chosen) == 0:
        return image
    return image.index_copy(0, chosen, change(image[chosen], BatchRandom(random.generator, len(chosen))))


def _grid(image: Tensor) -> tuple[Tensor, Tensor]:
    height, width = image.shape[2:]
    y, x = torch.meshgrid((torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij")
    return x[None, None], y[None, None]


def _gamma(image: Tensor, random: BatchRandom) -> Tensor:
    return image.clamp_min(1e-4) ** torch.exp(random.uniform(-0.7, 0.7, 1, 1, 1))


def _infrared(image: Tensor, random: BatchRandom) -> Tensor:
    """Flatten and brighten the skin, and darken it with the distance from the axis of the lamp."""
    x, y = _grid(image)
    flat = 1 - (1 - image).clamp_min(0) ** random.uniform(1.2, 2.5, 1, 1, 1)
    away = (x - random.uniform(0.1, 0.9, 1, 1, 1)) ** 2 + (y - random.uniform(0.1, 0.9, 1, 1, 1)) ** 2
    return flat * torch.exp(-away * random.uniform(0.3, 4, 1, 1, 1))


def _sun(image: Tensor, random: BatchRandom) -> Tensor:
    """Light the face from one side, with a soft or hard edge across it."""
    x, y = _grid(image)
    angle = random.uniform(0, 2 * math.pi, 1, 1, 1)
    edge = torch.cos(angle) * (x - 0.5) + torch.sin(angle) * (y - 0.5) + random.uniform(-0.3, 0.3, 1, 1, 1)
    shade = torch.sigmoid(edge * torch.exp(random.uniform(0.7, 4, 1, 1, 1)))
    return image * (1 - random.uniform(0.2, 0.9, 1, 1, 1) * shade)


def _bright_pupils(image: Tensor, irises: Tensor, random: BatchRandom) -> Tensor:
    """Make some pupils glow, as they do when the lamp is close to the lens."""
    lit = torch.nonzero(random.chance(0.06)).squeeze(1)
    x, y = _grid(image)
    at = irises[lit]
    away = (x - at[:, :, 0, None, None]) ** 2 + (y - at[:, :, 1, None, None]) ** 2
    width, height = random.uniform(0.006, 0.014, 1, 1, 1)[lit], random.uniform(0.3, 0.9, 1, 1, 1)[lit]
    glow = torch.exp(-away / (2 * width**2)).sum(dim=1, keepdim=True) * height
    return image.index_copy(0, lit, (image[lit] + glow).clamp(0, 1))


def _blur(image: Tensor, random: BatchRandom) -> Tensor:
    """Blur each picture with its own 9 x 9 kernel: round (focus) or a streak (motion)."""
    place = torch.arange(9, dtype=torch.float32) - 4
    v, u = torch.meshgrid(place, place, indexing="ij")
    angle = random.uniform(0, math.pi, 1, 1)
    along, across = torch.cos(angle) * u + torch.sin(angle) * v, torch.cos(angle) * v - torch.sin(angle) * u
    long = torch.exp(random.uniform(math.log(0.3), math.log(2.5), 1, 1))
    narrow = torch.where(random.chance(0.5)[:, None, None], torch.full_like(long, 0.4), long)
    kernel = torch.exp(-0.5 * ((along / long) ** 2 + (across / narrow) ** 2))
    kernel = (kernel / kernel.sum(dim=(1, 2), keepdim=True))[:, None]
    padded = functional.pad(image, (4, 4, 4, 4), mode="replicate").transpose(0, 1)
    return functional.conv2d(padded, kernel, groups=len(image)).transpose(0, 1)


def _coarse(image: Tensor, random: BatchRandom) -> Tensor:
    """Remove detail, down to half the resolution, as in a face that is farther away."""
    small = functional.interpolate(functional.avg_pool2d(image, 2), image.shape[2:], mode="bilinear")
    return torch.lerp(image, small, random.uniform(0.5, 1, 1, 1, 1))


def _overexpose(image: Tensor, random: BatchRandom) -> Tensor:
    return (image * random.uniform(1.2, 2.2, 1, 1, 1) + random.uniform(0, 0.15, 1, 1, 1)).clamp(0, 1)


def _dim(image: Tensor, random: BatchRandom) -> Tensor:
    return image * torch.exp(-random.uniform(0, math.log(16), 1, 1, 1))


def _noise(image: Tensor, random: BatchRandom) -> Tensor:
    return image + random.uniform(4, 30, 1, 1, 1) / 255 * random.normal(*image.shape[1:])
