"""The lids go down and up: quickly, slowly, halfway, for good; and what thirty blinks say of the driver."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.data.driver_state import Blink, Perclos
from driver_monitor.state.eyes.blinks import LONGEST_S, BlinkMeter
from driver_monitor.state.sleepiness.blink_baseline import (
    DEVIATIONS,
    LEARNED,
    MEANS,
    BlinkBaseline,
)
from driver_monitor.state.sleepiness.blink_features import BLINKS, features
from driver_monitor.state.sleepiness.drowsiness import (
    HIGHEST,
    LOWEST,
    OLD_S,
    DrowsinessMeter,
)
from driver_monitor.timing.cadence import Cadence
from tests.timeline import Stretch, attentive, film, no_face, shut, states

Lids = list[tuple[float, float]]
"""Seconds and openness at corners of a line."""
NO_PERCLOS = Perclos(None, 0.0, 0.8, 0.2, 60.0)


def blinks(corners: Lids, fps: float = 30.0, missing: tuple[float, float] = (9e9, 9e9)) -> list[Blink]:
    """What the meter finds in lids that move along `corners`; nothing is seen between the times `missing`."""
    meter, cadence, found = BlinkMeter(), Cadence(), []
    times, values = zip(*corners, strict=True)
    for k in range(int(times[-1] * fps)):
        t = k / fps
        step = cadence.step(t)
        assert step is not None
        seen = None if missing[0] <= t < missing[1] else float(np.interp(t, times, values))
        blink = meter.update(step, seen)
        found += [blink] if blink else []
    return found


def one(down_s: float, shut_s: float, up_s: float, low: float = 0.0, high: float = 1.0) -> Lids:
    start = 2.0
    corners = [0.0, start, start + down_s, start + down_s + shut_s, start + down_s + shut_s + up_s]
    return [*zip(corners, [high, high, low, low, high], strict=True), (corners[-1] + 2, high)]


def test_ok__a_quick_blink_is_measured() -> None:
    (blink,) = blinks(one(0.1, 0.05, 0.15), fps=120)
    assert blink.duration_s == pytest.approx(0.3, abs=0.06)
    assert blink.amplitude == pytest.approx(1.0, abs=0.12)
    assert blink.closing_per_s == pytest.approx(10.0, rel=0.25)
    assert blink.opening_per_s == pytest.approx(1 / 0.15, rel=0.25)
    assert blink.lowest == pytest.approx(0.0, abs=0.1)


def test_ok__a_slow_blink_is_longer_and_its_lids_are_slower() -> None:
    (quick,), (slow,) = blinks(one(0.1, 0.1, 0.15)), blinks(one(0.3, 0.6, 0.5))
    assert slow.duration_s > 3 * quick.duration_s
    assert slow.opening_per_s < quick.opening_per_s / 2
    assert slow.amplitude == pytest.approx(quick.amplitude, abs=0.2)


def test_ok__a_partial_blink_is_one_of_small_amplitude_and_a_tremor_is_none() -> None:
    (partial,) = blinks(one(0.1, 0.05, 0.15, low=0.5), fps=60)
    assert 0.3 < partial.amplitude < 0.6
    assert blinks(one(0.1, 0.05, 0.15, low=0.8)) == []


def test_ok__lids_that_hang_are_blinked_from_where_they_hang() -> None:
    (blink,) = blinks(one(0.1, 0.1, 0.15, high=0.6))
    assert blink.amplitude == pytest.approx(0.6, abs=0.12)


def test_ok__after_a_long_closure_the_eyes_open_less_and_it_ends_all_the_same() -> None:
    corners = [(0, 1.0), (2, 1.0), (2.2, 0.0), (4, 0.0), (4.3, 0.65), (8, 0.65)]
    (blink,) = blinks(corners)
    assert blink.duration_s == pytest.approx(2.3, abs=0.2)


def test_ok__a_squint_in_a_low_sun_is_no_blink() -> None:
    assert blinks([(0, 1.0), (2, 1.0), (2.3, 0.4), (LONGEST_S + 5, 0.4), (LONGEST_S + 6, 1.0), (40, 1.0)]) == []


def test_ok__what_was_half_unseen_is_not_measured_and_a_dropped_frame_changes_nothing() -> None:
    assert blinks(one(0.1, 0.4, 0.15), missing=(2.05, 2.5)) == []
    (blink,) = blinks(one(0.1, 0.4, 0.15), missing=(2.3, 2.36))
    assert blink.duration_s == pytest.approx(0.65, abs=0.07)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 0.4), st.one_of(st.none(), st.floats(0, 1.5), st.just(math.nan))), max_size=80))
def test_ok__whatever_the_lids_do_a_blink_makes_sense(seen: list[tuple[float, float | None]]) -> None:
    meter, cadence, t = BlinkMeter(), Cadence(), 0.0
    for dt, openness in seen:
        t += dt
        step = cadence.step(t)
        blink = meter.update(step, openness) if step else None
        if blink is None:
            continue
        assert 0 < blink.duration_s <= LONGEST_S + 1
        assert 0 < blink.amplitude <= 1.5
        assert min(blink.closing_per_s, blink.opening_per_s) > 0
        assert math.isfinite(blink.closing_per_s + blink.opening_per_s)


def awake(t: float, noise: np.random.Generator) -> Blink:
    return Blink(t, 0.3 + noise.normal(0, 0.05), 0.95 + noise.normal(0, 0.05), 9.0, 6.0 + noise.normal(0, 1), 0.0)


def sleepy(t: float, noise: np.random.Generator) -> Blink:
    return Blink(t, 0.8 + abs(noise.normal(0, 0.5)), 0.8 + noise.normal(0, 0.1), 4.0, 2.0 + noise.normal(0, 0.5), 0.0)


def drive(
    kinds: Sequence[Callable[[float, np.random.Generator], Blink]], perclos: Perclos = NO_PERCLOS
) -> DrowsinessMeter:
    meter, noise = DrowsinessMeter(), np.random.default_rng(3)
    for k, kind in enumerate(kinds):
        meter.update(4.0 * k, kind(4.0 * k, noise), perclos, 0, 0)
    return meter


def test_ok__before_thirty_blinks_and_half_a_window_nothing_is_said() -> None:
    meter = drive([awake] * (BLINKS - 1))
    assert meter.update(117.0, None, NO_PERCLOS, 0, 0) is None
    known = meter.update(118.0, None, Perclos(0.02, 0.012, 0.412, 0.6, 60.0), 0, 0)
    assert known is not None
    assert "blinks as at" not in known.reason


def test_ok__slow_long_blinks_are_sleepier_than_ones_own_and_the_reason_says_so() -> None:
    t = 4.0 * 2 * BLINKS
    before = drive([awake] * 2 * BLINKS).update(t, None, NO_PERCLOS, 0, 0)
    after = drive([awake] * BLINKS + [sleepy] * BLINKS).update(t, None, NO_PERCLOS, 0, 0)
    assert before is not None
    assert after is not None
    assert after.kss - before.kss > 1.5
    assert "the last 30 blinks" in after.reason


def test_ok__the_interval_is_narrower_with_two_witnesses_and_stays_on_the_scale() -> None:
    t = 4.0 * 2 * BLINKS
    meter = drive([awake] * BLINKS + [sleepy] * BLINKS)
    alone = meter.update(t, None, NO_PERCLOS, 0, 0)
    both = meter.update(t, None, Perclos(0.15, 0.15, 0.15, 1.0, 60.0), 9, 9)
    assert alone is not None
    assert both is not None
    assert both.high - both.low < alone.high - alone.low
    for level in (alone, both):
        assert LOWEST <= level.low <= level.kss <= level.high <= HIGHEST


def test_ok__the_blinks_of_a_quarter_of_an_hour_ago_say_nothing_of_now() -> None:
    meter = drive([awake] * BLINKS + [sleepy] * BLINKS)
    assert meter.update(4.0 * 2 * BLINKS + OLD_S + 1, None, NO_PERCLOS, 0, 0) is None


def test_ok__who_sets_off_asleep_does_not_teach_that_this_is_awake() -> None:
    baseline, noise = BlinkBaseline(), np.random.default_rng(1)
    for k in range(LEARNED):
        baseline.learn(Blink(4.0 * k, 0.9, 0.6, 2.0, 1.0 + noise.normal(0, 0.01), 0.0))
    long, _, _ = MEANS[1][1], *MEANS[1]
    found = baseline.deviations(Blink(0.0, 0.9, 0.6, 2.0, 1.0, 0.0))
    assert found[1] == pytest.approx((0.9 - long) / DEVIATIONS[1])
    assert found[2] < 0


def test_ok__features_are_finite_whatever_the_blinks() -> None:
    wild = np.array([[[1e6, -1e6, 0.0]] * BLINKS, [[0.0, 0.0, 0.0]] * BLINKS])
    assert np.isfinite(features(wild)).all()


def nods(drive: list[Stretch], fps: float = 20.0) -> int:
    return states(film(drive, fps))[-1].nods


def test_ok__a_head_that_sinks_with_shut_eyes_and_is_caught_is_a_nod() -> None:
    nod = [shut(1.0, pitch=-20.0), attentive(4)]
    assert nods([attentive(5), *nod * 3]) == 3
    assert nods([attentive(5), *nod], fps=10) == 1


def test_ok__a_look_at_the_instruments_a_bump_and_a_long_sleep_are_none() -> None:
    assert nods([attentive(5), *[attentive(1.0, pitch=-20.0), attentive(3)] * 3]) == 0
    assert nods([attentive(5), shut(0.15, pitch=-20.0), attentive(3)]) == 0
    assert nods([attentive(5), shut(8, pitch=-20.0), attentive(3)]) == 0


def test_ok__nods_are_forgotten_after_five_minutes_and_a_lost_face_is_none() -> None:
    assert nods([attentive(5), shut(1.0, pitch=-20.0), attentive(302)], fps=5) == 0
    assert nods([attentive(5), shut(0.5, pitch=-20.0), no_face(2), attentive(3)]) == 0


def test_ok__nods_make_sleepier_and_the_reason_says_so() -> None:
    meter = DrowsinessMeter()
    known = Perclos(0.02, 0.02, 0.02, 1.0, 60.0)
    calm, nodding = meter.update(1.0, None, known, 0, 0), meter.update(2.0, None, known, 0, 2)
    assert calm is not None
    assert nodding is not None
    assert nodding.kss - calm.kss == pytest.approx(1.0)
    assert "2 nods" in nodding.reason
