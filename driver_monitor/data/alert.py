"""What the rules engine returns, before an alert gets its number and its ids. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["info", "warning", "critical"]
Phase = Literal["raised", "escalated", "cleared"]
Attention = Literal["attentive", "distracted", "drowsy", "asleep", "unresponsive", "unknown"]
Value = float | int | str | bool | None
"""The value of a signal; None is unknown."""

LEVELS: tuple[Level, ...] = ("info", "warning", "critical")
"""From mildest to worst."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why there is an alert: measured values, limits and clause.

    `measured`, `threshold`: values and limits by signal name; `measured` also has the signals of the message.
    `window_s`, `coverage`: the time window of the measurement and its known share. `clause`: where the limits are from.
    `compared`: how each value is compared with its limit, a key of `Condition`. `interval`: its possible values.
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
    """One step of an alert. `episode`: a number from 0, the same for all steps from raised to cleared.

    `local`: the alert must not leave the machine (`Profile.local_rules`), and gets no sequence number.
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
    """The result of all rules for one frame.

    `attention`: what the active rules imply. An alert that is active while its condition is unknown implies "unknown".
    Without an active rule: "unknown" if eyes or gaze are unknown, else "attentive". `active`: ids of the active rules,
    worst first. `level`: the worst level that the driver has not silenced, None when there is none; while the car
    stands still, at most `Standstill.level`.
    """

    attention: Attention
    active: tuple[str, ...]
    level: Level | None
    events: tuple[AlertEvent, ...]
