"""The live loop: processes the newest frame, sends alerts and state, and feeds the watchdog only after progress.

The loop starts no thread. Camera, outputs and the numbering of alerts have their own threads. If such a thread ends or
hangs, the daemon stops with a message that names the part, and systemd starts the daemon again. A camera that is lost
ends nothing: its thread opens it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from driver_monitor.app.parts import Parts
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.app.process.systemd import Notifier
from driver_monitor.app.status import Health, fault_text, status_line
from driver_monitor.board.fewer_frames import FewerFrames
from driver_monitor.board.ladder import FEWER_FRAMES, NO_EXPRESSIONS
from driver_monitor.board.reading import BoardReading
from driver_monitor.config.secret import without_secrets
from driver_monitor.data.alert import AlertEvent, Sign
from driver_monitor.errors import DriverMonitorError
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.car import car_signal
from driver_monitor.messages.envelope import Stamper, envelope
from driver_monitor.messages.state import state_message
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.active_alerts import HEARD_S
from driver_monitor.state.expression.expression_tracker import STALE_S
from driver_monitor.timing.periodic import PeriodicTimer

log = logging.getLogger(__name__)

FRAME_WAIT_S = 0.1
"""Longest wait for a frame. A stop, a reload or a lost camera is noticed after this wait and the present frame."""
STATUS_S = 1.0
"""Period of `status/` and of the watchdog. systemd waits for ten periods (WatchdogSec=10)."""


NO_EXPRESSIONS_REASON = "expressions are not read while the board has to work less"
"""The reason in the message of alerts that end because of it."""
CONFIG_FAULT = Sign("degraded", "info")
"""What the LED shows while no alert is active and the configuration in use is not that of the file."""
BUZZER_TEST = Sign("other", "warning")
"""What sounds when an installer asks for the buzzer (`driver-monitor aim`) and no alert sounds: three pulses."""
BUZZER_TEST_S = 2.0
"""Length of this test: one burst of the pattern (ours)."""


class ReloadError(DriverMonitorError):
    """Says that a reload failed and that the old configuration stays active."""


class Daemon:
    """The live loop. It runs until the source ends, `stop` is called or a part fails.

    `clock`: returns monotonic seconds. `started`: the value of `clock` at the start; until the first frame, time counts
    from there. `config_fault`: why the configuration in use is not that of the file, or None. `board`: returns the
    newest reading of the board's sensors, and never waits.

    `reload`: called between two frames after `request_reload`, and again before later frames while it returns True: the
    configuration is still being read. It may replace parts in `parts`. If it raises `ReloadError`, the new
    configuration cannot be used and the old one stays active. Any other error ends the loop.
    """

    def __init__(
        self,
        parts: Parts,
        stamper: Stamper,
        notifier: Notifier,
        clock: Callable[[], float],
        started: float,
        reload: Callable[[Daemon], bool | None],
        config_fault: str | None = None,
        board: Callable[[], BoardReading] = BoardReading,
    ) -> None:
        self.config_fault = config_fault
        self.parts, self._stamper, self._notifier, self._clock, self._reload = parts, stamper, notifier, clock, reload
        # Plain flags: a signal handler that waits for the lock of an Event could wait for the thread it interrupts.
        self._stop = self._reload_requested = self._reloading = False
        self._started, self.health = started, Health(started)
        self._board, self._frames = board, FewerFrames()
        self._paused_at: float | None = None
        self._last_frame: Frame | None = None
        self._sign: Sign | None = None
        self._buzzer_until: float | None = None
        self._active: dict[str, Message] = {}
        self.ended_by_restart: tuple[Message, ...] = ()
        """Messages that ended the alerts of an earlier run at the start."""
        self._state_timer, self._status_timer = PeriodicTimer(parts.state_period_s), PeriodicTimer(STATUS_S)
        self._progress = self._trace_failed = False

    def stop(self) -> None:
        """End the loop after the present wait (at most `FRAME_WAIT_S`) and frame. Safe in a signal handler."""
        self._stop = True

    def request_reload(self) -> None:
        """Make the loop read the configuration again before the next frame. Safe in a signal handler."""
        self._reload_requested = True

    def run(self) -> None:
        """Run the loop to the source's end or `stop`; close no part. Raises `DriverMonitorError` if a part fails."""
        self._notifier.ready(self._config_line())
        while not self._stop:
            if self._reload_requested or self._reloading:
                self._go_on_reloading()
            if not self._step():
                break
            self._send_status()
            self._check_parts()
        self.health.keep_up.update(self.parts.source.captured, self.parts.source.dropped, self._clock())
        self._notifier.stopping()

    def _step(self) -> bool:
        """Process the newest frame, or a moment without one if the camera is not "ok". False: the source has ended."""
        parts = self.parts
        frame, camera = parts.source.latest(FRAME_WAIT_S), parts.source.state
        if parts.button.pressed():
            parts.pipeline.engine.acknowledge()
        if parts.pictures.take_beep():
            self._buzzer_until = self._clock() + BUZZER_TEST_S
        vehicle = parts.vehicle.at(self._clock())
        if frame is not None:
            self._last_frame = frame
            if not self._frames.uses(frame.t, self.health.ladder.step >= FEWER_FRAMES):
                return True
            self._publish(parts.pipeline.step(frame, camera, vehicle), frame)
            self._progress = True
        elif parts.source.ended:
            return False
        elif camera != "ok":
            self._publish(parts.pipeline.step_without_frame(self._frame_time(), camera, vehicle), None)
            self._progress = True
        return True

    def _frame_time(self) -> float:
        """Return the present time, seconds, as `Frame.t` counts it; before the first frame, seconds since the start."""
        if self._last_frame is None or self._last_frame.t_mono is None:
            return self._clock() - self._started
        return self._last_frame.t + self._clock() - self._last_frame.t_mono

    def _publish(self, result: FrameResult, frame: Frame | None) -> None:
        parts = self.parts
        if result.verdict.events:  # first: an alert must not wait for the rest
            self.send(result.verdict.events, frame.t_mono if frame else None)
        sign = self._sign_of(result.verdict.sign)
        if sign != self._sign:
            self._sign = sign
            parts.outputs.show(sign)
        parts.outputs.car(car_signal(result.state, result.verdict))
        if self._state_timer.due(self._clock()):
            parts.outputs.state(state_message(result.state, result.verdict))
        if parts.trace is not None:
            parts.trace.record(result.observation)
        parts.pictures.put(frame, result.observation, result.state.camera, parts.source.name)
        self.health.count(result, frame, self._clock())

    def _sign_of(self, alert: Sign | None) -> Sign | None:
        """Return what buzzer and LED show: `alert`, the sign of the rules, unless it is silent and the buzzer is tried.

        Without either: whether the configuration is wrong.
        """
        if self._buzzer_until is not None and self._clock() >= self._buzzer_until:
            self._buzzer_until = None
        if self._buzzer_until is not None and (alert is None or alert.level == "info"):
            return BUZZER_TEST
        return alert or (CONFIG_FAULT if self.config_fault else None)

    def send(self, events: Sequence[AlertEvent], t_mono: float | None = None) -> None:
        """Send `events` as alert messages. `t_mono`: capture time of their frame, monotonic seconds; None: now."""
        for event in events:
            stamp = self._stamper.stamp(event, self._clock() if t_mono is None else t_mono)
            alert = envelope(event, stamp, self.parts.provenance)
            self._active.pop(event.rule, None)
            if event.phase != "cleared":
                self._active[event.rule] = alert
            self.parts.outputs.alert(alert)

    def dismiss(self, reason: str) -> None:
        """Clear all active alerts, also at the outputs. What still holds is raised again. `reason`: for the message."""
        self.send(self.parts.pipeline.engine.dismiss(reason))
        self.health.clear()

    def repeat(self) -> None:
        """Send the active alerts to new outputs again, unchanged and with the same ids, and then the sign.

        So are the ends of alerts of an earlier run, while they are new: the outputs may not have kept them yet.
        """
        if self._clock() - self._started > HEARD_S:
            self.ended_by_restart = ()
        for alert in (*self.ended_by_restart, *self._active.values()):
            self.parts.outputs.alert(alert)
        self.parts.outputs.show(self._sign)

    def _send_status(self) -> None:
        now = self._clock()
        if not self._status_timer.due(now):
            return
        parts = self.parts
        self._care_for_board(now)
        change = self.health.keep_up.update(parts.source.captured, parts.source.dropped, now)
        if change is not None:
            log.warning("%s", change)
        counters = {**parts.outputs.counters(), **parts.vehicle.counters()}
        if parts.trace is not None:
            counters |= parts.trace.counters()
        status = self.health.status(
            parts.source, counters, parts.provenance, now, self.config_fault, parts.pictures.connected
        )
        parts.outputs.status(status)
        if self._progress:
            self._notifier.watchdog()
            self._notifier.status(status_line(parts.outputs.public(status)))
        self._progress = False

    def _care_for_board(self, now: float) -> None:
        """Log what changes at the board. From the first step on, read no expressions, and end alerts about them."""
        ladder = self.health.ladder
        for line in ladder.update(self._board(), now):
            log.warning("%s", line)
        paused = ladder.step >= NO_EXPRESSIONS
        self.parts.pipeline.pause_expressions(paused)  # each time: a reload may have brought a new pipeline
        if not paused:
            self._paused_at = None
        elif self._paused_at is None:
            self._paused_at = now
        elif now - self._paused_at > STALE_S:  # until then, what was read last could raise an alert anew
            self.send(self.parts.pipeline.engine.dismiss_expressions(NO_EXPRESSIONS_REASON))

    def _check_parts(self) -> None:
        parts = self.parts
        camera = "its driver hangs and only a new process can help" if parts.source.stuck else parts.source.failure
        failures = {"camera": camera, "outputs": parts.outputs.failure, "alert number": parts.numbers.failure}
        for name, failure in failures.items():
            if failure is not None:
                raise DriverMonitorError(f"{name}: {failure}; the daemon stops and systemd starts it again")
        if parts.trace is not None and parts.trace.failure is not None and not self._trace_failed:
            self._trace_failed = True
            log.error("%s; no more frames are written; monitoring continues", parts.trace.failure)

    def _go_on_reloading(self) -> None:
        """Begin a reload, or end it if its configuration has been read. A request that comes meanwhile waits."""
        if not self._reloading:
            self._reload_requested, self._reloading = False, True
            self._notifier.reloading()
        source = self.parts.source
        try:
            if self._reload(self):
                return
            self.config_fault = None
            log.info("the new configuration is active")
        except ReloadError as error:
            self.config_fault = fault_text(error, "the old configuration stays active")
            log.error("kept the old configuration: %s", without_secrets(str(error)))
        self._reloading = False
        if self.parts.source is not source:
            self._last_frame = None
        self._state_timer.period_s = self.parts.state_period_s
        self._notifier.reloaded(self.config_fault, self._config_line())

    def _config_line(self) -> str:
        return f"configuration: {self.config_fault or 'as in the file'}"
