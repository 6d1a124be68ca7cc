from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.imaging.ibug import box_of_points
from driver_monitor.perception.face.head_pose import head_pose
from driver_monitor.perception.face.landmarks import Crop, rotation
from tests.mean_face import MEAN_FACE

SHAPE = (480, 640)
FOCAL = 640.0
"""Pixels: what `head_pose` assumes of a camera."""


def _about(axis: int, degrees: float) -> np.ndarray:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    i, j = ((1, 2), (2, 0), (0, 1))[axis]
    turn = np.eye(3)
    turn[[i, i, j, j], [i, j, i, j]] = c, -s, s, c
    return turn


def _turn(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Rotation of a head with these angles: x to its left, y up, z towards the camera."""
    return np.asarray(_about(1, yaw) @ _about(0, -pitch) @ _about(2, roll))


def _at(right: float = 0.0, down: float = 0.0) -> np.ndarray:
    """Points of a face whose middle lies so many pixels off the picture's middle."""
    points = np.asarray(MEAN_FACE[:, :2] * [100, -100], np.float32)
    middle = (points[:68].min(axis=0) + points[:68].max(axis=0)) / 2
    return np.asarray(points - middle + [319.5 + right, 239.5 + down], np.float32)


def test_ok__a_face_in_the_middle_that_looks_at_the_camera_points_nowhere() -> None:
    head = head_pose(np.eye(3), box_of_points(_at()), SHAPE)
    assert head is not None
    assert (head.yaw, head.pitch, head.roll) == pytest.approx((0, 0, 0), abs=1e-3)


@given(st.floats(-75, 75), st.floats(-60, 60), st.floats(-60, 60))
def test_ok__any_turn_is_read_back(yaw: float, pitch: float, roll: float) -> None:
    head = head_pose(_turn(yaw, pitch, roll), box_of_points(_at()), SHAPE)
    assert head is not None
    assert (head.yaw, head.pitch, head.roll) == pytest.approx((yaw, pitch, roll), abs=1e-2)


@given(st.floats(-300, 300), st.floats(-220, 220))
def test_ok__a_face_aside_that_seems_to_look_at_the_camera_is_turned_towards_it(right: float, down: float) -> None:
    head = head_pose(np.eye(3), box_of_points(_at(right, down)), SHAPE)
    assert head is not None
    assert head.yaw == pytest.approx(-math.degrees(math.atan2(right, FOCAL)), abs=0.1)
    assert head.pitch == pytest.approx(math.degrees(math.atan2(down, math.hypot(FOCAL, right))), abs=0.1)
    assert abs(head.roll) < 6


def test_ok__the_crop_that_follows_a_tilted_head_takes_nothing_from_its_roll() -> None:
    """The head tilts to the driver's right, its top to the picture's left: the crop turns with it and sees none."""
    crop = Crop(320, 240, 200, roll=-20.0)
    head = head_pose(crop.turn_back(np.eye(3)), box_of_points(_at()), SHAPE)
    assert head is not None
    assert (head.yaw, head.pitch, head.roll) == pytest.approx((0, 0, 20), abs=1e-3)


@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6))
def test_ok__any_six_numbers_are_a_rotation(six: list[float]) -> None:
    turn = rotation(np.array(six))
    first, second = np.array([1, 0, 0]) + six[:3], np.array([0, 1, 0]) + six[3:]
    if np.linalg.norm(np.cross(first, second)) > 1e-3:
        assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-6)
        assert np.linalg.det(turn) == pytest.approx(1)


@pytest.mark.parametrize(
    ("turn", "points"),
    [
        (np.full((3, 3), np.nan), _at()),
        (np.eye(3), np.full((70, 2), np.nan, np.float32)),
        (np.eye(3), np.full((70, 2), np.inf, np.float32)),
        (_turn(180, 0, 0), _at()),
    ],
    ids=["no rotation", "no points", "infinite", "the back of the head"],
)
def test_fail__nonsense_has_no_pose(turn: np.ndarray, points: np.ndarray) -> None:
    assert head_pose(turn, box_of_points(points), SHAPE) is None
