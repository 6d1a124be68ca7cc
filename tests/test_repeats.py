"""A picture that repeats the one before is no evidence, of a camera and of a recording alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor import demo
from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.pipeline import FrameResult, Pipeline
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.data.observation import CameraState, Observation
from driver_monitor.imaging.frame import Frame, Image
from driver_monitor.perception.scene.repeats import (
    EDGE,
    FIRST_STRIDE,
    FROZEN_AFTER_S,
    MAX_CHANGED,
    STRIDE,
    RepeatDetector,
)
from driver_monitor.rules.engine import Engine
from driver_monitor.state.tracker import StateTracker
from driver_monitor.state.visibility.camera_judge import FROZEN_AFTER_S as TOLD_AFTER_S
from tests.capture.clips import picture_of
from tests.timeline import Stretch, attentive, film, shipped, shut

FPS = 20
NOISE = np.random.default_rng(7)


def noisy(level: int = 3) -> Image:
    """A picture that no other picture equals."""
    noise: Image = NOISE.integers(0, 12, (64, 96, 3), np.uint8)
    picture: Image = picture_of(level) + noise
    return picture


def encoded(picture: Image) -> Image:
    """The same picture, as an encoder that refines it repeats it."""
    refined: Image = np.array(picture)
    refined[::7, ::5] += 1
    refined[40, 33] += 6
    return refined


def repeats(pictures: list[Image], fps: float = FPS) -> list[float]:
    detector = RepeatDetector()
    frames = (Frame(picture, number / fps, number, "test") for number, picture in enumerate(pictures))
    return [round(detector.update(frame), 3) for frame in frames]


def test_ok__new_pictures_are_not_repeats_even_of_a_driver_who_sits_still() -> None:
    assert repeats([noisy() for _ in range(30)]) == [0.0] * 30


def test_ok__a_picture_is_repeated_until_it_changes() -> None:
    still = noisy()
    assert repeats([noisy(), still, still, still, noisy(), still]) == [0.0, 0.0, 0.05, 0.1, 0.0, 0.05]


def test_ok__an_encoder_that_refines_a_picture_repeats_it() -> None:
    still = noisy()
    assert repeats([still, encoded(still), still, encoded(still)]) == [0.0, 0.05, 0.1, 0.15]


def test_ok__two_buffers_in_turn_are_repeats() -> None:
    one, other = noisy(), noisy()
    assert repeats([one, other, one, other, one, other])[2:] == [0.05, 0.1, 0.15, 0.2]


def test_ok__a_clock_at_the_edge_of_the_picture_is_no_change() -> None:
    still, clocks = np.asarray(NOISE.integers(0, 255, (240, 320)), np.uint8), []
    for number in range(6):
        clocks.append(still.copy())
        clocks[-1][225:235, 10 + 4 * number : 30 + 4 * number] = 255
    assert repeats(clocks)[1:] == [0.05, 0.1, 0.15, 0.2, 0.25]


def test_ok__slow_changes_add_up_and_are_seen() -> None:
    fading = [np.full((64, 96), 100 + number, np.uint8) for number in range(12)]
    assert 0.0 in repeats(fading)[1:4]


@given(st.integers(0, 2**32 - 1), st.integers(0, 30), st.integers(32, 200), st.integers(32, 200))
def test_ok__the_first_glance_changes_no_answer(seed: int, changes: int, height: int, width: int) -> None:
    """Whatever changes where: the answer is that of all pixels that are compared."""
    random = np.random.default_rng(seed)
    still = np.asarray(random.integers(0, 250, (height, width)), np.uint8)
    other = still.copy()
    other.flat[random.integers(0, still.size, changes)] += np.uint8(3)
    edge = round(EDGE * height)
    compared = (other != still)[edge : height - edge : STRIDE, ::STRIDE]
    same = int(compared.sum()) <= MAX_CHANGED * compared.size
    assert repeats([still, other])[1] == (0.05 if same else 0.0)


@pytest.mark.parametrize("apart", [STRIDE, STRIDE * FIRST_STRIDE])
def test_ok__a_few_pixels_of_a_large_picture_may_differ_also_where_the_first_glance_is(apart: int) -> None:
    height, width = 1080, 1920
    still = np.asarray(np.random.default_rng(0).integers(0, 250, (height, width)), np.uint8)
    edge = round(EDGE * height)
    most = int(MAX_CHANGED * still[edge : height - edge : STRIDE, ::STRIDE].size)
    assert most > 5
    for changes in (most, most + 1):
        other = still.copy()
        other[edge, : changes * apart : apart] += np.uint8(3)
        assert repeats([still, other])[1] == (0.05 if changes == most else 0.0)


def test_ok__another_size_is_another_picture() -> None:
    assert repeats([np.zeros((64, 96), np.uint8), np.zeros((96, 64), np.uint8)]) == [0.0, 0.0]


def test_ok__a_camera_whose_frame_number_stands_still_repeats_its_frame() -> None:
    detector = RepeatDetector()
    assert [detector.update(Frame(noisy(), t, 7, "test")) for t in (0.0, 0.25, 0.5)] == [0.0, 0.25, 0.5]


class Cabin:
    """Sees what is so at the time of the frame, whatever its picture shows."""

    def __init__(self, *stretches: Stretch) -> None:
        self.seen = {round(seen.t, 3): seen for seen in film(stretches, FPS)}

    def observe(self, frame: Frame, camera: CameraState = "ok") -> Observation:
        if camera != "ok":
            return self.observe_nothing(frame.t, camera)
        return self.seen[round(frame.t, 3)]

    def observe_nothing(self, t: float, camera: CameraState) -> Observation:
        return Observation(t, camera, "day", None, None, face_reason="no_frame")


def drive(stretches: list[Stretch], frozen: tuple[float, float]) -> list[FrameResult]:
    """Run the stretches; from `frozen[0]` to `frozen[1]` seconds the camera repeats its picture."""
    cabin = Cabin(*stretches)
    pipeline = Pipeline(cabin, StateTracker(), Engine(shipped("default")), RepeatDetector())
    picture, results = noisy(), []
    for number, t in enumerate(cabin.seen):
        picture = picture if frozen[0] < t <= frozen[1] else noisy()
        results.append(pipeline.step(Frame(picture, t, number, "test")))
    return results


def raised(results: list[FrameResult]) -> list[str]:
    return [event.rule for result in results for event in result.verdict.events if event.phase == "raised"]


def test_ok__a_recorder_that_hangs_in_a_blink_is_frozen_and_no_closure() -> None:
    # The pictures that the camera repeats are read as shut eyes.
    results = drive([attentive(3), shut(3.2), attentive(3)], frozen=(3.15, 6.15))
    assert not {"microsleep", "sleep", "eyes_closed"} & set(raised(results))
    assert max(result.state.eyes.closed_s or 0.0 for result in results) < 0.5
    cameras = [result.state.camera for result in results]
    assert "frozen" in cameras
    assert cameras[-1] == "ok"


def test_ok__until_it_is_frozen_a_repeated_picture_leaves_the_state_as_it_was() -> None:
    results = drive([attentive(3), shut(0.4), attentive(3)], frozen=(3.05, 3.35))
    held = [result for result in results if result.state.t == pytest.approx(3.05)]
    assert len(held) == 7
    assert len({id(result.state) for result in held}) == 1
    assert all(result.verdict.events == () for result in held[1:])


def test_ok__a_long_freeze_raises_the_camera_fault_and_says_frozen() -> None:
    results = drive([attentive(12)], frozen=(2.0, 9.0))
    assert "camera_fault" in raised(results)
    first = next(result for result in results if result.state.camera == "frozen")
    assert first.state.t - 2.0 == pytest.approx(FROZEN_AFTER_S + TOLD_AFTER_S, abs=2.5 / FPS)
    assert first.verdict.attention == "unknown"


def test_ok__every_second_frame_repeated_changes_no_alert() -> None:
    stretches = [attentive(3), shut(4), attentive(3)]
    cabin = Cabin(*stretches)
    pipeline = Pipeline(cabin, StateTracker(), Engine(shipped("default")), RepeatDetector())
    picture, results = noisy(), []
    for number, t in enumerate(cabin.seen):
        picture = picture if number % 2 else noisy()
        results.append(pipeline.step(Frame(picture, t, number, "test")))
    assert raised(results) == ["microsleep", "sleep"]
    assert not any(result.state.camera == "frozen" for result in results)


def test_ok__a_sleeper_in_a_stuttering_picture_is_reported_in_time() -> None:
    """Of eight frames five repeat the third: a stream of a very low bit rate."""
    cabin = Cabin(attentive(3), shut(6), attentive(3))
    pipeline = Pipeline(cabin, StateTracker(), Engine(shipped("default")), RepeatDetector())
    picture, results = noisy(), []
    for number, t in enumerate(cabin.seen):
        picture = noisy() if number % 8 < 3 else picture
        results.append(pipeline.step(Frame(picture, t, number, "test")))
    asleep = next(event.t for result in results for event in result.verdict.events if event.rule == "sleep")
    assert 6.0 <= asleep <= 6.6


def test_ok__a_sleeper_before_a_camera_that_works_is_reported() -> None:
    assert raised(drive([attentive(3), shut(4), attentive(3)], frozen=(99, 99))) == ["microsleep", "sleep"]


def test_ok__the_daemons_and_the_replays_pipeline_finds_repeats() -> None:
    plan = build.load_plan(Request())
    pipeline = build.build_pipeline(plan, build.load_models(plan.config))
    with ClipCamera(demo.CLIP) as camera:
        first = camera.read()
    assert first is not None
    cameras = [pipeline.step(replace(first, t=t / FPS, sequence=t)).state.camera for t in range(2 * FPS)]
    assert cameras[-1] == "frozen"
