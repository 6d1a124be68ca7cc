"""Paint bright reflections on the lenses of glasses: spots of lamps, rows of them, and windows.

The eye behind stays what it is while its lids are visible beside the spots, and becomes hidden where they cover what
decides. `tools.eyes.spots_measure` measures with a painter of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tools.eyes.painting.paint import chance, pixels, uniform

if TYPE_CHECKING:
    from tools.eyes.painting.augment import Batch

SPOTTED = 0.28
"""Share of the strips that get spots."""
MOST = 4
"""Most spots on one lens."""
LARGE = 0.35
"""Share of the spotted strips whose spots are as large as windows. The others have spots of lamps."""
ROW, SAME, ALONE = 0.35, 0.75, 0.15
"""Shares: the spots form a row; both lenses have them at the same place; only one lens has spots."""
DIM = 0.4
"""Share of the spotted strips that are dim beside their spots, as in infrared light."""
COVERED, BARE = 0.6, 0.42
"""An eye is hidden from the first covered share of its lids on and visible up to the second. Between them it is not
learned."""


def spot(batch: Batch) -> None:
    """Paint spots on some strips of `batch`, in place, and change the label of the right eye to fit."""
    rows = torch.nonzero(torch.rand(len(batch.strip)) < SPOTTED).view(-1)
    n = len(rows)
    if not n:
        return
    points = batch.points[rows]
    right, left = points[:, [36, 39]].mean(1), points[:, [42, 45]].mean(1)
    at, used = _places(n)
    size, shape = _sizes(n), _shapes(n)
    other = torch.where(chance(n, SAME).view(n, 1, 1), at + torch.randn(n, 1, 2) * 1.2, _places(n)[0])
    mirrored = torch.where(chance(n, 0.2).view(n, 1, 1), torch.tensor([-1.0, 1.0]), torch.ones(2))
    on_right = _alpha(right.unsqueeze(1) + at, used, size, shape)
    on_left = _alpha(torch.nan_to_num(left, nan=-500.0).unsqueeze(1) + other * mirrored, used, size, shape)
    alone = torch.rand(n).view(n, 1, 1, 1)
    on_left = torch.where(alone < ALONE, torch.zeros(()), on_left)
    on_right = torch.where(alone > 1 - ALONE / 3, torch.zeros(()), on_right)
    alpha = torch.maximum(on_right, on_left)
    dim = torch.where(chance(n, DIM), uniform(n, 0.12, 0.8), torch.ones(()))
    x = batch.strip[rows] * dim
    batch.strip[rows] = x + alpha * (uniform(n, 0.8, 1.0) - x).clamp_min(0)
    covered = _covered(on_right, points, batch.ear[rows])
    hidden = torch.where(covered > COVERED, 1.0, torch.where(covered > BARE, torch.nan, batch.hidden[rows]))
    batch.hidden[rows] = torch.where(batch.hidden[rows] == 1, batch.hidden[rows], hidden)
    batch.unclear[rows] |= (covered > BARE) & (covered <= COVERED)


def _places(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return places (n, MOST, 2) relative to the eye's middle, and which of them are used (n, MOST)."""
    spread = torch.where(torch.rand(n, 1, 1) < 0.4, 3.0, 9.0)
    first = torch.randn(n, 1, 2) * spread * torch.tensor([1.0, 0.5])
    apart = torch.randn(n, MOST, 2) * torch.tensor([8.0, 4.5])
    angle, step = torch.randn(n, 1) * 0.5, torch.rand(n, 1) * 6 + 2.5
    along = torch.cat([torch.cos(angle) * step, torch.sin(angle) * step], 1).unsqueeze(1)
    row = along * torch.arange(MOST).view(1, MOST, 1)
    apart[:, 0] = 0
    places = first + torch.where(torch.rand(n, 1, 1) < ROW, row, apart)
    return places, torch.arange(MOST).view(1, MOST) < torch.randint(1, MOST + 1, (n, 1))


def _sizes(n: int) -> torch.Tensor:
    """Return half of width and height of the spots (n, MOST, 2): 1 to 4 pixels across, or up to 24 by 16."""
    lamp = torch.rand(n, 1, 1) * 1.6 + 0.45 + torch.rand(n, MOST, 1) * 0.4
    lamp = lamp * torch.exp(torch.randn(n, MOST, 2) * 0.2)
    window = torch.rand(n, MOST, 2) * torch.tensor([10.0, 6.5]) + torch.tensor([2.0, 1.5])
    return torch.where(torch.rand(n, 1, 1) < LARGE, window, lamp)


def _shapes(n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return which spots are round (the others are rectangles), turn and softness of the rims, (n, 1, 1, 1)."""
    return chance(n, 0.65), torch.randn(n).view(n, 1, 1, 1) * 0.35, uniform(n, 0.8, 3.5)


def _alpha(
    at: torch.Tensor, used: torch.Tensor, size: torch.Tensor, shape: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    """Return how opaque spots (n, 1, 88, 168) at `at` (n, MOST, 2) are."""
    (round_ones, turn, hard), (y, x), n = shape, pixels(), len(at)
    out = torch.zeros(())
    for k in range(MOST):
        place, half = at[:, k].view(n, 2, 1, 1, 1), size[:, k].view(n, 2, 1, 1, 1)
        u, v = x - place[:, 0], y - place[:, 1]
        u, v = u * torch.cos(turn) + v * torch.sin(turn), v * torch.cos(turn) - u * torch.sin(turn)
        u, v = (u / half[:, 0]).abs(), (v / half[:, 1]).abs()
        far = torch.where(round_ones, (u * u + v * v).sqrt(), torch.maximum(u, v))
        one = torch.sigmoid((1 - far) * half.amin(1) * hard)
        out = torch.maximum(out, one * used[:, k].view(n, 1, 1, 1))
    return out


def _covered(alpha: torch.Tensor, points: torch.Tensor, ear: torch.Tensor) -> torch.Tensor:
    """Return the covered share of what decides at the right eye: its lids, a narrow area where they are nearly shut."""
    n = len(points)
    lids = points[:, 36:42].mean(1)
    at = torch.where(torch.isfinite(lids), lids, points[:, [36, 39]].mean(1)).view(n, 2, 1, 1, 1)
    high = torch.where(ear > 0.2, 6.0, 3.5).view(n, 1, 1, 1)
    y, x = pixels()
    inside = (((x - at[:, 0]) / 14).square() + ((y - at[:, 1]) / high).square() < 1).float()
    return (alpha * inside).sum((1, 2, 3)) / inside.sum((1, 2, 3)).clamp_min(1)
