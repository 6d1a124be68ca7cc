"""The capture thread. Cameras are driven step by step through queues; no test sleeps."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.capture.camera import Camera, SourceInfo
from driver_monitor.capture.fake import FakeCamera
from driver_monitor.capture.grabber import (
    BACKOFF_S,
    FIRST_FRAME_S,
    STUCK_AFTER_S,
    UNKNOWN,
    Grabber,
)
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame, Image
from tests.capture.clips import number_in, picture_of, write_clip

LONG_S = 10.0
"""Longer than any test takes: waiting so long for something means that it never comes."""


class Clock:
    def __init__(self) -> None:
        self.now = 500.0

    def __call__(self) -> float:
        return self.now


class Shutter(Camera):
    """A live camera that takes a picture when the test says so."""

    def __init__(self) -> None:
        self.name = "shutter"
        self.live = True
        self.frames: int | None = None
        self.orders: queue.Queue[Frame | Exception | None] = queue.Queue()
        self.waiting = threading.Semaphore(0)
        self.taken = 0
        self.closed = threading.Event()

    def read(self) -> Frame | None:
        self.waiting.release()
        order = self.orders.get()
        if isinstance(order, Exception):
            raise order
        return order

    def close(self) -> None:
        self.closed.set()
        self.orders.put(None)

    def ready(self) -> None:
        """Wait until the grabber has dealt with everything before and waits for the next picture."""
        assert self.waiting.acquire(timeout=LONG_S)

    def shoot(self, image: Image | None = None, t_mono: float | None = None) -> None:
        picture = picture_of(self.taken % 25) if image is None else image
        self.orders.put(Frame(picture, 0.0, self.taken, self.name, t_mono))
        self.taken += 1
        self.ready()

    def fail(self) -> None:
        self.orders.put(SourceError("shutter: pulled out"))


class Garage:
    """Opens one camera after another; an exception in the list is a camera that cannot be opened."""

    def __init__(self, *cameras: Camera | Exception) -> None:
        self.cameras = list(cameras)
        self.clock = Clock()
        self.pauses: list[float] = []

    def open(self) -> Camera:
        camera = self.cameras.pop(0)
        if isinstance(camera, Exception):
            raise camera
        return camera

    def grabber(self, lost_after_s: float = 0.5, expected: SourceInfo | None = None) -> closing[Grabber]:
        """`expected`: the camera is opened by the thread."""
        eager, expected = expected is None, expected or UNKNOWN
        return closing(Grabber(self.open, lost_after_s, self.clock, self.pause, eager=eager, expected=expected))

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.now += seconds


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
        assert grabber.reopened == 1
        assert garage.pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]
        second.shoot()
        after = grabber.latest(0)
        assert grabber.state == "ok"
        assert grabber.failure is None
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
