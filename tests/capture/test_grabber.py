"""The capture thread. Cameras are driven step by step through queues; no test sleeps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.capture.camera import Camera
from driver_monitor.capture.fake import FakeCamera
from driver_monitor.capture.grabber import (
    STUCK_AFTER_S,
    Grabber,
)
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame, Image
from tests.capture.cameras import LONG_S, Clock, Garage, Shutter
from tests.capture.clips import number_in, picture_of, write_clip


def test_ok__a_quick_reader_gets_every_frame_once() -> None:
    shutter = Shutter()
    with Garage(shutter).grabber() as grabber:
        shutter.ready()
        for number in range(5):
            shutter.shoot()
            frame = grabber.latest(LONG_S)
            assert frame is not None
            assert number_in(frame.image) == number
            assert grabber.latest(0) is None
        assert (grabber.captured, grabber.handed_out, grabber.dropped) == (5, 5, 0)
    assert shutter.closed.is_set()


def test_ok__a_slow_reader_gets_the_newest_frame_and_the_others_are_counted() -> None:
    shutter = Shutter()
    with Garage(shutter).grabber() as grabber:
        shutter.ready()
        for _ in range(4):
            shutter.shoot()
        frame = grabber.latest(0)
        assert frame is not None
        assert frame.sequence == 3
        assert (grabber.captured, grabber.handed_out, grabber.dropped) == (4, 1, 3)


def test_ok__a_waiting_reader_is_woken_by_the_frame() -> None:
    shutter = Shutter()
    with Garage(shutter).grabber() as grabber:
        shutter.ready()
        got: list[Frame | None] = []
        reader = threading.Thread(target=lambda: got.append(grabber.latest(LONG_S)))
        reader.start()
        shutter.shoot()
        reader.join(LONG_S)
        assert [frame.sequence for frame in got if frame] == [0]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.booleans(), max_size=40))
def test_ok__every_captured_frame_is_handed_out_once_dropped_or_waits(steps: list[bool]) -> None:
    shutter, seen = Shutter(), []
    with Garage(shutter).grabber() as grabber:
        shutter.ready()
        for shoot in steps:
            if shoot:
                shutter.shoot()
            elif (frame := grabber.latest(0)) is not None:
                seen.append(frame.sequence)
            pending = grabber.captured - grabber.handed_out - grabber.dropped
            assert pending in (0, 1)
        assert seen == sorted(set(seen))
        assert grabber.captured == steps.count(True)
        assert grabber.handed_out == len(seen)


def test_ok__live_frames_carry_the_daemons_time() -> None:
    shutter = Shutter()
    garage = Garage(shutter)
    with garage.grabber() as grabber:
        shutter.ready()
        shutter.shoot(t_mono=500.25)
        first = grabber.latest(0)
        shutter.shoot(t_mono=500.125)
        second = grabber.latest(0)
        garage.clock.now = 507.0
        shutter.shoot(t_mono=None)
        third = grabber.latest(0)
    assert [(f.t, f.t_mono) for f in (first, second, third) if f] == [(0.25, 500.25), (0.25, 500.125), (7.0, 507.0)]


def test_ok__a_camera_that_hangs_is_lost_then_stuck_and_still_closes() -> None:
    shutter = Shutter()
    garage = Garage(shutter)
    with garage.grabber() as grabber:
        shutter.ready()
        shutter.shoot()
        garage.clock.now += 0.4
        states = [grabber.state]
        garage.clock.now += 0.2
        states.append(grabber.state)
        assert states == ["ok", "lost"]
        assert not grabber.stuck
        garage.clock.now += STUCK_AFTER_S
        assert grabber.stuck
        assert grabber.failure is None
        shutter.shoot()
        states.append(grabber.state)
        assert states[-1] == "ok"
        assert not grabber.stuck


def test_ok__a_read_that_never_returns_does_not_delay_the_close(caplog: pytest.LogCaptureFixture) -> None:
    class Uninterruptible(FakeCamera):
        def close(self) -> None:
            """This driver cannot be interrupted."""

    camera = Uninterruptible([picture_of(0), picture_of(1)], faults={1: "hang"})
    grabber = Grabber(lambda: camera, 0.5)
    assert grabber.latest(LONG_S) is not None
    grabber.close()
    assert "left running" in caplog.text
    FakeCamera.close(camera)


def test_ok__the_end_of_a_recording_comes_after_its_last_frame() -> None:
    camera = FakeCamera([picture_of(number) for number in range(3)], times=[0.0, 0.1, 0.2], live=False)
    garage = Garage(camera)
    grabber = Grabber(garage.open, 0.5, garage.clock, garage.pause)
    seen = []
    while not grabber.ended:
        frame = grabber.latest(LONG_S)
        if frame is not None:
            seen.append(frame)
    assert seen[-1].sequence == 2
    assert seen[-1].t == 0.2
    assert grabber.captured == 3 == len(seen) + grabber.dropped
    assert (grabber.state, grabber.failure, grabber.stuck) == ("ok", None, False)
    assert grabber.latest(LONG_S) is None
    grabber.close()
    grabber.close()


def test_ok__a_clip_in_real_time_keeps_its_own_times(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [picture_of(number) for number in range(6)])
    hold, clock = threading.Semaphore(0), Clock()

    def wait(seconds: float) -> None:
        hold.acquire(timeout=LONG_S)
        clock.now += seconds

    def opener() -> Camera:
        return ClipCamera(clip, pace="real_time", monotonic=clock, wait=wait)

    with closing(Grabber(opener, 0.5, monotonic=clock)) as grabber:
        seen = []
        while not grabber.ended:
            frame = grabber.latest(LONG_S)
            if frame is not None:
                seen.append(frame)
            hold.release()
    assert [frame.sequence for frame in seen] == list(range(6))
    assert [round(frame.t, 3) for frame in seen] == [0.0, 0.05, 0.1, 0.15, 0.2, 0.25]
    assert [round(frame.t_mono - 500.0, 3) for frame in seen if frame.t_mono] == [0.0, 0.05, 0.1, 0.15, 0.2, 0.25]


def test_ok__a_recording_of_one_frame_a_second_or_with_a_pause_is_never_lost() -> None:
    shutter = Shutter()
    shutter.live = False
    garage = Garage(shutter)
    with garage.grabber() as grabber:
        shutter.ready()
        for _ in range(3):
            garage.clock.now += 30.0
            assert (grabber.state, grabber.stuck) == ("ok", False)
            shutter.shoot()


def broken(error: Exception) -> Callable[[int], Image]:
    def image(sequence: int) -> Image:
        if sequence == 1:
            raise error
        return picture_of(sequence)

    return image


@pytest.mark.parametrize(
    ("error", "live", "message"),
    [
        (SourceError("2.png: is not a picture"), False, "2.png: is not a picture"),
        (ZeroDivisionError("oops"), True, "capture: the thread failed: ZeroDivisionError: oops"),
    ],
)
def test_fail__an_error_of_the_capture_thread_is_raised_in_the_reader(
    error: Exception, live: bool, message: str
) -> None:
    with Garage(FakeCamera(broken(error), live=live)).grabber() as grabber, pytest.raises(SourceError) as raised:
        [grabber.latest(LONG_S) for _ in range(3)]
    assert message in str(raised.value)
    assert grabber.failure == str(raised.value)
    assert not grabber.ended
