"""Eyes are read where they can be, and where not, the reason is given."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from driver_monitor.data.observation import EyeReason, EyesView, Light
from driver_monitor.imaging.ibug import EYES
from driver_monitor.perception.eyes.eye_net import Answers, EyeNet
from driver_monitor.perception.eyes.lids import opening
from driver_monitor.perception.eyes.reader import EyeReader
from driver_monitor.perception.eyes.unreadable import FAR_EYE_YAW, NEAR_EYE_YAW, light_on_eye
from driver_monitor.perception.reader import FacePicture
from tests.faces import points, view

Answer = tuple[float, ...]
GREY = np.full((480, 640), 120, np.uint8)


class Net(EyeNet):
    """Answers what the test wants for the left and the right eye: (open, closed, hidden) or (open, lowered, closed,
    hidden), and how far they are open.
    """

    def __init__(
        self, left: Answer, right: Answer, aspect: float = 0.27, sunglasses: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        self.answers = Answers(
            np.asarray([p if len(p) == 4 else (p[0], 0.0, *p[1:]) for p in (left, right)], np.float32),
            np.full(2, aspect, np.float32),
            np.asarray(sunglasses, np.float32),
        )

    def read(self, patches: NDArray[np.uint8], bands: NDArray[np.uint8]) -> Answers:
        assert patches.shape == (2, 32, 48)
        assert bands.shape == (2, 32, 64)
        return self.answers


OPEN, SHUT, HIDDEN = (0.9, 0.05, 0.05), (0.05, 0.9, 0.05), (0.05, 0.05, 0.9)


def read(net: Net, *, yaw: float = 0.0, grey: NDArray[np.uint8] = GREY, light: Light = "day") -> EyesView:
    return EyeReader(net).read(FacePicture(grey, view(points(), yaw), light, 0.0))


def reasons(eyes: EyesView) -> tuple[EyeReason | None, EyeReason | None]:
    return eyes.left.reason, eyes.right.reason


def test_ok__open_eyes_are_read_by_lids_and_net() -> None:
    eyes = read(Net(OPEN, OPEN, aspect=0.27))
    assert eyes.left.opening == pytest.approx(opening(0.27), abs=1e-3)
    assert eyes.right.p_closed == pytest.approx(0.05 / 0.95, abs=1e-3)


def test_ok__eyes_lowered_to_the_lap_say_so_beside_how_sure_they_are_not_shut() -> None:
    eyes = read(Net((0.1, 0.6, 0.2, 0.1), SHUT, aspect=0.15))
    assert eyes.left.p_lowered == pytest.approx(0.6 / 0.9, abs=1e-3)
    assert eyes.left.p_closed == pytest.approx(0.2 / 0.9, abs=1e-3)
    assert eyes.right.p_lowered is None, "a net that gives 0 does not tell lowered eyes"


def test_ok__of_a_hidden_eye_nobody_knows_whether_it_is_lowered() -> None:
    assert read(Net((0.0, 0.1, 0.0, 0.9), (0.1, 0.0, 0.0, 0.9))).left.p_lowered is None


def test_ok__an_eye_of_which_nothing_is_seen_at_all_is_occluded_not_open() -> None:
    assert reasons(read(Net((0.0, 0.0, 0.0, 0.0), OPEN))) == ("occluded", None)


def test_ok__a_doubtful_eye_is_not_read_beside_one_that_is_surely_covered() -> None:
    doubtful, clear = (0.72, 0.0, 0.28), (0.95, 0.0, 0.05)
    assert None not in reasons(read(Net(doubtful, (0.02, 0.03, 0.95))))
    assert reasons(read(Net(doubtful, clear))) == (None, None)


def test_ok__a_hand_before_one_eye_leaves_the_clear_one_readable() -> None:
    assert reasons(read(Net((0.98, 0.0, 0.02), (0.0, 0.0, 1.0)))) == (None, "occluded")


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


def test_ok__what_the_net_takes_for_sunglasses_is_reported_so() -> None:
    assert reasons(read(Net(HIDDEN, HIDDEN, sunglasses=(0.9, 0.8)))) == ("sunglasses", "sunglasses")


def test_ok__sunglasses_one_can_see_through_are_no_reason() -> None:
    assert reasons(read(Net(OPEN, OPEN, sunglasses=(0.9, 0.8)))) == (None, None)


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


@pytest.mark.parametrize("aspect", [math.nan, math.inf, -math.inf])
def test_fail__lids_that_the_net_gives_no_number_for_are_not_shut(aspect: float) -> None:
    eyes = read(Net(OPEN, SHUT, aspect=aspect))
    assert reasons(eyes) == ("blur", "blur")
    assert (eyes.left.opening, eyes.right.opening, eyes.right.p_closed) == (None, None, None)


@pytest.mark.parametrize(
    "unknown",
    [(math.nan, 0.0, 0.9, 0.05), (0.05, 0.0, math.nan, 0.05), (0.5, math.nan, 0.3, 0.1), (0.5, 0.1, 0.3, math.nan)],
)
def test_fail__an_eye_without_probabilities_is_not_read_and_does_not_vouch_for_the_other(unknown: Answer) -> None:
    eyes = read(Net(unknown, SHUT))
    assert eyes.left.reason == "blur"
    assert eyes.left.p_closed is None
    assert eyes.right.p_closed is None or eyes.right.p_closed > 0.9
    assert reasons(read(Net((math.nan,) * 4, SHUT))) == ("blur", "occluded")


def spotted(size: float, level: int = 255, skin: int = 120) -> NDArray[np.uint8]:
    """A grey picture with a square spot of light on each eye. `size`: in widths of the eye."""
    out = np.full_like(GREY, skin)
    for eye in EYES.values():
        low, high = points()[list(eye)].min(axis=0), points()[list(eye)].max(axis=0)
        (x, y), half = (low + high) / 2, size * (high[0] - low[0]) / 2
        out[
            round(float(y - half)) : round(float(y + half)) + 1, round(float(x - half)) : round(float(x + half)) + 1
        ] = level
    return out


@pytest.mark.parametrize("size", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("answer", [OPEN, (0.1, 0.6, 0.2, 0.1)])
def test_fail__light_on_a_lens_is_no_eye(size: float, answer: Answer) -> None:
    assert reasons(read(Net(answer, answer), grey=spotted(size))) == ("glare", "glare")


def test_ok__a_closed_eye_beside_light_on_a_lens_is_closed() -> None:
    assert reasons(read(Net(SHUT, SHUT), grey=spotted(0.3))) == (None, None)
    assert reasons(read(Net(OPEN, SHUT), grey=spotted(0.3))) == ("glare", None)


@pytest.mark.parametrize(
    "grey",
    [GREY, spotted(0.1), spotted(0.3, level=140), spotted(0.3, level=245, skin=220), np.full_like(GREY, 240)],
    ids=[
        "no spot",
        "a reflection on the eyeball",
        "the white of an eye",
        "little brighter than the skin",
        "all bright",
    ],
)
def test_ok__an_eye_without_light_on_the_lens_is_read(grey: NDArray[np.uint8]) -> None:
    assert reasons(read(Net(OPEN, OPEN), grey=grey)) == (None, None)


def test_ok__light_on_an_eye_outside_the_picture_is_none() -> None:
    assert not light_on_eye(GREY, np.full((6, 2), -500.0, np.float32))
    assert not light_on_eye(GREY, np.full((6, 2), 5000.0, np.float32))
