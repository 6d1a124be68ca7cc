"""The unit of openness is a usual open eye, as our own eye net measures it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.app.build import (
    Request,
    build_perception,
    load_models,
    load_plan,
)
from driver_monitor.capture.recordings.images import read_image
from driver_monitor.imaging.frame import Frame
from driver_monitor.perception.eyes.lids import SHUT, USUAL, opening


def test_ok__a_usual_open_eye_reads_one_and_a_shut_one_nothing() -> None:
    assert opening(USUAL) == pytest.approx(1.0)
    assert opening(SHUT) == 0.0
    assert opening((SHUT + USUAL) / 2) == pytest.approx(0.5)


@given(st.floats(0, 1), st.floats(0, 1))
def test_ok__the_opening_grows_with_the_ratio_within_bounds(one: float, other: float) -> None:
    narrow, wide = opening(min(one, other)), opening(max(one, other))
    assert narrow is not None
    assert wide is not None
    assert 0 <= narrow <= wide <= 2


@pytest.mark.parametrize("ratio", [math.nan, math.inf, -math.inf])
def test_fail__a_ratio_that_is_no_number_is_not_a_shut_eye(ratio: float) -> None:
    assert opening(ratio) is None


def test_ok__the_demos_open_eyes_are_usual_ones(still: Path) -> None:
    config = load_plan(Request()).config
    seen = build_perception(config, load_models(config)).observe(Frame(read_image(still), 0.0, 0, str(still)))
    assert seen.eyes is not None
    for eye in (seen.eyes.left, seen.eyes.right):
        assert eye.opening is not None
        assert 0.7 < eye.opening < 1.4
