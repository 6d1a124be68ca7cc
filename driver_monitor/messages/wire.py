"""Encodes a message as bytes: UTF-8 JSON that every parser accepts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

Message = Mapping[str, Any]
"""A complete JSON object. Every message has the field `schema`."""


def encode(message: Message) -> bytes:
    """Return `message` as one line of UTF-8 JSON. NaN and Infinity, which JSON does not have, become null.

    Numpy scalars become plain values. A message with these, NaN or Infinity may have at most 50 levels. Raises
    `TypeError` or `ValueError` for what JSON cannot hold, such as a set, a message that contains itself, or one with
    more levels than Python's JSON encoder can follow (some hundreds to some thousands).
    """
    try:
        text = json.dumps(dict(message), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError):
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
