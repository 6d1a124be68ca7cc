"""The driver states of a trace as columns of signals, and conditions judged on whole columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.alert import Value
from driver_monitor.data.driver_state import DriverState
from driver_monitor.rules.conditions import OPERATORS
from driver_monitor.rules.profile import Condition
from driver_monitor.signals.table import NAMED, doubtful, find

FALSE, UNKNOWN, TRUE = 0, 1, 2
"""What a condition is in a frame. Ordered so that `all` is the least of its parts, and `any` the greatest (Kleene)."""
MEANING: tuple[bool | None, ...] = (False, None, True)
"""The answer of a judge of `rules.conditions` for each of these."""
Codes: TypeAlias = NDArray[np.int8]
Numbers: TypeAlias = NDArray[np.float64]


class TraceColumns:
    """The sure values of signals in the frames of a trace: unknown where a signal may not decide in this frame.

    `states`: in order of time. A column is made when it is first asked for.
    """

    def __init__(self, states: Sequence[DriverState]) -> None:
        self.states = states
        self.doubts = [doubtful(state) for state in states]
        """Names of the signals that may not decide, for each frame."""
        self._sure: dict[str, list[Value]] = {}
        self._numbers: dict[str, Numbers] = {}

    def __len__(self) -> int:
        return len(self.states)

    def numbers(self, name: str) -> Numbers:
        """Return (n,) values of a signal that is a number. NaN: unknown."""
        if name not in self._numbers:
            self._numbers[name] = as_numbers(self.values(name))
        return self._numbers[name]

    def values(self, name: str) -> list[Value]:
        """Return the values of a signal. None: unknown."""
        if name not in self._sure:
            read = NAMED[name].read
            pairs = zip(self.states, self.doubts, strict=True)
            self._sure[name] = [None if name in doubts else read(state) for state, doubts in pairs]
        return self._sure[name]


def as_numbers(values: Sequence[Value]) -> Numbers:
    """Return (n,) floats, with NaN for None."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def judged(condition: Condition, columns: TraceColumns, held: dict[str, Numbers]) -> Codes:
    """Return (n,) what `condition` is in each frame. The same as `rules.conditions.compile_condition` on each.

    `held`: the times without a return of other rules, by `rule.<id>.held_s`.
    """
    if condition.signal is None:
        parts = [judged(part, columns, held) for part in (*condition.all_, *condition.any_)]
        return np.asarray((np.minimum if condition.all_ else np.maximum).reduce(parts), np.int8)
    signal = find(condition.signal)
    assert signal is not None
    if signal.kind == "number":
        numbers = held[condition.signal] if condition.signal in held else columns.numbers(condition.signal)
        return _compared(condition, numbers)
    return _equal(condition, columns.values(condition.signal))


def _compared(condition: Condition, numbers: Numbers) -> Codes:
    true = OPERATORS[condition.comparison or ""](numbers, condition.threshold)
    # Every comparison with NaN is false.
    return np.where(true, TRUE, np.where(np.isnan(numbers), UNKNOWN, FALSE)).astype(np.int8)


def _equal(condition: Condition, values: Sequence[Value]) -> Codes:
    codes = [UNKNOWN if value is None else TRUE if value == condition.threshold else FALSE for value in values]
    return np.array(codes, np.int8)
