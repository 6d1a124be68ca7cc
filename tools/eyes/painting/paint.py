"""Paint glasses, sunglasses, reflections, hands and hair over strips of eyes, and change the labels to fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from tools.eyes.data import HEIGHT, WIDTH

if TYPE_CHECKING:
    from tools.eyes.painting.augment import Batch

PAINTED = 0.38
"""Share of the strips that get a painted cover."""
SUN, MIRRORED, TINTED, REFLECTING, CLEAR = 0.20, 0.42, 0.52, 0.76, 0.87
"""Cumulative shares of the covers: dark lenses, mirroring lenses, tinted lenses through which the eye is visible, clear
lenses with reflections, rims only. The rest are hands, hair and cloths."""
COVERED, BARE = 0.68, 0.40
"""An eye is hidden from the first covered share on and visible up to the second. Between them it is not learned."""


def uniform(n: int, low: float, high: float) -> torch.Tensor:
    return (torch.rand(n) * (high - low) + low).view(n, 1, 1, 1)


def chance(n: int, p: float) -> torch.Tensor:
    return (torch.rand(n) < p).view(n, 1, 1, 1)


def raised(x: torch.Tensor, power: torch.Tensor) -> torch.Tensor:
    """Return `x`, 0 or more, to the `power`. It is limited to 1e-6 to 1e6. Three times as fast as `torch.pow`."""
    return torch.exp((torch.log(x.clamp(1e-6, 1e6)) * power).clamp(-14.0, 14.0))


def pixels() -> tuple[torch.Tensor, torch.Tensor]:
    """Return rows and columns of a strip."""
    return torch.arange(HEIGHT).view(1, 1, HEIGHT, 1).float(), torch.arange(WIDTH).view(1, 1, 1, WIDTH).float()


def paint(batch: Batch, scenes: torch.Tensor) -> None:
    """Paint on some strips of `batch`, in place, and change the labels of the right eye to fit."""
    rows = torch.nonzero(torch.rand(len(batch.strip)) < PAINTED).view(-1)
    n = len(rows)
    if not n:
        return
    x, kind = batch.strip[rows], torch.rand(n).view(n, 1, 1, 1)
    right = batch.points[rows][:, [36, 39]].mean(1)
    left = batch.points[rows][:, [42, 45]].mean(1)
    scene = reflected(scenes, n)
    lens, rim = lenses(right, left)
    fill, alpha = filling(x, kind, scene, lens)
    is_glass = kind < CLEAR
    blob = blobs(right)
    fill = torch.where(is_glass, fill, smooth(n) * uniform(n, 0.05, 0.5) + uniform(n, 0.05, 0.75))
    alpha = torch.where(is_glass, alpha, blob)
    out = x + alpha * (fill - x)
    rimmed = is_glass & chance(n, 0.85)
    rim = torch.where(rimmed, rim, torch.zeros(())) * uniform(n, 0.5, 1.0)
    tint = torch.where(chance(n, 0.75), uniform(n, 0.0, 0.3), uniform(n, 0.4, 0.95))
    batch.strip[rows] = (out + rim * (tint - out)).clamp(0, 1)
    relabel(batch, rows, kind.view(n), share_covered(alpha, right))


def relabel(batch: Batch, rows: torch.Tensor, kind: torch.Tensor, covered: torch.Tensor) -> None:
    dark = kind < MIRRORED
    tinted = (kind >= MIRRORED) & (kind < TINTED)
    hidden = torch.where(covered > COVERED, 1.0, torch.where(covered > BARE, torch.nan, batch.hidden[rows]))
    hidden = torch.where(tinted, batch.hidden[rows], hidden)
    batch.unclear[rows] |= ~tinted & (covered > BARE) & (covered <= COVERED)
    # An eye that was hidden before, for example by real sunglasses, stays hidden.
    batch.hidden[rows] = torch.where(batch.hidden[rows] == 1, batch.hidden[rows], hidden)
    sun = torch.where(dark & (covered > COVERED), 1.0, torch.where(dark | tinted, torch.nan, batch.sunglasses[rows]))
    batch.sunglasses[rows] = torch.where(batch.sunglasses[rows] == 1, batch.sunglasses[rows], sun)


def reflected(scenes: torch.Tensor, n: int) -> torch.Tensor:
    """Return n reflections for lenses, the size of a strip, some with high contrast."""
    chosen = scenes[torch.randint(len(scenes), (n,))].unsqueeze(1).float() / 255
    angle = torch.randn(n) * 0.4
    scale, flip = torch.exp(torch.randn(n) * 0.4) * 0.7, torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    cos, sin, zero = torch.cos(angle) * scale, torch.sin(angle) * scale, torch.zeros(n)
    turn = torch.stack([torch.stack([cos * flip, -sin, zero], 1), torch.stack([sin * flip, cos, zero], 1)], 1)
    grid = functional.affine_grid(turn, [n, 1, HEIGHT, WIDTH], align_corners=False)
    shown = functional.grid_sample(chosen, grid, padding_mode="reflection", align_corners=False)
    middle = shown.mean((2, 3), keepdim=True)
    return (middle + (shown - middle) * uniform(n, 0.8, 3.0) + uniform(n, -0.2, 0.3)).clamp(0, 1)


def lenses(right: torch.Tensor, left: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the masks of two lenses and of their rims with bridge and temple, (n, 1, 88, 168)."""
    n = len(right)
    wide, high, power = uniform(n, 19, 31), uniform(n, 10, 28), uniform(n, 2, 7)
    taper = torch.where(chance(n, 0.4), uniform(n, 0.0, 0.45), torch.zeros(n, 1, 1, 1))
    down, out, tilt = uniform(n, -3, 8), uniform(n, -3, 4), torch.randn(n).view(n, 1, 1, 1) * 0.08
    thick = uniform(n, 0.5, 3.0)
    y, x = pixels()
    masks, rims = [], []
    for eye, way in ((right, -1.0), (left, 1.0)):
        at = torch.nan_to_num(eye, nan=-500.0).view(n, 2, 1, 1, 1)
        u, v = x - at[:, 0] - way * out, y - at[:, 1] - down
        u, v = u + way * tilt * v, v - way * tilt * u
        u = u * (1 + taper * (v / high).clamp(-1, 1))
        far = raised(raised((u / wide).abs(), power) + raised((v / high).abs(), power), 1 / power)
        masks.append(torch.sigmoid((1 - far) * high * 1.5))
        rims.append(torch.sigmoid((thick - (far - 1).abs() * high) * 2))
        arm = torch.sigmoid((way * u - wide) * 2) * torch.sigmoid((thick * 1.2 - (v + high * 0.4).abs()) * 2)
        bridge = torch.sigmoid((-way * u - wide) * 2) * torch.sigmoid((thick - (v + high * 0.3).abs()) * 2)
        near = torch.sigmoid((30 + wide - (way * u).abs()) * 2)
        rims[-1] = torch.maximum(
            rims[-1], torch.maximum(arm, bridge * near * (right[:, 0] < left[:, 0]).view(n, 1, 1, 1))
        )
    return torch.maximum(*masks), torch.maximum(*rims)


def filling(
    x: torch.Tensor, kind: torch.Tensor, scene: torch.Tensor, lens: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the surface of the lenses and how opaque it is, 0 to 1."""
    n = len(x)
    y, c = pixels()
    ramp = uniform(n, -1, 1) * (y / HEIGHT - 0.5) + uniform(n, -0.3, 0.3) * (c / WIDTH - 0.5)
    skin = x.mean((2, 3), keepdim=True)
    dark = skin * uniform(n, 0.0, 0.5) * (1 + ramp) + scene * torch.where(chance(n, 0.5), uniform(n, 0.0, 0.35), 0.0)
    mirroring = scene * uniform(n, 0.4, 1.0) + 0.15 * ramp
    tinted = dark.clamp(0, 0.5)
    bright = (scene.square() * 1.2).clamp(0, 1)
    fill = torch.where(kind < SUN, dark, torch.where(kind < MIRRORED, mirroring, tinted))
    fill = torch.where(kind < TINTED, fill, bright * uniform(n, 0.7, 1.1))
    strong = torch.where(chance(n, 0.5), uniform(n, 0.75, 1.0), uniform(n, 0.1, 0.35))
    angle = uniform(n, 0, 6.2832)
    beyond = (c - WIDTH / 2) * torch.cos(angle) * 0.5 + (y - HEIGHT / 2) * torch.sin(angle) - uniform(n, -12, 12)
    half, blotches = torch.sigmoid(beyond * 2), torch.sigmoid((smooth(n) - uniform(n, 0.2, 0.8)) * 12)
    patchy = torch.where(chance(n, 0.6), torch.where(chance(n, 0.5), half, blotches), torch.ones(()))
    alpha = torch.where(kind < MIRRORED, uniform(n, 0.86, 1.0), uniform(n, 0.1, 0.6))
    alpha = torch.where(kind < TINTED, alpha, strong * patchy)
    alpha = torch.where(kind < REFLECTING, alpha, torch.zeros(()))
    return fill.clamp(0, 1), alpha * lens


def blobs(right: torch.Tensor) -> torch.Tensor:
    """Return the mask of a hand, hair or a cloth at or beside the right eye."""
    n = len(right)
    y, x = pixels()
    at = (right + torch.randn(n, 2) * torch.tensor([16.0, 12.0])).view(n, 2, 1, 1, 1)
    angle = uniform(n, 0, 3.1416)
    u = (x - at[:, 0]) * torch.cos(angle) + (y - at[:, 1]) * torch.sin(angle)
    v = (y - at[:, 1]) * torch.cos(angle) - (x - at[:, 0]) * torch.sin(angle)
    power = uniform(n, 1.5, 6)
    thin = torch.where(chance(n, 0.35), uniform(n, 2, 6), uniform(n, 9, 40))
    long = torch.where(chance(n, 0.4), uniform(n, 60, 200), uniform(n, 18, 60))
    far = raised((u / long).abs(), power) + raised((v / thin).abs(), power)
    return torch.sigmoid((1 - far) * uniform(n, 3, 20))


def smooth(n: int) -> torch.Tensor:
    """Return n smooth random fields, 0 to 1."""
    coarse = torch.rand(n, 1, int(torch.randint(3, 8, (1,))), int(torch.randint(5, 14, (1,))))
    return functional.interpolate(coarse, (HEIGHT, WIDTH), mode="bilinear", align_corners=False)


def share_covered(alpha: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return the covered share of the right eye with its lids, 0 to 1."""
    n = len(right)
    y, x = pixels()
    at = right.view(n, 2, 1, 1, 1)
    eye = (((x - at[:, 0]) / 14).square() + ((y - at[:, 1]) / 6).square() < 1).float()
    return (alpha * eye).sum((1, 2, 3)) / eye.sum((1, 2, 3)).clamp_min(1)
