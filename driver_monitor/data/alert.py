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
    """The measured values, the limits and the clause that an alert rests on.

    `measured`: values by signal name, also of signals that only the message shows.
    `threshold`: limits by signal name.
    `window_s`, `coverage`: the time window of the measurement and its known share; None without a window.
    `clause`: where the limits come from.
    `compared`: how a value is compared with its limit, by signal name: a key of `Condition`, such as `at_least`.
    `interval`: the lowest and highest possible value, for signals that have one.
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
    """One step of an alert: raised, escalated or cleared.

    `episode`: number of the episode, from 0; all steps from raised to cleared have the same one.
    `local`: the alert must not leave the machine (`Profile.local_rules`). It gets no sequence number.
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
    Without an active rule: "unknown" if eyes or gaze are unknown, else "attentive".
    `active`: ids of the active rules, worst first.
    `level`: the worst level that the driver has not silenced; None when there is none. While the car stands still it is
    at most `Standstill.level`.
    `events`: the alerts of this frame.
    """

    attention: Attention
    active: tuple[str, ...]
    level: Level | None
    events: tuple[AlertEvent, ...]
