"""What a row of the table holds."""

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
"""The path is the name."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One quantity of the driver state.

    `name`: its name in rules; `rule`: whether rules may use it. `meaning`: a phrase for schema and documents.
    `json`: its dotted path in JSON, None when JSON does not show it. Rules accept this path as a second name.
    `at`: where it is read: a dotted path in `DriverState`, or a function. None is unknown.
    `choices`: the words of a text. `low`, `high`: the range of a sensible limit.
    `digits`: decimals in JSON, None for all. `json_values`: values that JSON writes differently.
    `json_while`: JSON leaves the field out while this is false.
    `public`: whether the value may leave the machine when the driver is at work.
    `window_s`, `coverage`, `interval`: the time window of the value, the known share of the window, and the lowest and
    highest possible value, for the evidence of an alert.
    `returning`: true while a time stands still because its end is not yet certain.
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
    returning: Callable[[DriverState], bool] | None = None
    read: Callable[[DriverState], Value] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "json", self.name if self.json == SAME else self.json)
        at = self.name if self.at == SAME else self.at
        object.__setattr__(self, "read", attribute(at) if isinstance(at, str) else at)


def attribute(path: str) -> Read:
    """Return the function that reads a dotted path of `DriverState`, None where its first part is None."""
    first, _, rest = path.partition(".")
    whole = attrgetter(path)
    if not rest or "None" not in DriverState.__annotations__[first]:
        return whole
    part = attrgetter(first)
    return lambda state: None if part(state) is None else whole(state)


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object that holds several fields. It is `null` while `known` returns None or False."""

    name: str
    meaning: str
    known: Read | None = None


public, private = partial(Signal, public=True), partial(Signal, public=False)
"""A row that may leave the machine in any case, and one that shows an expression."""
shown = partial(Signal, public=True, rule=False)
"""A public row for JSON only."""
