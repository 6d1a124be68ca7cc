"""Conditions as functions of three values: true, false, and unknown (None) where what they rest on is unknown."""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import isnan
from typing import cast

from driver_monitor.data.alert import Value
from driver_monitor.rules.profile import Condition

Read = Callable[[str], Value]
"""Gives the present value of a signal by name, None when it is unknown."""
Judge = Callable[[Read], bool | None]

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "above": operator.gt,
    "at_least": operator.ge,
    "below": operator.lt,
    "at_most": operator.le,
}
"""How a number is held against its threshold, by the key of `Condition`."""


def compile_condition(condition: Condition) -> Judge:
    """Return the function that judges `condition` (Kleene's three-valued logic)."""
    if condition.signal is not None:
        return _comparison(condition, condition.signal)
    parts = tuple(compile_condition(part) for part in condition.all_ or condition.any_)
    # A single false decides an `all`, a single true an `any`; otherwise one unknown leaves it unknown.
    decisive = not condition.all_

    def judge(read: Read) -> bool | None:
        found: bool | None = not decisive
        for part in parts:
            verdict = part(read)
            if verdict is decisive:
                return decisive
            if verdict is None:
                found = None
        return found

    return judge


def holding(condition: Condition, read: Read) -> tuple[Condition, ...]:
    """Return the comparisons by which `condition` holds, in order; none when it does not hold or is unknown."""
    if not compile_condition(condition)(read):
        return ()
    if condition.signal is not None:
        return (condition,)
    return tuple(leaf for part in (*condition.all_, *condition.any_) for leaf in holding(part, read))


def _comparison(condition: Condition, name: str) -> Judge:
    for key, compare in OPERATORS.items():
        threshold = getattr(condition, key)
        if threshold is not None:
            return _numeric(name, compare, threshold)
    wanted = condition.is_

    def judge(read: Read) -> bool | None:
        value = read(name)
        return None if value is None else value == wanted

    return judge


def _numeric(name: str, compare: Callable[[float, float], bool], threshold: float) -> Judge:
    def judge(read: Read) -> bool | None:
        value = cast("float | None", read(name))
        # NaN compares false with everything, which would turn a doubt into an all-clear.
        return None if value is None or isnan(value) else compare(value, threshold)

    return judge
