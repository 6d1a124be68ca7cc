"""Make the probabilities of the eye nets honest on people they have not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from tools.eyes.net import CLOSED, HIDDEN, LOWERED, Net
from tools.eyes.teach import crops
from tools.training.people import FOLDS

if TYPE_CHECKING:
    from tools.eyes.courses import Samples

FACTORS = [round(0.4 + 0.05 * step, 2) for step in range(53)]
SHIFTS = [round(-4.0 + 0.1 * step, 1) for step in range(61)]
"""Factors, 0.4 to 3, and shifts, -4 to 2, to choose from."""
ROWS = 256
"""Strips read at once."""


def calibrated(nets: list[Net], samples: Samples) -> tuple[tuple[float, float], ...]:
    """Return a factor and a shift for the logits of closed, lowered and hidden.

    They are fitted to the eyes of in-car stills and labelled web faces, as our own landmark net places them, each read
    by the net that has not learned from its person. All nets get the same. Closed and hidden get no shift: it would
    follow how many eyes are closed in these sets, and no car has that share. Lowered gets one, because a batch of the
    training has many more lowered eyes.
    """
    logits, rows = left_out(nets, samples)
    visible = samples.hidden[rows] == 0
    wanted = {
        CLOSED: torch.where(visible, samples.closed[rows], torch.nan),
        LOWERED: torch.where(visible & (samples.closed[rows] == 0), samples.lowered[rows], torch.nan),
        HIDDEN: samples.hidden[rows],
    }
    return tuple(
        _fit(logits[:, :, column], labels, SHIFTS if column == LOWERED else (0.0,)) for column, labels in wanted.items()
    )


@torch.no_grad()
def left_out(nets: list[Net], samples: Samples) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the answers (n, 2, 7) for right and left eyes, each by the net that has not seen the person, and rows."""
    answers, rows = [], []
    for fold in range(FOLDS):
        own = torch.nonzero(samples.placed & (samples.fold == fold)).view(-1)
        for part in own.split(ROWS):
            sides = [crops(samples.strips[part], samples.points[part], mirrored) for mirrored in (False, True)]
            answers.append(torch.stack([nets[fold].eval()(*side) for side in sides], 1))
            rows.append(part)
    return torch.cat(answers), torch.cat(rows)


def _fit(logits: torch.Tensor, wanted: torch.Tensor, shifts: Sequence[float]) -> tuple[float, float]:
    """Return factor and shift of both eyes' logits (n, 2) with the least cross entropy to labels (n,)."""
    known = torch.isfinite(wanted)
    x, y = logits[known].flatten(), wanted[known].repeat_interleave(2)
    lines = [(factor, shift) for factor in FACTORS for shift in shifts]
    return min(lines, key=lambda line: float(functional.binary_cross_entropy_with_logits(x * line[0] + line[1], y)))
