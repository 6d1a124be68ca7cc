"""How a message looks on a wire: UTF-8 JSON that every parser takes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

Message = Mapping[str, Any]
"""A finished JSON object. Every message carries `schema`."""


def encode(message: Message) -> bytes:
    """Return `message` as one line of UTF-8 JSON.

    A number that is not finite becomes null: JSON has neither NaN nor Infinity, and many parsers give up on them.
    Raises `TypeError` or `ValueError` for what is no JSON at all (an object, a loop).
    """
    try:
        text = json.dumps(dict(message), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, TypeError):
        text = json.dumps(_plain(message), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _plain(value: Any, depth: int = 0) -> Any:
    """Return `value` with null for numbers that are not finite and plain types for mappings and numpy's scalars."""
    if depth > 50:
        raise ValueError("nested too deep for a message; does it hold itself?")
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
