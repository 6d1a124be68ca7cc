"""The fast forms of the driver state equal the plain ones: they may only take less time."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.data.driver_state import GazeRegion
from driver_monitor.data.observation import ObjectsView
from driver_monitor.state.eyes.eyelids import Lids
from driver_monitor.state.gaze.direction_map import PITCHES, STEP, YAWS, Grid, _peak, peaks
from driver_monitor.state.gaze.regions import _AREAS, _SWAPPED, HYSTERESIS, Wheel, nearest
from driver_monitor.state.gaze.straight_ahead import ROAD_PITCH, ROAD_YAW, Area, _from_nearest
from driver_monitor.state.learning import LEAST_FADED, TimeHistogram
from driver_monitor.state.objects.objects_tracker import ObjectsTracker

ANGLES = st.floats(-60, 60)
AREAS = st.builds(Area, ANGLES, ANGLES, st.floats(0, 30), st.floats(0, 30))
PARTS = st.one_of(st.none(), st.sampled_from((0.0, 0.2, 0.4, 0.6, 0.8, 0.95)))
LOOKS = st.one_of(st.none(), st.none(), st.none(), st.builds(ObjectsView, PARTS, PARTS, PARTS, PARTS, PARTS, PARTS))
PLACES = st.floats(-1.4, 1.4)
"""From the middle of a region, in its half sizes."""
ODDS = st.floats(-4, 4)
STEPS = st.sampled_from((1 / 30, 1 / 30, 0.25, 0.5, 1.0, 1.5, 3.0, 7.0))


@given(st.lists(AREAS, min_size=1, max_size=4), ANGLES, ANGLES, st.sampled_from((13.0, 25.0)))
def test_ok__the_nearest_area_is_the_one_with_the_least_share(
    areas: list[Area], yaw: float, pitch: float, down: float
) -> None:
    offsets = [area.offset(yaw, pitch) for area in areas]
    plain = min(offsets, key=lambda one: max(abs(one[0]) / ROAD_YAW, one[1] / ROAD_PITCH, -one[1] / down))
    assert _from_nearest(tuple(areas), yaw, pitch, down) == plain


@given(st.sampled_from(tuple(_AREAS)), PLACES, PLACES, st.sampled_from(get_args(Wheel)), st.booleans())
def test_ok__the_region_is_the_ellipse_whose_middle_is_nearest_by_its_size(
    at: GazeRegion, across: float, along: float, wheel: Wheel, stays: bool
) -> None:
    area, side = _AREAS[at], 1 if wheel == "left" else -1
    yaw, pitch = side * area.out + across * area.half_width, area.up + along * area.half_height
    present = (at if wheel == "left" else _SWAPPED.get(at, at)) if stays else None
    away = {}
    for name, area in _AREAS.items():
        seen, out = name if wheel == "left" else _SWAPPED.get(name, name), side * area.out
        size = HYSTERESIS if seen == present else 1.0
        away[seen] = math.hypot((yaw - out) / area.half_width, (pitch - area.up) / area.half_height) / size
    found, least = nearest(yaw, pitch, wheel, present), min(away.values())
    assert least >= 1.0 - 1e-9 if found is None else away[found] <= min(least, 1.0) + 1e-9


@given(st.floats(-0.5, 2), ODDS, st.one_of(st.just(0.0), st.floats(0, 4)), st.booleans())
def test_ok__an_eye_is_as_open_as_the_probability_of_closed_allows(
    lids: float, closed: float, lowered: float, thrown_back: bool
) -> None:
    eye = Lids(lids, closed, closed + lowered, thrown_back)
    assert eye.openness() == eye.openness(eye.probabilities()[0])


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 60)), min_size=1, max_size=200))
def test_ok__time_that_fades_by_a_factor_fades_as_if_each_bin_did(added: list[tuple[float, float]]) -> None:
    histogram, bins, memory_s = TimeHistogram(0.0, 1.0, 0.1), np.zeros(10), 10.0
    for value, seconds in added:
        if histogram.add(value, seconds, memory_s):
            bins *= math.exp(-seconds / memory_s)
            bins[math.floor(value / 0.1)] += seconds
    if bins.any():
        plain = TimeHistogram(0.0, 1.0, 0.1)
        for number, seconds in enumerate(bins.tolist()):
            plain.add(0.1 * number + 0.05, seconds, None)
        assert histogram.quantile(0.7) == pytest.approx(plain.quantile(0.7), abs=1e-9)


def test_ok__the_factor_of_faded_time_has_a_limit() -> None:
    histogram = TimeHistogram(0.0, 1.0, 0.1)
    for _ in range(24 * 3600):
        histogram.add(0.35, 1.0, 300.0)
    assert sum(histogram._bins) <= 300.0 / LEAST_FADED * 1.1
    assert histogram.quantile(0.5) == pytest.approx(0.35)


@settings(max_examples=50)
@given(st.integers(0, 1000), st.integers(2, 40), st.floats(0.05, 1.0))
def test_ok__the_peaks_are_the_places_without_a_higher_neighbour(seed: int, levels: int, least: float) -> None:
    # Few levels make neighbours of equal height.
    scores: Grid = np.random.default_rng(seed).integers(1, levels, (len(YAWS), len(PITCHES))) / levels
    inner = scores[1:-1, 1:-1]
    around = (scores[:-2, 1:-1], scores[2:, 1:-1], scores[1:-1, :-2], scores[1:-1, 2:])
    top = (inner >= least) & np.logical_and.reduce([inner >= one for one in around])
    plain = []
    for row, column in np.argwhere(top) + 1:
        here = scores[row, column]
        across = _peak(scores[row - 1, column], here, scores[row + 1, column])
        up = _peak(scores[row, column - 1], here, scores[row, column + 1])
        plain.append((here, (YAWS[row] + STEP * across, PITCHES[column] + STEP * up)))
    assert peaks(scores, least) == sorted(plain, reverse=True)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(STEPS, LOOKS), max_size=60))
def test_ok__the_objects_are_the_same_as_if_they_were_judged_in_every_frame(
    frames: list[tuple[float, ObjectsView | None]],
) -> None:
    saving, judging = ObjectsTracker(), ObjectsTracker()
    t = 0.0
    for seconds, look in frames:
        t += seconds
        judging._steady_t = -math.inf
        assert saving.update(t, look) == judging.update(t, look)
