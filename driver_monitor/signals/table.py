"""Holds all rows together, finds a signal by its name, and makes functions that read signals from a driver state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter

from driver_monitor.data.alert import Value
from driver_monitor.data.driver_state import DriverState
from driver_monitor.signals.rows import OF_OBJECTS, TOPICS
from driver_monitor.signals.signal import Signal, in_optional, public

ROWS: tuple[Signal, ...] = tuple(row for rows in TOPICS.values() for row in rows)
SIGNALS: dict[str, Signal] = {row.name: row for row in ROWS if row.rule}
"""The rows that rules may use, by name."""
NAMED: dict[str, Signal] = {**{row.json: row for row in SIGNALS.values() if row.json}, **SIGNALS}
"""The same rows by name and also by JSON path: `gaze.away_s` and `glances.away_s` are one signal."""
RETURNING = {
    signal.returning: tuple(name for name, same in NAMED.items() if same.returning == signal.returning)
    for signal in SIGNALS.values()
    if signal.returning is not None
}
"""By path, the names of the signals that stand still while it is true, because their end is not yet certain."""
_ALWAYS = tuple(path for path in RETURNING if not in_optional(path))
_OF_OBJECTS = tuple(path for path in RETURNING if in_optional(path))
_read_always, _read_of_objects = attrgetter(*_ALWAYS), attrgetter(*_OF_OBJECTS)
WINDOWED = frozenset(name for name, signal in NAMED.items() if signal.window_s is not None)
"""Names of the signals measured over a time window."""

RULE_PREFIX, HELD_SUFFIX = "rule.", ".held_s"
"""`rule.<id>.held_s`: seconds since the alert of that rule was raised during which its `clear` condition was known to
be false. 0 while the rule is not active, unknown while `clear` is unknown."""
HELD = public("rule.<id>.held_s", "how long another rule's alert has had no return", "s", at=lambda _: None)


def held_rule(name: str) -> str | None:
    """Return the rule id in a `rule.<id>.held_s` name, None for other names. The rule need not exist."""
    if name.startswith(RULE_PREFIX) and name.endswith(HELD_SUFFIX):
        return name[len(RULE_PREFIX) : -len(HELD_SUFFIX)] or None
    return None


def find(name: str) -> Signal | None:
    """Return the signal that rules may use by this name or JSON path, else None. `rule.<id>.held_s` gives `HELD`."""
    return HELD if held_rule(name) else NAMED.get(name)


def shows_expression(name: str) -> bool:
    """Return whether this signal shows an expression (EU AI Act: emotion inference). False if rules cannot use it."""
    signal = find(name)
    return signal is not None and not signal.public


def needs_objects(name: str) -> bool:
    """Return whether this signal comes from the objects net. False if rules cannot use it."""
    return find(name) in OF_OBJECTS


def reader(names: Iterable[str]) -> Callable[[DriverState], dict[str, Value]]:
    """Return a function that reads the signals in `names` from a state: their values by name.

    Names that rules cannot use, and `rule.<id>.held_s`, are left out.
    """
    reads = tuple((name, NAMED[name].read) for name in names if name in NAMED)
    return lambda state: {name: read(state) for name, read in reads}


def doubtful(state: DriverState) -> frozenset[str]:
    """Return the names of signals that may not raise, escalate or clear an alert in this frame.

    These are the times that stand still because their end is not yet certain, and the names that `past` returns.
    """
    paths = [path for path, stands in zip(_ALWAYS, _read_always(state), strict=True) if stands]
    if state.objects is not None:
        paths += [path for path, stands in zip(_OF_OBJECTS, _read_of_objects(state), strict=True) if stands]
    return past(state).union(name for path in paths for name in RETURNING[path]) if paths else past(state)


def past(state: DriverState) -> frozenset[str]:
    """Return the names of the signals with a time window if there is no face (the driver may have left), else none."""
    return WINDOWED if state.face is None else frozenset()


def described() -> str:
    """Return one text with name, meaning, unit and second name of all signals of rules, for authors of profiles."""
    return "; ".join(
        f"{signal.name}: {signal.meaning}"
        + (f", {signal.unit}" if signal.unit else "")
        + (f", also named {signal.json}" if signal.json not in (None, signal.name) else "")
        for signal in (*SIGNALS.values(), HELD)
    )
