"""Defines the classes of the table: `Signal` is one row, `JsonObject` is a JSON object made of several rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any, Literal

from driver_monitor.data.alert import Value
from driver_monitor.data.driver_state import DriverState

Kind = Literal["number", "bool", "text", "list", "map"]
Read = Callable[[DriverState], Any]
SAME = "="
"""Stands for the name of the row, as value of `at` or `json`."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One quantity of the driver state: a row of the table. `json` and `at` are `name` unless given.

    `name`: its name in rules; `rule`: whether rules may use it. `meaning`: a phrase for schema and documents.
    `json`: its dotted path in JSON, None when JSON does not show it. Rules accept this path as a second name.
    `at`: a dotted path in `DriverState`, or a function of the state. `read(state)` returns the value; None is unknown.
    `kind`: type of the value. `choices`: the words of a text. `low`, `high`: range of the limits that rules may set.
    `digits`: decimals in JSON, None: not rounded. Without `digits`, `json_values` maps values to what JSON shows.
    `json_while`: JSON leaves the field out while this function returns False; None: never left out.
    `public`: whether the value may leave the machine also when the driver is at work.
    `window_s`, `coverage`, `interval`: functions for the evidence of an alert. They return the time window of the
    value, the known share of the window, and the lowest and highest possible value.
    `returning`: a dotted path that is true while a time stands still because its end is not yet certain.
    """

    name: str
    meaning: str
    unit: str = ""
    at: str | Read = SAME
    kind: Kind = "number"
    low: float = 0.0
    high: float = float("inf")
    choices: tuple[str, ...] = ()
    digits: int | None = None
    json: str | None = SAME
    json_values: Mapping[Any, Any] = field(default_factory=dict)
    json_while: Read | None = None
    rule: bool = True
    public: bool = False
    window_s: Callable[[DriverState], float] | None = None
    coverage: Callable[[DriverState], float] | None = None
    interval: Callable[[DriverState], tuple[float, float] | None] | None = None
    returning: str | None = None
    read: Callable[[DriverState], Value] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "json", self.name if self.json == SAME else self.json)
        at = self.name if self.at == SAME else self.at
        object.__setattr__(self, "read", attribute(at) if isinstance(at, str) else at)


def in_optional(path: str) -> bool:
    """Return whether the dotted `path` leads through a field of `DriverState` that may be None."""
    first, _, rest = path.partition(".")
    return bool(rest) and "None" in DriverState.__annotations__[first]


def attribute(path: str) -> Read:
    """Return a function that reads the dotted `path` in a `DriverState`, and gives None if the first part is None."""
    whole = attrgetter(path)
    if not in_optional(path):
        return whole
    part = attrgetter(path.partition(".")[0])
    return lambda state: None if part(state) is None else whole(state)


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object of several rows: `null` while `known(state)` is None or False, never `null` if `known` is None."""

    name: str
    meaning: str
    known: Read | None = None


public, private = partial(Signal, public=True), partial(Signal, public=False)
"""Make a row that may always leave the machine, and a row that may not when the driver is at work (expressions)."""
shown = partial(Signal, public=True, rule=False)
"""Makes a public row that JSON shows and rules cannot use."""
