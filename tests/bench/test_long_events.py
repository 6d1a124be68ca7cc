"""Long closures, alerts about closed eyes, long yawns and long looks away, as the labels of clips2 define them."""

from __future__ import annotations

from typing import Any

import pytest

from driver_monitor.bench.runs.scored_rules import scored_rules
from driver_monitor.bench.score.closures import score_closures
from driver_monitor.bench.score.labels import ClipLabels
from driver_monitor.bench.score.long_events import LongScore, score_long
from driver_monitor.bench.score.track import Track
from tests.bench.stories import closed, event, labels, track
from tests.timeline import shipped


def score(clip: ClipLabels, seen: Track, profile: str = "default") -> LongScore:
    return score_long(clip, seen, scored_rules(shipped(profile)))


def partial(*events: dict[str, Any], blinks: str = "partial") -> ClipLabels:
    return labels(*events).model_copy(update={"blinks": blinks})


@pytest.mark.parametrize(("called", "missed"), [((20, 39), 0), ((20, 29), 0), ((20, 28), 1), ((50, 60), 1)])
def test_ok__a_long_closure_is_missed_when_less_than_half_of_it_is_called_closed(
    called: tuple[int, int], missed: int
) -> None:
    found = score(labels(*closed((20, 39))), track(called))
    assert (found.closures, found.closures_missed) == (1, missed)


def test_ok__half_a_second_is_long_and_a_frame_less_is_a_blink() -> None:
    assert score(labels(*closed((20, 29), (40, 48))), track()).closures == 1


def test_ok__a_long_closure_of_which_most_is_uncertain_does_not_count() -> None:
    assert score(labels(*closed((20, 39)), event("uncertain", 20, 30)), track()).closures == 0


@pytest.mark.parametrize(
    ("closed_frames", "uncertain_frames", "false"),
    [(0, 0, 1), (9, 0, 1), (10, 0, 0), (0, 9, 1), (0, 10, 0), (6, 5, 1), (6, 6, 0), (9, 3, 0)],
)
def test_ok__a_microsleep_is_false_by_the_second_before_it(
    closed_frames: int, uncertain_frames: int, false: int
) -> None:
    # The alert at 3.0 s is about frames 41 to 60.
    events = [event("eyes_closed", 61 - closed_frames, 60)] if closed_frames else []
    if uncertain_frames:
        events.append(event("uncertain", 61 - closed_frames - uncertain_frames, 60 - closed_frames))
    found = score(labels(*events), track(raised=[("microsleep", 3.0)]))
    assert (found.alerts, found.alerts_false) == (1, false)


def test_ok__a_sleep_is_judged_by_its_three_seconds_and_other_alerts_are_not_counted() -> None:
    clip = labels(*closed((41, 70)))
    raised = [("microsleep", 3.0), ("sleep", 3.5), ("long_distraction", 4.0), ("drowsiness", 4.5)]
    found = score(clip, track(raised=raised))
    assert (found.alerts, found.alerts_false) == (2, 0)
    assert score(clip, track(raised=[("sleep", 3.4)])).alerts_false == 1


def test_ok__yawns_count_from_two_seconds_on_and_unsure_ones_not_at_all() -> None:
    clip = labels(event("yawn", 0, 39), event("yawn", 50, 70), event("yawn", 40, 99, confidence="low"))
    assert score(clip, track(yawning=[(20, 30)])).yawns == 1
    assert score(clip, track(yawning=[(20, 30)])).yawns_found == 1
    assert score(clip, track(yawning=[(60, 70)])).yawns_found == 0


@pytest.mark.parametrize(("t", "told"), [(0.9, 0), (1.0, 1), (4.0, 1), (4.4, 1), (4.5, 0)])
def test_ok__a_look_away_of_three_seconds_is_told_while_it_lasts_or_just_after(t: float, told: int) -> None:
    clip = labels(event("look_away", 20, 79, direction="left"))
    found = score(clip, track(raised=[("long_distraction", t)]))
    assert (found.looks, found.looks_told) == (1, told)


def test_ok__a_shorter_look_away_need_not_be_told_and_a_microsleep_tells_none() -> None:
    assert score(labels(event("look_away", 20, 78)), track()).looks == 0
    clip = labels(event("look_away", 20, 79))
    assert score(clip, track(raised=[("microsleep", 3.0)])).looks_told == 0


@pytest.mark.parametrize("blinks", ["partial", "none"])
def test_ok__blinks_that_nobody_labelled_are_not_false_and_long_closures_still_are(blinks: str) -> None:
    found = score_closures(partial(*closed((20, 24)), blinks=blinks), track((21, 24), (40, 48), (70, 79)))
    assert (found.found, found.false, found.long) == (1, 1, ((70, 79),))
    assert found.wrong == 10
    whole = score_closures(labels(*closed((20, 24))), track((21, 24), (40, 48), (70, 79)))
    assert (whole.found, whole.false, whole.wrong) == (1, 2, 19)


def test_ok__an_unlabelled_blink_does_not_change_the_closed_share() -> None:
    assert score_closures(partial(*closed((20, 29))), track((20, 29), (40, 44))).share_error == pytest.approx(
        100 * (10 / 95 - 10 / 95)
    )


@pytest.mark.parametrize(("key", "value"), [("blinks", "some"), ("closures_over_half_second", True)])
def test_fail__labels_say_only_what_is_defined(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=key):
        ClipLabels.model_validate({"person": "p", "fps": 20, "frames": 10, "events": [], key: value})
