"""The bundled clip and its truth belong together: every clone's end-to-end test rests on them."""

from __future__ import annotations

import itertools
import json
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from driver_monitor.demo import CLIP, TRUTH

Truth = dict[str, Any]


@pytest.fixture(scope="module")
def truth() -> Truth:
    return dict(json.loads(TRUTH.read_text()))


@pytest.fixture(scope="module")
def thumbnails() -> tuple[list[float], NDArray[np.float32]]:
    """Times (s) and colour frames at an eighth of the size."""
    times, images = [], []
    with av.open(str(CLIP)) as container:
        for frame in container.decode(video=0):
            assert frame.time is not None
            times.append(frame.time)
            images.append(frame.to_ndarray(format="bgr24")[::8, ::8].astype(np.float32))
    return times, np.stack(images)


def spans(truth: Truth, kind: str) -> list[tuple[int, int]]:
    return [(e["start"], e["end"]) for e in truth["events"] if e["type"] == kind]


def seconds(truth: Truth, span: tuple[int, int]) -> float:
    return float((span[1] - span[0] + 1) / truth["fps"])


def test_ok__the_clip_has_the_frames_and_times_its_truth_says(
    truth: Truth, thumbnails: tuple[list[float], NDArray[np.float32]]
) -> None:
    times, images = thumbnails
    assert len(times) == truth["frames"]
    assert np.allclose(times, np.arange(truth["frames"]) / truth["fps"], atol=1e-3)
    assert images.shape[1:] == (60, 80, 3)


def test_ok__no_two_frames_in_a_row_are_the_same(thumbnails: tuple[list[float], NDArray[np.float32]]) -> None:
    change = abs(np.diff(thumbnails[1], axis=0)).mean((1, 2, 3))
    assert change.min() > 0.02, f"frame {change.argmin() + 1} repeats the one before: it would read as a frozen camera"


def test_ok__it_is_in_colour_by_day_and_grey_by_infrared(
    truth: Truth, thumbnails: tuple[list[float], NDArray[np.float32]]
) -> None:
    colour = np.ptp(thumbnails[1], axis=3).mean((1, 2))
    for event in truth["events"]:
        if event["type"] == "light":
            middle = colour[event["start"] + 4 : event["end"] - 3]
            assert middle.min() > 8 if event["light"] == "day" else middle.max() < 1.5


def test_ok__light_covers_every_frame_once(truth: Truth) -> None:
    lit = sorted(spans(truth, "light"))
    assert lit[0][0] == 0
    assert lit[-1][1] == truth["frames"] - 1
    assert all(after == before + 1 for (_, before), (after, _) in itertools.pairwise(lit))
    assert {e["light"] for e in truth["events"] if e["type"] == "light"} == {"day", "infrared"}


def test_ok__every_event_lies_within_the_clip_and_blinks_are_closed_as_long_as_blinks_are(truth: Truth) -> None:
    for event in truth["events"]:
        assert 0 <= event["start"] <= event["end"] < truth["frames"], event
    closures = spans(truth, "eyes_closed")
    blinks = [e for e in truth["events"] if e["type"] == "blink"]
    for blink in blinks:
        (closed,) = [c for c in closures if blink["start"] <= c[0] and c[1] <= blink["end"]]
        assert 0.1 <= seconds(truth, closed) <= 0.4
        assert blink["end"] < blink["open_again"]
    for start, end in spans(truth, "light"):
        assert any(start <= blink["start"] <= end for blink in blinks), "a blink in each light"


def test_ok__the_story_holds_what_the_rules_are_for(truth: Truth) -> None:
    (closure,) = [c for c in spans(truth, "eyes_closed") if seconds(truth, c) > 0.4]
    (yawn,) = spans(truth, "yawn")
    (away,) = spans(truth, "look_away")
    assert closure[0] >= 8 * truth["fps"], "attentive first: the baselines are learned there"
    assert 3.4 < seconds(truth, closure) < 4.0, "sleep, but back before the driver counts as unresponsive"
    assert seconds(truth, yawn) > 2.5
    assert 3.5 < seconds(truth, away) < 6.0
    last = max(e["end"] for e in truth["events"] if e["type"] in ("look_away", "yawn"))
    assert truth["frames"] - last > 5 * truth["fps"], "attentive at the end: every alert can clear"


def test_ok__expected_alerts_count_from_the_event_that_causes_them(truth: Truth) -> None:
    starts = {e["start"] for e in truth["events"] if e["type"] in ("eyes_closed", "look_away")}
    for alert in truth["expected_alerts"]:
        low, high = alert["after_s"]
        assert alert["from"] in starts
        assert 0 < low < high <= truth["frames"] / truth["fps"]
    required = {a["rule"] for a in truth["expected_alerts"] if a["required"]}
    assert required == {"microsleep", "sleep", "long_distraction"}


def test_ok__nasa_is_credited(truth: Truth) -> None:
    assert truth["credit"] == "Portrait: NASA, public domain; NASA endorses nothing here"
