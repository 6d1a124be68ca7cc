"""The sound files: which chime and which words belong to a sign. `python -m tools.sound.make` writes the files.

A chime has the rhythm of the buzzer (`gpio.patterns`), so the kind is told by the same pulses. The level changes the
pitch and the loudness too.
"""

from __future__ import annotations

import functools
import wave
from collections.abc import Collection
from pathlib import Path

from driver_monitor.data.alert import Kind, Level, Sign
from driver_monitor.gpio.pattern import Pattern
from driver_monitor.gpio.patterns import OF_SIGN

FOLDER = Path(__file__).parent / "files"
SILENCE = FOLDER / "silence.wav"
"""A tenth of a second without a sound. It shows whether the device works."""
LEAST_S = 1.5
"""Shortest time from one start of aplay to the next (ours). Faster bursts lie several in one file."""
ADVISES: tuple[Kind, ...] = ("drowsiness", "other")
"""The kinds that also sound at level `info`, once. Drowsiness and distress begin there, and tell the driver what to do
(a break). The other kinds are silent at `info`, as the buzzer is: most of them are `info` only while the car stands."""
DISTRESS = "distress"
"""The shipped rule of the kind `other`. Words belong to what the rule says, so own rules of this kind have none."""


def pattern(sign: Sign) -> Pattern:
    """Return the pulses of the chime of `sign`: those of the buzzer, and at `info` those of its warning."""
    level: Level = "warning" if sign.level == "info" else sign.level
    return OF_SIGN[Sign(sign.kind, level)].buzzer


def bursts(sign: Sign) -> int:
    """Return how many bursts lie in the chime's file."""
    return 1 if sign.level == "info" else max(1, round(LEAST_S / pattern(sign).every_s))


def every_s(sign: Sign) -> float | None:
    """Return the seconds from one start of the chime to the next; None: it sounds once."""
    return None if sign.level == "info" else bursts(sign) * pattern(sign).every_s


def chime(sign: Sign) -> Path | None:
    """Return the file of the chime; None: this sign is silent."""
    if sign.level == "info" and sign.kind not in ADVISES:
        return None
    return FOLDER / f"{sign.kind}-{sign.level}.wav"


def words(sign: Sign, rules: Collection[str]) -> Path | None:
    """Return the file with the words; None: there are none. `rules`: ids of the rules with an active alert."""
    if sign.kind != "other":
        return words_file(sign.kind)
    return words_file(DISTRESS) if DISTRESS in rules else None


def words_file(name: str) -> Path:
    """Return the file with the words for `name`: a kind, or `DISTRESS`."""
    return FOLDER / f"words-{name}.wav"


@functools.cache
def seconds(path: Path) -> float:
    """Return the length of a sound file; 0.0 if it cannot be read: aplay then tells why."""
    try:
        with wave.open(str(path)) as file:
            return float(file.getnframes() / file.getframerate())
    except (OSError, EOFError, wave.Error):
        return 0.0
