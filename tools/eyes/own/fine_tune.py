"""Fine-tune the last layers of an eye net on a user's own eyes, and keep what it knew.

Only the two layers after the convolutions learn what the lids show (`eye.8` and `lids` of `tools.eyes.net`: 14,117 of
124,000 parameters). They see what the convolutions make of many views of the eyes, so a step takes a millisecond.

What it knew is kept in three ways. On the bundled clip it must give the answers that the start net gives. On the user's
own eyes, hidden and lowered stay as the start net has them, except where a label says lowered. And the weights go only
half of the way from the start net to what was learned (Wortsman et al., CVPR 2022, arXiv 2109.01903).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tools.eyes.data import WIDTH
from tools.eyes.net import Net
from tools.eyes.own.crops import CLOSED, LOWERED, OPEN
from tools.eyes.own.table import EyeTable
from tools.eyes.painting.augment import Batch, coarsen, cut_band, cut_eye, lit, sensed, sensor, tone
from tools.training.mesh_teacher import MIRROR
from tools.training.nets import scale_of_rate

VIEWS = 1500
"""Views of own eyes and of the bundled clip: each an eye, changed as by a camera and with errors of landmarks."""
SHARES = {CLOSED: 0.5, OPEN: 0.35, LOWERED: 0.15}
"""Share of each state among the views of own eyes."""
STEPS, BATCH, RATE, WARM = 400, 128, 1e-3, 0.1
KEEP = 4.0
"""Weight of the start net's answers, beside a weight of 1 of the labels (ours: the higher of two that were tried)."""
HALF = 0.5
"""Share of the way from the start net's weights to the learned ones. Chosen on p6 and p14 of the labelled clips: the
nets of the parts call 161 of their 646 frames wrong at 0, 56 at 0.3, 31 at 0.5 and 27 at 1. Of 526 web faces with open
eyes 11, 13, 15 and 39 are then called closed."""
SMOOTH = 0.02
"""Label smoothing, as in `tools.eyes.courses`."""
SHUT_ASPECT = 0.10
"""Largest lid gap over eye width that a closed eye should get: the median of closed eyes in cars
(`driver_monitor.perception.eyes.lids`)."""
LEARNING = ("eye.8.", "lids.")
AT_ONCE = 128


@dataclass(frozen=True)
class Views:
    """m views of eyes. `row`: in the table. `eye` (m, 288), `band` (m, 32): features before the last layers."""

    row: NDArray[np.int64]
    eye: torch.Tensor
    band: torch.Tensor


@dataclass(frozen=True)
class _Answers:
    """Closed, lowered and hidden as logits, and the aspect: (m,) each."""

    closed: torch.Tensor
    aspect: torch.Tensor
    lowered: torch.Tensor
    hidden: torch.Tensor

    def of(self, rows: torch.Tensor) -> _Answers:
        return _Answers(self.closed[rows], self.aspect[rows], self.lowered[rows], self.hidden[rows])


def likelihood(table: EyeTable) -> NDArray[np.float64]:
    """Return the probability of each row to be drawn as a view.

    Each state has its share. Within a state persons count alike, and a long closure counts by the root of its length.
    """
    weight = np.zeros(len(table))
    for state, share in SHARES.items():
        of_state = np.zeros(len(table))
        for person in np.unique(table.person):
            rows = table.usable & (table.crops.state == state) & (table.person == person)
            if rows.any():
                events = table.crops.event[rows]
                of_event = 1 / np.sqrt(np.bincount(events)[events])
                of_state[rows] = of_event / of_event.sum()
        weight += share * of_state / max(of_state.sum(), 1.0)
    return np.asarray(weight / weight.sum())


@torch.no_grad()
def views(start: Net, table: EyeTable, weight: NDArray[np.float64], seed: int) -> Views:
    """Return `VIEWS` views of the rows of `table`, drawn with the probabilities `weight` (n,)."""
    torch.manual_seed(seed)
    row = np.random.default_rng(seed).choice(len(table), VIEWS, p=weight)
    eyes, bands = [], []
    for part in np.array_split(row, -(-len(row) // AT_ONCE)):
        eye, band = _changed(table, part)
        eyes.append(start.eye[:8](eye))
        bands.append(start.band(band))
    return Views(row, torch.cat(eyes), torch.cat(bands))


def _changed(table: EyeTable, rows: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a readable eye of each row (n, 1, 32, 48) and its band (n, 1, 32, 64), changed as by a camera."""
    strips = torch.from_numpy(table.crops.strips[rows]).unsqueeze(1).float() / 255
    points, readable = torch.from_numpy(table.crops.points[rows]), torch.from_numpy(table.crops.readable[rows])
    n = len(rows)
    left = torch.where(readable[:, 0] == readable[:, 1], torch.rand(n) < 0.5, readable[:, 0])
    mirrored = points[:, list(MIRROR)] * torch.tensor([-1.0, 1.0]) + torch.tensor([WIDTH - 1.0, 0.0])
    strips = torch.where(left.view(-1, 1, 1, 1), strips.flip(3), strips)
    points = torch.where(left.view(-1, 1, 1), mirrored, points)
    nothing = torch.zeros(n)
    no = nothing > 1
    batch = Batch(strips, points, *([nothing] * 8), *([no] * 5))
    x, light, (gain, noise) = coarsen(strips), tone(n), sensor(n)
    eye = sensed(lit(cut_eye(x, batch, nothing), *light), gain, noise)
    band = sensed(lit(cut_band(functional.avg_pool2d(x, 2), nothing), *light), gain, noise)
    return eye, band


def fine_tuned(start: Net, table: EyeTable, own: Views, known: Views, seed: int) -> Net:
    """Return a net that has learned from the labels of `own`, views of `table`. On `known` it answers as `start`."""
    net: Net = Net().eval()
    net.load_state_dict(start.state_dict())
    for name, parameter in net.named_parameters():
        parameter.requires_grad = name.startswith(LEARNING)
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], RATE)
    dice = torch.Generator().manual_seed(seed)
    state = table.crops.state[own.row]
    closed, lowered = torch.from_numpy(state == CLOSED), torch.from_numpy(state == LOWERED)
    with torch.no_grad():
        before, before_known = _answers(start, own, slice(None)), _answers(start, known, slice(None))
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = RATE * scale_of_rate(step, STEPS, WARM)
        i, j = (torch.randint(VIEWS, (BATCH,), generator=dice) for _ in range(2))
        loss = _of_labels(_answers(net, own, i), before.of(i), closed[i], lowered[i])
        loss = loss + _of_memory(_answers(net, known, j), before_known.of(j))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        for learned, old in zip(net.parameters(), start.parameters(), strict=True):
            learned.lerp_(old, 1 - HALF)
    return net


def _answers(net: Net, of: Views, rows: torch.Tensor | slice) -> _Answers:
    eye = net.eye[8:](of.eye[rows])
    closed, aspect, lowered, _, _ = net.lids(eye).unbind(1)
    return _Answers(closed, aspect, lowered, net.sight(torch.cat([eye, of.band[rows]], 1))[:, 0])


def _of_labels(new: _Answers, old: _Answers, closed: torch.Tensor, lowered: torch.Tensor) -> torch.Tensor:
    """Return the loss on own eyes: closed by the labels; what no label says as the start net has it."""
    loss = _cross(new.closed, closed.float() * (1 - SMOOTH) + SMOOTH / 2)
    wanted = torch.where(closed, old.aspect.clamp_max(SHUT_ASPECT), old.aspect)
    loss = loss + 5 * functional.smooth_l1_loss(new.aspect, wanted, beta=0.03)
    wanted = torch.where(lowered, 1 - SMOOTH / 2, torch.sigmoid(old.lowered))
    told = ~closed
    if told.any():
        loss = loss + _cross(new.lowered[told], wanted[told])
    return loss + KEEP * _cross(new.hidden, torch.sigmoid(old.hidden))


def _of_memory(new: _Answers, old: _Answers) -> torch.Tensor:
    logits = ((new.closed, old.closed), (new.lowered, old.lowered), (new.hidden, old.hidden))
    loss = 5 * functional.smooth_l1_loss(new.aspect, old.aspect, beta=0.03)
    return KEEP * sum((_cross(one, torch.sigmoid(wanted)) for one, wanted in logits), loss)


def _cross(logit: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(logit, wanted)
