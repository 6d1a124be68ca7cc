"""Decides what the daemon gives up when the board is too hot or its supply too weak. Pure: time is an argument.

The order is fixed: first the expressions, then the frame rate, the eyes never. A step is taken when it has been needed
for `UP_S`, and taken back when it has not been needed for `DOWN_S`, so the daemon does not change to and fro. Unknown
readings take no step up and none back.
"""

from __future__ import annotations

from dataclasses import replace

from driver_monitor.board.reading import BoardReading

NO_EXPRESSIONS, FEWER_FRAMES = 1, 2
"""The steps: from the first one on, expressions are not read; from the second one on, fewer frames are used, too."""
EARLY_C = 5.0
"""The first step is needed so many degrees before the board lowers its clock (ours): then it may not have to."""
COOLER_C = 3.0
"""A step is not needed any more when the board is so many degrees below the temperature at which it was (ours)."""
UP_S, DOWN_S = 10.0, 60.0
"""Seconds (ours). A board heats up in minutes. Another program for some seconds is no reason to give anything up."""
HELD_S = 60.0
"""Flags are shown so long after the last reading that had them (ours). A weak supply fails for moments, at peaks."""


class Ladder:
    """The step that is taken now, and what is said about the board.

    `step`: 0 nothing is given up, 1 `NO_EXPRESSIONS`, 2 `FEWER_FRAMES`.
    """

    def __init__(self) -> None:
        self.step = 0
        self.reading = BoardReading()
        self.under_voltage = HeldFlag()
        self.throttled = HeldFlag()
        self._needed_since: float | None = None
        self._spared_since: float | None = None
        self._saw_temperature = False

    def update(self, reading: BoardReading, now: float) -> tuple[str, ...]:
        """Take a reading at `now`, monotonic seconds. Return a line for the log for each change of what is known."""
        self.reading = reading
        self._saw_temperature = self._saw_temperature or reading.temperature_c is not None
        lines = []
        if self.under_voltage.update(reading.under_voltage, now):
            low = f"under-voltage: the board may slow down, lose its camera or stop; use {reading.supply}"
            lines.append(low if self.under_voltage.value else "the voltage of the board is enough again")
        if self.throttled.update(reading.throttled, now):
            slow = "the board has lowered its clock, because it is too hot or its supply is too weak"
            slow += "; give it air, a heat sink or a fan, and check its supply"
            lines.append(slow if self.throttled.value else "the board runs at its full clock again")
        before = self.step
        # A weak supply shows for moments: it is taken as weak all the time. A lower clock must last.
        self._move(replace(reading, under_voltage=self.under_voltage.value), now)
        return (*lines, self._words(before)) if self.step != before else tuple(lines)

    def _move(self, reading: BoardReading, now: float) -> None:
        needed, spared = needed_step(reading), needed_step(reading, COOLER_C)
        known = needed is not None and not (self._saw_temperature and reading.temperature_c is None)
        up = needed is not None and needed > self.step
        down = known and spared is not None and spared < self.step
        self._needed_since = (now if self._needed_since is None else self._needed_since) if up else None
        self._spared_since = (now if self._spared_since is None else self._spared_since) if down else None
        if self._needed_since is not None and now - self._needed_since >= UP_S:
            self.step, self._needed_since = self.step + 1, None
        elif self._spared_since is not None and now - self._spared_since >= DOWN_S:
            self.step, self._spared_since = self.step - 1, None

    def _words(self, before: int) -> str:
        """Return the line for a change of the step, with the temperature."""
        does = {
            0: "expressions and all frames are used again",
            NO_EXPRESSIONS: "expressions are not read; everything else is as before",
            FEWER_FRAMES: "expressions are not read and fewer frames are used; the eyes are watched as before",
        }[self.step]
        hot = self.reading.temperature_c
        degrees = "" if hot is None else f" at {hot:.0f} °C"
        if self.step < before:
            return f"the board{degrees} has recovered to step {self.step}: {does}"
        cool = needed_step(replace(self.reading, under_voltage=None)) == 0
        remedy = f"use {self.reading.supply}" if cool else "give it air, a heat sink or a fan"
        return f"the board{degrees} needs less work, step {self.step}: {does}; {remedy}"


class HeldFlag:
    """A flag that is shown for `HELD_S` after it was last true. `value`: None while unknown."""

    def __init__(self) -> None:
        self.value: bool | None = None
        self._true_at: float | None = None

    def update(self, flag: bool | None, now: float) -> bool:
        """Take a reading of the flag. Return whether `value` became true, or false after it was true."""
        before = self.value
        if flag:
            self._true_at = now
        held = self._true_at is not None and now - self._true_at < HELD_S
        if held:
            self.value = True
        elif flag is not None or before is not True:
            self.value = flag
        return bool(self.value) != bool(before)


def needed_step(reading: BoardReading, cooler_c: float = 0.0) -> int | None:
    """Return the step that `reading` calls for; None: nothing is known. `cooler_c`: subtracted from the limits."""
    hot, limit = reading.temperature_c, reading.slows_at_c
    if hot is None and reading.throttled is None and reading.under_voltage is None:
        return None
    above_c = -1000.0 if hot is None or limit is None else hot - (limit - cooler_c)
    if above_c >= 0.0 or reading.throttled:
        return FEWER_FRAMES
    return NO_EXPRESSIONS if above_c >= -EARLY_C or reading.under_voltage else 0
