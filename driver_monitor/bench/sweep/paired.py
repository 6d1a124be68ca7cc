"""Compare a setting with the present one, paired by person."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from driver_monitor.bench.score.intervals import LEVEL, SEED, Figure, Floats

MOST_EXACT = 12
"""Most persons who differ, for which all changes of sign are tried (4,096). Above this, `DRAWS` random ones."""
DRAWS = 20_000
"""With 20,000, a p of 0.05 is good to 0.003 (two standard errors)."""
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Change:
    """A sum over persons with a setting, less the one with the present setting.

    `persons`: how many differ. `p`: probability of a sum at least as far from 0 if the two settings were alike.
    """

    change: float
    persons: int
    p: float

    @property
    def told_apart(self) -> bool:
        """Whether the persons show that the settings differ."""
        return self.p < 1 - LEVEL


@dataclass(frozen=True, slots=True)
class Against:
    """A setting against the present one. `later_s`: mean of the delays' differences, in events that both tell.

    `same`: all alerts of the rule come at the same times. `false` None: the rule is not scored.
    """

    same: bool
    told: Change | None
    false: Change | None
    later_s: Figure

    @property
    def words(self) -> str:
        """What the persons show."""
        if self.same:
            return "the same alerts"
        if self.told is None or self.false is None:
            return "other alerts"
        parts = [
            f"{'more' if one.change > 0 else 'fewer'} {what}"
            for one, what in ((self.told, "events told"), (self.false, "false alerts"))
            if one.told_apart
        ]
        return ", ".join(parts) or "not distinguishable"


def paired(differences: Floats) -> Change:
    """Return the change of a sum. `differences`: (persons,), with the setting less with the present one.

    p is that of the exact test of signs (Fisher's permutation test of paired samples, 1935): without a difference
    between the settings, each person's difference could as well have the other sign.
    """
    differing = differences[differences != 0]
    change = float(differing.sum())
    if not len(differing):
        return Change(0.0, 0, 1.0)
    if len(differing) <= MOST_EXACT:
        signs = np.array(list(itertools.product((-1, 1), repeat=len(differing))))
        return Change(change, len(differing), float(np.mean(np.abs(signs @ differing) >= abs(change) - ROUNDING)))
    signs = np.random.default_rng(SEED).choice((-1, 1), (DRAWS, len(differing)))
    beyond = int(np.sum(np.abs(signs @ differing) >= abs(change) - ROUNDING))
    return Change(change, len(differing), (beyond + 1) / (DRAWS + 1))
