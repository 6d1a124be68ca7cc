"""Face, looks away, yawns and alerts against labels, as short drives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from driver_monitor.bench.runs.scored_rules import ScoredRule, scored_rules
from driver_monitor.bench.score.alerts import AlertScore, score_alerts
from driver_monitor.bench.score.labels import ClipLabels
from driver_monitor.bench.score.sightings import score_face, score_looks, score_yawns
from driver_monitor.bench.score.track import Track
from driver_monitor.rules.profile import Profile
from tests.bench.stories import closed, event, labels, track
from tests.timeline import shipped


def scores(clip: ClipLabels, seen: Track, profile: str = "default") -> dict[str, AlertScore]:
    return score_alerts(clip, seen, scored_rules(shipped(profile)))


def test_ok__a_face_lost_and_found_again() -> None:
    face = score_face(labels(), track(absent=[(40, 49)]))
    assert (face.visible, face.present, face.losses) == (100, 90, 1)
    assert (face.longest_gap_s, face.found_again_s) == (0.5, 0.5)


def test_ok__a_face_that_comes_late_or_stays_away_was_not_found_again() -> None:
    for gap in ((0, 9), (90, 99)):
        face = score_face(labels(), track(absent=[gap]))
        assert (face.longest_gap_s, face.found_again_s) == (0.5, None)


def test_ok__a_face_out_of_the_picture_need_not_be_found_until_it_is_back() -> None:
    face = score_face(labels(event("face_not_visible", 40, 59)), track(absent=[(40, 63)]))
    assert (face.visible, face.present) == (80, 76)
    assert face.found_again_s == pytest.approx(0.2)


def test_ok__left_in_the_image_is_the_drivers_right() -> None:
    away = labels(event("look_away", 10, 19, direction="left"))
    for yaw, agreed in ((-40.0, 10), (40.0, 0), (-10.0, 0)):
        assert score_looks(away, track(head={(10, 19): (yaw, 0.0)})).agreed == agreed


@pytest.mark.parametrize(
    ("direction", "seen", "agreed"),
    [
        ("up", (0.0, 30.0), True),
        ("up", (40.0, 30.0), False),
        ("image_right_down", (50.0, -10.0), True),
        ("image_right_down", (5.0, -40.0), True),
        ("image_right_down", (50.0, 10.0), False),
        ("image_left", (-50.0, 10.0), True),
    ],
)
def test_ok__directions_are_quarters(direction: str, seen: tuple[float, float], agreed: bool) -> None:
    away = labels(event("look_away", 10, 19, direction=direction))
    assert score_looks(away, track(gaze={(10, 19): seen})).agreed == 10 * agreed


def test_ok__with_a_usual_direction_the_camera_may_stand_anywhere() -> None:
    away = labels(event("look_away", 10, 19, direction="left"), reference="the clip's usual direction")
    off_axis = {(0, 9): (35.0, 0.0), (10, 19): (5.0, 0.0), (20, 99): (35.0, 0.0)}
    assert score_looks(away, track(head=off_axis)).agreed == 10


def test_ok__what_is_unknown_does_not_agree_and_uncertain_heads_are_not_scored() -> None:
    away = labels(event("look_away", 10, 29, direction="up"), event("uncertain_head", 20, 29))
    nan = (float("nan"), float("nan"))
    looks = score_looks(away, track(head={(10, 29): nan}, gaze={(10, 29): nan}))
    assert (looks.frames, looks.agreed, looks.unknown) == (10, 0, 10)


def test_ok__overlapping_look_aways_count_each_frame_once_and_one_direction_must_agree() -> None:
    both = labels(event("look_away", 10, 29, direction="up"), event("look_away", 20, 39, direction="left"))
    looks = score_looks(both, track(head={(10, 39): (-35.0, 0.0)}))
    assert (looks.frames, looks.agreed, looks.unknown) == (30, 20, 0)
    twice = labels(event("look_away", 10, 29, direction="left"), event("look_away", 10, 29, direction="left"))
    nan = (float("nan"), float("nan"))
    unseen = score_looks(twice, track(head={(10, 29): nan}, gaze={(10, 29): nan}))
    assert (unseen.frames, unseen.agreed, unseen.unknown) == (20, 0, 20)


def test_ok__marginal_looks_are_not_scored() -> None:
    assert score_looks(labels(event("look_away_marginal", 10, 19, direction="up")), track()).frames == 0


def test_ok__a_yawn_is_found_and_laughter_is_none() -> None:
    clip = labels(event("yawn", 20, 60), event("talking_or_laughing", 80, 99))
    assert score_yawns(clip, track(yawning=[(50, 63)])) == score_yawns(clip, track(yawning=[(50, 55), (57, 63)]))
    yawns = score_yawns(clip, track(yawning=[(50, 63), (85, 90)]))
    assert (yawns.labelled, yawns.found, yawns.false) == (1, 1, 1)


def test_ok__an_unsure_yawn_counts_neither_way() -> None:
    clip = labels(event("yawn", 20, 60, confidence="low"), event("mouth_wide_open", 70, 90))
    yawns = score_yawns(clip, track(yawning=[(50, 60), (80, 90)]))
    assert (yawns.labelled, yawns.found, yawns.false) == (0, 0, 0)


def test_ok__a_second_of_closed_eyes_is_due_an_alert_in_time() -> None:
    nap = labels(*closed((20, 39)))
    for t, in_time in ((2.0, 1), (2.5, 1), (2.6, 0)):
        alert = scores(nap, track(raised=[("microsleep", t)]))["microsleep"]
        assert (alert.due, alert.in_time) == (1, in_time)


def test_ok__nineteen_frames_of_twenty_are_no_second() -> None:
    assert scores(labels(*closed((20, 38))), track())["microsleep"].due == 0


def test_ok__an_alert_over_open_eyes_is_false_and_over_doubtful_ones_not_scored() -> None:
    raised = [("microsleep", 1.5), ("microsleep", 4.0)]
    alert = scores(labels(event("uncertain", 0, 39)), track(raised=raised))["microsleep"]
    assert (alert.raised, alert.false, alert.unscored) == (2, 1, 1)


@pytest.mark.parametrize("frames", [range(20, 40), range(100)])
def test_ok__an_alert_without_a_frame_before_it_is_not_judged(frames: range) -> None:
    whole = track(raised=[("microsleep", 7.0)])
    part = {name: getattr(whole, name)[list(frames)] for name in ("frame", "t", "face", "closed", "unknown", "yawning")}
    found = replace(whole, gaze=whole.gaze[list(frames)], head=whole.head[list(frames)], **part)
    alert = scores(labels(*closed((0, 99))), found)["microsleep"]
    assert (alert.raised, alert.false, alert.unscored) == (1, 0, 1)


def test_ok__a_look_away_of_three_seconds_in_several_directions_is_one() -> None:
    clip = labels(event("look_away", 10, 39, direction="up"), event("look_away", 40, 79, direction="left"))
    alert = scores(clip, track(raised=[("long_distraction", 3.6)]))["long_distraction"]
    assert (alert.due, alert.in_time, alert.false) == (1, 1, 0)


def test_ok__a_look_at_the_edge_of_away_is_no_false_alert() -> None:
    clip = labels(event("look_away_marginal", 10, 99, direction="up"))
    alert = scores(clip, track(raised=[("long_distraction", 4.0)]))["long_distraction"]
    assert (alert.false, alert.unscored) == (0, 1)


def test_ok__a_profile_without_a_rule_is_not_scored_by_it() -> None:
    found = scores(labels(*closed((20, 99))), track(), "quiet")
    assert list(found) == ["microsleep", "long_distraction", "unresponsive"]
    assert found["microsleep"].due == 1


def test_ok__an_alert_is_due_when_the_profile_says_so() -> None:
    nap = labels(*closed((20, 59)))
    for t, in_time in ((2.5, 1), (3.0, 1), (3.1, 0)):
        assert scores(nap, track(raised=[("microsleep", t)]), "quiet")["microsleep"].in_time == in_time
    assert scores(labels(*closed((20, 48))), track(), "quiet")["microsleep"].due == 0


def test_ok__a_rule_with_two_causes_is_due_by_either_and_right_by_either() -> None:
    clip = labels(*closed((0, 119)), event("look_away", 150, 299, direction="up"), frames=400)
    seen = track(raised=[("unresponsive", t) for t in (6.0, 13.5, 19.9)], frames=400)
    found = scores(clip, seen, "quiet")["unresponsive"]
    assert found == AlertScore(due=2, in_time=2, raised=3, false=1, unscored=0)


def own_rule(**rule: object) -> tuple[ScoredRule, ...]:
    """What labels say of one rule on closed eyes."""
    clear = {"signal": "eyes.closed_s", "at_most": 0.0}
    when = {"signal": "eyes.closed_s", "at_least": 0.5}
    values = {"id": "nap", "when": when, "clear": clear, "level": "info", "message": "nap", "clause": "ours", **rule}
    return scored_rules(Profile.model_validate({"name": "own", "rules": [values]}))


def test_ok__a_users_own_rule_is_due_after_its_limit_and_its_wait() -> None:
    for frames, due in ((24, 0), (25, 1)):
        found = score_alerts(labels(*closed((20, 19 + frames))), track(), own_rule(for_s=0.75))
        assert {rule: score.due for rule, score in found.items()} == {"nap": due}


@pytest.mark.parametrize(
    "rule",
    [
        {"when": {"all": [{"signal": "eyes.closed_s", "at_least": 1.0}, {"signal": "head.nods", "at_least": 2.0}]}},
        {"when": {"any": [{"signal": "eyes.closed_s", "at_least": 1.0}, {"signal": "head.nods", "at_least": 2.0}]}},
        {"when": {"signal": "eyes.closed_s", "below": 1.0}},
        {"patience": {"by_s": 1.0, "when": {"signal": "light", "is": "dark"}}},
    ],
)
def test_ok__a_rule_that_rests_on_something_not_labelled_is_not_scored(rule: dict[str, object]) -> None:
    assert score_alerts(labels(*closed((20, 99))), track(), own_rule(**rule)) == {}


def test_ok__conditions_that_hold_an_alert_back_do_not_keep_it_from_being_scored() -> None:
    guards = [{"signal": "eyes.p_closure", "at_least": 0.7}, {"signal": "eyes.closed_past_yawn_s", "at_least": 0.5}]
    rule = own_rule(when={"all": [{"signal": "eyes.closed_s", "at_least": 0.5}, *guards]})
    found = score_alerts(labels(*closed((20, 39))), track(raised=[("nap", 1.5)]), rule)
    assert (found["nap"].due, found["nap"].in_time) == (1, 1)


def test_ok__no_microsleep_is_due_in_a_yawn_and_one_raised_there_is_not_judged() -> None:
    clip = labels(*closed((20, 59)), event("yawn", 10, 62))
    found = scores(clip, track(raised=[("microsleep", 2.1)]))["microsleep"]
    assert (found.due, found.raised, found.false, found.unscored) == (0, 1, 0, 1)
    assert scores(labels(*closed((20, 99)), event("yawn", 10, 62), frames=120), track(frames=120))["sleep"].due == 1


def test_ok__an_alert_about_lowered_eyes_is_right_over_lowered_and_over_closed_eyes() -> None:
    clip = labels(event("eyes_lowered", 0, 49), *closed((50, 79)), frames=200)
    raised = [("eyes_closed_or_lowered", t) for t in (3.0, 4.0, 9.5)]
    found = scores(clip, track(raised=raised, frames=200))["eyes_closed_or_lowered"]
    assert (found.due, found.raised, found.false) == (1, 3, 1)


def test_ok__a_gaze_is_not_judged_while_the_eyes_are_labelled_closed() -> None:
    found = scores(labels(*closed((0, 99))), track(raised=[("long_distraction", 4.0)]))["long_distraction"]
    assert (found.false, found.unscored) == (0, 1)
