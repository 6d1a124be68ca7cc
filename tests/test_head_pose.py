from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.errors import ModelError
from driver_monitor.face.head_pose import face_shape, head_pose, read_shape

SIZE = (640, 480)


def _seen(yaw: float, pitch: float, roll: float, at: tuple[float, float, float] = (0, 0, 8)) -> np.ndarray:
    """Project the mean face by a pinhole of 640 pixels, `at` in eye distances from the camera, x right, y down."""
    y, p, r = (math.radians(angle) for angle in (yaw, pitch, roll))
    about_z = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    about_y = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    face = face_shape() @ (about_y @ about_x @ about_z).T * [1, -1, -1] + at
    return np.asarray(640 * face[:, :2] / face[:, 2:] + [319.5, 239.5], np.float32)


def test_ok__a_face_to_the_camera_points_nowhere() -> None:
    head = head_pose(_seen(0, 0, 0), SIZE)
    assert head is not None
    assert max(abs(head.yaw), abs(head.pitch), abs(head.roll)) < 0.5


@given(st.floats(-60, 60), st.floats(-35, 35), st.floats(-35, 35))
def test_ok__any_turn_is_read_back(yaw: float, pitch: float, roll: float) -> None:
    head = head_pose(_seen(yaw, pitch, roll, (0.5, -0.3, 7)), SIZE)
    assert head is not None
    assert (head.yaw, head.pitch, head.roll) == pytest.approx((yaw, pitch, roll), abs=0.5)


def test_ok__signs_are_the_drivers_own() -> None:
    points = _seen(0, 0, 0)
    nose = points[30]
    to_drivers_left = points.copy()
    to_drivers_left[27:36, 0] += 6  # an unmirrored picture: the driver's left is on the right of it
    looking_up = points.copy()
    looking_up[29:36, 1] -= 4
    angle = math.radians(10)  # the top of the head moves to the picture's left: counterclockwise
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    to_drivers_right = (points - nose) @ turn.T + nose
    left, up, tilted = (head_pose(moved, SIZE) for moved in (to_drivers_left, looking_up, to_drivers_right))
    assert left is not None
    assert left.yaw > 2
    assert up is not None
    assert up.pitch > 2
    assert tilted is not None
    assert tilted.roll == pytest.approx(10, abs=0.5)


def test_ok__talking_does_not_turn_the_head() -> None:
    points = _seen(20, -5, 3)
    points[48:68] += np.random.default_rng(1).normal(0, 6, (20, 2)).astype(np.float32)
    points[5:12, 1] += 15
    head = head_pose(points, SIZE)
    assert head is not None
    assert head.yaw == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((70, 2), np.float32),
        np.full((70, 2), np.nan, np.float32),
        np.full((70, 2), np.inf, np.float32),
        np.random.default_rng(0).uniform(0, 480, (70, 2)).astype(np.float32),
        np.column_stack([np.arange(70), np.arange(70)]).astype(np.float32),
    ],
    ids=["a point", "nan", "infinite", "noise", "a line"],
)
def test_fail__nonsense_has_no_pose(points: np.ndarray) -> None:
    assert head_pose(points, SIZE) is None


def test_ok__the_mean_face_is_symmetric_and_in_its_units() -> None:
    shape = face_shape()
    assert np.linalg.norm(shape[36] - shape[45]) == pytest.approx(1)
    assert shape[36, 0] < 0 < shape[45, 0]  # the driver's right eye is at negative x
    assert shape[8, 1] < shape[30, 1] < 0 < shape[19, 1]  # chin, nose, eyes, brow
    assert shape[30, 2] > shape[36, 2] > shape[0, 2]  # the nose is nearest, the ears are farthest
    assert np.allclose(shape[27:31, 0], 0, atol=1e-4)


def test_fail__a_missing_or_damaged_shape_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "face_shape.csv"
    with pytest.raises(ModelError, match="cannot read it"):
        read_shape(path)
    for text in ("", "point,x,y\n0,1,2\n", "point,x,y,z\n0,1,2,three\n", "point,x,y,z\n0,1,2,3\n", "\x00\x01"):
        path.write_text(text)
        with pytest.raises(ModelError, match="not a face shape") as refused:
            read_shape(path)
        assert "\n" not in str(refused.value)
