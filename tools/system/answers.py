"""Whether two computers read the same pictures alike: the lines of `inspect --json` side by side. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

OPENNESS = 0.01
"""Largest difference in openness that still counts as the same (ours): arithmetic differs between processors."""
STATES = (("face", "present"), ("eyes", "state"), ("attention",), ("degraded",), ("light",), ("gaze", "zone"))
"""The fields that must be the same."""


def differences(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each field in which the answers for the same pictures differ, the worst openness last.

    Openness that only one of them knows counts as a difference of its own.
    """
    found, worst = [] if len(one) == len(other) else [f"{len(one)} and {len(other)} answers"], 0.0
    for left, right in zip(one, other, strict=False):
        name = str(left["file"]).rpartition("/")[2]
        for path in STATES:
            if _at(left, path) != _at(right, path):
                found.append(f"{name}: {'.'.join(path)} is {_at(left, path)} and {_at(right, path)}")
        open_left, open_right = (_at(each, ("eyes", "openness")) for each in (left, right))
        if (open_left is None) != (open_right is None):
            found.append(f"{name}: openness is {open_left} and {open_right}")
        elif open_left is not None:
            worst = max(worst, abs(open_left - open_right))
    # Openness has three decimals: a difference of exactly the limit must not fail by the last bit.
    return found + ([f"openness differs by {worst:.3f}"] if round(worst, 6) > OPENNESS else [])


def _at(answer: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return the value at a path of keys, None if a part of it is missing."""
    value: Any = answer
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
