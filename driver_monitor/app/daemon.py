"""The live loop: newest frame in, verdict out, and a watchdog that is fed by nothing but progress.

It owns no thread but the caller's; camera and outputs have their own and are looked after here: one that dies takes
the daemon down with a clear message, and systemd starts it anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from driver_monitor.app.parts import Parts
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.app.status import Health, sentence
from driver_monitor.app.systemd import Notifier
from driver_monitor.data.alert import AlertEvent, Level
from driver_monitor.data.observation import VehicleData
from driver_monitor.errors import DriverMonitorError
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.envelope import Stamper, envelope
from driver_monitor.messages.state import state_message
from driver_monitor.messages.wire import Message
from driver_monitor.timing.periodic import PeriodicTimer

log = logging.getLogger(__name__)

TICK_S = 0.1
"""Longest wait for a frame: a stop, a reload and a lost camera are seen within it."""
Events = tuple[AlertEvent, ...]
STATUS_S = 1.0
"""Period of `status/` and of the watchdog's feeding; systemd waits for ten of them (WatchdogSec=10)."""


class ReloadError(DriverMonitorError):
    """A reload failed and the old configuration goes on."""


class Daemon:
    """Runs until the source ends, `stop` is called, or a part dies.

    `parts` may be changed by `reload`, which is called between two frames after `ask_reload`; it raises `ReloadError`,
    with the old parts in place, when the new configuration is wrong or does not work. `clock`: monotonic seconds;
    `started`: its value from which times without a frame count.
    """

    def __init__(
        self,
        parts: Parts,
        stamper: Stamper,
        notifier: Notifier,
        clock: Callable[[], float],
        started: float,
        reload: Callable[[Daemon], None],
    ) -> None:
        self.parts, self._stamper, self._notifier, self._clock, self._reload = parts, stamper, notifier, clock, reload
        # Plain flags: a signal handler that waits for an Event's lock could wait for the very thread it interrupts.
        self._stop = self._reload_asked = False
        self._started = started
        self._last: Frame | None = None
        self._level: Level | None = None
        self._active: dict[str, Message] = {}
        self._state_rhythm, self._status_rhythm = PeriodicTimer(parts.state_period_s), PeriodicTimer(STATUS_S)
        self._progress = False
        self.health = Health(self._started)

    def stop(self) -> None:
        """Ask the loop to end; it does within a tick and a frame. Safe in a signal handler."""
        self._stop = True

    def ask_reload(self) -> None:
        """Ask for the configuration to be read again. Safe in a signal handler."""
        self._reload_asked = True

    def run(self) -> None:
        """Run the loop. Raises `DriverMonitorError` when a part has died; the caller closes the parts."""
        self._notifier.ready()
        while not self._stop:
            if self._reload_asked:
                self._reload_asked = False
                self._apply_reload()
            if not self._turn():
                break
            self._report()
            self._check_parts()
        self._notifier.stopping()

    def _turn(self) -> bool:
        """Take the newest frame, or let time go on without one; False at the source's end."""
        parts = self.parts
        frame = parts.source.latest(TICK_S)
        if parts.button.pressed():
            parts.pipeline.engine.acknowledge()
        if frame is not None:
            self._last = frame
            self._publish(parts.pipeline.step(frame, parts.source.state, self._vehicle()), frame.t_mono)
            self.health.frame_done(frame, self._clock())
            self._progress = True
            return True
        if parts.source.ended:
            return False
        if parts.source.state != "ok":
            self._publish(parts.pipeline.blind(self._now(), parts.source.state, self._vehicle()), self._clock())
            self._progress = True
        return True

    def _vehicle(self) -> VehicleData:
        return self.parts.vehicle.at(self._clock())

    def _now(self) -> float:
        """Return the time in the frames' own count, seconds, going on where the last frame left it."""
        if self._last is None or self._last.t_mono is None:
            return self._clock() - self._started
        return self._last.t + self._clock() - self._last.t_mono

    def _publish(self, step: FrameResult, t_mono: float | None) -> None:
        self.health.seen(step)
        if self.parts.trace is not None:
            self.parts.trace.record(step.observation)
        self.send(step.verdict.events, t_mono)
        outputs = self.parts.outputs
        if step.verdict.level != self._level:
            self._level = step.verdict.level
            outputs.level(self._level)
        if self._state_rhythm.due(self._clock()):
            outputs.state(state_message(step.state, step.verdict))

    def send(self, events: Events, t_mono: float | None = None) -> None:
        """Number and publish `events`; `t_mono`: capture time of the frame that decided them, None: now."""
        for event in events:
            stamp = self._stamper.stamp(event, self._clock() if t_mono is None else t_mono)
            alert = envelope(event, stamp, self.parts.provenance)
            self._active.pop(event.rule, None)
            if event.phase != "cleared":
                self._active[event.rule] = alert
            self.parts.outputs.alert(alert)

    def dismiss(self, why: str) -> None:
        """End all active alerts because of `why`; rules and what they said of the driver are about to change."""
        self.send(self.parts.pipeline.engine.dismiss(why))
        self.health.forget()

    def repeat(self) -> None:
        """Tell the outputs, which are new, of the alerts that are active: the same messages with the same ids."""
        for alert in self._active.values():
            self.parts.outputs.alert(alert)
        self.parts.outputs.level(self._level)

    def _report(self) -> None:
        now = self._clock()
        if not self._status_rhythm.due(now):
            return
        parts = self.parts
        lost = {**parts.outputs.counters(), **parts.vehicle.counters()}
        if parts.trace is not None:
            lost |= parts.trace.counters()
        status = self.health.status(parts.source, lost, parts.provenance, now)
        parts.outputs.status(status)
        if self._progress:
            self._notifier.watchdog()
            self._notifier.status(sentence(parts.outputs.public(status)))
        self._progress = False

    def _check_parts(self) -> None:
        parts = self.parts
        camera = "its driver hangs and only a new process can help" if parts.source.stuck else parts.source.failure
        for name, reason in (
            ("camera", camera),
            ("outputs", parts.outputs.failure),
            ("alert number", parts.numbers.failure),
        ):
            if reason is not None:
                raise DriverMonitorError(f"{name}: {reason}; the daemon stops, systemd starts it anew")

    def _apply_reload(self) -> None:
        self._notifier.reloading()
        source = self.parts.source
        try:
            self._reload(self)
            log.info("configuration read again")
        except ReloadError as error:
            log.error("kept the old configuration: %s", error)
        if self.parts.source is not source:
            self._last = None
        self._state_rhythm.period_s = self.parts.state_period_s
        self._notifier.ready()
