"""The fast forms of the driver state equal the plain ones: they may only take less time."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.data.observation import ObjectsView
from driver_monitor.state.gaze.direction_map import PITCHES, STEP, YAWS, Grid, _peak, peaks
from driver_monitor.state.gaze.straight_ahead import ROAD_PITCH, ROAD_YAW, Area, _from_nearest
from driver_monitor.state.objects.objects_tracker import ObjectsTracker

ANGLES = st.floats(-60, 60)
AREAS = st.builds(Area, ANGLES, ANGLES, st.floats(0, 30), st.floats(0, 30))
PARTS = st.one_of(st.none(), st.sampled_from((0.0, 0.2, 0.4, 0.6, 0.8, 0.95)))
LOOKS = st.one_of(st.none(), st.none(), st.none(), st.builds(ObjectsView, PARTS, PARTS, PARTS, PARTS, PARTS, PARTS))
STEPS = st.sampled_from((1 / 30, 1 / 30, 0.25, 0.5, 1.0, 1.5, 3.0, 7.0))


@given(st.lists(AREAS, min_size=1, max_size=4), ANGLES, ANGLES, st.sampled_from((13.0, 25.0)))
def test_ok__the_nearest_area_is_the_one_with_the_least_share(
    areas: list[Area], yaw: float, pitch: float, down: float
) -> None:
    offsets = [area.offset(yaw, pitch) for area in areas]
    plain = min(offsets, key=lambda one: max(abs(one[0]) / ROAD_YAW, one[1] / ROAD_PITCH, -one[1] / down))
    assert _from_nearest(tuple(areas), yaw, pitch, down) == plain


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
