"""Alert texts with measured values in them: `Eyes closed for {eyes.closed_s:.1f} s`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from string import Formatter

from driver_monitor.data.alert import Value
from driver_monitor.signals.table import find

UNKNOWN = "unknown"
"""Stands for a value that is not known."""
_PARSER = Formatter()
_FORMAT = re.compile(r"(\.\d)?[fg%]", re.ASCII)
"""With one of these letters at its end a format fits whole numbers and fractions alike; `.1` alone does not."""


def check(template: str) -> tuple[str, ...]:
    """Return the signals that `template` names.

    Raises `ValueError` with the reason when one is not known or is formatted in a way that it does not take.
    """
    names = []
    for _, name, spec, conversion in _PARSER.parse(template):
        if name is None:
            continue
        signal = find(name)
        if signal is None:
            raise ValueError(f"no such signal: {name}")
        if signal.kind != "number" and (spec or conversion):
            raise ValueError(f"{name} is no number and can be formatted as {{{name}}} only")
        if conversion is not None or not (spec == "" or _FORMAT.fullmatch(spec or "")):
            raise ValueError(f"{name} can be formatted as {{{name}}}, {{{name}:.1f}} or {{{name}:.0%}}, no other way")
        names.append(name)
    return tuple(names)


def fill(template: str, read: Callable[[str], Value]) -> str:
    """Return the text of a template that was checked; `read` gives a signal's value.

    It never raises: a text less well formatted is better than a warning that is not given. Nothing is looked up but
    signals: no attributes, no items.
    """
    try:
        parts = list(_PARSER.parse(template))
    except ValueError:
        return template
    return "".join(text + ("" if name is None else _shown(read(name), spec or "")) for text, name, spec, _ in parts)


def _shown(value: Value, spec: str) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return UNKNOWN
    try:
        return format(value, spec)
    except ValueError:
        return str(value)
