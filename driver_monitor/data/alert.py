"""What the rules engine says, before it is addressed and numbered. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["info", "warning", "critical"]
Phase = Literal["raised", "escalated", "cleared"]
Attention = Literal["attentive", "distracted", "drowsy", "asleep", "unresponsive", "unknown"]
Value = float | int | str | bool | None

LEVELS: tuple[Level, ...] = ("info", "warning", "critical")
"""From mildest to worst."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why: each signal's value beside its threshold, the window they were taken over, and the clause behind it.

    `measured`: also what only the message speaks of. `compared`: how each value is held against its threshold, a key
    of `Condition`. `interval`: what a value may be as far as is known, where that is told.
    """

    measured: Mapping[str, Value]
    threshold: Mapping[str, Value]
    window_s: float | None
    coverage: float | None
    clause: str
    compared: Mapping[str, str]
    interval: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One step in an alert's life. `episode` counts raisings from 0 and is the same from raised to cleared.

    `local`: it must not leave the machine, and so has no number in the vehicle's count (`Profile.local_rules`).
    """

    t: float
    rule: str
    level: Level
    phase: Phase
    message: str
    evidence: Evidence
    episode: int
    local: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rules' answer for one frame.

    `active`: the raised rules, worst first. `level`: the worst of those that the driver has not silenced, capped while
    the car stands; None when there is none.
    `attention`: what the active rules imply as far as they are seen to hold now, else "unknown" where eyes or gaze
    cannot be read, else "attentive". An alert that is held through blindness stays active and implies "unknown".
    """

    attention: Attention
    active: tuple[str, ...]
    level: Level | None
    events: tuple[AlertEvent, ...]
