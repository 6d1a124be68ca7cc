"""Names and values of COVESA's Vehicle Signal Specification (VSS) for other programs in the car. Pure.

The names are those of VSS at ce67f92, June 2026 (docs/clauses.md). Each value follows from what is public: the state
behind the privacy filter, and the signal to the car. A value that is not known is left out: never 0, never the last
one. What each means, and why some signals of VSS are not here, says docs/vss.md.
"""

from __future__ import annotations

from typing import Any

from driver_monitor.data.driver_state import Degraded
from driver_monitor.messages.car import CarSignal
from driver_monitor.messages.envelope import SCHEMA
from driver_monitor.messages.wire import Message

FATIGUE = "Vehicle.Driver.FatigueLevel"
DISTRACTION = "Vehicle.Driver.DistractionLevel"
EYES_ON_ROAD = "Vehicle.Driver.IsEyesOnRoad"
WARNING = "Vehicle.ADAS.DMS.IsWarning"
ERROR = "Vehicle.ADAS.DMS.IsError"
PATHS = (FATIGUE, DISTRACTION, EYES_ON_ROAD, WARNING, ERROR)
"""All paths that are ever written. `Vehicle.ADAS.DMS.IsEnabled` is an actuator: others write it."""
Value = float | bool

KSS_LOWEST, KSS_HIGHEST = 1.0, 9.0
"""The ends of the Karolinska scale: 0 and 100 percent. That a step counts the same everywhere is ours."""
WIDEST = 60.0
"""Widest interval of a fatigue level that is told, percent (ours), before the ends of the scale cut it. A wider one
says next to nothing."""
AWAY_FULL_S = 3.0
"""Time of one look away from the road that is 100 percent (Euro NCAP Driver Engagement v1.1, as reported: 3 to 4 s)."""
SUM_FULL_S = 10.0
"""Sum of looks away within 30 s that is 100 percent (Euro NCAP Driver Engagement v1.1, as reported)."""
DOUBT = 10.0
"""Most percent by which time without a known gaze may raise the distraction level for it to be told (ours)."""
ERRORS: frozenset[Degraded] = frozenset(("covered", "frozen", "turned", "no_camera", "turned_away"))
"""Reasons for which the camera shows nothing of the driver. An empty seat is no error."""


def vss_values(state: Message | None, signal: CarSignal | None, on_road: Value | None = None) -> dict[str, Value]:
    """Return the known values by path.

    `state`: the last payload of `state/`, None: there is none. `signal`: the last signal to the car, None: there is
    none. `on_road`: the last `IsEyesOnRoad`, which a blink does not change; None: it is not known.
    """
    values = {**_of_driver(state or {}, on_road), **_of_system(signal)}
    return {path: value for path, value in values.items() if value is not None}


def vss_message(values: dict[str, Value], t_mono: float) -> dict[str, Any]:
    """Return the payload of the topic `vehicle/vss`: the known `values` by path, and the paths without a value.

    `t_mono`: monotonic seconds.
    """
    unknown = [path for path in PATHS if path not in values]
    return {"schema": SCHEMA, "t_mono": t_mono, **values, "unknown": unknown}


def _of_driver(state: Message, on_road: Value | None) -> dict[str, Value | None]:
    return {
        FATIGUE: _fatigue(state.get("drowsiness") or {}),
        DISTRACTION: _distraction(state.get("glances") or {}),
        EYES_ON_ROAD: _eyes_on_road(state, on_road),
    }


def _of_system(signal: CarSignal | None) -> dict[str, Value | None]:
    if signal is None or signal.system in ("off", "starting", "stalled"):
        return {}
    return {WARNING: signal.warned is not None, ERROR: signal.degraded in ERRORS}


def _fatigue(drowsiness: Message) -> Value | None:
    kss, low, high = (drowsiness.get(name) for name in ("kss", "low", "high"))
    if kss is None or low is None or high is None:
        return None
    percent_a_step = 100 / (KSS_HIGHEST - KSS_LOWEST)
    # The ends of the scale cut the interval. Twice its longer side is the whole one: else high levels would be told
    # where low ones, as unsure, are not.
    wide = 2 * max(kss - low, high - kss) * percent_a_step > WIDEST
    return None if wide else round((kss - KSS_LOWEST) * percent_a_step, 1)


def _distraction(glances: Message) -> Value | None:
    away_s, total_s, most_s = (glances.get(name) for name in ("away_s", "total_s", "most_s"))
    if away_s is None or total_s is None or most_s is None:
        return None
    lowest, highest = (max(away_s / AWAY_FULL_S, sum_s / SUM_FULL_S) for sum_s in (total_s, most_s))
    lowest, highest = (min(100.0, 100 * share) for share in (lowest, highest))
    return None if highest - lowest > DOUBT else round(lowest, 1)


def _eyes_on_road(state: Message, before: Value | None) -> Value | None:
    eyes = (state.get("eyes") or {}).get("state")
    if eyes == "closed":
        # "attentive" with closed eyes is a blink of an attentive driver (`rules.engine`).
        return before if state.get("attention") == "attentive" else False
    zone = (state.get("gaze") or {}).get("zone")
    if zone in (None, "unknown"):
        return None
    if zone != "road":
        return False
    return True if eyes == "open" else None
