"""Whether two computers read the same pictures alike: the lines of `inspect --json` side by side. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

OPENNESS = 0.01
"""Largest difference in openness that still counts as the same (ours): arithmetic differs between processors."""
STATES = (("face", "present"), ("eyes", "state"), ("attention",), ("degraded",), ("light",), ("gaze", "zone"))
"""The fields that must be the same."""
EYES = ("eyes", "openness")


def differences(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each field in which the answers for the same pictures differ, openness by more than `OPENNESS`.

    Openness that only one of them knows counts as a difference of its own.
    """
    found = [] if len(one) == len(other) else [f"{len(one)} and {len(other)} answers"]
    for left, right in zip(one, other, strict=False):
        name = str(left["file"]).rpartition("/")[2]
        for path in STATES:
            if _at(left, path) != _at(right, path):
                found.append(f"{name}: {'.'.join(path)} is {_at(left, path)} and {_at(right, path)}")
        apart = openness_apart(left, right)
        if apart is None or apart > OPENNESS:
            found.append(f"{name}: openness is {_at(left, EYES)} and {_at(right, EYES)}")
    return found


def openness_apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> float | None:
    """Return the difference in openness, 0 if both do not know it, None if only one of them knows it."""
    left, right = _at(one, EYES), _at(other, EYES)
    if left is None or right is None:
        return 0.0 if left is right else None
    # Openness has three decimals: a difference of exactly the limit must not fail by the last bit.
    return float(round(abs(left - right), 6))


def _at(answer: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return the value at a path of keys, None if a part of it is missing."""
    value: Any = answer
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
