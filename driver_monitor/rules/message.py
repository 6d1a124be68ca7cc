"""Checks and fills alert texts with measured values, such as `Eyes closed for {eyes.closed_s:.1f} s`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from string import Formatter

from driver_monitor.data.alert import Value
from driver_monitor.signals.table import find

UNKNOWN = "unknown"
"""The text for a value that is None, NaN or infinite."""
_PARSER = Formatter()
_FORMAT = re.compile(r"(\.\d)?[fg%]", re.ASCII)
"""Formats that fit whole numbers and fractions. `.1` without a letter does not."""


def check(template: str) -> tuple[str, ...]:
    """Return the signal names in `template`. Raises `ValueError` for an unknown name, wrong format or stray brace."""
    names = []
    for _, name, spec, conversion in _PARSER.parse(template):
        if name is None:
            continue
        signal = find(name)
        if signal is None:
            raise ValueError(f"no such signal: {name}")
        if signal.kind != "number" and (spec or conversion):
            raise ValueError(f"{name} is not a number: write {{{name}}} without a format")
        if conversion is not None or not (spec == "" or _FORMAT.fullmatch(spec or "")):
            raise ValueError(f"{name} has an unsupported format: write {{{name}}}, {{{name}:.1f}} or {{{name}:.0%}}")
        names.append(name)
    return tuple(names)


def fill(template: str, read: Callable[[str], Value]) -> str:
    """Return the text of a checked template. `read` returns the value of a signal by its name, such as `eyes.closed_s`.

    None, NaN and infinity become "unknown", and a wrong format is ignored. A template with a stray brace is unchanged.
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
