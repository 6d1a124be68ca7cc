"""The capture thread opens cameras that are absent, pulled out or slow. No test sleeps."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from driver_monitor.capture.camera import Camera, SourceInfo
from driver_monitor.capture.grabber import (
    BACKOFF_S,
    FIRST_FRAME_S,
    STUCK_AFTER_S,
    Grabber,
)
from driver_monitor.errors import SourceError
from tests.capture.cameras import LONG_S, Garage, Shutter


def test_ok__a_camera_pulled_out_at_night_and_plugged_in_again(caplog: pytest.LogCaptureFixture) -> None:
    first, second = Shutter(), Shutter()
    gone = SourceError("camera 0: no such camera")
    garage = Garage(first, *[gone] * 7, second)
    with garage.grabber() as grabber:
        first.ready()
        first.shoot()
        first.shoot()
        before = grabber.latest(0)
        garage.clock.now = 4000.0
        first.fail()
        second.ready()
        assert first.closed.is_set()
        while_gone = grabber.state
        assert while_gone == "lost"
        assert grabber.fault == "camera 0: no such camera"
        assert grabber.reopened == 1
        assert garage.pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]
        second.shoot()
        after = grabber.latest(0)
        assert grabber.state == "ok"
        assert (grabber.failure, grabber.fault) == (None, None)
    assert before is not None
    assert after is not None
    assert (before.sequence, before.t) == (1, 0.0)
    assert (after.sequence, after.t) == (2, 3500.0 + sum(garage.pauses)), "numbers and times go on"
    assert caplog.text.count("no such camera") == 1, "the error is logged once"
    assert "delivers frames again" in caplog.text


def test_ok__after_a_good_frame_the_pauses_start_short_again() -> None:
    cameras = [Shutter() for _ in range(3)]
    garage = Garage(*cameras)
    with garage.grabber():
        for camera in cameras[:2]:
            camera.ready()
            camera.shoot()
            camera.fail()
        cameras[2].ready()
        assert garage.pauses == [BACKOFF_S[0]] * 2


def test_ok__a_live_camera_that_just_stops_is_opened_again() -> None:
    first, second = Shutter(), Shutter()
    with Garage(first, second).grabber() as grabber:
        first.ready()
        first.orders.put(None)
        second.ready()
        assert not grabber.ended
        assert grabber.reopened == 1


def test_ok__a_camera_that_is_absent_for_minutes_is_lost_and_never_stuck() -> None:
    first, second = Shutter(), Shutter()
    garage = Garage(first, *[SourceError("camera 0: no such camera")] * 20, second)
    seen: list[tuple[str, bool]] = []
    pause = garage.pause

    def look(seconds: float) -> None:
        pause(seconds)
        seen.append((grabber.state, grabber.stuck))

    garage.pause = look  # type: ignore[method-assign]
    with garage.grabber() as grabber:
        first.ready()
        first.shoot()
        first.fail()
        second.ready()
        assert garage.clock.now > 500.0 + 10 * STUCK_AFTER_S
        assert set(seen[1:]) == {("lost", False)}
        assert not grabber.stuck


def test_ok__an_open_and_the_read_after_it_each_have_the_full_time_limit() -> None:
    shutter = Shutter()
    garage = Garage()

    def slow() -> Camera:
        garage.clock.now += 0.9 * STUCK_AFTER_S
        return shutter

    with closing(Grabber(slow, 0.5, monotonic=garage.clock, eager=False)) as grabber:
        shutter.ready()
        garage.clock.now += 0.9 * STUCK_AFTER_S
        assert not grabber.stuck
        garage.clock.now += 0.2 * STUCK_AFTER_S
        assert grabber.stuck


def test_ok__a_camera_has_more_time_for_the_first_frame_than_for_later_ones() -> None:
    shutter = Shutter()
    garage = Garage(shutter)
    with garage.grabber() as grabber:
        shutter.ready()
        states = []
        for later in (FIRST_FRAME_S - 0.1, 0.2, 0.0, 0.6):
            if later == 0.0:
                shutter.shoot()
            garage.clock.now += later
            states.append(grabber.state)
        assert states == ["ok", "lost", "ok", "lost"]


def test_ok__a_reload_does_not_wait_for_a_camera_that_takes_long_to_open() -> None:
    shutter, may_open = Shutter(), threading.Event()

    def slow() -> Camera:
        assert may_open.wait(LONG_S)
        return shutter

    with closing(Grabber(slow, 0.5, eager=False, expected=SourceInfo("camera 3", live=True))) as grabber:
        assert (grabber.name, grabber.live, grabber.state) == ("camera 3", True, "ok")
        may_open.set()
        shutter.ready()
        shutter.shoot()
        assert grabber.latest(0) is not None
        assert (grabber.name, grabber.reopened) == ("shutter", 0)


def test_ok__a_camera_that_cannot_be_opened_after_a_reload_is_lost_and_tried_again() -> None:
    shutter = Shutter()
    garage = Garage(SourceError("camera 3: is in use"), SourceError("camera 3: is in use"), shutter)
    with garage.grabber(expected=SourceInfo("camera 3", live=True)) as grabber:
        shutter.ready()
        assert garage.pauses == [0.5, 1.0]
        assert (grabber.state, grabber.failure, grabber.reopened) == ("lost", None, 0)
        shutter.shoot()
        assert grabber.state == "ok"


def test_fail__a_recording_that_cannot_be_opened_after_a_reload_is_a_failure() -> None:
    garage = Garage(SourceError("trip.mp4: is no video"))
    with garage.grabber(expected=SourceInfo("trip.mp4", live=False)) as grabber:
        with pytest.raises(SourceError, match="is no video"):
            grabber.latest(LONG_S)
        assert grabber.failure == "trip.mp4: is no video"
        assert not grabber.ended


def test_fail__a_camera_that_is_not_there_at_the_start_is_reported_at_once() -> None:
    with pytest.raises(SourceError, match="no such camera"):
        Garage(SourceError("camera 7: no such camera")).grabber()
