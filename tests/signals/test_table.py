"""One row is enough: the JSON, the documents, the rule schema and the privacy filter all come from the table."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from driver_monitor.data.observation import EXPRESSIONS, Expression, ObjectsView
from driver_monitor.messages.state import signals
from driver_monitor.rules.engine import Engine
from driver_monitor.rules.profile import Profile
from driver_monitor.signals.as_json import FIELDS
from driver_monitor.signals.rows import OBJECTS
from driver_monitor.signals.signal import Signal, in_optional, private, public
from driver_monitor.signals.table import (
    NAMED,
    RETURNING,
    ROWS,
    SIGNALS,
    described,
    doubtful,
    find,
    past,
    reader,
    shows_expression,
)
from driver_monitor.state.tracker import StateTracker
from tests.timeline import attentive, away, film, lap, no_face, shut, states, unreadable, verdicts, yawn
from tools.house.signals_doc import with_tables

ROOT = Path(__file__).parents[2]
DRIVE = (attentive(8), shut(1.5), attentive(3), away(4), attentive(3), lap(3), yawn(3), unreadable(2), no_face(2))
GROUPS = {one.name for one in OBJECTS}
SECOND_NAMES = {
    "blink_rate": "blinks.per_min",
    "nods": "head.nods",
    "glances.away_s": "gaze.away_s",
    "glances.down_s": "gaze.down_s",
    "glances.side": "gaze.side",
    "glances.movement": "gaze.movement",
    "glances.total_s": "gaze.glances_s",
    "glances.count": "gaze.glances",
    "car.speed_kmh": "vehicle.speed_kmh",
    "car.ignition": "vehicle.ignition",
    "mouth_object_s": "mouth.object_s",
}


def test_ok__each_name_and_each_path_is_there_once() -> None:
    names, paths = [row.name for row in ROWS], [row.json for row in ROWS if row.json]
    assert len(set(names)) == len(names)
    assert len(set(paths)) == len(paths)
    assert all(find(name) is row for name, row in SIGNALS.items())


def test_ok__a_path_in_json_is_a_second_name_in_rules() -> None:
    assert {name: row.name for name, row in NAMED.items() if name != row.name} == SECOND_NAMES
    assert find("glances.most_s") is None


def test_ok__the_page_has_the_tables_of_the_code() -> None:
    page = (ROOT / "docs" / "signals.md").read_text()
    assert with_tables(page) == page, "run python -m tools.house.signals_doc"
    assert all(f"`{row.name}`" in page or not row.rule for row in ROWS)
    assert all(f"`{row.json}`" in page for row in ROWS if row.json)


def test_ok__a_flash_is_every_expression_but_the_neutral_one() -> None:
    (row,) = [row for row in ROWS if row.name == "emotion.flash"]
    assert {*row.choices, "neutral"} == set(EXPRESSIONS)
    assert "neutral" not in row.choices


def test_ok__rows_are_described_in_one_line() -> None:
    for name, meaning in [(row.name, row.meaning) for row in ROWS] + [(one.name, one.meaning) for one in OBJECTS]:
        assert meaning, name
        assert not re.search(r"[|\n]", meaning), name


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and find(path) is None and path != "emotion.p":
        for key, member in value.items():
            yield from leaves(member, f"{path}.{key}".lstrip("."))
    else:
        yield path, value


def test_ok__what_json_shows_and_what_rules_read_is_the_same_value() -> None:
    engine, tracker = Engine(Profile.model_validate(profile("eyes.closed_s"))), StateTracker()
    compared = set()
    for number, frame in enumerate(film(DRIVE, fps=10)):
        state = tracker.update(frame)
        for path, shown in leaves(signals(number, state, engine.update(state))):
            row = find(path)
            if row is None or (shown is None and path in GROUPS):
                continue
            value = row.json_values.get(row.read(state), row.read(state))
            assert shown == (round(value, row.digits) if isinstance(value, float) and row.digits else value), path
            compared.add(path)
    assert len(compared) > 25


def test_ok__every_field_of_a_line_has_a_row() -> None:
    rows = {row.json for row in ROWS}
    state = states(film(DRIVE, fps=10))[70]
    line = signals(0, state, verdicts(film([attentive(1)]))[-1])
    assert list(line) == list(FIELDS)
    assert {path for path, value in leaves(line) if path not in GROUPS} <= rows


def test_ok__every_row_reads_a_value_of_its_kind() -> None:
    kinds: dict[str, tuple[type, ...]] = {
        "number": (int, float), "bool": (bool,), "text": (str,), "list": (list,), "map": (dict,),
    }  # fmt: skip
    known, smile = set(), Expression(dict.fromkeys(EXPRESSIONS, 1 / 8))
    free, call = ObjectsView(*[0.0] * 6), ObjectsView(1.0, *[0.0] * 5)
    objects = (
        attentive(2, objects=free),
        attentive(2, objects=call),
        attentive(7, objects=replace(call, phone_left=None)),
    )
    frames = film((attentive(40, speed_kmh=50.0, mouth_hidden=0.1, p_lowered=0.1), *objects, *DRIVE), fps=10)
    for state in states([replace(frame, expression=smile) for frame in frames]):
        for row in ROWS:
            if row.name.startswith("glance.") and state.gaze.away.ended is None:
                continue
            value = row.read(state)
            assert value is None or isinstance(value, kinds[row.kind]), row.name
            assert not row.choices or value is None or value in row.choices, row.name
            known.update([row.name] if value is not None else [])
    assert {row.name for row in ROWS} - known == {
        "schema", "frame", "attention", "alerts", "face.others", "vehicle.ignition", "emotion.held_s", "emotion.flash",
            "rotate_to",
    }  # fmt: skip


def test_ok__what_is_private_rests_on_an_expression() -> None:
    assert {name for name in NAMED if shows_expression(name)} == {
        "emotion.label", "emotion.intensity", "emotion.held_s", "emotion.distress_s",
    }  # fmt: skip
    assert not shows_expression("rule.sleep.held_s")
    assert Signal("t", "a number that nobody has judged").public is False
    assert (public("t", "").public, private("t", "").public) == (True, False)


def test_ok__values_are_read_by_the_names_that_were_asked_for() -> None:
    state = states(film([attentive(5), shut(1)]))[-1]
    names = ("eyes.closed_s", "glances.away_s", "gaze.away_s", "rule.sleep.held_s", "nothing")
    values = reader(names)(state)
    assert list(values) == ["eyes.closed_s", "glances.away_s", "gaze.away_s"]
    assert values["eyes.closed_s"] == state.eyes.closed_s
    assert values["glances.away_s"] == values["gaze.away_s"] == state.gaze.away.seconds


def test_ok__without_a_face_what_was_measured_over_a_window_is_past() -> None:
    seen, unseen = (states(film([attentive(5), part]))[-1] for part in (attentive(1), no_face(1)))
    assert past(seen) == frozenset()
    assert {"perclos.value", "blinks.per_min", "blink_rate", "nods", "glances.total_s"} <= past(unseen)
    assert past(unseen) <= doubtful(unseen)


def test_ok__a_time_that_may_be_over_is_doubtful_under_both_of_its_names() -> None:
    reported = [doubtful(state) for state in states(film([attentive(5), away(3), attentive(1)], fps=30))]
    assert any({"gaze.away_s", "glances.away_s"} <= names for names in reported)
    assert not reported[0]


def test_ok__a_time_that_stands_still_is_of_what_is_always_there_or_of_the_objects() -> None:
    """`doubtful` asks for the objects alone whether they are None."""
    assert {path.partition(".")[0] for path in RETURNING if in_optional(path)} == {"objects"}


def profile(signal: str) -> dict[str, object]:
    rule = {
        "id": "mine", "when": {"signal": signal, "at_least": 1.0},
        "clear": {"signal": signal, "at_most": 0.0},
        "level": "info", "message": f"Value {{{signal}}}", "clause": "ours",
    }  # fmt: skip
    return {"name": "mine", "rules": [rule]}


@pytest.mark.parametrize(("name", "other"), [("gaze.away_s", "glances.away_s"), ("gaze.glances_s", "glances.total_s")])
def test_ok__a_rule_may_use_either_name_and_its_evidence_keeps_it(name: str, other: str) -> None:
    reported = []
    for used in (name, other):
        engine = Engine(Profile.model_validate(profile(used)))
        reported.append([event for state in states(film(DRIVE)) for event in engine.update(state).events])
    assert [event.t for event in reported[0]] == [event.t for event in reported[1]] != []
    assert [event.message for event in reported[0]] == [event.message for event in reported[1]]
    assert set(reported[0][0].evidence.measured) == {name}
    assert set(reported[1][0].evidence.measured) == {other}
    assert [event.evidence.window_s for event in reported[0]] == [event.evidence.window_s for event in reported[1]]


def test_ok__the_schema_names_every_signal() -> None:
    assert all(f"{name}: {row.meaning}" in described() for name, row in SIGNALS.items())
    assert all(f"also named {other}" in described() for other in SECOND_NAMES)


ONE_ROW = """
import json
from driver_monitor.signals import rows
from driver_monitor.signals.signal import private, public

rows.TOPICS["New"] = (
    public("seat.weight_kg", "weight on the seat", "kg", at=lambda s: s.t * 2, digits=1, json="car.weight_kg"),
    private("mood.value", "how the driver feels", at=lambda s: s.t / 2, high=1.0, digits=2),
    private("mouth.smile", "how broad the smile is", at=lambda s: 0.5, high=1.0),
)

from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.data.observation import EXPRESSIONS, Expression
from driver_monitor.messages.state import signals, state_message
from driver_monitor.rules.engine import Engine
from driver_monitor.rules.profile import Profile
from tests.signals.test_table import profile
from tests.timeline import attentive, film, states
from tools.house.signals_doc import BEGIN, END, with_tables

rules = Profile.model_validate(profile("car.weight_kg"))
judge = Engine(rules)
*_, (state, verdict) = ((one, judge.update(one)) for one in states(film([attentive(2)])))
secret = Profile.model_validate({**profile("mouth.smile"), "workplace": True})
line = signals(7, state, verdict)
alert = {"rule": "other", "seq": 1, "evidence": {"measured": {"mood.value": 0.5}}}
print(json.dumps({
    "line": line,
    "state": state_message(state, verdict),
    "at_work": PrivacyFilter(()).state(line),
    "alert": PrivacyFilter(()).alert(alert),
    "page": with_tables(f"{BEGIN}\\n{END}"),
    "schema": json.dumps(Profile.model_json_schema()),
    "local": sorted(secret.local_rules),
}))
"""


def test_ok__a_new_number_is_one_row() -> None:
    done = subprocess.run([sys.executable, "-c", ONE_ROW], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    reported = json.loads(done.stdout)
    t = reported["line"]["t"]
    for message in (reported["line"], reported["state"]):
        assert message["car"] == {"speed_kmh": None, "ignition": None, "weight_kg": round(2 * t, 1)}
        assert message["mood"] == {"value": round(t / 2, 2)}
        assert message["mouth"]["smile"] == 0.5
    assert list(reported["line"])[-2:] == ["mouth_object_s", "mood"]
    assert reported["line"]["alerts"] == ["mine"]
    assert "| `car.weight_kg` | `seat.weight_kg` | kg | weight on the seat |" in reported["page"]
    assert "seat.weight_kg: weight on the seat, kg, also named car.weight_kg" in reported["schema"]
    assert reported["at_work"]["car"] == reported["line"]["car"]
    assert reported["at_work"]["mood"] is None
    assert set(reported["at_work"]["mouth"]) == set(reported["line"]["mouth"]) - {"smile"}
    assert reported["alert"] is None
    assert reported["local"] == ["mine"]
