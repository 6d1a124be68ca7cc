"""The lines of text of a drawn frame, made from its line of signals.jsonl (pure). Unknown is told, with its reason."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from driver_monitor.data.alert import LEVELS

Line = Mapping[str, Any]
UNKNOWN = "unknown"


class Banner(NamedTuple):
    """An active alert. `level`: None if it was raised before the record begins. `text`: ASCII."""

    level: str | None
    text: str


def captions(line: Line) -> list[str]:
    """Return the five lines of text of a frame, ASCII. `line`: of signals.jsonl, through the privacy filter."""
    time = f"{line['t']:.2f} s   frame {line['frame']}   driver: {line['attention']}"
    return [time, _eyes(line), _gaze(line), _sleepiness(line), _picture(line)]


def _eyes(line: Line) -> str:
    eyes = line.get("eyes") or {}
    state, openness = eyes.get("state", UNKNOWN), eyes.get("openness")
    if state == UNKNOWN or openness is None:
        return f"eyes: {state}{_because(eyes.get('reason'))}"
    sides = [f"{side} {eyes[side]:.2f}" for side in ("left", "right") if eyes.get(side) is not None]
    lowered = ", lids low" if eyes.get("lowered") else ""
    return f"eyes: {state}{lowered}, openness {openness:.2f} ({', '.join(sides)})"


def _gaze(line: Line) -> str:
    gaze = line.get("gaze")
    if gaze is None:
        return f"gaze: {UNKNOWN}{_because(line.get('gaze_reason'))}"
    yaw, pitch = gaze["yaw"], gaze["pitch"]
    across = f"{abs(yaw):.0f} deg {'left' if yaw >= 0 else 'right'}"
    off = f"{across}, {abs(pitch):.0f} deg {'up' if pitch >= 0 else 'down'} of straight ahead"
    uncertain = gaze.get("uncertainty_deg") or 0.0
    return f"gaze: {gaze['zone']}, {off}{f' (+-{uncertain:.0f})' if uncertain >= 1 else ''}"


def _sleepiness(line: Line) -> str:
    perclos, sleepiness, mouth = line.get("perclos") or {}, line.get("drowsiness"), line.get("mouth")
    closed, read = perclos.get("value"), perclos.get("coverage")
    why = "" if read is None else f" ({100 * read:.0f} % read)"
    parts = [f"PERCLOS: {f'{UNKNOWN}{why}' if closed is None else f'{100 * closed:.0f} %'}"]
    parts.append(f"KSS: {UNKNOWN if sleepiness is None else format(sleepiness['kss'], '.1f')}")
    parts.append(f"mouth: {UNKNOWN if mouth is None else 'yawning' if mouth['yawning'] else 'no yawn'}")
    return "   ".join(parts)


def _picture(line: Line) -> str:
    face = line["face"]
    found = "found" if face["present"] else f"none{_because(face.get('reason'))}"
    parts = [f"face: {found}", f"light: {line['light']}"]
    if line.get("degraded") is not None:
        parts.append(f"degraded: {_plain(line['degraded'])}")
    if line.get("emotion") is not None:  # hidden at a workplace: then not even "unknown" is told
        parts.append(f"expression: {line['emotion']['label']}")
    return "   ".join(parts)


def _because(reason: str | None) -> str:
    return "" if reason is None else f" ({_plain(reason)})"


def _plain(word: str) -> str:
    return word.replace("_", " ")


class ShownAlerts:
    """Follows the active alerts of a replay. Only alerts that went through the privacy filter may be given to it."""

    def __init__(self) -> None:
        self._raised: dict[str, Mapping[str, Any]] = {}
        self._since: dict[str, float] = {}

    def update(self, active: Iterable[str], alerts: Iterable[Mapping[str, Any]]) -> list[Banner]:
        """Take a frame's active rules and its alerts. Return a banner for each active alert, the worst first."""
        for alert in alerts:
            if alert["phase"] != "cleared":
                self._raised[alert["rule"]] = alert
            if alert["phase"] == "raised":
                self._since[alert["rule"]] = alert["t"]
        shown = [self._banner(rule) for rule in active]
        return sorted(shown, key=lambda one: -1 if one.level is None else LEVELS.index(one.level), reverse=True)

    def _banner(self, rule: str) -> Banner:
        alert = self._raised.get(rule)
        if alert is None:
            return Banner(None, f"ACTIVE  {rule}")
        message = ascii_only(alert["message"])
        since = f" since {self._since[rule]:.1f} s" if rule in self._since else ""
        return Banner(alert["level"], f"{alert['level'].upper()}  {rule}{since}{': ' if message else ''}{message}")


def fitting(banners: list[Banner], rows: int) -> list[Banner]:
    """Return at most `rows` banners. The last one names what has no row of its own."""
    if len(banners) <= rows:
        return banners
    left_out = banners[rows - 1 :]
    names = ", ".join(banner.text.split("  ", 1)[1].split(" ", 1)[0] for banner in left_out)
    return [*banners[: rows - 1], Banner(left_out[0].level, f"and {len(left_out)} more: {names}")]


def ascii_only(text: str) -> str:
    """Return `text` in ASCII, without accents: OpenCV before 5 draws nothing else. "": it has other letters, too.

    The message of a rule may be in any language. The name of a rule is always ASCII, and stands before it.
    """
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return plain if plain.isascii() and plain.isprintable() else ""
