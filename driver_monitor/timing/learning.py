"""When a thing learned of this driver may be used and when it is settled."""

from __future__ import annotations

from typing import Literal

Status = Literal["prior", "provisional", "final"]

PROVISIONAL_S = 0.5
"""Steady, valid, frontal time after which a value is provisional."""
FINAL_S = 60.0
"""Such time after which it is final: at most one minute of driving to calibrate (EU 2023/2590, Annex I)."""
MEMORY_S = 300.0
"""Time constant of relearning a final value: minutes, so that a nap or a look away cannot teach it."""
REFRESH_S = 0.1
"""How much must have been learned since the value was last computed; saves time, changes nothing of note."""


def status(learned_s: float, provisional_s: float = PROVISIONAL_S) -> Status:
    """Return how settled a value is after `learned_s` seconds, where it is provisional from `provisional_s` on."""
    # Sums of frame times carry rounding; a microsecond must not cost a frame.
    if learned_s >= FINAL_S - 1e-6:
        return "final"
    return "provisional" if learned_s >= provisional_s - 1e-6 else "prior"
