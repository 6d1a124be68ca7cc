"""Somebody asks why there was an alert, and gets it in words; or asks it of a file that holds none."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.bench.explain import WIDTH, explain
from driver_monitor.data.alert import AlertEvent
from driver_monitor.errors import LabelError, UsageError
from driver_monitor.messages.envelope import Provenance, ReplayStamper, envelope
from driver_monitor.signals.table import SIGNALS
from tests.conftest import Cli
from tests.timeline import alerts, attentive, away, film, no_face, shut


def record(path: Path, drive: list[Any]) -> Path:
    """The events.jsonl of a drive."""
    stamper, origin = ReplayStamper("ab"), Provenance("van", "m0", "c0", "default")
    events: list[AlertEvent] = alerts(film(drive))
    path.write_text("".join(json.dumps(envelope(e, stamper.stamp(e, None), origin)) + "\n" for e in events))
    return path


def alert(**evidence: object) -> str:
    """A line of a record with this evidence."""
    words = dict.fromkeys(("id", "episode", "rule", "message"), "a")
    whole = {"measured": {}, "threshold": {}, "clause": "c", **evidence}
    return json.dumps({**words, "t": 1, "level": "info", "phase": "raised", "evidence": whole})


@pytest.fixture
def night(tmp_path: Path) -> Path:
    return record(
        tmp_path / "events.jsonl", [attentive(10), shut(4), attentive(10), away(7), attentive(5), no_face(20)]
    )


def test_ok__every_alert_has_its_measure_its_limit_and_its_clause(night: Path) -> None:
    text = explain(night)
    assert "microsleep (warning): raised at 0:00:11.0, cleared at 0:00:14." in text
    assert "    Eyes closed for 1.0 s (limit 1.0 s, eyes.closed_s)\n" in text
    assert "Rule: Long distraction: gaze away from the road 3 to 4 s (Euro NCAP Driver Engagement v1.1, as " in text
    assert "no_face (warning)" in text
    assert "    Alert not cleared for 10.0 s (limit 10.0 s, held_s)\n" in text
    assert "still active when the record ends" in text
    assert "profile default, configuration c0, models m0" in text


def test_ok__what_spoke_for_it_stands_before_what_did_not(tmp_path: Path) -> None:
    reported = explain(
        record(tmp_path / "events.jsonl", [attentive(10), shut(4.5), attentive(5), away(4), attentive(2)])
    )
    lines = [line.strip() for line in reported.splitlines()]
    shut_at_four = lines.index("0:00:14.0 raised (critical): The driver does not respond")
    assert lines[shut_at_four + 1] == "Alert microsleep not cleared for 3.0 s (limit 3.0 s, rule.microsleep.held_s)"
    assert lines[shut_at_four + 2] == "Eyes closed for 4.0 s (limit 6.0 s, not reached, eyes.closed_s)"
    assert "Gaze side: left (gaze.side)" in lines


def test_ok__the_interval_of_a_value_is_reported_where_part_of_it_could_not_be_seen(tmp_path: Path) -> None:
    looks = [part for _ in range(6) for part in (away(2.2), attentive(0.9))]
    text = explain(
        record(tmp_path / "events.jsonl", [attentive(5), no_face(1.5), *looks, attentive(1), no_face(1), *looks])
    )
    assert "Sum of glances off the road: 10.0 s (possible 10.0 s to 1" in text
    assert " s, limit 10.0 s, gaze.glances_s)" in text


def test_ok__an_alert_of_which_the_record_has_only_the_end_says_so(night: Path) -> None:
    rows = night.read_text().splitlines()
    night.write_text("\n".join(rows[1:]) + "\n")
    assert explain(night, json.loads(rows[0])["episode"]).startswith(
        "microsleep (warning): raised before the record begins, cleared at 0:00:14."
    )


def test_fail__a_pipe_does_not_make_it_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "events.jsonl")
    with pytest.raises(LabelError, match="not a regular file"):
        explain(tmp_path / "events.jsonl")


def test_ok__an_older_record_without_the_comparison_is_explained_too(night: Path) -> None:
    rows = [json.loads(line) for line in night.read_text().splitlines()]
    for row in rows:
        del row["evidence"]["compared"], row["evidence"]["interval"]
    night.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "Eyes closed for 1.0 s (limit 1.0 s, eyes.closed_s)" in explain(night)


def test_ok__the_timeline_shows_where_in_the_record_it_was(night: Path) -> None:
    lines = [line.strip() for line in explain(night).splitlines() if set(line.strip()) <= set("-=!^.") and line.strip()]
    assert all(len(line) == WIDTH and line.count("!") == 1 for line in lines)
    assert lines[0].startswith("!")
    assert lines[-1].endswith("=^")


def test_ok__beside_its_run_the_timeline_is_that_of_the_whole_clip(night: Path) -> None:
    assert explain(night).endswith(
        "\n\nTimeline from the first alert to the last: ! raised, ^ escalated, = active, . cleared"
    )
    run = night.with_name("run.json")
    run.write_text(json.dumps({"state": "complete", "clip": "night.mp4", "seconds": 56.0}))
    text = explain(night)
    assert "\nTimeline of the whole clip: " in text
    first = text.splitlines()[1].strip()
    assert first.index("!") == int(json.loads(night.read_text().splitlines()[0])["t"] / 56 * WIDTH)
    run.write_text("torn")
    assert "Timeline from the first alert to the last: " in explain(night)


def test_ok__one_alert_is_asked_for_by_the_beginning_of_its_id(night: Path) -> None:
    last = json.loads(night.read_text().splitlines()[-1])
    text = explain(night, last["id"][:8])
    assert text.startswith("no_face")
    assert text == explain(night, last["episode"])


def test_ok__a_drive_without_alerts_says_so(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n")
    assert explain(path) == f"{path}: no alert was raised"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", ":1: not JSON"),
        ("\n[1]", ":2: not an alert: expected an object"),
        ('{"id": "x"}', ":1: not an alert: episode: missing"),
        ("[" * 10_000, ":1: not JSON"),
        ('{"id": "a", "episode": "b", "t": 1e300}', ":1: not an alert: t: must be at most"),
        ('{"id": "a", "episode": "b", "t": "\\n"}', r":1: not an alert: t: expected a number, found ' ' \(and"),
        ('{"id": "a", "episode": "b", "t": 1, "evidence": 2}', ":1: not an alert: rule: missing"),
        (alert(measured=[]), ":1: not an alert: evidence.measured: expected an object in braces, found a list$"),
        (
            alert(measured={"a": []}),
            ":1: not an alert: evidence.measured.a: expected a number, without quotes, found a",
        ),
        (alert(interval={"a": [1, 2, 3]}), ":1: not an alert: evidence.interval.a: must have at most 2 values"),
        ("\xff\xfe", ":1: not JSON"),
    ],
)
def test_fail__what_is_no_alert_is_reported_with_its_line(tmp_path: Path, text: str, reason: str, command: Cli) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(LabelError, match=reason):
        explain(path)
    outcome = command("explain", path)
    assert (outcome.code, outcome.out, len(outcome.lines)) == (1, "", 1)


def test_fail__an_alert_that_is_not_there(night: Path, command: Cli) -> None:
    with pytest.raises(UsageError, match="no alert or episode has an id that begins with 'zz'"):
        explain(night, "zz")
    assert command("explain", night, "--id", "zz").code == 2
    assert command("explain", "nowhere.jsonl").code == 1


def test_ok__control_characters_in_a_message_do_not_reach_the_terminal(night: Path) -> None:
    night.write_text(
        night.read_text().replace('"no_face"', '"no\\u001b[2J"').replace("Eyes closed", "\\u001b[2J Eyes closed")
    )
    assert "\x1b" not in explain(night)


def explained(night: Path, **evidence: Any) -> list[str]:
    """The facts of an alert with this evidence."""
    row = json.loads(night.read_text().splitlines()[0])
    row["evidence"] = {"clause": "ours", **evidence}
    night.write_text(json.dumps(row) + "\n")
    return [line.strip() for line in explain(night).splitlines() if line.startswith("    ")]


@pytest.mark.parametrize("name", SIGNALS)
def test_ok__every_signal_has_a_sentence_known_or_unknown(night: Path, name: str) -> None:
    value = {"number": 0.5, "bool": True, "text": "left"}[SIGNALS[name].kind]
    for measured, words in ((value, r"(0\.5|50)( .+)?|yes|left"), (None, "unknown")):
        (line,) = explained(night, measured={name: measured}, threshold={})
        assert re.fullmatch(rf"[A-Z][^_]+ ({words}) \({name}\)", line)


@pytest.mark.parametrize(
    ("name", "value", "how", "limit", "line"),
    [
        ("eyes.closed_s", 5.98, "at_least", 6.0, "Eyes closed for 5.98 s (limit 6.0 s, not reached, eyes.closed_s)"),
        ("camera.fault_s", 0.0, "below", 1.0, "No usable picture for 0.0 s (must be below 1.0 s, camera.fault_s)"),
        ("light", "day", "is", "dark", "Light: day (must be dark, not met, light)"),
        ("occlusion.mouth", True, "is", True, "Occlusion mouth: yes (must be yes, occlusion.mouth)"),
        ("gaze.away_s", None, "at_least", 6.0, "Gaze off the road: unknown (limit 6.0 s, gaze.away_s)"),
        ("phone.held_s", 2.5, "above", 2.0, "Phone held s: 2.5 (must be above 2, phone.held_s)"),
    ],
)
def test_ok__a_value_stands_beside_its_limit(
    night: Path, name: str, value: float | str | bool | None, how: str, limit: float | str | bool, line: str
) -> None:
    assert explained(night, measured={name: value}, threshold={name: limit}, compared={name: how}) == [line]


def test_ok__window_coverage_and_waiting_time_are_facts_too(night: Path) -> None:
    limits = {"perclos.value": 0.08, "for_s": 2.0}
    assert explained(night, measured={"perclos.value": 0.1}, threshold=limits, window_s=60, coverage=0.75) == [
        "Eyes closed, share of the window (PERCLOS): 10 % (limit 8 %, perclos.value)",
        "All this for at least 2.0 s (for_s)",
        "Measured over the last 60 s; measurable for 75 % of that time",
    ]
