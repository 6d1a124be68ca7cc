"""Times as SQLite keeps them and as queries return them with both engines."""

from __future__ import annotations

from datetime import datetime, timezone


def as_text(time: datetime) -> str:
    """Return `time` in UTC, ISO 8601 with microseconds and Z, always 27 characters: text order is time order."""
    return f"{time.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
