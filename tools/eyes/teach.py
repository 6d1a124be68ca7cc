"""Label faces that nobody labelled by hand, by nets that have seen all hand labels they may.

The teacher of a fold's net is that net itself, half trained: no other may have seen more of its people. The teacher of
the shipped net is the mean of all six. Each looks at crops that are moved a little, which makes it surer than one look.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from driver_monitor.perception.eyes import patch
from tools.eyes.data import SPAN, WIDTH
from tools.eyes.net import CLOSED, HIDDEN, LOWERED, Net
from tools.eyes.painting.augment import cut, stretched
from tools.training.mesh_teacher import MIRROR

LOOKS = 4
"""Looks at each eye. More of them change the labels by less than 0.01."""
MOVED = 0.03
"""Standard deviation of the moves, in widths of the eye: what landmarks are wrong by."""
ROWS = 256
"""Strips read at once."""


@torch.no_grad()
def soft_labels(nets: list[Net], strips: torch.Tensor, points: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return closed, lowered and hidden (n, 2, nets, 3) for the right and the left eye; NaN where not in `rows`.

    `strips` (n, 88, 168), `points` (n, 70, 2). Closed is the probability of an eye that is visible, lowered that of an
    eye that is visible and not closed.
    """
    out = torch.full((len(strips), 2, len(nets), 3), torch.nan)
    torch.manual_seed(17)
    for part in rows.split(ROWS):
        for side in range(2):
            seen = [crops(strips[part], points[part], mirrored=side == 1, moved=MOVED) for _ in range(LOOKS)]
            each = [torch.stack([probabilities(net, *one) for one in seen]).mean(0) for net in nets]
            each[-1] = torch.stack(each).mean(0)
            out[part, side] = torch.stack(each, 1)
    return out


def probabilities(net: Net, eye: torch.Tensor, band: torch.Tensor) -> torch.Tensor:
    """Return closed, lowered and hidden (n, 3)."""
    return torch.sigmoid(net.eval()(eye, band)[:, [CLOSED, LOWERED, HIDDEN]])


def crops(
    strips: torch.Tensor, points: torch.Tensor, mirrored: bool, moved: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return right eyes (n, 1, 32, 48) and bands (n, 1, 32, 64) as at run time; `mirrored`: the left eyes.

    `moved`: standard deviation of a move of the eye's crop, in widths of the eye.
    """
    x = strips.unsqueeze(1).float()
    if mirrored:
        x = x.flip(3)
        points = points[:, list(MIRROR)] * torch.tensor([-1.0, 1.0]) + torch.tensor([WIDTH - 1.0, 0.0])
    outer, inner = points[:, 36], points[:, 39]
    along = inner - outer
    width, n = along.norm(dim=1).clamp_min(2.0), len(x)
    shift = torch.randn(n, 2) * moved * width.view(n, 1)
    scale = (torch.exp(torch.randn(n) * moved) * width / (patch.CORNER_SHARE * patch.WIDTH)).view(n, 1).repeat(1, 2)
    angle = torch.atan2(along[:, 1], along[:, 0])
    eye = cut(x, (outer + inner) / 2 + shift, angle, scale, (patch.HEIGHT, patch.WIDTH))
    middle = torch.tensor([(x.shape[3] - 1) / 2, (x.shape[2] - 1) / 2]).repeat(n, 1)
    step = torch.full((n, 2), SPAN / (patch.BAND_SHARE * patch.BAND_WIDTH) / 2)
    half = functional.avg_pool2d(x, 2)
    band = cut(half, (middle - 0.5) / 2, torch.zeros(n), step, (patch.BAND_HEIGHT, patch.BAND_WIDTH))
    loose = ~torch.isfinite(points[:, 30, 0])
    return stretched(eye), torch.where(loose.view(n, 1, 1, 1), torch.zeros(()), stretched(band))
