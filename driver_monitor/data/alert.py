"""Defines the results of the rules engine. `messages` later gives an alert its number and its ids. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from driver_monitor.frozen import fast_dataclass

Level = Literal["info", "warning", "critical"]
Phase = Literal["raised", "escalated", "cleared"]
Attention = Literal["attentive", "distracted", "drowsy", "asleep", "unresponsive", "unknown"]
Value = float | int | str | bool | None
"""The value of a signal; None is unknown."""

LEVELS: tuple[Level, ...] = ("info", "warning", "critical")
"""All levels, from the mildest to the worst."""
Kind = Literal["unresponsive", "sleep", "distraction", "other", "drowsiness", "degraded"]
"""What an alert warns of. `sleep`: closed eyes, a microsleep too. `degraded`: the system cannot see or works in part.
`other`: none of these, such as `distress`."""
KINDS: tuple[Kind, ...] = ("unresponsive", "sleep", "distraction", "other", "drowsiness", "degraded")
"""All kinds, from the most to the least urgent at equal level."""


@fast_dataclass(frozen=True, slots=True)
class Sign:
    """What the driver is shown and hears: the kind and level of the most urgent alert that is not silenced."""

    kind: Kind
    level: Level


SIGNS: tuple[Sign, ...] = (
    *(Sign(kind, level) for level in ("critical", "warning") for kind in KINDS[:2]),
    *(Sign(kind, level) for level in ("critical", "warning") for kind in KINDS[2:]),
    *(Sign(kind, "info") for kind in KINDS),
)
"""All signs, from the most to the least urgent. If several alerts are active, the first of these is shown.

A warning of sleep comes before all that is critical and of another kind than sleep and unresponsive: sleep and
microsleep are warned of more urgently than distraction (Euro NCAP Driver Engagement v1.1, 1.4.2, as reported). `info`
is silent, so it comes last."""


@fast_dataclass(frozen=True, slots=True)
class Evidence:
    """What an alert rests on in one phase: measured values, limits and the clause of the limits.

    `measured`, `threshold`, `compared`: by signal name, the value, its limit and the comparison (a key of `Condition`).
    `measured` also has the signals in the alert's text. `threshold` also has `for_s`, unless it is 0. All three have
    `held_s` after an escalation by time. `window_s`, `coverage`: time window of a signal by which the alert holds or
    held, and its known share; None without one. `interval`: lowest and highest possible value, where these exist.
    """

    measured: Mapping[str, Value]
    threshold: Mapping[str, Value]
    window_s: float | None
    coverage: float | None
    clause: str
    compared: Mapping[str, str]
    interval: Mapping[str, tuple[float, float]]


@fast_dataclass(frozen=True, slots=True)
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


@fast_dataclass(frozen=True, slots=True)
class Verdict:
    """The result of all rules for one frame.

    `attention`: the worst attention that the active rules imply. A rule implies "unknown" instead of its own while its
    `clear` is unknown and its `when` is not known to hold. If no rule implies any: "attentive" if the eyes are open and
    the gaze is known, or during a blink after that; else "unknown". `active`: ids of the active rules, worst level
    first. `level`: the worst that is not silenced, None without one; at standstill at most `Standstill.level`. `sign`:
    what buzzer and LED show; None without an alert that is not silenced. `warned`: the worst attention, except
    "unknown", that the active rules stand for, also while nobody knows whether it still holds; None without one.
    """

    attention: Attention
    active: tuple[str, ...]
    level: Level | None
    events: tuple[AlertEvent, ...]
    sign: Sign | None = None
    warned: Attention | None = None
