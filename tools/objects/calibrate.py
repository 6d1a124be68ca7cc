"""Turns logits of the objects net into calibrated ones: a factor and a shift for each answer."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from tools.objects.faces import FOLDS, UNKNOWN, Faces
from tools.objects.net import ANSWERS


def calibrated(logits: NDArray[np.float64], faces: Faces) -> NDArray[np.float64]:
    """Return calibrated logits (n, 6). The lines for a fold are fitted to the faces of the other folds."""
    found = np.full_like(logits, np.nan)
    for fold in range(FOLDS):
        here = faces.fold == fold
        lines = fit_lines(logits[~here], faces.targets[~here])
        found[here] = logits[here] * lines[:, 0] + lines[:, 1]
    return found


def fit_lines(logits: NDArray[np.float64], targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return factor and shift (6, 2) of the logits (n, 6), by cross-entropy on the known targets."""
    lines = np.zeros((ANSWERS, 2), np.float32)
    for k in range(ANSWERS):
        known = (targets[:, k] != UNKNOWN) & np.isfinite(logits[:, k])
        lines[k] = _line(torch.from_numpy(logits[known, k]), torch.from_numpy(targets[known, k]).double())
    return lines


def _line(logits: torch.Tensor, truth: torch.Tensor) -> NDArray[np.float64]:
    line = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=100)

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        value = torch.nn.functional.binary_cross_entropy_with_logits(logits * line[0] + line[1], truth)
        value.backward()
        return value

    optimizer.step(step)
    return np.asarray(line.detach().numpy(), np.float64)
