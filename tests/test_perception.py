"""What one frame shows, put together from nets that are scripted here."""

from __future__ import annotations

import numpy as np
import pytest

from driver_monitor.data.observation import (
    EXPRESSIONS,
    Expression,
    EyesView,
    EyeView,
    FaceView,
    Observation,
)
from driver_monitor.imaging.frame import Frame, Image, to_grey
from driver_monitor.perception.expression.net import ExpressionNet
from driver_monitor.perception.expression.reader import ExpressionReader
from driver_monitor.perception.face.tracker import FaceTracker
from driver_monitor.perception.perception import Perception
from driver_monitor.perception.reader import FacePicture, Reader
from tests.faces import points, view

DAY = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8).repeat(20, 0).repeat(20, 1)
EYES = EyesView(EyeView(1.0, 0.0), EyeView(1.0, 0.0))


class Nets(FaceTracker):
    """Finder, eyes and expression in one; remembers when it was asked for an expression."""

    def __init__(self, face: FaceView | None) -> None:
        self.face = face
        self.looks: list[int] = []
        self.greys: list[Image] = []

    def update(self, grey: Image, t: float) -> FaceView | None:
        self.greys.append(grey)
        return self.face


class Eyes:
    field = "eyes"

    def read(self, picture: FacePicture) -> EyesView:
        return EYES


class Mood(ExpressionNet):
    def __init__(self) -> None:
        self.looks = 0

    def probabilities(self, crop: Image) -> Expression:
        self.looks += 1
        return Expression(dict.fromkeys(EXPRESSIONS, 0.125))


class Phone:
    """A reader that no part of the program knows: it is in the list, and that is all."""

    field = "phone"

    def read(self, picture: FacePicture) -> str:
        return f"in the {'left' if picture.face.box.x < picture.grey.shape[1] / 2 else 'right'} hand"


def perception(face: FaceView | None, mood: Mood | None = None, *more: Reader) -> tuple[Perception, Nets]:
    nets = Nets(face)
    readers: list[Reader] = [Eyes(), *([] if mood is None else [ExpressionReader(mood, 4.0)]), *more]
    return Perception(nets, readers), nets


def test_ok__a_new_reader_is_one_more_entry_of_the_list() -> None:
    seeing, _ = perception(view(points()), Mood(), Phone())
    seen = seeing.observe(Frame(DAY, 0.0, 0, "test"))
    assert seen.extra == {"phone": "in the left hand"}
    assert seen.eyes is EYES
    assert seen.expression is not None


def test_ok__without_a_face_no_reader_reads() -> None:
    seeing, _ = perception(None, None, Phone())
    assert seeing.observe(Frame(DAY, 0.0, 0, "test")).extra == {}


@pytest.mark.parametrize("fps", [5, 15, 20, 30, 60])
def test_ok__the_expression_of_a_still_face_is_looked_at_twice_a_second_at_any_frame_rate(fps: int) -> None:
    mood = Mood()
    seeing, _ = perception(view(points()), mood)
    for i in range(10 * fps):
        seeing.observe(Frame(DAY, i / fps, i, "test"))
    assert mood.looks == pytest.approx(20, abs=1)


def test_ok__without_a_classifier_there_is_no_expression() -> None:
    seeing, _ = perception(view(points()))
    assert seeing.observe(Frame(DAY, 0.0, 0, "test")).expression is None


def test_ok__an_empty_seat_has_a_reason_and_no_eyes() -> None:
    seeing, _ = perception(None)
    seen = seeing.observe(Frame(DAY, 0.0, 0, "test"))
    assert (seen.face, seen.eyes, seen.face_reason) == (None, None, "not_found")


def test_ok__a_covered_lens_is_not_searched_for_a_face() -> None:
    seeing, nets = perception(view(points()))
    seen = seeing.observe(Frame(np.full((480, 640), 90, np.uint8), 0.0, 0, "test"))
    assert (seen.camera, seen.face, seen.face_reason) == ("covered", None, "covered")
    assert nets.greys == []


def test_ok__a_frozen_picture_shows_nothing_of_now() -> None:
    seeing, _ = perception(view(points()))
    seen = seeing.observe(Frame(DAY, 0.0, 0, "test"), "frozen")
    assert (seen.camera, seen.face, seen.face_reason) == ("frozen", None, "no_frame")


def test_ok__nets_always_get_grey() -> None:
    seeing, nets = perception(None)
    seeing.observe(Frame(DAY, 0.0, 0, "test"))
    seeing.observe(Frame(to_grey(DAY), 0.1, 1, "test"))
    assert [grey.shape for grey in nets.greys] == [(480, 640)] * 2
    assert np.array_equal(nets.greys[0], nets.greys[1])


def test_ok__a_lens_covered_while_the_picture_is_frozen_is_covered() -> None:
    seeing, _ = perception(None)
    seen = seeing.observe(Frame(np.full((480, 640), 90, np.uint8), 0.0, 0, "test"), "frozen")
    assert seen.camera == "covered"


COVERED = np.full((480, 640), 90, np.uint8)


def from_then_on(pictures: list[Image], fps: int = 20) -> list[Observation]:
    seeing, _ = perception(view(points()))
    return [seeing.observe(Frame(picture, i / fps, i, "test")) for i, picture in enumerate(pictures)]


@pytest.mark.parametrize("first", range(20, 30))
def test_ok__a_cover_is_seen_within_two_fifths_of_a_second_and_its_end_within_one(first: int) -> None:
    seen = from_then_on([DAY] * first + [COVERED] * 20 + [DAY] * 10)
    covered = [i for i, one in enumerate(seen) if one.camera == "covered"]
    assert 0 <= covered[0] - first < 8
    assert 0 <= covered[-1] - (first + 19) < 4
    assert covered == list(range(covered[0], covered[-1] + 1))


def test_ok__while_nothing_changes_a_cover_between_two_judgements_is_not_looked_for() -> None:
    waits = []
    for first in range(20, 28):
        seen = from_then_on([DAY] * first + [COVERED] * 9)
        waits.append([one.camera for one in seen].index("covered") - first)
    assert sorted(waits) == list(range(8)), "judged every 0.4 s"


@pytest.mark.parametrize("first", range(20, 28))
def test_ok__another_light_counts_after_a_second_and_less_than_half(first: int) -> None:
    seen = from_then_on([DAY] * first + [(DAY // 16).astype(np.uint8)] * 30)
    dark = [one.light for one in seen].index("dark") - first
    assert 20 <= dark < 28
