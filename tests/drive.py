"""A daemon on a scripted drive and a fake clock, with outputs and a systemd that remember."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone

import numpy as np

from driver_monitor.app.daemon import Daemon
from driver_monitor.app.parts import Parts
from driver_monitor.app.pipeline import Pipeline
from driver_monitor.app.process.systemd import Notifier
from driver_monitor.capture.grabber import Grabber
from driver_monitor.config.profiles import load_profile
from driver_monitor.data.alert import Sign
from driver_monitor.data.observation import CameraState, Observation
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.envelope import LiveStamper, Provenance
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.sequence import AlertSequence
from driver_monitor.rules.engine import Engine
from driver_monitor.state.tracker import StateTracker
from tests.timeline import Stretch, observe

FPS = 20.0


STARTED = 1000.0


IMAGE = np.zeros((48, 64), np.uint8)


class Cabin(Grabber):
    """Camera, perception and clock in one: plays stretches of a drive; every look at the camera takes a frame."""

    captured: int = 0
    dropped: int = 0
    damaged: int = 0
    reopened: int = 0
    fault: str | None = None
    stuck: bool = False
    ended: bool = False
    failure: str | None = None

    def __init__(self, *drive: Stretch) -> None:
        self.name = "cabin"
        self.now = STARTED
        self.closed = False
        self._playing = self._play(drive)
        self._stretch = drive[0]

    def _play(self, drive: tuple[Stretch, ...]) -> Iterator[Stretch]:
        for stretch in drive:
            for _ in range(round(stretch.seconds * FPS)):
                yield stretch

    @property
    def state(self) -> CameraState:
        return self._stretch.camera

    def latest(self, timeout_s: float) -> Frame | None:
        following = next(self._playing, None)
        if following is None:
            self.ended = True
            return None
        self._stretch = following
        self.now += 1 / FPS
        if following.camera != "ok":
            return None
        self.captured += 1
        return Frame(IMAGE, self.now - STARTED, self.captured, self.name, self.now)

    def close(self) -> None:
        self.closed = True

    def observe(self, frame: Frame, camera: CameraState = "ok") -> Observation:
        return observe(frame.t, self._stretch)

    def observe_nothing(self, t: float, camera: CameraState) -> Observation:
        return Observation(t, camera, "day", None, None, face_reason="no_frame")

    def pause_expressions(self, paused: bool) -> None:
        pass


@dataclass
class Recorder(Output):
    """An output that remembers."""

    clock: Callable[[], float]
    alerts: list[Message] = field(default_factory=list)
    signs: list[Sign | None] = field(default_factory=list)
    states: list[Message] = field(default_factory=list)
    statuses: list[Message] = field(default_factory=list)
    failure: str | None = None

    def alert(self, alert: Message) -> None:
        self.alerts.append({**alert, "sent": self.clock()})

    def show(self, sign: Sign | None) -> None:
        self.signs.append(sign)

    def state(self, state: Message) -> None:
        self.states.append(state)

    def status(self, status: Message) -> None:
        self.statuses.append(status)

    def counters(self) -> dict[str, int]:
        return {"zmq.state": 3}


class Numbers(AlertSequence):
    """Numbers alerts from 100 on."""

    failure: str | None = None

    def __init__(self) -> None:
        self._count = itertools.count(100)

    def next(self) -> int:
        return next(self._count)

    def close(self) -> None:
        pass


class Systemd(Notifier):
    """Remembers what systemd is sent, and when."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__({})
        self.clock = clock
        self.reported: list[tuple[float, str]] = []
        self.lines: list[str] = []

    def _send(self, assignment: str, status: str = "") -> bool:
        self.reported.append((self.clock() - STARTED, assignment.partition("\n")[0] or "STATUS"))
        self.lines.append("\n".join(line for line in (assignment, f"STATUS={status}" if status else "") if line))
        return True

    def times(self, what: str) -> list[float]:
        return [t for t, reported in self.reported if reported == what]


class Drive:
    """A daemon on a scripted drive."""

    def __init__(self, *drive: Stretch, reload: Callable[[Daemon], bool] | None = None) -> None:
        self.cabin = Cabin(*drive)
        clock = lambda: self.cabin.now  # noqa: E731
        self.out, self.systemd = Recorder(clock), Systemd(clock)
        profile, _ = load_profile("default")
        self.numbers = Numbers()
        wall = lambda: (datetime(2026, 1, 1, tzinfo=timezone.utc), False)  # noqa: E731
        parts = Parts(
            self.cabin,
            Pipeline(self.cabin, StateTracker(), Engine(profile)),
            self.out,
            self.numbers,
            Provenance("van-12", "m", "c", "default"),
            0.2,
        )
        stamper = LiveStamper(self.numbers.next, wall, "trip", "boot")
        self.daemon = Daemon(parts, stamper, self.systemd, clock, STARTED, reload or (lambda daemon: False))

    def run(self) -> Drive:
        self.daemon.run()
        return self

    def rules(self) -> list[tuple[str, str]]:
        return [(str(alert["rule"]), str(alert["phase"])) for alert in self.out.alerts]
