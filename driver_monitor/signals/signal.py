"""What a row of the table holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from driver_monitor.data.alert import Value
from driver_monitor.data.driver_state import DriverState

Kind = Literal["number", "bool", "text", "list", "map"]
SAME = "="
"""The JSON path is the name."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One quantity of the driver state.

    `name`: its name in rules; `rule`: whether rules may use it. `json`: its dotted path in JSON, None when JSON does
    not show it. Rules accept the path as a second name.
    `read`: returns the value; None is unknown. `meaning`: a phrase for the schema and the documents.
    `low`, `high`: the range of a sensible threshold. `choices`: the values of a text.
    `digits`: decimals in JSON, None for all. `json_values`: values that JSON writes differently.
    `json_while`: JSON leaves the field out while this is false.
    `public`: whether the value may leave the machine when the driver is at work.
    `window_s`, `coverage`, `interval`: the time window of the value, the known share of the window, and the lowest and
    highest possible value. They go into an alert's evidence.
    `returning`: true while a time stands still because its end is not yet certain.
    """

    name: str
    read: Callable[[DriverState], Value]
    meaning: str
    unit: str = ""
    kind: Kind = "number"
    low: float = 0.0
    high: float = float("inf")
    choices: tuple[str, ...] = ()
    digits: int | None = None
    json: str | None = SAME
    json_values: Mapping[Any, Any] = field(default_factory=dict)
    json_while: Callable[[DriverState], bool] | None = None
    rule: bool = True
    public: bool = False
    window_s: Callable[[DriverState], float] | None = None
    coverage: Callable[[DriverState], float] | None = None
    interval: Callable[[DriverState], tuple[float, float] | None] | None = None
    returning: Callable[[DriverState], bool] | None = None

    @property
    def path(self) -> str | None:
        """The dotted path in JSON, None when JSON does not show it."""
        return self.name if self.json == SAME else self.json


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object that holds several fields. It is `null` while `known` is false."""

    name: str
    meaning: str
    known: Callable[[DriverState], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class Topic:
    """The rows of one subject, under one heading of docs/signals.md."""

    title: str
    objects: tuple[JsonObject, ...]
    rows: tuple[Signal, ...]


public = partial(Signal, public=True)
"""A row whose value may leave the machine in any case."""
private = partial(Signal, public=False)
"""A row that rests on an expression: it stays on the machine when the driver is at work."""
