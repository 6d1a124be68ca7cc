"""Reads single fields of a message. Each function raises `FieldError` with a plain reason."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from typing import Any

MOST_SEQ = 2**63 - 1
"""Largest whole number of both engines (bigint)."""
MOST_TEXT = 200
"""Longest name of a vehicle, trip or rule, in characters (ours). A vehicle has at most 64; an index entry of PostgreSQL
has room for 2,700 bytes."""
MOST_S = 1e10
"""Largest number of seconds that counts as a time (ours): 300 years."""
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}(\.([0-9]{3}){1,2})?(Z|[+-][0-9]{2}:[0-9]{2})")
_UNWRITABLE = re.compile(r"[\0\ud800-\udfff]")


class FieldError(ValueError):
    """A field is missing or wrong. The text begins with its name."""


def text(message: Mapping[str, Any], name: str, most: int | None = None) -> str:
    """Return a text that every engine can keep. `most`: its longest length; a name may not be empty either."""
    value = message.get(name)
    if not isinstance(value, str):
        raise FieldError(f"{name}: expected a text, found {shown(value)}")
    if most is not None and not 0 < len(value) <= most:
        raise FieldError(f"{name}: expected 1 to {most} characters, found {len(value)}")
    if _UNWRITABLE.search(value):
        raise FieldError(f"{name}: it holds a character that no database keeps (NUL or half a surrogate pair)")
    return value


def word(message: Mapping[str, Any], name: str, words: Collection[str]) -> str:
    """Return one of `words`."""
    value = message.get(name)
    if not isinstance(value, str) or value not in words:
        raise FieldError(f"{name}: expected one of {', '.join(words)}, found {shown(value)}")
    return value


def uuid(message: Mapping[str, Any], name: str) -> str:
    """Return a UUID as vehicles write it: in lower case, with hyphens."""
    value = message.get(name)
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise FieldError(f"{name}: expected a UUID in lower case, found {shown(value)}")
    return value


def number(message: Mapping[str, Any], name: str) -> float:
    """Return a finite number."""
    value = message.get(name)
    try:
        found = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        found = math.nan
    if not math.isfinite(found):
        raise FieldError(f"{name}: expected a number, found {shown(value)}")
    return found


def trip_time(message: Mapping[str, Any], name: str) -> float:
    """Return a time of a trip, seconds; at most `MOST_S` from 0, so that the difference of two is a number."""
    found = number(message, name)
    if abs(found) > MOST_S:
        raise FieldError(f"{name}: expected seconds from {-MOST_S:g} to {MOST_S:g}, found {shown(message[name])}")
    return found


def seconds(message: Mapping[str, Any], name: str) -> float:
    """Return a length of time from 0 to `MOST_S`, seconds; 0 for null: the largest one of a trip counts."""
    if message.get(name) is None:
        return 0.0
    found = number(message, name)
    if not 0.0 <= found <= MOST_S:
        raise FieldError(f"{name}: expected seconds from 0 to {MOST_S:g}, found {shown(message[name])}")
    return found


def sequence_number(message: Mapping[str, Any], name: str) -> int:
    """Return a whole number from 0 to `MOST_SEQ`."""
    value = message.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_SEQ:
        raise FieldError(f"{name}: expected a whole number from 0 to {MOST_SEQ}, found {shown(value)}")
    return value


def flag(message: Mapping[str, Any], name: str) -> bool:
    """Return true or false."""
    value = message.get(name)
    if not isinstance(value, bool):
        raise FieldError(f"{name}: expected true or false, found {shown(value)}")
    return value


def time(message: Mapping[str, Any], name: str) -> datetime:
    """Return a time in UTC, of the years 1 to 9999."""
    value = message.get(name)
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            # Python 3.10 does not know Z.
            return datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(timezone.utc)
        except (ValueError, OverflowError):
            pass
    raise FieldError(f"{name}: expected a time such as 2026-11-29T12:00:00.000Z, found {shown(value)}")


def shown(value: object) -> str:
    """Return at most 40 characters that tell what was found instead."""
    if value is None:
        return "nothing"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MOST_SEQ:
        return "a very large number"  # its digits take a time that grows with their square
    text = ascii(value) if isinstance(value, str | int | float) else f"a {type(value).__name__}"
    return text if len(text) <= 40 else f"{text[:37]}..."
