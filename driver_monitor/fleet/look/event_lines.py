"""The events of `fleet watch` as lines: for a terminal, for a pipe, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from rich.text import Text

from driver_monitor.fleet.look.period import age, read
from driver_monitor.fleet.look.watcher import Happening, WatchEvent
from driver_monitor.messages.lines import alert_style, alert_words, plain

MOST_TEXT = 500
"""Characters of an alert's line. Our messages have up to 200; a longer one is cut (ours)."""
LATE_S = 60.0
"""An alert that is older than this when it arrives is called late (ours): cars send within seconds when online."""
_STYLES: Mapping[Happening, str] = {
    "online": "green",
    "back": "green",
    "broker_back": "green",
    "offline": "magenta",
    "silent": "bold yellow",
    "broker_lost": "bold yellow",
    "malformed": "red",
    "refused": "bold red",
    "fleet": "blue",
}


def text_line(event: WatchEvent, now: datetime, zone: tzinfo | None = None) -> Text:
    """Return one line: time of the alert, else `now`; vehicle; what happened. `zone` None: that of this machine."""
    vehicle = f"{_cut(plain(event.vehicle), 40):12} " if event.vehicle else ""
    if event.alert is None:
        return Text(f"{_moment(now, zone)} {vehicle}{_cut(plain(event.text))}", style=_STYLES.get(event.what, ""))
    at, remark = _time(event.alert, now)
    shown = f"{'clock not set':19}" if at is None else _moment(at, zone)
    return Text(f"{shown} {vehicle}{_cut(alert_words(event.alert))}{remark}", style=alert_style(event.alert))


def json_line(event: WatchEvent, now: datetime) -> str:
    """Return one line of JSON, in ASCII: `event`, `at` (UTC), and `vehicle`, `text` or `alert` if there are any."""
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line: dict[str, Any] = {"event": event.what, "at": at}
    line |= {"vehicle": event.vehicle} if event.vehicle else {}
    line |= {"text": event.text} if event.text else {}
    line |= {} if event.alert is None else {"alert": event.alert}
    return json.dumps(line)


def _time(alert: Mapping[str, Any], now: datetime) -> tuple[datetime | None, str]:
    """Return when the alert was, and a remark if it comes late. None: its clock was not set, or says nothing."""
    if alert.get("wall_synced") is not True:
        return None, ""
    try:
        at = read(str(alert.get("t_wall")))
        late_s = (now - at).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None, ""
    return at, f" (late: {age(late_s)})" if late_s >= LATE_S else ""


def _moment(at: datetime, zone: tzinfo | None) -> str:
    try:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):  # the first and the last year
        return f"{at:%Y-%m-%d %H:%M:%S}"


def _cut(line: str, most: int = MOST_TEXT) -> str:
    return line if len(line) <= most else f"{line[:most]}…"
