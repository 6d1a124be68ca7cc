"""The live loop on a fake clock: what it publishes, when it feeds the watchdog, and how it goes down."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.app.daemon import BUZZER_TEST, Daemon, ReloadError
from driver_monitor.app.pictures.link import LinkSetting, PictureLink
from driver_monitor.data.alert import Sign
from driver_monitor.data.observation import Observation
from driver_monitor.errors import DriverMonitorError
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.messages.trace import Header
from driver_monitor.outputs.active_alerts import HEARD_S
from driver_monitor.outputs.trace_writer import TraceWriter
from tests.drive import FPS, STARTED, Cabin, Drive
from tests.timeline import attentive, no_camera, no_face, shut


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
    assert drive.out.signs == [Sign("sleep", "warning"), None]


def test_ok__while_a_configuration_is_not_in_use_the_led_shows_it_and_an_alert_comes_first() -> None:
    drive = Drive(attentive(3), shut(1.5), attentive(2))
    drive.daemon.config_fault = "my.yaml:1: wrong; the old configuration stays active"
    drive.run()
    fault = Sign("degraded", "info")
    assert drive.out.signs == [fault, Sign("sleep", "warning"), fault]


class Installer(PictureLink):
    """A link to an installer who presses the button for the buzzer at these frames."""

    def __init__(self, *presses: int) -> None:
        super().__init__(LinkSetting(None))
        self._looks, self._presses = itertools.count(), presses
        self.offered: list[Frame | None] = []

    def put(self, frame: Frame | None, seen: Observation, camera: str, source: str) -> None:
        self.offered.append(frame)

    def take_beep(self) -> bool:
        return next(self._looks) in self._presses


def test_ok__the_buzzer_sounds_two_seconds_for_an_installer_and_an_alert_comes_first() -> None:
    drive = Drive(attentive(5), shut(1.5), attentive(2))
    drive.daemon.parts.pictures = Installer(10, int(6.2 * FPS))
    drive.run()
    assert drive.out.signs[:4] == [BUZZER_TEST, None, Sign("sleep", "warning"), BUZZER_TEST]


def test_ok__the_buzzer_can_be_tried_while_a_silent_alert_is_active() -> None:
    drive = Drive(no_face(12))
    drive.daemon.parts.pictures = Installer(int(11 * FPS))
    drive.run()
    assert [sign.level for sign in drive.out.signs if sign is not None][-2:] == ["info", "warning"]
    assert drive.out.signs[-1] == BUZZER_TEST


def test_ok__an_installer_is_offered_every_frame_and_moments_without_one() -> None:
    drive, installer = Drive(attentive(2), no_camera(2)), Installer()
    drive.daemon.parts.pictures = installer
    drive.run()
    assert len([frame for frame in installer.offered if frame is not None]) == 2 * FPS
    assert None in installer.offered


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
