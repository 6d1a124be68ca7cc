"""The driver is whoever sits in the driver's seat: stories with more than one face in the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.data.observation import Box, FaceView
from driver_monitor.imaging.frame import Image
from driver_monitor.imaging.ibug import box_of_points
from driver_monitor.perception.face.driver_seat import (
    MOST_PATIENCE_S,
    DriverSeat,
    Place,
    Side,
    likeness,
)
from driver_monitor.perception.face.landmarks import Crop, DetectorKind, LandmarkNet, Landmarks
from driver_monitor.perception.face.tracker import FaceTracker, Points
from tests.conftest import SHARED, demo_frames

SHAPE = np.random.default_rng(1).uniform(-0.5, 0.5, (70, 2)).astype(np.float32)
SHAPE[:4] = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
GREY = np.zeros((480, 640), np.uint8)
FPS = 4


@dataclass(frozen=True)
class Head:
    """A face as large as `size` pixels around (`x`, `y`)."""

    x: float
    y: float
    size: float

    @property
    def points(self) -> Points:
        return np.asarray(SHAPE * self.size + (self.x, self.y), np.float32)


DRIVER = Head(400, 220, 110)
PASSENGER = Head(130, 230, 100)
LEANING = Head(230, 230, 160)
SCREEN = Head(430, 400, 40)
SHIRT = Head(405, 400, 80)


class Cabin(LandmarkNet):
    """Detector and landmark net that know where the faces are; the detector's order is the worst one."""

    kind: DetectorKind = "hog"

    def __init__(self, side: Side = "auto") -> None:
        self.heads: tuple[Head, ...] = ()
        self.searches = 0
        self.tracker = FaceTracker(self, self, search_hz=10, seat=DriverSeat(side))
        self.t = 0.0
        self.others: int | None = None

    def find(self, grey: Image) -> list[Box]:
        self.searches += 1
        wrong_first = sorted(self.heads, key=lambda head: head == DRIVER)
        return [Box(head.x - head.size / 2, head.y - head.size / 2, head.size, head.size) for head in wrong_first]

    def read(self, grey: Image, crop: Crop) -> Landmarks:
        for head in sorted(self.heads, key=lambda head: abs(head.x - crop.cx) + abs(head.y - crop.cy)):
            if abs(head.x - crop.cx) + abs(head.y - crop.cy) < 0.6 * head.size:
                return Landmarks(head.points, 0.95, 0.0, np.eye(3))
        return Landmarks(SHAPE, 0.05, 0.0, np.eye(3))

    def drive(self, seconds: float, *heads: Head) -> list[Head | None]:
        """Return whom the tracker follows in each frame while `heads` are to be seen."""
        self.heads, followed = heads, []
        for _ in range(round(seconds * FPS)):
            face = self.tracker.update(GREY, self.t)
            self.t += 1 / FPS
            self.others = None if face is None else face.others
            followed.append(None if face is None else _nearest(heads, face))
        return followed


def _nearest(heads: tuple[Head, ...], face: FaceView) -> Head:
    """The head that `face` is of; the filter may hold a moving face back a little."""

    def apart(head: Head) -> float:
        box = box_of_points(head.points)
        return abs(box.x + box.w / 2 - face.box.x - face.box.w / 2) + abs(box.y - face.box.y)

    return min(heads, key=apart)


def test_ok__of_all_faces_the_one_that_the_camera_was_aimed_at_is_followed_first() -> None:
    assert set(Cabin().drive(2, PASSENGER, SCREEN, SHIRT, DRIVER)) == {DRIVER}


def test_ok__a_passenger_who_leans_in_nearer_to_the_camera_does_not_take_over() -> None:
    cabin = Cabin()
    cabin.drive(70, PASSENGER, DRIVER)
    assert set(cabin.drive(40, LEANING, DRIVER)) == {DRIVER}


@pytest.mark.parametrize("seconds", [2, 20, 58])
@pytest.mark.parametrize("other", [PASSENGER, LEANING, SCREEN, SHIRT])
def test_ok__nobody_takes_over_while_the_driver_is_turned_away(other: Head, seconds: float) -> None:
    cabin = Cabin()
    cabin.drive(70, DRIVER)
    assert set(cabin.drive(seconds, other)) == {None}
    assert cabin.drive(0.5, other, DRIVER)[-1] == DRIVER


def test_ok__a_passenger_known_as_such_does_not_take_over_from_a_driver_who_is_gone_for_minutes() -> None:
    cabin = Cabin()
    cabin.drive(70, DRIVER, PASSENGER)
    assert set(cabin.drive(300, PASSENGER)) == {None}


def test_ok__the_driver_who_leans_to_the_glove_box_is_followed_there_and_back() -> None:
    cabin = Cabin()
    cabin.drive(70, DRIVER, PASSENGER)
    way = [replace(DRIVER, x=DRIVER.x - 20 * i) for i in range(11)]
    assert all(cabin.drive(0.25, head, PASSENGER)[-1] == head for head in way)
    assert all(cabin.drive(0.25, head, PASSENGER)[-1] == head for head in way[::-1])


def test_ok__a_driver_lost_while_leaning_far_over_is_found_there_at_once() -> None:
    cabin = Cabin()
    cabin.drive(70, DRIVER)
    way = [replace(DRIVER, x=DRIVER.x - 25 * i) for i in range(9)]
    assert all(cabin.drive(0.25, head)[-1] == head for head in way)
    assert set(cabin.drive(1.5)) == {None}
    assert cabin.drive(0.25, way[-1])[-1] == way[-1]


def test_ok__a_first_glimpse_of_somebody_else_is_no_part_of_the_drivers_seat() -> None:
    cabin = Cabin()
    cabin.drive(2.5, PASSENGER)
    cabin.drive(1)
    assert set(cabin.drive(12, DRIVER)[2 * FPS + 1 :]) == {DRIVER}
    assert set(cabin.drive(5, PASSENGER)) == {None}


@pytest.mark.parametrize("other", [PASSENGER, LEANING, SCREEN])
@pytest.mark.parametrize("seconds", [0.75, 1.5, 2.5])
def test_ok__nobody_takes_over_while_the_driver_looks_over_the_shoulder_at_the_start(
    other: Head, seconds: float
) -> None:
    cabin = Cabin()
    cabin.drive(1.25, DRIVER)
    assert set(cabin.drive(seconds, other)) == {None}
    assert set(cabin.drive(1, other, DRIVER)) == {DRIVER}


def test_ok__a_driver_whose_ear_was_followed_last_is_found_again() -> None:
    cabin = Cabin()
    cabin.drive(1, DRIVER)
    cabin.drive(0.25, replace(DRIVER, x=DRIVER.x + 50, size=45))
    assert set(cabin.drive(1, PASSENGER)) == {None}
    back = replace(DRIVER, x=DRIVER.x - 40)
    assert set(cabin.drive(1, PASSENGER, back)) == {back}


def test_ok__what_was_a_face_for_a_moment_does_not_hold_up_the_driver() -> None:
    cabin = Cabin()
    cabin.drive(0.25, SCREEN)
    cabin.drive(0.75)
    assert set(cabin.drive(2, DRIVER)) == {DRIVER}


def test_ok__another_person_who_stays_is_followed_after_some_seconds() -> None:
    cabin = Cabin()
    cabin.drive(1.5, DRIVER)
    assert cabin.drive(4, PASSENGER)[-1] == PASSENGER


def test_ok__another_driver_in_the_same_seat_is_the_driver_at_once() -> None:
    cabin, taller = Cabin(), Head(380, 150, 125)
    cabin.drive(70, DRIVER, PASSENGER)
    assert set(cabin.drive(60, PASSENGER)) == {None}
    assert cabin.drive(1, PASSENGER, taller)[-1] == taller


def test_ok__a_passenger_who_was_there_first_gives_way_to_the_driver_who_gets_in() -> None:
    cabin = Cabin()
    assert set(cabin.drive(2, PASSENGER)) == {PASSENGER}
    assert cabin.drive(6, PASSENGER, DRIVER)[-1] == DRIVER
    assert set(cabin.drive(60, PASSENGER, DRIVER)) == {DRIVER}


def test_ok__even_one_who_waited_for_ten_minutes_does_within_a_minute_or_so() -> None:
    cabin = Cabin()
    cabin.drive(600, PASSENGER)
    assert cabin.drive(MOST_PATIENCE_S + 15, PASSENGER, DRIVER)[-1] == DRIVER


@pytest.mark.parametrize("phantom", [SCREEN, SHIRT])
def test_ok__a_picture_of_a_face_seen_before_the_driver_looks_up_is_left_for_the_driver(phantom: Head) -> None:
    cabin = Cabin()
    cabin.drive(2, phantom)
    assert cabin.drive(6, phantom, DRIVER)[-1] == DRIVER


def test_ok__a_camera_that_was_turned_finds_the_driver_again_after_a_minute() -> None:
    cabin, moved = Cabin(), Head(150, 240, 110)
    cabin.drive(70, DRIVER)
    seen = cabin.drive(MOST_PATIENCE_S + 1, moved)
    assert seen[round((MOST_PATIENCE_S - 2) * FPS)] is None
    assert seen[-1] == moved


def test_ok__the_configured_side_outweighs_size_and_place() -> None:
    assert set(Cabin("right").drive(2, LEANING, replace(DRIVER, size=80))) == {replace(DRIVER, size=80)}
    left = Cabin("left")
    assert set(left.drive(100, DRIVER)) == {None}
    assert left.drive(1, DRIVER, PASSENGER)[-1] == PASSENGER


def test_ok__a_single_still_shows_the_face_the_camera_was_aimed_at_or_the_one_on_the_configured_side() -> None:
    assert Cabin().drive(0.25, PASSENGER, DRIVER) == [DRIVER]
    assert Cabin("left").drive(0.25, PASSENGER, DRIVER) == [PASSENGER]


def test_ok__looking_around_is_rare_and_rarer_once_the_seat_is_settled() -> None:
    cabin = Cabin()
    cabin.drive(60, DRIVER)
    assert cabin.searches == pytest.approx(60, abs=2)
    cabin.searches = 0
    cabin.drive(60, DRIVER)
    assert cabin.searches == pytest.approx(12, abs=2)


def test_ok__others_are_counted() -> None:
    cabin = Cabin()
    cabin.drive(1, DRIVER)
    assert cabin.others == 0
    cabin.drive(2, DRIVER, PASSENGER, SCREEN)
    assert cabin.others == 2


faces = st.builds(Place, st.floats(0, 1), st.floats(0, 0.75), st.floats(0.02, 1))


@given(st.lists(st.lists(faces, max_size=5), max_size=30), st.sampled_from(["auto", "left", "right"]))
def test_ok__nobody_on_the_wrong_side_is_ever_chosen_and_memory_is_bounded(
    looks: list[list[Place]], side: Side
) -> None:
    seat = DriverSeat(side)
    for second, seen in enumerate(looks):
        chosen = seat.choose(float(second), seen, (480, 640))
        if chosen is None:
            continue
        assert side == "auto" or (seen[chosen].x <= 0.55 if side == "left" else seen[chosen].x >= 0.45)
        for tenth in range(10):
            seat.follow(second + tenth / 10, seen[chosen])
        others = [face for i, face in enumerate(seen) if i != chosen]
        better = seat.review(float(second), seen[chosen], others, (480, 640))
        assert better is None or side == "auto" or abs(others[better].x - (side == "right")) <= 0.55
    assert seat.followed_s <= len(looks)


@given(faces)
def test_ok__a_face_counts_more_the_larger_and_the_nearer_to_the_middle_it_is(face: Place) -> None:
    shape = (480, 640)
    assert likeness(replace(face, size=face.size * 1.1), shape) > likeness(face, shape)
    assert likeness(replace(face, x=0.5, y=0.375), shape) >= likeness(face, shape)


def beside(left: Image, right: Image, scale: float) -> Image:
    """Two people in one picture, 640x480: the left one smaller by `scale`."""
    picture = np.full((480, 640), 60, np.uint8)
    for image, x, share in ((left, 0, scale), (right, 300, 1.0)):
        part = cv2.resize(image, (round(340 * share), round(340 * share * image.shape[0] / image.shape[1])))
        part = part[: 480 - 40]
        picture[40 : 40 + part.shape[0], x : x + part.shape[1]] = part
    return picture


def chosen(picture: Image, side: Side) -> float:
    """The middle of the face that the real detector and net follow in `picture`."""
    plan = build.load_plan(Request())
    models = build.load_models(plan.config)
    tracker = FaceTracker(models.detector, models.landmarks, 10.0, DriverSeat(side))
    face = tracker.update(picture, 0.0)
    assert face is not None
    return face.box.x + face.box.w / 2


def test_ok__two_drawn_faces_beside_each_other_are_reported_apart_by_side_and_size() -> None:
    grey = np.asarray(cv2.cvtColor(demo_frames(20, 21)[0][:, 150:490], cv2.COLOR_BGR2GRAY), np.uint8)
    picture = beside(grey, grey, 0.8)
    assert chosen(picture, "left") < 320 < chosen(picture, "right")
    assert chosen(picture, "auto") > 320


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared, which a user does not have")
def test_ok__two_real_drivers_beside_each_other_are_reported_apart() -> None:
    stills: list[Image] = []
    for name in ("p001_01.jpg", "p007_01.jpg"):
        image = cv2.imread(str(Path(SHARED / "data/incar_stills" / name)), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        stills.append(np.asarray(image[:, 100:440], np.uint8))
    picture = beside(stills[0], stills[1], 0.8)
    assert chosen(picture, "left") < 320 < chosen(picture, "right")
    assert chosen(picture, "auto") > 320
