"""Says which sound begins when, for the present sign. No clock is read: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from driver_monitor.data.alert import SIGNS, Sign
from driver_monitor.outputs.sound import sounds

WORDS_EVERY_S = 10.0
"""Shortest time from one start of the words to the next (ours). Words that come with each chime would be ignored."""
AFTER_WORDS_S = 0.5
"""Pause between the words and the next chime (ours)."""


@dataclass(frozen=True, slots=True)
class SoundStep:
    """Sound files to play one after the other, and how many seconds they take together."""

    files: tuple[Path, ...]
    seconds: float


class SoundSchedule:
    """Schedules the sounds of the present sign.

    A critical sign sounds until another sign comes. A warning sounds for `most_s` seconds, as the buzzer does; a more
    urgent sign restarts this time. `info` sounds once, and only if nothing more urgent came before it without a pause.
    """

    def __init__(self, most_s: float) -> None:
        self._most_s = most_s
        self._sign: Sign | None = None
        self._words: Path | None = None
        self._since: float | None = None
        self._due: float | None = None
        self._words_due = 0.0

    def show(self, sign: Sign | None, words: Path | None, now: float) -> bool:
        """Take the sign that is shown from `now` on, in seconds, and its words, if it has any. None: no alert.

        Return whether it is another one: then the sound that plays must stop. Its own first sound is due at once.
        """
        self._words = words
        if sign == self._sign:
            return False
        before, self._sign = self._sign, sign
        self._words_due = now
        more_urgent = _place(sign) < _place(before)
        silent = sign is None or sounds.chime(sign) is None or (sign.level == "info" and not more_urgent)
        self._due = None if silent else now
        if silent:
            self._since = None
        elif more_urgent or self._since is None:
            self._since = now
        return True

    def step(self, now: float) -> SoundStep | None:
        """Return what begins to sound at `now`; None: nothing does."""
        if self._sign is None or self._due is None or now < self._due:
            return None
        chime = sounds.chime(self._sign)
        if chime is None or (self._sign.level == "warning" and now - (self._since or 0.0) >= self._most_s):
            self._due = None
            return None
        files, every_s = [chime], sounds.every_s(self._sign)
        length_s = sounds.seconds(chime)
        if self._words is not None and now >= self._words_due:
            files.append(self._words)
            length_s += sounds.seconds(self._words)
            self._words_due = now + WORDS_EVERY_S
        at_least_s = length_s + AFTER_WORDS_S if len(files) > 1 else 0.0
        self._due = None if every_s is None else now + max(every_s, at_least_s)
        return SoundStep(tuple(files), length_s)

    def wait_s(self, now: float) -> float | None:
        """Return the seconds until the next sound is due; None: none is."""
        return None if self._due is None else max(0.0, self._due - now)


def _place(sign: Sign | None) -> int:
    """Return the place of `sign` in `SIGNS`, from the most urgent; None comes last."""
    return len(SIGNS) if sign is None else SIGNS.index(sign)
