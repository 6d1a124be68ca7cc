"""Eyes are read where they can be, and where not, the reason is told."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from driver_monitor.eyes.lids import LEFT_EYE, RIGHT_EYE, eye_aspect_ratio, opening
from driver_monitor.eyes.reader import FAR_EYE_YAW, NEAR_EYE_YAW, EyeReader
from driver_monitor.observation import EyeReason, EyesView, Light
from tests.faces import points, view

GREY = np.full((480, 640), 120, np.uint8)


class Net:
    """Answers what the test wants: (open, closed, hidden) for the left and the right eye."""

    def __init__(self, left: tuple[float, float, float], right: tuple[float, float, float]) -> None:
        self.answer = np.asarray([left, right], np.float32)

    def classify(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        assert patches.shape == (2, 32, 48)
        return self.answer


OPEN, SHUT, HIDDEN = (0.9, 0.05, 0.05), (0.05, 0.9, 0.05), (0.05, 0.05, 0.9)


def read(
    net: Net, *, yaw: float = 0.0, aspect: float = 0.27, grey: NDArray[np.uint8] = GREY, light: Light = "day"
) -> EyesView:
    return EyeReader(net).read(grey, view(points(aspect), yaw), light)


def reasons(eyes: EyesView) -> tuple[EyeReason | None, EyeReason | None]:
    return eyes.left.reason, eyes.right.reason


def test_ok__open_eyes_are_read_by_lids_and_net() -> None:
    eyes = read(Net(OPEN, OPEN))
    assert eyes.left.opening == pytest.approx(opening(0.27), abs=1e-3)
    assert eyes.right.p_closed == pytest.approx(0.05 / 0.95, abs=1e-3)


def test_ok__left_and_right_are_the_drivers_own() -> None:
    eyes = read(Net(SHUT, OPEN))
    assert eyes.left.p_closed is not None
    assert eyes.left.p_closed > 0.9
    assert eyes.right.p_closed is not None
    assert eyes.right.p_closed < 0.1


def test_ok__a_hidden_eye_says_so_and_the_other_goes_on() -> None:
    eyes = read(Net(HIDDEN, OPEN))
    assert reasons(eyes) == ("occluded", None)
    assert eyes.left.opening is None
    assert eyes.left.p_closed is None


@pytest.mark.parametrize(
    ("yaw", "expected"),
    [
        (FAR_EYE_YAW - 1, (None, None)),
        (FAR_EYE_YAW + 1, ("pose", None)),
        (-FAR_EYE_YAW - 1, (None, "pose")),
        (NEAR_EYE_YAW + 1, ("pose", "pose")),
    ],
)
def test_ok__a_turned_head_hides_the_far_eye_first(yaw: float, expected: tuple[EyeReason | None, ...]) -> None:
    assert reasons(read(Net(OPEN, OPEN), yaw=yaw)) == expected


def test_ok__dark_lenses_before_both_eyes_are_sunglasses() -> None:
    worn = GREY.copy()
    worn[160:200, 120:280] = 15
    assert reasons(read(Net(HIDDEN, HIDDEN), grey=worn)) == ("sunglasses", "sunglasses")


def test_ok__white_reflections_are_glare() -> None:
    mirrored = GREY.copy()
    mirrored[160:200, 120:280] = 255
    assert reasons(read(Net(HIDDEN, HIDDEN), grey=mirrored)) == ("glare", "glare")


def test_ok__in_the_dark_the_dark_is_the_reason() -> None:
    assert reasons(read(Net(HIDDEN, HIDDEN), light="dark")) == ("dark", "dark")


def test_ok__a_face_half_out_of_the_picture_has_one_eye_to_go_on_with() -> None:
    cut = np.ascontiguousarray(GREY[:, :235])
    assert reasons(read(Net(OPEN, OPEN), grey=cut)) == ("occluded", None)


def test_ok__a_face_wholly_out_of_the_picture_has_none() -> None:
    cut = np.ascontiguousarray(GREY[:40, :40])
    assert reasons(read(Net(HIDDEN, HIDDEN), grey=cut)) == ("occluded", "occluded")


def test_ok__the_aspect_ratio_does_not_depend_on_roll_and_size() -> None:
    plain = points(0.2)
    angle = np.radians(30)
    turn = np.asarray([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    for eye in (LEFT_EYE, RIGHT_EYE):
        assert eye_aspect_ratio(plain, eye) == pytest.approx(0.2, abs=0.01)
        assert eye_aspect_ratio(3 * plain @ turn.T, eye) == pytest.approx(0.2, abs=0.01)


def test_fail__an_eye_of_no_width_has_no_aspect_ratio() -> None:
    assert eye_aspect_ratio(np.zeros((70, 2), np.float32), LEFT_EYE) is None
