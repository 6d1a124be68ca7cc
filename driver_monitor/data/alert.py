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
"""All levels, from the mildest to the worst."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why there is an alert: measured values, limits and clause.

    `measured`, `threshold`: values and limits by signal name. `measured` also has the signals in the alert's text;
    `threshold` also has `for_s` and `held_s`. `window_s`, `coverage`: the time window of the measurement and its known
    share, None without a window. `clause`: the source of the limits. `compared`: by signal name, how the value
    is compared with its limit (a key of `Condition`). `interval`: lowest and highest possible value, by signal name.
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
    """One step of an alert: raised, escalated or cleared. `episode`: a number from 0, the same for all of its steps.

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

    `attention`: the worst that the active rules imply. A rule whose `when` is not known to hold implies "unknown" while
    its `clear` is unknown. If no active rule implies any: "attentive" if the eyes are open and the gaze is known, or
    were so before a blink, else "unknown". `active`: ids of the active rules, worst first. `level`: the worst level
    that the driver has not silenced, None without one; while the car stands still, at most `Standstill.level`.
    """

    attention: Attention
    active: tuple[str, ...]
    level: Level | None
    events: tuple[AlertEvent, ...]
