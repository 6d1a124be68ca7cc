"""Sweeps as a bench engineer uses them: traces and labels in folders, a table, JSON and a page."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from driver_monitor.bench.score.intervals import Figure
from driver_monitor.bench.sweep.paired import MOST_EXACT, Against, paired
from driver_monitor.bench.sweep.places import plain
from driver_monitor.bench.sweep.settings import parse_axes, settings_of
from driver_monitor.demo import TRUTH
from driver_monitor.messages import trace
from tests.bench.test_sweep_settings import as_lists
from tests.conftest import Cli
from tests.timeline import Stretch, attentive, away, film, shipped, shut

CLOSED = "rules.microsleep.when.eyes.closed_s"
FPS = 20
NAPS = {
    "ada": (1.3, 2.6),
    "bert": (1.6,),
    "cleo": (2.2,),
    "dora": (1.2, 3.5),
    "emil": (1.4,),
    "fred": (1.25,),
    "gil": (),
}
"""Seconds of the closures of each person. The lids say so, and the labels, but for those of `WRONG`."""
WRONG = ("gil",)
"""Persons whose eyes seem closed for 1.7 s, and are labelled open."""


def write_trace(path: Path, parts: list[Stretch]) -> int:
    """Write a trace as `replay --trace` does. Return its number of frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = film(parts, FPS)
    with gzip.open(path, "wt") as file:
        file.write(trace.line(trace.Header(path.parent.name, "nets").to_json()))
        for number, frame in enumerate(frames):
            file.write(trace.line(trace.encode(number, frame)))
    return len(frames)


def write_labels(path: Path, **values: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"fps": FPS, "events": [], **values}))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `traces` and `labels` of seven people who nap."""
    folder = tmp_path_factory.mktemp("sweep")
    for person, naps in NAPS.items():
        parts, events, at = [attentive(3)], [], 3.0
        for seconds in naps or (1.7,):
            first, last = round(at * FPS), round((at + seconds) * FPS) - 1
            events += [] if person in WRONG else [{"type": "eyes_closed", "start": first, "end": last}]
            parts += [shut(seconds), attentive(2.5)]
            at += seconds + 2.5
        count = write_trace(folder / "traces" / person / trace.NAME, parts)
        write_labels(folder / "labels" / f"{person}.json", person=person, frames=count, events=events)
    return folder


@pytest.fixture
def sweep(made: Path, command: Cli) -> Any:
    """Runs `sweep default` on these traces; with --json it returns the object."""

    def run(*options: str, traces: Path = made / "traces", labels: Path = made / "labels") -> Any:
        outcome = command("sweep", "default", traces, "--labels", labels, *options)
        assert (outcome.code, outcome.lines) == (0, []), outcome.err
        return json.loads(outcome.out) if "--json" in options else outcome.out

    return run


def of(result: dict[str, Any], rule: str = "microsleep") -> dict[Any, dict[str, Any]]:
    """Return value -> figures of a rule, for a sweep of one value."""
    return {one["values"][next(iter(one["values"]))]: one["rules"].get(rule) for one in result["settings"]}


def test_ok__a_longer_limit_tells_fewer_of_the_same_events_later_and_raises_fewer_false_alerts(sweep: Any) -> None:
    found = of(sweep("--set", f"{CLOSED}=1,1.5,2,3", "--json"))
    assert {one["recall"]["events"] for one in found.values()} == {8}
    # After its end an event may be told for half a second, as the eyelids are certain a little later.
    assert [one["recall"]["told"] for one in found.values()] == [8, 4, 3, 1]
    assert [one["false"]["count"] for one in found.values()] == [1, 1, 0, 0]
    assert [one["raised"]["count"] for one in found.values()] == [9, 5, 3, 1]
    delays = [one["delay_s"]["value"] for one in found.values()]
    assert delays == pytest.approx([1, 1.5, 2, 3], abs=0.1)
    assert all(abs(one["late_s"]["value"]) <= 0.1 for one in found.values())
    assert found[1]["against_present"]["words"] == "the same alerts"
    assert found[2]["against_present"]["told"] == {"change": -5.0, "persons": 5, "p": 0.0625}
    assert found[2]["against_present"]["words"] == "not distinguishable"


def test_ok__the_counts_are_those_of_score_clips_with_such_a_profile(sweep: Any) -> None:
    two = of(sweep("--set", f"{CLOSED}=2", "--json"))[2]["counts"]
    # By a limit of 2 s only three closures are long enough to be due.
    assert two == {"due": 3, "in_time": 3, "raised": 3, "false": 0, "unscored": 0, "not_judged": 0}


def test_ok__what_is_missed_and_what_is_false_can_be_looked_up(sweep: Any) -> None:
    result = sweep("--set", f"{CLOSED}=1.5", "--json")
    one = of(result)[1.5]
    clips = [trace["clip"] for trace in result["traces"]]
    assert [clips[missed["trace"]] for missed in one["missed"]] == ["ada", "dora", "emil", "fred"]
    assert [(clips[false["trace"]], round(false["t"])) for false in one["false_alerts"]] == [("gil", 4)]


def test_ok__where_the_clips_say_nothing_the_table_says_so(sweep: Any) -> None:
    table = sweep("--set", "rules.sleep.when.eyes.closed_s=3,4", "--rule", "sleep")
    assert re.search(r"3 +1 +1/1 +100 %; at least 5 % +0 +fewer than \d+ ", table)
    assert re.search(r"4 +0 +0/1 +0 %; at most 95 % +0 +fewer than \d+ +- +- +not distinguishable", table)
    assert "These clips cannot distinguish any setting from the present one." in table
    assert "7 clips of 7 persons" in table


def test_ok__a_difference_in_many_persons_is_told(sweep: Any) -> None:
    table = sweep("--set", f"{CLOSED}=1.1,5", "--rule", "microsleep")
    assert re.search(r"(?m)^ +5 .* fewer events told *$", table)
    assert "Distinguishable from the present one: 5. All others are not." in table
    assert "Most told, then fewest false, then earliest: 1 (the present one): told 8/8" in table


def test_ok__a_grid_has_each_combination_and_says_which_is_invalid(sweep: Any) -> None:
    options = ("--set", f"{CLOSED}=1,9999", "--set", "rules.sleep.for_s=0:1:0.5")
    table = sweep(*options)
    assert f"a: {CLOSED}, now 1" in table
    assert "b: rules.sleep.for_s, now 0" in table
    assert table.count("9999, ") == 3
    assert "9999, 0.5: invalid: rules.microsleep.when" in table
    result = sweep(*options, "--json")
    assert len(result["settings"]) == 6
    assert [bool(one["rules"]) for one in result["settings"]] == [True] * 3 + [False] * 3


def test_ok__several_processes_give_the_same(made: Path, command: Cli) -> None:
    traces = [made / "traces" / name for name in ("ada", "bert")]
    labels = [word for name in ("ada", "bert") for word in ("--labels", made / "labels" / f"{name}.json")]
    words = ("sweep", "default", *traces, *labels, "--set", f"{CLOSED}=0.8:2.0:0.4", "--json")
    alone, together = command(*words), command(*words, "--jobs", "2")
    assert (alone.code, together.code) == (0, 0)
    assert alone.out == together.out


def test_ok__an_alert_that_no_label_can_judge_is_counted(sweep: Any) -> None:
    table = sweep("--set", "rules.unresponsive.when.eyes.closed_s=2,6")
    assert re.search(r"2 +3 +\d+ \(\d+ to \d+\) +other alerts", table)
    assert "unresponsive cannot be scored" in table


def test_ok__the_alerts_are_those_of_a_replay_with_this_profile_in_a_file(
    sweep: Any, made: Path, command: Cli, tmp_path: Path
) -> None:
    options = [f"{CLOSED}=1.25", "rules.unresponsive.when.rule.microsleep.held_s=1", "rules.sleep.for_s=0.3"]
    profile = shipped("default")
    changed = settings_of(profile, parse_axes(profile, options))[-1].profile
    assert changed is not None
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(as_lists(plain(changed))))
    sets = [word for option in options for word in ("--set", option)]
    rules = [word for rule in ("microsleep", "sleep", "unresponsive") for word in ("--rule", rule)]
    setting = sweep(*sets, *rules, "--json")["settings"][-1]
    traces = sorted((made / "traces").rglob(f"*{trace.SUFFIX}"))
    assert command("replay", *traces, "--profile", "mine.yaml", "--out", "again").code == 0
    lines = [line for path in sorted(tmp_path.glob("again/*/events.jsonl")) for line in path.read_text().splitlines()]
    raised = [json.loads(line)["rule"] for line in lines if json.loads(line)["phase"] == "raised"]
    for rule in ("microsleep", "sleep", "unresponsive"):
        assert setting["rules"][rule]["raised"]["count"] == raised.count(rule)
        assert raised.count(rule) > 0


def test_ok__the_name_of_the_clip_comes_from_the_run(made: Path, command: Cli, tmp_path: Path) -> None:
    count = write_trace(tmp_path / "runs/day/nap" / trace.NAME, [attentive(3), shut(2), attentive(2)])
    run = {"state": "complete", "clip": "trip 7.mp4", "every": 1}
    (tmp_path / "runs/day/nap/run.json").write_text(json.dumps(run))
    write_labels(tmp_path / "own/any.json", clip="trip 7.mp4", person="p", frames=count)
    outcome = command("sweep", "default", "runs", "--labels", "own", "--set", f"{CLOSED}=1", "--json")
    assert outcome.code == 0, outcome.err
    result = json.loads(outcome.out)
    assert [one["clip"] for one in result["traces"]] == ["trip 7.mp4"]
    assert of(result)[1]["false"]["count"] == 1


def test_ok__all_that_can_be_set_is_listed_with_present_values(command: Cli) -> None:
    outcome = command("sweep", "eu_addw", "--paths")
    assert outcome.code == 0
    assert re.search(r"(?m)^rules\.addw_fast\.when\.gaze\.down_s +at least 3\.4 *$", outcome.out)
    assert re.search(r"(?m)^rules\.addw_fast\.patience\.when\.light\.2 +is glare *$", outcome.out)
    assert re.search(r"(?m)^rules\.no_face\.from_kmh +not set *$", outcome.out)


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("default", "traces", "--labels", "labels"), 2, "--set is missing"),
        (("default", "traces", "--set", f"{CLOSED}=1"), 2, "--labels is missing"),
        (("default", "--labels", "labels", "--set", f"{CLOSED}=1"), 2, "TRACES is missing"),
        (("nap", "--paths"), 2, "profile: no profile 'nap'"),
        (("default", "traces", "--labels", "labels", "--set", "nap=1"), 2, "--set nap: no such value"),
        (("default", "empty", "--labels", "labels", "--set", f"{CLOSED}=1"), 2, "empty: no traces"),
        (("default", "nowhere", "--labels", "labels", "--set", f"{CLOSED}=1"), 2, "nowhere: not a trace"),
        (("default", "labels", "--labels", "labels", "--set", f"{CLOSED}=1"), 2, "labels: no traces"),
        (("default", "traces", "--labels", "empty", "--set", f"{CLOSED}=1"), 1, "empty: no labels"),
        (("default", "traces", "--labels", "labels", "--set", f"{CLOSED}=1", "--html", "no/a.html"), 1, "no folder no"),
        (("default", "traces", "--labels", "labels", "--set", f"{CLOSED}=1", "--html", "empty"), 1, "is a folder"),
    ],
)
def test_fail__wrong_use_is_one_line(
    words: tuple[str, ...], code: int, reason: str, made: Path, command: Cli, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("traces", "labels"):
        (tmp_path / name).symlink_to(made / name)
    outcome = command("sweep", *words)
    assert outcome.code == code
    assert len(outcome.lines) == 1
    assert reason in outcome.err


def test_fail__what_cannot_be_used_costs_a_line_and_all_else_is_swept(made: Path, command: Cli, tmp_path: Path) -> None:
    for name in ("ada", "bert", "cleo", "dora", "emil"):
        source = made / "traces" / name / trace.NAME
        (tmp_path / "t").mkdir(exist_ok=True)
        (tmp_path / "t" / f"{name}{trace.SUFFIX}").write_bytes(source.read_bytes())
        (tmp_path / "l").mkdir(exist_ok=True)
        (tmp_path / "l" / f"{name}.json").write_text((made / "labels" / f"{name}.json").read_text())
    (tmp_path / "t" / f"bert{trace.SUFFIX}").write_bytes(b"not a trace")
    (tmp_path / "l/cleo.json").unlink()
    write_labels(tmp_path / "l/nobody.json", person="p", frames=1)
    write_labels(tmp_path / "l/dora.json", person="p", frames=3)
    write_labels(tmp_path / "l/emil.json", frames=3)
    outcome = command("sweep", "default", "t", "--labels", "l", "--set", f"{CLOSED}=1", "--json")
    assert outcome.code == 1
    assert len(outcome.lines) == 5
    for reason in (
        "nobody.json: clip: nobody is not among the traces",
        "emil.json: person: missing",
        ": has no labels; add cleo.json",
        "bert.trace.jsonl.gz: not a gzipped trace",
        "dora.json: frames: 3 are labelled",
    ):
        assert reason in outcome.err
    result = json.loads(outcome.out)
    assert [one["clip"] for one in result["traces"]] == ["ada"]
    assert sorted(outcome.lines) == sorted(result["faults"])


def test_fail__two_traces_of_one_clip_are_not_mixed(made: Path, command: Cli, tmp_path: Path) -> None:
    for folder in ("old", "new"):
        (tmp_path / "runs" / folder).mkdir(parents=True)
        (tmp_path / "runs" / folder / "ada").symlink_to(made / "traces/ada")
    (tmp_path / "runs/new/ada").unlink()
    (tmp_path / "runs/new/ada").mkdir()
    data = (made / "traces/ada" / trace.NAME).read_bytes()
    (tmp_path / "runs/new/ada" / trace.NAME).write_bytes(data)
    labels = made / "labels/ada.json"
    outcome = command("sweep", "default", "runs", "--labels", labels, "--set", f"{CLOSED}=1")
    assert outcome.code == 1
    assert "have this name; leave out one" in outcome.err


def test_ok__the_bundled_clip_has_labels_of_its_own(command: Cli, tmp_path: Path) -> None:
    frames = json.loads(TRUTH.read_text())["frames"]
    assert write_trace(tmp_path / "results/demo" / trace.NAME, [attentive(frames / FPS)]) == frames
    outcome = command("sweep", "default", "results", "--labels", "demo", "--set", f"{CLOSED}=1", "--json")
    assert outcome.code == 0, outcome.err
    assert of(json.loads(outcome.out))[1]["recall"]["events"] == 1


@pytest.mark.parametrize(
    ("differences", "persons", "p"),
    [
        ([0, 0, 0], 0, 1.0),
        ([1, 0, 0], 1, 1.0),
        ([1, 1, 1, 1, 1], 5, 0.0625),
        ([-1, -1, -1, -1, -1, -1], 6, 0.03125),
        ([1, -1, 2, -2], 4, 1.0),
    ],
)
def test_ok__p_is_exact_for_few_persons(differences: list[float], persons: int, p: float) -> None:
    change = paired(np.array(differences, float))
    assert (change.persons, change.p) == (persons, p)
    assert change.change == sum(differences)


def test_ok__p_of_many_persons_is_never_zero_and_agrees_with_the_exact_one() -> None:
    assert 0 < paired(np.ones(40)).p < 0.001
    mixed = np.array([2.0, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, 1])
    assert len(mixed) == MOST_EXACT
    exact = paired(mixed).p
    assert paired(np.append(mixed, [1e-12])).p == pytest.approx(exact, abs=0.02)


def test_ok__what_the_persons_show_in_words() -> None:
    more, fewer, alike = paired(np.ones(6)), paired(-np.ones(6)), paired(np.ones(2))
    none = Figure(None)
    assert Against(False, more, fewer, none).words == "more events told, fewer false alerts"
    assert Against(False, alike, alike, none).words == "not distinguishable"
    assert Against(True, more, more, none).words == "the same alerts"
    assert Against(False, None, None, none).words == "other alerts"


def test_ok__looks_away_are_swept_too(command: Cli, tmp_path: Path) -> None:
    parts = [attentive(6), replace(away(5.0), yaw=-45.0), attentive(4)]
    count = write_trace(tmp_path / "r/look" / trace.NAME, parts)
    look = {"type": "look_away", "start": 6 * FPS, "end": 11 * FPS - 1, "direction": "image_right"}
    write_labels(tmp_path / "l/look.json", person="p", frames=count, events=[look])
    option = "rules.long_distraction.when.gaze.away_s=2:6:1"
    outcome = command("sweep", "default", "r", "--labels", "l", "--set", option, "--json")
    found = of(json.loads(outcome.out), "long_distraction")
    assert [found[limit]["recall"]["told"] for limit in (2, 3, 4, 6)] == [1, 1, 1, 0]
    assert found[3]["delay_s"]["value"] == pytest.approx(3.0, abs=0.1)


def test_ok__the_page_draws_the_curves_and_a_point_tells_its_setting(sweep: Any, browser: Any, tmp_path: Path) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed (extra report)")
    sweep("--set", f"{CLOSED}=1,1.5,2,9999", "--rule", "microsleep", "--html", "sweep.html")
    assert list(tmp_path.glob(".*part")) == []
    page, faults, asked = browser.new_page(viewport={"width": 1200, "height": 1400}), [], []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda one: asked.append(one.url))
    page.goto(f"file://{tmp_path}/sweep.html")
    page.wait_for_selector("body[data-drawn=yes]", timeout=60_000)
    assert faults == []
    assert [url for url in asked if not url.startswith(("file://", "blob:", "data:"))] == []
    assert page.locator("#trade0 .scatterlayer .point").count() == 3
    assert page.locator("#value0 .scatterlayer .point").count() == 12
    box = page.locator("#trade0 .scatterlayer .point").nth(2).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#trade0 .hoverlayer .hovertext")
    assert f"{CLOSED} 2" in page.locator("#trade0 .hoverlayer").text_content()
    assert page.locator("tr.present").count() == 1
    assert "9999: rules.microsleep.when" in page.locator("body").inner_text()


def test_fail__without_plotly_nothing_is_swept_and_the_extra_is_named(
    made: Path, command: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from driver_monitor.bench.html import plotly_script

    plotly_script.plotly_element.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "plotly.offline", None)
    words = ("sweep", "default", made / "traces", "--labels", made / "labels", "--set", f"{CLOSED}=1")
    outcome = command(*words, "--html", "a.html")
    assert outcome.code == 2
    assert "pip install 'driver-monitor[report]'" in outcome.err
    assert outcome.out == ""
