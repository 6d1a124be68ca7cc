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
    return {**fields(state), "frame": frame, **_filled_in(verdict)}


def state_message(state: DriverState, verdict: Verdict) -> dict[str, Any]:
    """Return the payload of the topic `state/`: the fields of `signals` without `frame` and `face`."""
    return {**fields(state, _STATE_FIELDS), **_filled_in(verdict)}


def _filled_in(verdict: Verdict) -> dict[str, Any]:
    return {"schema": SCHEMA, "attention": verdict.attention, "alerts": list(verdict.active)}
