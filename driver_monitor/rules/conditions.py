"""Turns conditions into functions that return True, False, or None if unknown signals could decide the result."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from driver_monitor.data.alert import Value
from driver_monitor.rules.profile import Condition

Values = Mapping[str, Value]
"""The present value of each signal by its name, None when it is unknown."""
Judge = Callable[[Values], bool | None]

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "above": operator.gt,
    "at_least": operator.ge,
    "below": operator.lt,
    "at_most": operator.le,
    "is": operator.eq,
}
"""How a value is compared with its limit, by the key of `Condition`."""


def compile_condition(condition: Condition) -> Judge:
    """Return a function that tells from values if `condition` holds, None if unknown (Kleene logic). NaN is unknown."""
    if condition.signal is not None:
        return _comparison(condition, condition.signal)
    parts = tuple(compile_condition(part) for part in condition.all_ or condition.any_)
    # A single false decides an `all`, a single true an `any`. Otherwise one unknown part makes it unknown.
    decisive = not condition.all_

    def judge(values: Values) -> bool | None:
        result: bool | None = not decisive
        for part in parts:
            holds = part(values)
            if holds is decisive:
                return decisive
            if holds is None:
                result = None
        return result

    return judge


def holding(condition: Condition, values: Values) -> tuple[Condition, ...]:
    """Return all comparisons that make `condition` true, in order. Empty if `condition` is false or unknown."""
    if not compile_condition(condition)(values):
        return ()
    if condition.signal is not None:
        return (condition,)
    return tuple(leaf for part in (*condition.all_, *condition.any_) for leaf in holding(part, values))


def _comparison(condition: Condition, name: str) -> Judge:
    compare, limit = OPERATORS[condition.comparison or ""], condition.threshold

    def judge(values: Values) -> bool | None:
        value = values[name]
        if value is None:
            return None
        if compare(value, limit):
            return True
        # Every comparison with NaN is false, which would turn a doubt into an all-clear. Only NaN is not itself.
        return False if value == value else None  # noqa: PLR0124

    return judge
