"""Alert texts with measured values in them: `Eyes closed for {eyes.closed_s:.1f} s`."""

from __future__ import annotations

import re
from collections.abc import Callable
from string import Formatter

from driver_monitor.rules.alert import Value
from driver_monitor.rules.signals import find

UNKNOWN = "unknown"
"""Stands for a value that is not known."""
_PARSER = Formatter()
_FORMAT = re.compile(r"(\.\d)?[fg%]?")


def check(template: str) -> None:
    """Raise `ValueError` with the reason when `template` names no known signal or formats it impossibly."""

    def sample(name: str) -> Value:
        signal = find(name)
        if signal is None:
            raise ValueError(f"no such signal: {name}")
        return 1.0 if signal.kind == "number" else "text"

    fill(template, sample)


def fill(template: str, read: Callable[[str], Value]) -> str:
    """Return the text; `read` gives a signal's value. Nothing is looked up but signals: no attributes, no items."""
    parts = []
    for text, name, spec, conversion in _PARSER.parse(template):
        parts.append(text)
        if name is None:
            continue
        value = read(name)
        if conversion is not None or not _FORMAT.fullmatch(spec or ""):
            raise ValueError(f"{name} can be formatted as {{{name}}}, {{{name}:.1f}} or {{{name}:.0%}}, no other way")
        parts.append(UNKNOWN if value is None else format(value, spec or ""))
    return "".join(parts)
