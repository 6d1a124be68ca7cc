"""A face is found once, then followed; the whole picture is searched only when it is lost."""

from __future__ import annotations

import numpy as np
import pytest

from driver_monitor.data.observation import Box
from driver_monitor.imaging.frame import Image
from driver_monitor.perception.face.landmarks import Crop, DetectorKind, LandmarkNet, Landmarks
from driver_monitor.perception.face.tracker import BRIDGE_S, FaceTracker

SHAPE = np.random.default_rng(1).uniform(-40, 40, (70, 2)).astype(np.float32)
TEXTURE = np.random.default_rng(2).integers(60, 255, (100, 100), dtype=np.uint8)
FPS = 20.0


def cabin(face: tuple[int, int] | None) -> Image:
    """A dark cabin with a textured square for a face, around `face` (x, y)."""
    image = np.full((480, 640), 20, np.uint8)
    if face is not None:
        x, y = face
        image[y - 50 : y + 50, x - 50 : x + 50] = TEXTURE
    return image


class World(LandmarkNet):
    """Stands for detector and landmark net: both know where the face is, as far as each could see it."""

    kind: DetectorKind = "hog"

    def __init__(self) -> None:
        self.face: tuple[int, int] | None = (320, 240)
        self.readable = True
        self.sure = 0.95
        self.mouth_hidden = 0.1
        self.turn = np.eye(3)
        self.searches = 0
        self.phantoms: list[Box] = []

    def find(self, grey: Image) -> list[Box]:
        self.searches += 1
        seen = [] if self.face is None else [Box(self.face[0] - 40, self.face[1] - 40, 80, 80)]
        return self.phantoms + seen

    def read(self, grey: Image, crop: Crop) -> Landmarks:
        if self.face is None or not self.readable:
            return Landmarks(np.full((70, 2), np.nan, np.float32), 0.1, 0.0, np.eye(3))
        near = abs(crop.cx - self.face[0]) + abs(crop.cy - self.face[1]) < 40
        points = SHAPE + np.asarray(self.face, np.float32)
        return Landmarks(points, self.sure if near else 0.05, self.mouth_hidden, self.turn)


class Drive:
    """Runs a tracker over frames of a fake timeline."""

    def __init__(self) -> None:
        self.world = World()
        self.tracker = FaceTracker(self.world, self.world, search_hz=10)
        self.t = 0.0

    def frame(self, face: tuple[int, int] | None, readable: bool = True) -> bool:
        self.world.face, self.world.readable = face, readable
        present = self.tracker.update(cabin(face), self.t) is not None
        self.t += 1 / FPS
        return present


def test_ok__the_picture_is_searched_once_while_the_driver_moves_about() -> None:
    drive = Drive()
    assert all(drive.frame((320 + 5 * i, 240)) for i in range(20))
    assert drive.world.searches == 1


def test_ok__a_search_for_others_is_not_in_the_frame_of_what_is_done_once_a_second() -> None:
    drive = Drive()
    searched = []
    for number in range(int(3 * FPS)):
        before = drive.world.searches
        assert drive.frame((320, 240))
        searched += [number / FPS] * (drive.world.searches - before)
    assert searched == pytest.approx([0.0, 1.25, 2.25], abs=1 / FPS)


def test_ok__an_empty_seat_is_searched_ten_times_a_second_and_not_in_every_frame() -> None:
    drive = Drive()
    assert not any(drive.frame(None) for _ in range(int(FPS)))
    assert drive.world.searches == 10


def test_ok__the_driver_who_sits_down_is_found_within_a_search_period() -> None:
    drive = Drive()
    for _ in range(7):
        drive.frame(None)
    assert any(drive.frame((200, 200)) for _ in range(3))


def test_ok__a_hand_before_the_face_for_a_moment_is_bridged_where_the_face_moved_meanwhile() -> None:
    drive = Drive()
    drive.frame((320, 240))
    hidden = int(BRIDGE_S * FPS) - 2
    assert not any(drive.frame((320 + 6 * i, 240), readable=False) for i in range(1, hidden + 1))
    drive.world.phantoms = []
    assert drive.frame((320 + 6 * (hidden + 1), 240))


def test_ok__a_headrest_that_the_detector_takes_for_a_face_is_turned_down_by_the_net() -> None:
    drive = Drive()
    drive.world.phantoms = [Box(10, 10, 90, 90)]
    assert drive.frame((320, 240))
    assert not Drive().frame(None)


def test_ok__a_camera_that_changes_its_size_is_searched_anew() -> None:
    drive = Drive()
    drive.frame((320, 240))
    small = np.ascontiguousarray(cabin((160, 120))[:240, :320])
    drive.world.face = (160, 120)
    face = drive.tracker.update(small, drive.t)
    assert face is not None
    assert face.points.mean(axis=0) == pytest.approx((160, 120), abs=15)


def test_ok__a_size_that_changes_and_changes_back_while_the_face_is_away_ends_the_bridge() -> None:
    drive = Drive()
    drive.frame((320, 240))
    drive.world.face = None
    small = np.ascontiguousarray(cabin(None)[:240, :320])
    assert drive.tracker.update(small, drive.t) is None
    assert not drive.frame(None)
    assert any(drive.frame((320, 240)) for _ in range(4))


def test_ok__a_long_absence_ends_the_bridge_and_the_face_is_found_elsewhere() -> None:
    drive = Drive()
    drive.frame((100, 100))
    for _ in range(int(2 * FPS)):
        drive.frame(None)
    assert any(drive.frame((500, 350)) for _ in range(3))


def test_fail__a_score_that_is_no_number_is_no_face() -> None:
    drive = Drive()
    drive.world.sure = float("nan")
    assert not drive.frame((320, 240))
    drive.world.sure = 0.95
    assert any(drive.frame((320, 240)) for _ in range(3))
    drive.world.sure = float("nan")
    assert not drive.frame((320, 240))


def test_ok__a_hand_before_the_mouth_is_reported_as_the_net_saw_it() -> None:
    drive = Drive()
    drive.world.mouth_hidden = 0.9
    face = drive.tracker.update(cabin((320, 240)), 0.0)
    assert face is not None
    assert face.mouth_hidden == 0.9


def test_fail__a_rotation_that_is_no_number_is_no_pose_yet_the_face_is_followed() -> None:
    drive = Drive()
    drive.world.turn = np.full((3, 3), np.nan)
    face = drive.tracker.update(cabin((320, 240)), 0.0)
    assert face is not None
    assert face.head is None
    assert face.mouth_opening is None


def test_ok__a_driver_found_again_elsewhere_does_not_glide_there_from_the_old_place() -> None:
    drive = Drive()
    for _ in range(10):
        drive.frame((100, 100))
    for _ in range(int(2 * FPS)):
        drive.frame(None)
    for _ in range(3):
        drive.world.face = (500, 350)
        face = drive.tracker.update(cabin((500, 350)), drive.t)
        drive.t += 1 / FPS
        if face is not None:
            assert face.points == pytest.approx(SHAPE + np.asarray((500, 350)))
            return
    pytest.fail("the driver was not found again")


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_ok__a_frame_whose_time_is_no_number_is_followed_and_spoils_nothing(odd: float) -> None:
    drive = Drive()
    tracker = drive.tracker
    for t in (0.0, 0.05, odd, 0.1, 0.15):
        face = tracker.update(cabin((320, 240)), t)
        assert face is not None
        assert np.isfinite(face.points).all()
    drive.world.face = None
    assert tracker.update(cabin(None), odd) is None
    drive.t = 0.2
    assert not any(drive.frame(None) for _ in range(int(2 * BRIDGE_S * FPS)))
    assert any(drive.frame((420, 200)) for _ in range(5))
