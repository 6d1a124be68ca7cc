"""What is at the face is read a few times a second, and what a picture cannot tell is unknown."""

from __future__ import annotations

import math
from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from driver_monitor.data.observation import HeadPose, Light, ObjectsView
from driver_monitor.perception.objects.net import ANSWERS, SIZE, ObjectsNet
from driver_monitor.perception.objects.readable import FAR_EAR_YAW, MOUTH_YAW, NEAR_EAR_YAW, SMALLEST
from driver_monitor.perception.objects.reader import LOOKS_HZ, ObjectsReader
from driver_monitor.perception.reader import FacePicture
from tests.faces import Points, points, view

GREY = np.asarray(np.add.outer(np.arange(480) % 128, np.arange(640) % 128), np.uint8)
TOLD = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
FACE = points() + np.array([120, 0], np.float32)
"""A face in the middle of `GREY`: 200 pixels wide, its crop inside the picture but for a strip at the top."""
NOTHING = ObjectsView(None, None, None, None, None, None)
BOTH_EARS = {"phone_left", "phone_right"}
MOUTH = {"hand", "mask", "mouth_hidden"}


class Net(ObjectsNet):
    """Answers what the test wants, and counts how often it was asked."""

    def __init__(self, p: tuple[float, ...] = TOLD) -> None:
        self.p, self.runs = p, 0

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        assert crops.shape == (1, SIZE, SIZE)
        assert crops.dtype == np.uint8
        self.runs += 1
        return np.array([self.p], np.float32)


def picture(
    face: Points = FACE, *, yaw: float = 0.0, grey: NDArray[np.uint8] = GREY, light: Light = "day"
) -> FacePicture:
    return FacePicture(grey, view(face, yaw), light, 0.0)


def read(shown: FacePicture, net: Net | None = None) -> ObjectsView:
    seen = ObjectsReader(net or Net()).read(shown)
    assert seen is not None
    return seen


def known(shown: FacePicture) -> set[str]:
    return {name for name, value in zip(ANSWERS, astuple(read(shown)), strict=True) if value is not None}


def test_ok__each_answer_of_the_net_gets_its_name() -> None:
    left, right, hand, at_mouth, mask, hidden = astuple(read(picture()))
    assert (left, right, hand, mask, hidden) == pytest.approx((*TOLD[:3], *TOLD[4:]))
    assert at_mouth is None, "the net finds too few objects at the mouth to say that there is none"
    assert ANSWERS == ("phone_left", "phone_right", "hand", "at_mouth", "mask", "mouth_hidden")


@pytest.mark.parametrize("fps", [5.0, 20.0, 30.0, 60.0])
def test_ok__the_net_looks_three_times_a_second_and_nobody_looks_between(fps: float) -> None:
    net = Net()
    reader = ObjectsReader(net)
    seen = [reader.read(replace(picture(), t=number / fps)) for number in range(int(10 * fps))]
    assert net.runs == len([one for one in seen if one is not None]) == pytest.approx(10 * LOOKS_HZ, abs=1)


def test_ok__a_clip_that_begins_again_is_looked_at_at_once() -> None:
    reader = ObjectsReader(Net())
    assert [reader.read(replace(picture(), t=t)) is not None for t in (50.0, 50.1, 0.0, 0.1)] == [True, False] * 2


@pytest.mark.parametrize(
    ("yaw", "told"),
    [
        (0.0, BOTH_EARS | MOUTH),
        (FAR_EAR_YAW - 1, BOTH_EARS | MOUTH),
        (FAR_EAR_YAW + 1, {"phone_right"} | MOUTH),
        (-FAR_EAR_YAW - 1, {"phone_left"} | MOUTH),
        (MOUTH_YAW + 1, {"phone_right"}),
        (-MOUTH_YAW - 1, {"phone_left"}),
        (NEAR_EAR_YAW + 1, set()),
        (-NEAR_EAR_YAW - 1, set()),
        (math.nan, set()),
    ],
)
def test_ok__a_turned_head_hides_the_far_ear_then_the_mouth_then_all(yaw: float, told: set[str]) -> None:
    assert known(picture(yaw=yaw)) == told


@pytest.mark.parametrize(
    "shown",
    [
        picture(light="dark"),
        replace(picture(), face=replace(view(FACE), head=None)),
        picture(FACE * np.float32(0.9 * SMALLEST / 200)),
        picture(np.full((70, 2), math.nan, np.float32)),
        picture(np.where(np.arange(70)[:, None] == 8, np.float32(math.inf), FACE)),
        picture(np.full((70, 2), 200, np.float32)),
        picture(FACE - np.array([2000, 0], np.float32)),
    ],
    ids=["dark", "no head pose", "small", "no points", "a point far away", "one point", "outside"],
)
def test_ok__where_nothing_can_be_told_all_is_unknown_and_the_net_rests(shown: FacePicture) -> None:
    net = Net()
    assert read(shown, net) == NOTHING
    assert net.runs == 0


@pytest.mark.parametrize("level", [0, 100, 255])
def test_fail__a_flat_picture_shows_no_free_ear(level: int) -> None:
    net = Net()
    assert read(picture(grey=np.full((480, 640), level, np.uint8)), net) == NOTHING
    assert net.runs == 0
    assert read(picture(grey=np.asarray(GREY // 16, np.uint8)), net) != NOTHING, "a sixteenth of the light is enough"


def test_ok__infrared_is_no_darkness() -> None:
    assert known(picture(light="infrared")) == BOTH_EARS | MOUTH


@pytest.mark.parametrize(
    ("shift", "hidden"),
    [
        ((-220, 0), {"phone_right"}),
        ((220, 0), {"phone_left"}),
        ((0, 182), {"mask", "mouth_hidden"}),
        ((0, -130), set()),
        ((0, 205), {"hand", "mask", "mouth_hidden"}),
    ],
    ids=["right ear", "left ear", "mouth", "forehead", "chin and mouth"],
)
def test_ok__what_is_beyond_the_border_of_the_picture_is_unknown(shift: tuple[float, float], hidden: set[str]) -> None:
    """The driver's right ear is on the left of the picture."""
    assert known(picture(FACE + np.array(shift, np.float32))) == (BOTH_EARS | MOUTH) - hidden


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -0.5, 1.5])
def test_fail__what_is_no_probability_is_unknown(wrong: float) -> None:
    seen = read(picture(), Net((*TOLD[:4], wrong, TOLD[5])))
    assert seen.mask is None
    assert seen.mouth_hidden == pytest.approx(0.6)


place = st.floats(-1e6, 1e6, width=32)
anything = st.one_of(place, st.sampled_from([math.nan, math.inf, -math.inf, 3e38]))


@st.composite
def faces(draw: st.DrawFn) -> Points:
    """A face of any size at any place, with some points anywhere."""
    middle = np.array([draw(place), draw(place)], np.float32)
    face: Points = (points() - 200) * np.float32(draw(st.floats(0, 20, width=32))) + middle
    for index in draw(st.lists(st.integers(0, 69), max_size=3)):
        face[index] = draw(anything), draw(anything)
    return face


@settings(max_examples=80, deadline=None)
@given(
    faces(),
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.one_of(st.none(), st.floats(-100, 100)),
    st.sampled_from(["day", "infrared", "dark", "glare"]),
)
def test_ok__any_face_in_any_picture_is_read_or_unknown(
    face: Points, shape: tuple[int, int], yaw: float | None, light: Light
) -> None:
    head = None if yaw is None else HeadPose(yaw, 0.0, 0.0)
    shown = FacePicture(np.full(shape, 7, np.uint8), replace(view(FACE), points=face, head=head), light, 0.0)
    told = astuple(read(shown))
    assert all(value is None or 0 <= value <= 1 for value in told)
    if head is None or light == "dark" or not np.isfinite(face[:68]).all():
        assert told == astuple(NOTHING)
