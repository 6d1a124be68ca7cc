"""The output that sounds on a loudspeaker, in a thread of its own: a sound card that hangs stops no other output."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from driver_monitor.config.schema import OutputsConfig
from driver_monitor.data.alert import Sign
from driver_monitor.errors import OutputError
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.sound import sounds
from driver_monitor.outputs.sound.aplay import Aplay
from driver_monitor.outputs.sound.schedule import SoundSchedule, SoundStep
from driver_monitor.threads.worker import Worker

POLL_S = 0.02
"""Time between two looks at a sound that plays (ours). A pause of 20 ms is not heard."""

log = logging.getLogger(__name__)

Wait = Callable[[threading.Event, float | None], object]
"""A function that waits until the event is set, at most for the given seconds (None: no limit)."""


class SoundOutput(Output):
    """Sounds the most urgent unsilenced alert: a chime, and words if `config.sound_words`.

    `config`: its `sound` must not be None. `warning_s`: seconds after which a warning is silent; critical sounds go on
    until the sign changes. A device that is missing, busy or hangs is counted in `faults`, told once in the log, and
    tried again with the next sound. At the start a silent sound is played, so that a fault is known before an alert.
    `clock`: returns monotonic seconds. `wait`: waits for an event.
    """

    name = "sound"
    local = True

    def __init__(
        self,
        config: OutputsConfig,
        warning_s: float,
        clock: Callable[[], float] = time.monotonic,
        wait: Wait = threading.Event.wait,
    ) -> None:
        self.faults = 0
        self._with_words = config.sound_words
        self._clock, self._wait = clock, wait
        self._aplay = Aplay(config.sound or "default")
        self._schedule = SoundSchedule(warning_s)
        self._rules: dict[str, str] = {}
        self._sign: Sign | None = None
        self._told: str | None = None
        self._worker: Worker = Worker("sound", self._sound_until_closed, ended=self._aplay.stop)
        self._worker.start()

    def alert(self, alert: Message) -> None:
        """Remember which rules have an active alert: the words of the kind `other` are those of the rule."""
        episode = str(alert.get("episode"))
        if alert.get("phase") == "cleared":
            self._rules.pop(episode, None)
        else:
            self._rules[episode] = str(alert.get("rule"))

    def show(self, sign: Sign | None) -> None:
        """Sound `sign` from now on, in place of what sounds. None (no alert): silence."""
        self._sign = sign
        self._worker.wake()

    def counters(self) -> dict[str, int]:
        """Return the number of sounds that were not played."""
        return {"sound_faults": self.faults}

    def close(self) -> None:
        """Silence what sounds and end the thread."""
        self._worker.close()

    def _sound_until_closed(self) -> None:
        self._start(SoundStep((sounds.SILENCE,), sounds.seconds(sounds.SILENCE)), self._clock())
        while not self._worker.closing:
            self._worker.woken.clear()
            wait_s = self._turn(self._clock())
            if not self._worker.closing:
                self._wait(self._worker.woken, wait_s)

    def _turn(self, now: float) -> float | None:
        """Do what is due at `now`, and return the seconds until the next turn; None: until the sign changes."""
        sign, rules = self._sign, set(self._rules.copy().values())
        words = sounds.words(sign, rules) if sign is not None and self._with_words else None
        if self._schedule.show(sign, words, now):
            self._aplay.stop()
        if self._plays(now):
            return POLL_S
        step = self._schedule.step(now)
        if step is not None and self._start(step, now):
            return POLL_S
        return self._schedule.wait_s(now)

    def _plays(self, now: float) -> bool:
        """Return whether a sound plays. Tell the end of one that failed, and of the first one that worked again."""
        was = self._aplay.running
        try:
            plays = self._aplay.check(now)
        except OutputError as error:
            self._count_fault(str(error))
            return self._aplay.running
        if was and not plays and self._told is not None:
            log.info("outputs.sound: the sound works again")
            self._told = None
        return plays

    def _start(self, step: SoundStep, now: float) -> bool:
        try:
            self._aplay.start(step.files, step.seconds, now)
        except OutputError as error:
            self._count_fault(str(error))
            return False
        return True

    def _count_fault(self, text: str) -> None:
        self.faults += 1
        if text != self._told:
            log.error("outputs.sound: %s; monitoring continues without sound", text)
        self._told = text
