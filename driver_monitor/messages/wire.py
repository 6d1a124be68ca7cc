"""Encodes a message as bytes: UTF-8 JSON that every parser accepts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

Message = Mapping[str, Any]
"""A complete JSON object. Every message has the field `schema`."""


def encode(message: Message) -> bytes:
    """Return `message` as one line of UTF-8 JSON.

    NaN and Infinity become null, because JSON does not have them and many parsers fail on them.
    Raises `TypeError` or `ValueError` for a value that JSON cannot hold, such as an object, a loop or over 50 levels.
    """
    try:
        text = json.dumps(dict(message), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, TypeError):
        text = json.dumps(_plain(message), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _plain(value: Any, depth: int = 0) -> Any:
    """Return `value` with null for NaN and Infinity, and with plain types for mappings and numpy scalars."""
    if depth > 50:
        raise ValueError("a message nested deeper than 50 levels, or one that contains itself")
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
