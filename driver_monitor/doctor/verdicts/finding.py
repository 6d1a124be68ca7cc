"""Defines the finding: the answer of one check, with what was found and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from driver_monitor.doctor.verdicts.faults import FAULTS

State = Literal["ok", "warning", "fault", "not_checked"]
Value = float | int | str | bool | None
"""A measured value, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    `check`: the name of the check, a key of `checks.CHECKS`. `state`: "fault": the daemon cannot do its job until it is
    mended; "warning": it can, but not as it should. `remedy`: what to do, None if there is nothing to do. `fault`: the
    name of the fault in `FAULTS`, None for "ok" and "not_checked". `values`: measured values by name.
    """

    check: str
    state: State
    found: str
    remedy: str | None = None
    fault: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)


def ok(check: str, found: str, **values: Value) -> Finding:
    """Return the finding of a check that found no fault."""
    return Finding(check, "ok", found, values=values)


def not_checked(check: str, why: str) -> Finding:
    """Return the finding of a check that could not be made. `why`: the reason, in words."""
    return Finding(check, "not_checked", why)


def trouble(name: str, values: Mapping[str, Value] | None = None, /, **words: object) -> Finding:
    """Return the finding for the fault `name` of `FAULTS`. `words`: what its texts name in braces."""
    fault = FAULTS[name]
    check = name.partition(".")[0]
    return Finding(check, fault.state, fault.found.format(**words), fault.remedy.format(**words), name, values or {})
