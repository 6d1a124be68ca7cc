"""The live loop on a fake clock: what it publishes, when it feeds the watchdog, and how it goes down."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driver_monitor.app.daemon import Daemon, ReloadError
from driver_monitor.app.parts import Parts
from driver_monitor.app.pipeline import Pipeline
from driver_monitor.app.process.systemd import Notifier
from driver_monitor.app.status import KeepUp, fault_text, status_line
from driver_monitor.capture.grabber import Grabber
from driver_monitor.config.profiles import load_profile
from driver_monitor.data.alert import Level
from driver_monitor.data.observation import CameraState, Observation
from driver_monitor.errors import DriverMonitorError
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.envelope import LiveStamper, Provenance
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.messages.trace import Header
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.active_alerts import HEARD_S
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.sequence import AlertSequence
from driver_monitor.outputs.trace_writer import TraceWriter
from driver_monitor.rules.engine import Engine
from driver_monitor.state.tracker import StateTracker
from tests.timeline import Stretch, attentive, no_camera, observe, shut

FPS = 20.0
STARTED = 1000.0
IMAGE = np.zeros((48, 64), np.uint8)


class Cabin(Grabber):
    """Camera, perception and clock in one: plays stretches of a drive; every look at the camera takes a frame."""

    captured: int = 0
    dropped: int = 0
    damaged: int = 0
    reopened: int = 0
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


@dataclass
class Recorder(Output):
    """An output that remembers."""

    clock: Callable[[], float]
    alerts: list[Message] = field(default_factory=list)
    levels: list[Level | None] = field(default_factory=list)
    states: list[Message] = field(default_factory=list)
    statuses: list[Message] = field(default_factory=list)
    failure: str | None = None

    def alert(self, alert: Message) -> None:
        self.alerts.append({**alert, "sent": self.clock()})

    def level(self, level: Level | None) -> None:
        self.levels.append(level)

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


def test_ok__a_nap_is_alerted_numbered_and_over() -> None:
    drive = Drive(attentive(3), shut(1.5), attentive(2)).run()
    assert drive.rules() == [("microsleep", "raised"), ("microsleep", "cleared")]
    raised, cleared = drive.out.alerts
    assert (raised["seq"], cleared["seq"]) == (100, 101)
    assert raised["episode"] == cleared["episode"]
    assert raised["id"] != cleared["id"]
    assert raised["vehicle"] == "van-12"
    assert raised["t_wall"] == "2026-01-01T00:00:00.000Z"
    assert raised["wall_synced"] is False
    assert drive.out.levels == ["warning", None]


def test_ok__new_outputs_hear_again_what_the_start_has_just_ended_and_later_ones_do_not() -> None:
    drive = Drive(attentive(1))
    drive.daemon.ended_by_restart = ({"rule": "microsleep", "phase": "cleared", "restart": True, "id": "old"},)
    drive.daemon.repeat()
    drive.cabin.now += HEARD_S + 1
    drive.daemon.repeat()
    assert [alert["id"] for alert in drive.out.alerts] == ["old"]


def test_ok__an_alert_goes_out_with_the_frame_that_decided_it() -> None:
    drive = Drive(attentive(3), shut(1.5), attentive(2)).run()
    assert all(alert["sent"] == alert["t_mono"] for alert in drive.out.alerts)


def test_ok__status_comes_every_second_and_state_five_times_also_when_blind() -> None:
    drive = Drive(attentive(5), no_camera(5)).run()
    assert len(drive.out.statuses) == pytest.approx(10, abs=1)
    assert len(drive.out.states) == pytest.approx(50, abs=3)
    blind = drive.out.statuses[-1]
    assert blind["camera"]["state"] == "lost"
    assert blind["degraded"] == "no_camera"
    assert blind["attention"] == "unknown"
    assert "camera_fault" in blind["active"]
    assert blind["outputs"] == {"zmq.state": 3}


def test_ok__the_watchdog_is_fed_while_frames_move_and_while_the_camera_is_declared_down() -> None:
    fed = Drive(attentive(5), no_camera(5)).run().systemd.times("WATCHDOG=1")
    assert max(b - a for a, b in itertools.pairwise(fed)) < 2.0
    assert len(fed) >= 9


def test_fail__the_watchdog_starves_when_nothing_moves_and_nobody_says_that_the_camera_is_down() -> None:
    class Silent(Cabin):
        """Gives no frame although its camera claims to be well."""

        def latest(self, timeout_s: float) -> Frame | None:
            self.now += timeout_s
            self.ended = self.now > STARTED + 20
            return None

    drive = Drive(attentive(1))
    silent = Silent(attentive(1))
    drive.cabin = silent
    drive.daemon.parts.source = silent
    drive.run()
    assert drive.systemd.times("WATCHDOG=1") == []
    assert len(drive.out.statuses) >= 15


def test_ok__systemd_hears_ready_first_and_stopping_last() -> None:
    reported = [what for _, what in Drive(attentive(1)).run().systemd.reported]
    assert (reported[0], reported[-1]) == ("READY=1", "STOPPING=1")


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda drive: setattr(drive.cabin, "failure", "thread died"), "camera: thread died; the daemon stops"),
        (lambda drive: setattr(drive.cabin, "stuck", True), "camera: its driver hangs"),
        (lambda drive: setattr(drive.out, "failure", "socket gone"), "outputs: socket gone; the daemon stops"),
        (lambda drive: setattr(drive.numbers, "failure", "thread died"), "alert number: thread died; the daemon stops"),
    ],
)
def test_fail__a_part_that_dies_takes_the_daemon_down_with_a_clear_message(
    break_it: Callable[[Drive], Any], said: str
) -> None:
    drive = Drive(attentive(60))
    break_it(drive)
    with pytest.raises(DriverMonitorError, match=said):
        drive.run()


def test_ok__a_trace_that_fails_is_logged_once_and_monitoring_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: bytes) -> int:
        raise RuntimeError("zlib has no more memory")

    trace = TraceWriter(tmp_path / "a.trace.jsonl.gz", Header("trip", "m"), PrivacyFilter())
    assert trace._worker is not None
    assert trace._worker.flush(5)
    monkeypatch.setattr(trace._gzip, "write", fail)
    drive = Drive(attentive(3), shut(1.5), attentive(2))
    drive.daemon.parts.trace = trace
    trace.record(Observation(0.0, "ok", "day", None, None, face_reason="no_frame"))
    assert not trace._worker.flush(0.1) or trace.failure
    trace._worker.thread.join(5)
    drive.run()
    trace.close()
    assert drive.rules() == [("microsleep", "raised"), ("microsleep", "cleared")]
    assert caplog.text.count("no more frames are written; monitoring continues") == 1
    assert drive.out.statuses[-1]["outputs"]["trace_dropped"] > 100


def test_ok__a_stop_ends_the_loop_before_the_source_does() -> None:
    drive = Drive(attentive(60))
    drive.daemon.stop()
    drive.run()
    assert drive.out.alerts == []
    assert not drive.cabin.ended


def test_ok__a_reload_ends_the_alerts_of_the_old_rules_and_what_still_holds_is_raised_anew() -> None:
    def reload(daemon: Daemon) -> bool:
        daemon.send(daemon.parts.pipeline.engine.dismiss("the configuration was read again"))
        return False

    drive = Drive(attentive(3), shut(2.5), attentive(2), reload=reload)
    plain = drive.cabin.latest

    def latest(timeout_s: float) -> Frame | None:
        if drive.cabin.captured == 4.5 * FPS:
            drive.daemon.request_reload()
        return plain(timeout_s)

    drive.cabin.latest = latest  # type: ignore[method-assign]
    drive.run()
    assert drive.rules() == [("microsleep", "raised"), ("microsleep", "cleared")] * 2
    assert drive.systemd.times("RELOADING=1")


def test_fail__a_reload_that_does_not_work_keeps_the_daemon_going(caplog: pytest.LogCaptureFixture) -> None:
    def reload(daemon: Daemon) -> bool:
        raise ReloadError("my.yaml:3: zmq.bind: nonsense")

    drive = Drive(attentive(3), shut(1.5), attentive(2), reload=reload)
    drive.daemon.request_reload()
    with caplog.at_level(logging.ERROR):
        drive.run()
    assert "kept the old configuration: my.yaml:3" in caplog.text
    assert drive.rules() == [("microsleep", "raised"), ("microsleep", "cleared")]
    fault = "my.yaml:3: zmq.bind: nonsense; the old configuration stays active"
    assert {status["config_fault"] for status in drive.out.statuses} == {fault}
    assert f"READY=1\nSTATUS=configuration: {fault}" in drive.systemd.lines
    assert f"STATUS=driver: attentive; camera: ok; configuration: {fault}" in drive.systemd.lines


def test_ok__the_fault_of_a_configuration_stands_until_a_reload_works() -> None:
    answers: list[Exception | bool] = [
        ReloadError("my.yaml:1: wrong"),
        True,
        True,
        ReloadError("my.yaml:2: too"),
        False,
    ]

    def reload(daemon: Daemon) -> bool:
        answer = answers.pop(0)
        daemon.request_reload()
        if isinstance(answer, Exception):
            raise answer
        return answer

    drive = Drive(attentive(9), reload=reload)
    drive.daemon.config_fault = "my.yaml: cannot read it; running with the default configuration"
    plain = drive.cabin.latest

    def latest(timeout_s: float) -> Frame | None:
        drive.daemon._reload_requested = bool(answers) and drive.cabin.captured % FPS == 0
        return plain(timeout_s)

    drive.cabin.latest = latest  # type: ignore[method-assign]
    drive.run()
    faults = [(status["config_fault"] or "").partition(";")[0] for status in drive.out.statuses]
    assert list(dict.fromkeys(faults)) == [
        "my.yaml: cannot read it", "my.yaml:1: wrong", "my.yaml:2: too", "",
    ]  # fmt: skip
    assert len(drive.systemd.times("RELOADING=1")) == 3


def counted(*seconds: tuple[int, int]) -> list[str | None]:
    """What is logged when each second brings so many captured and dropped frames."""
    keep_up, captured, dropped, said = KeepUp(), 100, 90, []
    keep_up.update(captured, dropped, 0.0)  # dropped while the daemon started
    for number, (more, lost) in enumerate(seconds, 1):
        captured, dropped = captured + more, dropped + lost
        said.append(keep_up.update(captured, dropped, float(number)))
    return said


def test_ok__what_is_too_slow_is_logged_once_and_when_it_ends() -> None:
    said = counted(*[(30, 0)] * 5, *[(30, 12)] * 20, *[(30, 0)] * 20)
    lines = [line for line in said if line is not None]
    begin = "cannot keep up: 16% of the camera's frames are dropped, 25.2 a second are used; "
    assert lines == [
        f"{begin}lower camera.fps or stop other programs",
        "keeps up again: 216 frames were dropped in 23 s",
    ]


@pytest.mark.parametrize(
    "seconds",
    [
        [(30, 1)] * 60,
        [*[(30, 0)] * 5, (30, 14), *[(30, 0)] * 20],
        [(1, 0), (1, 1)] * 30,
        [(0, 0)] * 30,
    ],
    ids=["a few all the time", "one reload", "a frame a second", "no camera"],
)
def test_ok__few_drops_or_short_ones_are_not_called_too_slow(seconds: list[tuple[int, int]]) -> None:
    assert not any(counted(*seconds))


def test_ok__a_slow_daemon_says_so_in_status_and_to_systemd_and_another_camera_counts_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    drive = Drive(attentive(20))
    plain = drive.cabin.latest

    def latest(timeout_s: float) -> Frame | None:
        drive.cabin.captured += 1
        drive.cabin.dropped += 1
        return plain(timeout_s)

    drive.cabin.latest = latest  # type: ignore[method-assign]
    drive.run()
    assert caplog.text.count("cannot keep up: 50% of the camera's frames are dropped") == 1
    camera = drive.out.statuses[-1]["camera"]
    assert (camera["keeps_up"], camera["drop_share"]) == (False, pytest.approx(0.5, abs=0.01))
    assert any("; cannot keep up: 50% of frames dropped" in line for line in drive.systemd.lines)
    total = drive.daemon.health.keep_up.total
    assert total == drive.cabin.dropped
    drive.daemon.health.keep_up.update(10, 3, drive.cabin.now + 1)
    assert drive.daemon.health.keep_up.total == total + 3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.yaml:1: wrong", "a.yaml:1: wrong; it stays"),
        ("a.yaml:1: wrong\na.yaml:2: too\na.yaml:3: too", "a.yaml:1: wrong (and 2 more lines); it stays"),
        ("rtsp:/me:secret@10.0.0.2/x: no such file", "rtsp:/***@10.0.0.2/x: no such file; it stays"),
        (
            "camera.source: found 'rtsp://me:s:e@cret@10.0.0.2/'",
            "camera.source: found 'rtsp://***@10.0.0.2/'; it stays",
        ),
        ("", "; it stays"),
        ("x" * 5000, "x" * 297 + "...; it stays"),
    ],
)
def test_ok__a_fault_is_one_short_line_without_passwords(text: str, shown: str) -> None:
    assert fault_text(ReloadError(text), "it stays") == shown


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ({"light": None}, "no frame yet"),
        ({"light": None, "config_fault": "x.yaml: wrong"}, "no frame yet; configuration: x.yaml: wrong"),
        ({"config_fault": "x.yaml: wrong"}, "driver: drowsy; camera: ok; configuration: x.yaml: wrong"),
        ({"attention": "attentive"}, "driver: attentive; camera: ok"),
        ({"active": ["sleep", "nod"]}, "driver: drowsy; camera: ok; active: sleep, nod"),
        (
            {"attention": "unknown", "camera": {"state": "lost"}, "degraded": "no_camera", "active": ["camera_fault"]},
            "driver: unknown; camera: lost; degraded: no_camera; active: camera_fault",
        ),
    ],
)
def test_ok__systemctl_status_shows_driver_camera_and_active_alerts(status: dict[str, Any], line: str) -> None:
    usual = {"light": "day", "attention": "drowsy", "camera": {"state": "ok"}, "degraded": None, "active": ()}
    assert status_line({**usual, **status}) == line
