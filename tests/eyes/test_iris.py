"""Irises are found in the picture of the eyes, and nothing else is taken for one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from driver_monitor.data.observation import EyeView
from driver_monitor.perception.eyes.iris import _responses, iris_turn
from driver_monitor.perception.eyes.patch import (
    CORNER_SHARE,
    HEIGHT,
    WIDTH,
    normalise,
)

READABLE, CLOSED, UNREADABLE = EyeView(1.0, 0.0), EyeView(0.1, 0.9), EyeView(None, None, "glare")
EYE = CORNER_SHARE * WIDTH


def eye(
    right: float = 0.0, up: float = 0.0, iris: int = 40, white: int = 190, glint: bool = False
) -> NDArray[np.uint8]:
    """A drawn eye whose iris is moved, in widths of the eye as seen in the patch."""
    scale = 8
    x, y = (WIDTH / 2 + right * EYE) * scale, (HEIGHT / 2 - up * EYE) * scale
    picture = np.full((HEIGHT * scale, WIDTH * scale), 130, np.uint8)
    lids = np.zeros_like(picture)
    middle, axes = (WIDTH * scale // 2, HEIGHT * scale // 2), (round(EYE / 2 * scale), round(0.17 * EYE * scale))
    cv2.ellipse(lids, middle, axes, 0, 0, 360, 255, -1)
    ball = np.full_like(picture, white)
    cv2.circle(ball, (round(x), round(y)), round(0.195 * EYE * scale), iris, -1)
    if glint:
        cv2.circle(ball, (round(x + 12), round(y - 8)), 8, 255, -1)
    picture[lids > 0] = ball[lids > 0]
    return normalise(np.asarray(cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8))


def both(yaw_share: float, up: float = 0.0, glint: bool = False) -> NDArray[np.uint8]:
    """Left and right eye (the left one mirrored, as patches are), turned by `yaw_share` eye widths to the left."""
    return np.stack([eye(-yaw_share, up, glint=glint), eye(yaw_share, up, glint=glint)])


@pytest.mark.parametrize("glint", [False, True])
@pytest.mark.parametrize(("share", "yaw"), [(0.0, 0.0), (0.1, 14.5), (0.2, 30.0), (-0.2, -30.0)])
def test_ok__irises_turn_to_the_drivers_left_and_right(share: float, yaw: float, glint: bool) -> None:
    turn = iris_turn(both(share, glint=glint), READABLE, READABLE)
    assert turn is not None
    assert turn[0] == pytest.approx(yaw, abs=3)


def test_ok__irises_move_up_and_down() -> None:
    low, high = (iris_turn(both(0.0, up), READABLE, READABLE) for up in (-0.06, 0.06))
    assert low is not None
    assert high is not None
    assert high[1] - low[1] > 5


@pytest.mark.parametrize(("left", "right"), [(UNREADABLE, READABLE), (READABLE, CLOSED), (CLOSED, CLOSED)])
def test_fail__one_eye_alone_tells_no_gaze(left: EyeView, right: EyeView) -> None:
    assert iris_turn(both(0.1), left, right) is None


def test_fail__eyes_that_look_apart_are_not_believed() -> None:
    assert iris_turn(np.stack([eye(0.15), eye(0.15)]), READABLE, READABLE) is None


@pytest.mark.parametrize("patch", [eye(iris=170), np.full((HEIGHT, WIDTH), 128, np.uint8)])
def test_fail__where_nothing_is_darker_than_its_sides_there_is_no_iris(patch: NDArray[np.uint8]) -> None:
    assert iris_turn(np.stack([patch, patch]), READABLE, READABLE) is None


def test_fail__noise_has_no_iris() -> None:
    noise = np.random.default_rng(0).normal(128, 40, (HEIGHT, WIDTH)).clip(0, 255).astype(np.uint8)
    assert iris_turn(np.stack([normalise(noise)] * 2), READABLE, READABLE) is None


def test_ok__what_surrounds_one_eye_does_not_reach_the_other() -> None:
    """Both eyes are filtered in one picture, one below the other."""
    pair = np.random.default_rng(1).integers(0, 255, (2, HEIGHT, WIDTH), np.uint8)
    one, other = _responses(pair)
    assert np.array_equal(one, _responses(pair[:1])[0])
    assert np.array_equal(other, _responses(pair[1:])[0])
