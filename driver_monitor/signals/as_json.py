"""Turns a driver state into the JSON fields of signals.jsonl and of the topic `state/`, row by row."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from driver_monitor.data.driver_state import DriverState
from driver_monitor.signals.rows import OBJECTS, TOPICS
from driver_monitor.signals.signal import Read, Signal

_ORDER = (
    "schema", "frame", "t", "face", "eyes", "head", "gaze", "gaze_reason", "glances", "mouth", "emotion", "perclos",
    "blink_rate", "blink", "glance", "nods", "drowsiness", "attention", "degraded", "rotate_to", "occlusion", "light",
    "car", "alerts", "look", "phone", "hand", "mask", "mouth_object_s",
)  # fmt: skip
"""The order of the fields in a line. It is part of the public format. A field that is not named here comes last."""


def _grouped() -> dict[str, list[Signal]]:
    groups: dict[str, list[Signal]] = {name: [] for name in _ORDER}
    for row in chain(*TOPICS.values()):
        if row.json is not None:
            groups.setdefault(row.json.partition(".")[0], []).append(row)
    return groups


FIELDS = _grouped()
"""The rows of each top-level field, in the order of a line."""
_KNOWN = {one.name: one.known for one in OBJECTS}


def fields(state: DriverState, names: Iterable[str] = FIELDS) -> dict[str, Any]:
    """Return the top-level fields in `names`. schema, frame, attention and alerts are None: the caller sets them."""
    return {name: _WRITERS[name](state) for name in names}


def _writer(row: Signal) -> Read:
    """Return the function that reads the value of a row for JSON: rounded by `digits` or replaced by `json_values`."""
    read: Read = row.read
    digits, values = row.digits, row.json_values

    def number(state: DriverState) -> float | None:
        # Most numbers are 0.0 or None in most frames, and need no rounding.
        value: float | None = read(state)
        return round(value, digits) if value else value

    def word(state: DriverState) -> Any:
        value = read(state)
        return values.get(value, value)

    return number if digits is not None else word if values else read


def _group_writer(name: str, rows: list[Signal]) -> Read:
    """Return the function that writes a top-level field: a plain value, or an object (None while not known)."""
    if [row.json for row in rows] == [name]:
        return _writer(rows[0])
    known = _KNOWN.get(name)
    members = tuple(((row.json or "").partition(".")[2], _writer(row), row.json_while) for row in rows)

    def write(state: DriverState) -> dict[str, Any] | None:
        if known is not None and not known(state):
            return None
        return {key: member(state) for key, member, shown in members if shown is None or shown(state)}

    return write


_WRITERS = {name: _group_writer(name, rows) for name, rows in FIELDS.items()}
