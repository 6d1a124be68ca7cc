"""A camera that hangs upside down or sideways is said to do so, and nobody is judged meanwhile."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from driver_monitor import demo
from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.imaging.frame import Frame, Image
from driver_monitor.messages import trace, trace_reader
from driver_monitor.messages.lines import advice
from driver_monitor.perception.orientation import (
    CHECK_S,
    LOOK_S,
    SETTLED_CHECK_S,
    SETTLED_VOTES,
    SIDEWAYS_VOTES,
    VOTES,
    OrientationFinder,
    Score,
)
from tests.conftest import demo_frames

SHAPE = (48, 64)


def hung(degrees: int) -> Image:
    """A picture of a scorer that finds the face after `degrees` of turning clockwise: it tells its own orientation."""
    picture = np.zeros(SHAPE, np.uint8)
    picture[0, :] = 255
    return np.ascontiguousarray(np.rot90(picture, degrees // 90))


class Scorer:
    """Finds a good face in a picture whose upper edge is white, and a poor one in others."""

    def __init__(self) -> None:
        self.looks = 0
        self.good, self.poor = (9.0, 0.99), (2.0, 0.5)

    def __call__(self, grey: Image) -> Score:
        self.looks += 1
        log_odds, quality = self.good if grey[0].mean() > 200 else self.poor
        return log_odds, lambda: quality


def watch(finder: OrientationFinder, pictures: list[Image], start: float = 0.0, fps: float = 20) -> list[int]:
    return [finder.update(picture, start + number / fps) for number, picture in enumerate(pictures)]


@pytest.mark.parametrize(("degrees", "votes"), [(0, VOTES), (180, VOTES), (90, SIDEWAYS_VOTES), (270, SIDEWAYS_VOTES)])
def test_ok__some_looks_in_a_row_decide(degrees: int, votes: int) -> None:
    turns = watch(OrientationFinder(Scorer()), [hung(degrees)] * 140)
    decided = round((CHECK_S * (votes - 1) + LOOK_S) * 20)
    assert turns == [0] * decided + [degrees] * (140 - decided)


def test_ok__before_the_decision_and_when_upright_it_counts_as_upright() -> None:
    assert set(watch(OrientationFinder(Scorer()), [hung(0)] * 400)) == {0}


def test_ok__a_head_that_sinks_to_the_side_later_is_no_turned_camera() -> None:
    finder = OrientationFinder(Scorer())
    watch(finder, [hung(0)] * 60)
    assert set(watch(finder, [hung(90)] * 4000, start=3.0)) == {0}


def test_ok__a_camera_that_comes_loose_and_hangs_upside_down_is_found() -> None:
    finder = OrientationFinder(Scorer())
    watch(finder, [hung(0)] * 60)
    turns = watch(finder, [hung(180)] * int((SETTLED_VOTES + 2) * SETTLED_CHECK_S), start=3.0, fps=1)
    assert turns[int(SETTLED_CHECK_S * (SETTLED_VOTES - 2))] == 0, "a face upside down may be on a poster"
    assert turns[-1] == 180


def test_ok__a_face_upside_down_seen_now_and_then_turns_nothing() -> None:
    """The driver wears sunglasses, so no look has a face of the quality of a vote; one look in an hour is wrong."""
    finder, scorer = OrientationFinder(Scorer()), Scorer()
    watch(finder, [hung(0)] * 60)
    scorer.good, scorer.poor = (9.0, 0.6), (-5.0, 0.1)
    finder._score = scorer
    hour = [hung(0)] * 3600
    hour[1800] = hung(180)
    assert set(watch(finder, hour * 6, start=3.0, fps=1)) == {0}


def test_ok__sunglasses_do_not_keep_a_picture_turned() -> None:
    scorer = Scorer()
    finder = OrientationFinder(scorer)
    watch(finder, [hung(180)] * 60)
    scorer.good = (9.0, 0.6)
    assert watch(finder, [hung(0)] * 60, start=3.0)[-1] == 0


def test_ok__a_camera_that_is_put_right_is_upright_again() -> None:
    finder = OrientationFinder(Scorer())
    assert watch(finder, [hung(270)] * 140)[-1] == 270
    assert watch(finder, [hung(0)] * 60, start=7.0)[-1] == 0


@pytest.mark.parametrize("degrees", [90, 270])
@pytest.mark.parametrize("between", [0, 600], ids=["at once", "after half a minute without a face"])
def test_ok__a_head_that_lay_on_its_side_from_the_start_is_judged_within_a_second(degrees: int, between: int) -> None:
    finder = OrientationFinder(Scorer())
    assert watch(finder, [hung(degrees)] * 140)[-1] == degrees
    scorer, finder._score = finder._score, lambda grey: (-math.inf, lambda: 0.0)
    watch(finder, [hung(0)] * between, start=7.0)
    finder._score = scorer
    turns = watch(finder, [hung(0)] * 40, start=7.0 + between / 20)
    assert turns.index(0) <= 0.7 * 20
    assert set(turns[turns.index(0) :]) == {0}


@pytest.mark.parametrize("degrees", [90, 270])
def test_ok__one_look_alone_does_not_make_a_sideways_camera_upright(degrees: int) -> None:
    finder = OrientationFinder(Scorer())
    watch(finder, [hung(degrees)] * 140)
    pictures = ([hung(0)] + [hung(degrees)] * 40) * 20
    assert set(watch(finder, pictures, start=7.0)) == {degrees}


def test_ok__a_camera_upside_down_needs_as_many_looks_as_before() -> None:
    """Of 1,193 looks at clips hung upside down, five are votes for upright, all in one clip."""
    finder = OrientationFinder(Scorer())
    watch(finder, [hung(180)] * 140)
    upright = watch(finder, [hung(0)] * 60, start=7.0).index(0)
    assert upright == round((CHECK_S * (VOTES - 1) + LOOK_S) * 20)


@pytest.mark.parametrize(("good", "poor"), [((9.0, 0.9), (2.0, 0.5)), ((5.0, 0.99), (2.0, 0.5))])
def test_ok__a_doubtful_face_decides_nothing(good: tuple[float, float], poor: tuple[float, float]) -> None:
    scorer = Scorer()
    scorer.good, scorer.poor = good, poor
    assert set(watch(OrientationFinder(scorer), [hung(180)] * 200)) == {0}


def test_ok__votes_that_contradict_each_other_decide_nothing() -> None:
    mixed = [hung(180 if number // 10 % 3 else 0) for number in range(400)]
    assert set(watch(OrientationFinder(Scorer()), mixed)) == {0}


def looks_in_each_frame(fps: float, pictures: list[Image]) -> tuple[list[int], OrientationFinder]:
    scorer = Scorer()
    finder, looks = OrientationFinder(scorer), []
    for number, picture in enumerate(pictures):
        before = scorer.looks
        finder.update(picture, number / fps)
        looks.append(scorer.looks - before)
    return looks, finder


def test_ok__no_frame_waits_for_more_than_one_orientation() -> None:
    looks, _ = looks_in_each_frame(30, [hung(0)] * 50)
    # Upright after four looks of four. The frames of the looks are every 15th.
    assert looks == ([0, 1, 1, 1, 1] + [0] * 10) * 3 + [0, 1, 1, 1, 1]


@pytest.mark.parametrize("fps", [5, 10, 15, 20])
def test_ok__a_look_takes_at_most_a_fifth_of_a_second(fps: int) -> None:
    looks, _ = looks_in_each_frame(fps, [hung(0)] * (fps // 5 + 1))
    assert sum(looks) == 4


def test_ok__a_look_is_at_one_picture_whatever_comes_after_it() -> None:
    pictures = [hung(180 if number % 15 == 0 else 0) for number in range(60)]
    _, finder = looks_in_each_frame(30, pictures)
    assert finder.turn == 180


def test_ok__a_look_of_a_source_that_is_over_ends_without_a_vote() -> None:
    scorer = Scorer()
    finder = OrientationFinder(scorer)
    watch(finder, [hung(0)] * 2, start=100.0)
    assert scorer.looks == 1
    watch(finder, [hung(0)], start=0.0)
    assert scorer.looks == 1
    watch(finder, [hung(0)], start=0.2)
    assert scorer.looks == 1 + 4, "all of the new source's picture"


def test_ok__of_an_upright_picture_no_quality_is_asked_for() -> None:
    """It takes a run of the eye net for each look."""

    def asked() -> float:
        raise AssertionError

    finder = OrientationFinder(lambda grey: (9.0 if grey[0].mean() > 200 else 2.0, asked))
    assert set(watch(finder, [hung(0)] * 400)) == {0}


def test_ok__an_upright_picture_is_looked_at_seldom() -> None:
    scorer = Scorer()
    watch(OrientationFinder(scorer), [hung(0)] * 20 * 60)
    assert scorer.looks < 4 * VOTES + 2 * 8


def turned_demo(degrees: int, seconds: float) -> Iterator[Frame]:
    with ClipCamera(demo.CLIP) as camera:
        for frame in iter(camera.read, None):
            if frame.t > seconds:
                return
            yield frame.rotated(degrees)


def drive(degrees: int, seconds: float, rotate: int = 0) -> list[FrameResult]:
    plan = build.load_plan(Request())
    camera = plan.config.camera.model_copy(update={"rotate": rotate})
    plan = dataclasses.replace(plan, config=plan.config.model_copy(update={"camera": camera}))
    pipeline = build.build_pipeline(plan, build.load_models(plan.config))
    return [pipeline.step(frame) for frame in turned_demo(degrees, seconds)]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_ok__the_demo_turned_is_not_judged_and_the_angle_is_said(
    degrees: int, caplog: pytest.LogCaptureFixture
) -> None:
    results, decided = drive(degrees, 7.0), 2.1 if degrees == 180 else 5.1
    late = [result.state for result in results if result.state.t > decided]
    assert len(late) > 30
    assert {(state.degraded, state.rotate_to, state.face) for state in late} == {("turned", 360 - degrees, None)}
    assert not any(result.verdict.events for result in results)
    assert {result.verdict.attention for result in results if result.state.t > decided} == {"unknown"}
    assert [record.getMessage() for record in caplog.records] == [
        f"demo.mp4: the picture is turned, so nobody is judged; set camera.rotate: {360 - degrees}"
    ]


def test_ok__the_angle_to_set_counts_the_angle_that_is_set() -> None:
    assert drive(180, 2.5, rotate=90)[-1].state.rotate_to == 270


def test_ok__the_upright_demo_is_judged() -> None:
    results = drive(0, 5.0)
    assert {(result.state.rotate_to, result.state.face is None) for result in results} == {(None, False)}


def lying(image: Image, degrees: float) -> Image:
    """A picture of an upright camera in which the head lies on its side."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 0.75)
    return np.ascontiguousarray(cv2.warpAffine(image, turn, (width, height), borderValue=(90, 90, 90)), np.uint8)


@pytest.mark.parametrize("degrees", [90, -90, 65])
def test_ok__who_starts_with_the_head_on_the_shoulder_is_announced_as_not_judged_and_is_judged_once_upright(
    degrees: float,
) -> None:
    plan = build.load_plan(Request())
    pipeline = build.build_pipeline(plan, build.load_models(plan.config))
    fps, upright_s, awake = 10, 26.0, demo_frames(0, 40)[::2]
    results = []
    for number in range(int(28.0 * fps)):
        image = lying(awake[number % len(awake)], degrees if number / fps < upright_s else 0)
        results.append(pipeline.step(Frame(image, number / fps, number, "camera 0")))
    turned = [result.state.t for result in results if result.state.degraded == "turned"]
    assert turned[0] == pytest.approx(CHECK_S * (SIDEWAYS_VOTES - 1) + LOOK_S, abs=0.11)
    assert upright_s <= turned[-1] <= upright_s + 0.7
    assert len(turned) == round((turned[-1] - turned[0]) * fps) + 1
    assert {result.verdict.attention for result in results if result.state.t < upright_s} == {"unknown"}
    raised = [(event.rule, event.level) for result in results for event in result.verdict.events]
    assert raised == [("no_face", "info"), ("no_face", "warning"), ("no_face", "warning")]
    assert results[-1].verdict.attention == "attentive"


def test_ok__a_trace_keeps_the_angle(tmp_path: Path) -> None:
    seen = drive(180, 2.0)[-1].observation
    assert seen.rotate_to == 180
    assert trace_reader.decode(trace.encode(7, seen))[1].rotate_to == 180


def test_ok__people_read_what_to_do() -> None:
    assert advice({"degraded": "turned", "rotate_to": 180}) == " (set camera.rotate: 180)"
    assert advice({"degraded": "glare", "rotate_to": None}) == ""
