"""Makes the JSON objects of signals.jsonl, `state/` and `inspect`. The table of signals defines their fields."""

from __future__ import annotations

from typing import Any

from driver_monitor.data.alert import Verdict
from driver_monitor.data.driver_state import DriverState
from driver_monitor.messages.envelope import SCHEMA
from driver_monitor.signals.as_json import FIELDS, fields

_STATE_FIELDS = tuple(name for name in FIELDS if name not in ("frame", "face"))


def signals(frame: int, state: DriverState, verdict: Verdict) -> dict[str, Any]:
    """Return a line of signals.jsonl, not yet filtered. `frame`: number of the decoded frame in the clip, from 0."""
    line = _filled_in(fields(state), verdict)
    line["frame"] = frame
    return line


def state_message(state: DriverState, verdict: Verdict) -> dict[str, Any]:
    """Return the payload of the topic `state/`: the fields of `signals` without `frame` and `face`."""
    return _filled_in(fields(state, _STATE_FIELDS), verdict)


def _filled_in(made: dict[str, Any], verdict: Verdict) -> dict[str, Any]:
    """Fill in what is not in the driver state. The order of the fields stays."""
    made["schema"], made["attention"], made["alerts"] = SCHEMA, verdict.attention, list(verdict.active)
    return made
