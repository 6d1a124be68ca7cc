"""The measurement of PERCLOS limits is right itself."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from driver_monitor.bench.score.labels import ClipLabels, Event
from driver_monitor.messages import trace
from tests.timeline import attentive, film, shut, unreadable
from tools.measure.perclos_limits import Played, clip_table, labelled, play, rate, share

FPS = 20.0


def labels(*events: tuple[str, int, int], frames: int = 200) -> ClipLabels:
    found = [Event(type=kind, start=start, end=end) for kind, start, end in events]
    return ClipLabels(person="p1", fps=FPS, frames=frames, events=found)


def test_ok__blinks_and_frames_that_are_not_scored_do_not_count() -> None:
    assert labelled(labels()) == 0.0
    assert labelled(labels(("eyes_closed", 10, 17))) == 0.0
    assert labelled(labels(("eyes_closed", 10, 17), ("eyes_closed", 50, 69))) == pytest.approx(0.1)
    hidden = ("uncertain", 100, 199)
    assert labelled(labels(("eyes_closed", 50, 69), hidden)) == pytest.approx(0.2)
    assert labelled(labels(("eyes_closed", 90, 109), hidden)) == pytest.approx(0.1)


def test_ok__a_short_clip_is_played_in_a_loop_until_its_perclos_is_known(tmp_path: Path) -> None:
    frames = film([attentive(8), shut(2)], FPS)
    path, truth = tmp_path / "a.trace.jsonl.gz", tmp_path / "trip.json"
    with gzip.open(path, "wt") as file:
        file.write(trace.line(trace.Header("", "").to_json()))
        file.writelines(trace.line(trace.encode(number, seen)) for number, seen in enumerate(frames))
    events = [{"type": "eyes_closed", "start": 160, "end": 199}]
    truth.write_text(json.dumps({"person": "p1", "fps": FPS, "frames": 200, "events": events}))
    played = play(path, truth)
    assert played.labelled == pytest.approx(0.2)
    assert played.measured == pytest.approx(0.2, abs=0.04)
    assert played.seconds == pytest.approx(60, abs=0.1)
    assert played.own_s == pytest.approx(10, abs=0.1)


def test_ok__a_clip_without_a_known_perclos_is_missed_and_a_found_one_that_is_not_due_is_false(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = Played("found", "p1", 0.2, 0.19, 60.0, 10.0)
    hidden, false = replace(found, person="p2", measured=None), replace(found, person="p3", labelled=0.0, measured=0.1)
    clip_table([found, hidden, false])
    lines = {line.split(" | ")[0]: line.split(" | ")[1:5] for line in capsys.readouterr().out.splitlines()}
    assert lines["| 8 %"][:2] + lines["| 8 %"][3:] == ["2", "1", "1"]
    assert lines["| 12 %"][:2] + lines["| 12 %"][3:] == ["2", "1", "0"]
    assert lines["| 12 %"][2].startswith("0.50 (")


def test_ok__none_of_few_is_not_sure_to_be_none() -> None:
    clips = [Played(str(k), str(k), 0.5, 0.5, 60.0, 10.0) for k in range(7)]
    assert share(clips, [True] * 7, [True] * 7) == "1.00 (0.59 to 1.00)"
    assert share(clips, [False] * 7, [True] * 7) == "0.00 (0.00 to 0.41)"
    assert rate(0, 1.0) == "0.0 (0.0 to 3.7)"


def test_ok__eyes_that_were_hidden_all_the_time_have_no_perclos(tmp_path: Path) -> None:
    path, truth = tmp_path / "a.trace.jsonl.gz", tmp_path / "trip.json"
    with gzip.open(path, "wt") as file:
        file.write(trace.line(trace.Header("", "").to_json()))
        file.writelines(trace.line(trace.encode(n, seen)) for n, seen in enumerate(film([unreadable(5)], FPS)))
    truth.write_text(json.dumps({"person": "p1", "fps": FPS, "frames": 100, "events": []}))
    assert play(path, truth).measured is None
