"""Make the probabilities of the eye nets honest on people they have not learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from tools.eyes.net import CLOSED, HIDDEN, LOWERED, Net
from tools.eyes.teach import crops
from tools.training.people import FOLDS

if TYPE_CHECKING:
    from tools.eyes.train import Samples

FACTORS = [round(0.4 + 0.05 * step, 2) for step in range(53)]
"""Factors to choose from, 0.4 to 3."""
ROWS = 256
"""Strips read at once."""


def calibrated(nets: list[Net], samples: Samples) -> tuple[float, float, float]:
    """Return a factor for the logits of closed, lowered and hidden: temperature scaling.

    They are fitted to the eyes of in-car stills and labelled web faces, as our own landmark net places them, each read
    by the net that has not learned from its person. All nets get the same. No shift is fitted: it would follow how many
    eyes are closed in these sets, and no car has that share.
    """
    logits, rows = left_out(nets, samples)
    visible = samples.hidden[rows] == 0
    wanted = {
        CLOSED: torch.where(visible, samples.closed[rows], torch.nan),
        LOWERED: torch.where(visible & (samples.closed[rows] == 0), samples.lowered[rows], torch.nan),
        HIDDEN: samples.hidden[rows],
    }
    closed, lowered, hidden = (_fit(logits[:, :, column], labels) for column, labels in wanted.items())
    return closed, lowered, hidden


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


def _fit(logits: torch.Tensor, wanted: torch.Tensor) -> float:
    """Return the factor of both eyes' logits (n, 2) with the least cross entropy to labels (n,)."""
    known = torch.isfinite(wanted)
    x, y = logits[known].flatten(), wanted[known].repeat_interleave(2)
    losses = [float(functional.binary_cross_entropy_with_logits(x * factor, y)) for factor in FACTORS]
    return FACTORS[losses.index(min(losses))]
