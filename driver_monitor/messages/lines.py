"""Alerts as readable lines, for the journal and for terminals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # only what prints on a terminal needs it; a service does not
    from rich.text import Text

WHAT_TO_DO: Mapping[str, str] = {
    "covered": "uncover the lens",
    "frozen": "unplug the camera and plug it in again",
    "turned_away": "aim the camera at the driver",
    "out_of_focus": "clean the lens, or focus it",
    "vibrating": "fix the camera's holder",
}
"""What somebody in the car can do about a cause in `Degraded`."""
STYLES = {"info": "cyan", "warning": "bold yellow", "critical": "bold white on red", "cleared": "green"}


def plain(value: object) -> str:
    """Return `value` as one trimmed line. Unprintable characters become spaces, because no sender is trusted."""
    return "".join(char if char.isprintable() else " " for char in str(value)).strip()


def one_line(text: str) -> str:
    """Return `text` as one line for a terminal. Unprintable characters, as in a file's name, become escapes (`\\n`)."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def advice(status: Mapping[str, Any]) -> str:
    """Return what to do about `degraded` in a payload of `status/`, in brackets; empty if there is nothing to do."""
    angle = status.get("rotate_to")
    if angle is not None:
        return f" (set camera.rotate: {plain(angle)})"
    what = WHAT_TO_DO.get(str(status.get("degraded")))
    return f" ({what})" if what else ""


def board_words(status: Mapping[str, Any]) -> list[str]:
    """Return what a payload of `status/` says of a board that is hot or whose supply is weak; empty if it is neither.

    Without the temperature: it changes with each status, and a line that changes is printed again.
    """
    board = status.get("board")
    if not isinstance(board, Mapping):
        return []
    words = ["under-voltage: use a stronger power supply"] if board.get("under_voltage") is True else []
    words += ["clock lowered"] if board.get("throttled") is True else []
    step = board.get("step")
    words += [f"step {step} of 2 given up"] if step in (1, 2) else []
    return [f"board: {', '.join(words)}"] if words else []


def clock(seconds: object) -> str:
    """Return seconds as `h:mm:ss.s` (`-h:mm:ss.s` below 0), or `-:--:--.-` if not a number between -1e9 and 1e9."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not abs(seconds) < 1e9:
        return "-:--:--.-"
    tenths = round(abs(seconds) * 10)
    minutes, tenths = divmod(tenths, 600)
    sign = "-" if seconds < 0 else ""
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{tenths // 10:02}.{tenths % 10}"


def alert_line(alert: Mapping[str, Any]) -> str:
    """Return a line such as `0:00:12.4 WARNING  microsleep raised: Eyes closed for 1.0 s`. A missing word is `?`."""
    return f"{clock(alert.get('t'))} {alert_words(alert)}"


def alert_words(alert: Mapping[str, Any]) -> str:
    """Return `alert_line` without its time."""
    level, rule, phase, message = (plain(alert.get(key, "?")) for key in ("level", "rule", "phase", "message"))
    return f"{level.upper():8} {rule} {phase}: {message}"


def alert_style(alert: Mapping[str, Any]) -> str:
    """Return the style of an alert's level; green if cleared; none if the level is unknown."""
    return STYLES.get("cleared" if alert.get("phase") == "cleared" else str(alert.get("level")), "")


def alert_text(alert: Mapping[str, Any]) -> Text:
    """Return `alert_line` in its style."""
    from rich.text import Text

    return Text(alert_line(alert), style=alert_style(alert))
