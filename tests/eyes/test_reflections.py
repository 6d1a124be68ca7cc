"""Light on the lenses of glasses is never taken for an eye: a sleeper behind it is closed or unknown, never open."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from driver_monitor.app.build import Request, build_perception, load_models, load_plan
from driver_monitor.data.driver_state import EyesVerdict
from driver_monitor.data.observation import EyesView
from driver_monitor.imaging.frame import Frame
from driver_monitor.imaging.ibug import EYES
from driver_monitor.perception.eyes.unreadable import LIGHT, LIGHT_OVER_SKIN, LIGHT_SHARE, light_on_eye
from driver_monitor.perception.perception import Perception
from driver_monitor.state.eyes.eyelids import Eyelids
from driver_monitor.timing.cadence import TimeStep
from tests.conftest import demo_frames

Grey = NDArray[np.uint8]
Draw = Callable[[Grey, tuple[int, int], float], None]
"""Draws light on a picture, at the middle of an eye of this width in pixels."""
SHIFT = 4
"""Positions and sizes are drawn to 1/16 pixel."""
SLEEPING, AWAKE = (192, 212, 232), (130, 160, 262)
"""Frames of the demo."""


def dot(picture: Grey, x: float, y: float, radius: float) -> None:
    one = 1 << SHIFT
    cv2.circle(picture, (round(x * one), round(y * one)), round(radius * one), 255, -1, cv2.LINE_AA, SHIFT)


def lamp(picture: Grey, at: tuple[int, int], width: float) -> None:
    dot(picture, at[0] + 0.1 * width, at[1] - 0.08 * width, 0.05 * width)


def row_of_lamps(picture: Grey, at: tuple[int, int], width: float) -> None:
    for step in (-0.3, -0.1, 0.1):
        dot(picture, at[0] + step * width, at[1] - 0.12 * width, 0.035 * width)


def two_lamps(picture: Grey, at: tuple[int, int], width: float) -> None:
    dot(picture, at[0] - 0.15 * width, at[1] - 0.05 * width, 0.06 * width)
    dot(picture, at[0] + 0.2 * width, at[1] + 0.1 * width, 0.04 * width)


def window(picture: Grey, at: tuple[int, int], width: float) -> None:
    x, y = round(at[0] + 0.05 * width), round(at[1] - 0.2 * width)
    cv2.rectangle(picture, (x, y), (x + round(0.3 * width), y + round(0.18 * width)), 245, -1, cv2.LINE_AA)


DRAWINGS = [lamp, row_of_lamps, two_lamps, window]


@pytest.fixture(scope="module")
def perception() -> Callable[[], Perception]:
    config = load_plan(Request()).config
    models = load_models(config)
    return lambda: build_perception(config, models)


@pytest.fixture(scope="module")
def frames() -> list[NDArray[np.uint8]]:
    return [np.asarray(image, np.uint8) for image in demo_frames(0, 263)]


@given(st.integers(0, 2**32 - 1), st.integers(60, 250), st.integers(150, 255), st.floats(0, 0.2))
def test_ok__the_light_on_a_lens_is_what_is_so_much_brighter_than_the_skin(
    seed: int, skin: int, lamp: int, share: float
) -> None:
    """The fast form does not look at the skin where nothing is bright."""
    grey = np.full((60, 60), skin, np.uint8)
    grey[np.random.default_rng(seed).random(grey.shape) < share] = lamp
    eye = np.array([[15, 30], [25, 25], [35, 25], [45, 30], [35, 35], [25, 35]], np.float32)
    between, around = grey[23:37, 15:46], grey[16:45, 6:55]
    level = min(max(LIGHT, LIGHT_OVER_SKIN * float(np.median(around))), 254)
    assert light_on_eye(grey, eye) == bool((between >= level).mean() > LIGHT_SHARE)


def with_light(grey: Grey, points: NDArray[np.float32], draw: Draw) -> Grey:
    out: Grey = grey.copy()
    for side in ("left", "right"):
        eye = points[list(EYES[side])]
        middle = (eye[0] + eye[3]) / 2
        draw(out, (round(float(middle[0])), round(float(middle[1]))), float(np.linalg.norm(eye[3] - eye[0])))
    return out


def seen(perception: Callable[[], Perception], image: Grey, draw: Draw) -> EyesView:
    clean = perception().observe(Frame(image, 0.0, 0, "demo"))
    assert clean.face is not None
    lit = perception().observe(Frame(with_light(Frame(image, 0.0, 0, "").grey, clean.face.points, draw), 0.0, 0, ""))
    assert lit.eyes is not None
    return lit.eyes


def judged(eyes: EyesView) -> EyesVerdict:
    """Return what the first frame of a drive says of both eyes together."""
    return Eyelids().update(TimeStep(0.0, 0.0, 0.0), eyes, None, may_learn=False).state


@pytest.mark.parametrize("draw", DRAWINGS)
@pytest.mark.parametrize("number", SLEEPING)
def test_ok__light_on_the_lenses_never_opens_the_eyes_of_a_sleeper(
    perception: Callable[[], Perception], frames: list[Grey], number: int, draw: Draw
) -> None:
    assert judged(seen(perception, frames[number], draw)) != "open"


@pytest.mark.parametrize("draw", [lamp, row_of_lamps, two_lamps])
@pytest.mark.parametrize("number", AWAKE)
def test_ok__light_on_the_lenses_never_shuts_the_eyes_of_a_driver_who_is_awake(
    perception: Callable[[], Perception], frames: list[Grey], number: int, draw: Draw
) -> None:
    assert judged(seen(perception, frames[number], draw)) != "closed"
