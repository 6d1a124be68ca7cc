"""Times that a person gives and reads: the period of a report, ages and moments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo

from driver_monitor.errors import UsageError

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGO = re.compile(r"([0-9]{1,6})([mhdw])")
ADVICE = "expected a time ago such as 12h, 7d or 4w, or a date such as 2026-11-22 or 2026-11-22T06:00"
LONGEST_S = 100 * 366 * 86400
"""Seconds. A longer time ago is a slip of the pen (ours)."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` to before `until`, both with a time zone."""

    since: datetime
    until: datetime


def period(since: str, until: str | None, now: datetime) -> Period:
    """Return the period that a person names. Dates without a zone are in that of `now`. Raises `UsageError`.

    `until` None: up to `now`.
    """
    start = moment("--since", since, now)
    end = now if until is None else moment("--until", until, now)
    if start >= end:
        raise UsageError(f"--since: {since} is not before --until ({until or 'now'}); give an earlier one")
    return Period(start, end)


def moment(option: str, text: str, now: datetime) -> datetime:
    """Return the moment that `text` names: a time before `now`, or a date. `option`: for the `UsageError`."""
    if ago := _AGO.fullmatch(text):
        seconds = int(ago[1]) * _UNITS[ago[2]]
        if seconds <= LONGEST_S:
            return now - timedelta(seconds=seconds)
    try:
        # Python 3.10 does not know the Z of UTC.
        found = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
        found = found if found.tzinfo is not None else found.replace(tzinfo=now.tzinfo)
        found.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise UsageError(f"{option}: {ADVICE}, found '{text:.60}'") from None
    return found


def earlier(at: datetime, span: timedelta) -> datetime:
    """Return the moment `span` before `at`; the first one that there is, if that would be before it."""
    try:
        return at - span
    except OverflowError:
        return datetime.min.replace(tzinfo=timezone.utc)


def read(text: str) -> datetime:
    """Return the moment that the store gives as text."""
    return datetime.fromisoformat(re.sub("Z$", "+00:00", text))


def shown(at: datetime, zone: tzinfo | None) -> str:
    """Return a moment as `2026-11-29 14:40`. `zone` None: that of this machine."""
    try:
        return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):  # the first and the last year
        return at.strftime("%Y-%m-%d %H:%M")


def age(seconds: float) -> str:
    """Return a time span in the two largest units: `3 d 4 h`, `2 h 5 min`, `40 s`; negative ones as 0 s."""
    rest = max(0, round(seconds))
    if rest < 60:
        return f"{rest} s"
    days, rest = divmod(rest, 86400)
    hours, rest = divmod(rest, 3600)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    minutes = rest // 60
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min"
