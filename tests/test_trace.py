"""Traces: written, replayed with the same results, cut off, damaged."""

from __future__ import annotations

import gzip
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.app import build
from driver_monitor.app.build import Plan, Request
from driver_monitor.bench.replays.job import ReplayJob, RunFiles
from driver_monitor.bench.replays.replay import replay
from driver_monitor.data.observation import (
    EXPRESSIONS,
    Expression,
    EyesView,
    EyeView,
    FaceLight,
    ObjectsView,
    Observation,
    SceneView,
    Shake,
    VehicleData,
)
from driver_monitor.errors import OutputError, SourceError
from driver_monitor.messages import trace, trace_reader
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.outputs import trace_writer
from driver_monitor.outputs.trace_writer import TraceWriter
from tests.conftest import Cli
from tests.timeline import attentive, away, film, no_camera, no_face, observe, shut, unreadable, yawn


@pytest.fixture
def plan() -> Plan:
    return build.load_plan(Request())


@pytest.fixture
def written(short_clip: Path, tmp_path: Path, plan: Plan) -> Path:
    """The folder of a clip's replay, with a trace in it."""
    return replay(ReplayJob(short_clip, tmp_path / "clip", files=RunFiles(trace=True)), plan).folder


def test_ok__a_trace_gives_the_very_same_files_as_the_clip(written: Path, tmp_path: Path, plan: Plan) -> None:
    again = replay(ReplayJob(written / trace.NAME, tmp_path / "again", files=RunFiles(trace=True)), plan).folder
    for name in ("signals.jsonl", "events.jsonl", trace.NAME):
        assert (again / name).read_bytes() == (written / name).read_bytes()
    assert (written / "signals.jsonl").read_text().count("\n") > 10


def test_ok__a_trace_is_replayed_under_other_rules(written: Path, tmp_path: Path) -> None:
    done = replay(ReplayJob(written / trace.NAME, tmp_path / "eu"), build.load_plan(Request(None, None, "eu_addw")))
    assert done.frames > 10


def test_ok__no_picture_is_in_it(written: Path) -> None:
    with gzip.open(written / trace.NAME, "rt") as file:
        lines = [json.loads(line) for line in file]
    assert set(lines[0]) == {"schema", "kind", "trip", "models"}
    assert set(lines[1]) == {
        "frame",
        "t",
        "camera",
        "light",
        "face",
        "face_reason",
        "eyes",
        "expression",
        "vehicle",
        "rotate_to",
        "bridged",
        "iris_weight",
        "lowered",
        "grey",
        "face_light",
        "scene",
        "shake",
        "objects",
    }
    assert max(len(json.dumps(line)) for line in lines) < 5000


def test_ok__at_a_workplace_no_expression_is_in_it(short_clip: Path, tmp_path: Path, plan: Plan) -> None:
    purpose = tmp_path / "my.yaml"
    purpose.write_text("profile: fleet\nemotion: {safety_purpose: Warn the driver of rage before it is dangerous}")
    for at_work in (False, True):
        chosen = build.load_plan(Request(purpose)) if at_work else plan
        done = replay(ReplayJob(short_clip, tmp_path / str(at_work), files=RunFiles(trace=True)), chosen)
        reported = [seen.expression for _, seen in trace_reader.read(done.folder / trace.NAME)[1]]
        assert any(reported) != at_work


def same(one: Observation, other: Observation) -> bool:
    """Whether two observations are equal to the last bit; NaN is NaN, and arrays are compared by their bytes."""

    def flat(seen: Observation) -> str:
        face = seen.face and replace(seen.face, points=np.zeros(0, np.float32))
        box = face and [float(value) for value in (face.box.x, face.box.y, face.box.w, face.box.h)]
        shown = face and (box, face.score, face.head, face.mouth_opening, face.mouth_hidden, face.others)
        return repr((replace(seen, face=None), shown, seen.face and seen.face.points.tobytes()))

    return flat(one) == flat(other)


opening = st.one_of(st.none(), st.just(math.nan), st.floats(-2, 3))
share = st.one_of(st.none(), st.just(math.nan), st.floats(0, 1))
angle = st.one_of(st.none(), st.just(math.nan), st.floats(-180, 180))
eye = st.builds(EyeView, opening, share, st.sampled_from([None, "blur", "sunglasses"]), share)
eyes = st.builds(EyesView, eye, eye, angle, angle, st.floats(0, 1))
stretch = st.sampled_from([attentive(1), shut(1), away(1), unreadable(1), no_face(1), no_camera(1), yawn(1)])
speed = st.builds(VehicleData, st.one_of(st.none(), st.floats(0, 400)), st.sampled_from([None, True, False]))
level = st.floats(0, 255)
maybe = st.one_of(st.none(), level)
lit = st.one_of(st.none(), st.builds(FaceLight, level, maybe, st.floats(0, 1), maybe, maybe))
cosine, ratio = st.floats(-1, 1), st.one_of(st.none(), st.floats(-20, 20))
scene = st.one_of(
    st.none(), st.builds(SceneView, st.one_of(st.none(), cosine), st.one_of(st.none(), st.floats(0, 1)), ratio, ratio)
)
moved = st.one_of(st.none(), st.builds(Shake, cosine, cosine))
look = st.one_of(st.none(), st.just(Expression(dict.fromkeys(EXPRESSIONS, 1 / 8))))
objects = st.one_of(st.none(), st.builds(ObjectsView, *[share] * 6))
seen = st.builds(
    lambda t, part, eyes, expression, vehicle, grey, light, scene, moved, objects: replace(
        observe(t, part), eyes=eyes if part.face else None, expression=expression, vehicle=vehicle, grey=grey,
        face_light=light, scene=scene, shake=moved, objects=objects,
    ),
    st.floats(allow_nan=False), stretch, eyes, look, speed, st.sampled_from([None, True, False]), lit,
    scene, moved, objects,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**9), seen)
def test_ok__whatever_was_seen_comes_back_bit_for_bit(frame: int, one: Observation) -> None:
    number, again = trace_reader.decode(json.loads(trace.line(trace.encode(frame, one))))
    assert number == frame
    assert same(one, again)


def test_ok__in_a_trace_of_an_older_version_nobody_looked_for_a_telephone() -> None:
    one = replace(observe(0.0, attentive(1)), objects=ObjectsView(0.9, 0.1, 0.8, 0.0, 0.0, None))
    old = trace.encode(0, one)
    assert trace_reader.decode(json.loads(trace.line(old)))[1].objects == one.objects
    del old["objects"]
    assert trace_reader.decode(old)[1].objects is None


def test_ok__a_trace_of_an_older_version_does_not_know_whether_eyes_are_lowered() -> None:
    one = replace(observe(0.0, attentive(1)), eyes=EyesView(EyeView(0.5, 0.1, None, 0.8), EyeView(0.5, 0.1, None, 0.7)))
    old = trace.encode(0, one)
    del old["lowered"]
    again = trace_reader.decode(old)[1].eyes
    assert again is not None
    assert again.left.p_closed == 0.1
    assert (again.left.p_lowered, again.right.p_lowered) == (None, None)


@pytest.mark.parametrize("bad", [[0.5], [0.5, 2.0], ["low", None], None])
def test_fail__shares_of_lowered_eyes_that_are_none(bad: object) -> None:
    message = {**trace.encode(0, observe(0.0, attentive(1))), "lowered": bad}
    with pytest.raises(ValueError, match="lowered"):
        trace_reader.decode(json.loads(json.dumps(message)))


def test_ok__landmarks_come_back_bit_for_bit() -> None:
    one = observe(0.0, attentive(1))
    assert one.face is not None
    points = np.random.default_rng(2).normal(300, 100, (70, 2)).astype(np.float32)
    moved = replace(one, face=replace(one.face, points=points))
    assert same(moved, trace_reader.decode(json.loads(trace.line(trace.encode(3, moved))))[1])


numbers = st.one_of(st.integers(), st.floats(), st.just(10**400))
values = st.recursive(st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=5)), st.lists, max_leaves=5)
ANGRY = replace(observe(0.0, attentive(1)), expression=Expression(dict.fromkeys(EXPRESSIONS, 1 / 8)))


def places(value: object) -> list[tuple[object, int | str]]:
    """Every part of a JSON value, as its parent and its key."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, part in items for place in ((value, key), *places(part))]


@given(st.integers(0, 10**6), st.one_of(values, st.dictionaries(st.text(max_size=3), values, max_size=2)))
def test_fail__another_value_is_refused_in_one_line_that_names_the_field(place: int, value: object) -> None:
    message = json.loads(trace.line(trace.encode(3, ANGRY)))
    parts = [(part, key) for part, key in places(message) if not isinstance(key, int) or key < 6]
    part, key = parts[place % len(parts)]
    part[key] = value  # type: ignore[index]
    fault = ""
    try:
        number, again = trace_reader.decode(message)
        assert trace_reader.decode(json.loads(trace.line(trace.encode(number, again))))[0] == number
    except ValueError as error:
        fault = str(error)
    assert re.fullmatch(r"|[a-z_]+[\w.\[\]]*: (missing|expected .+, found .+)", fault)


def test_ok__a_key_of_a_later_version_is_ignored() -> None:
    message = json.loads(FRAMES[0])
    message["new"] = message["face"]["new"] = {"a": 1}
    assert same(trace_reader.decode(message)[1], film([attentive(1)])[0])


def write(path: Path, lines: list[str]) -> Path:
    with gzip.open(path, "wt") as file:
        file.writelines(lines)
    return path


HEADER = trace.line(trace.Header("ab", "m0").to_json())
FRAMES = [trace.line(trace.encode(k, one)) for k, one in enumerate(film([attentive(1)]))]


def changed(old: str, new: str) -> list[str]:
    """A trace whose first frame has `new` in the place of `old`."""
    assert old in FRAMES[0]
    return [HEADER, FRAMES[0].replace(old, new)]


def test_ok__a_trace_that_the_power_cut_is_good_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = write(tmp_path / f"whole{trace.SUFFIX}", [HEADER, *FRAMES])
    cut = tmp_path / f"cut{trace.SUFFIX}"
    cut.write_bytes(whole.read_bytes()[:-60])
    read = [number for number, _ in trace_reader.read(cut)[1]]
    assert read == list(range(len(read)))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], ":1: not a trace of driver-monitor"),
        (["{}\n"], ":1: not a trace"),
        ([HEADER.replace('"schema":1', '"schema":7')], ":1: of another version, which does not write schema 1; record"),
        ([HEADER.replace('"schema":1,', "")], ":1: of another version, which does not write schema 1; record"),
        ([HEADER, "rubbish\n"], ":2: not JSON"),
        ([HEADER, "[]\n"], ":2: not an observation"),
        (changed('"light"', '"lihgt"'), ":2: light: missing"),
        (
            changed('"day"', '"noon"'),
            ":2: light: expected 'day', 'infrared', 'dark' or 'glare', found \"noon\"",
        ),
        (changed('"frame":0', '"frame":-1'), ":2: frame: expected at least 0"),
        (
            changed('"points":[0.0,', '"points":['),
            ":2: face.points: expected 140 values, found 139",
        ),
        (
            changed('"vehicle":[null', '"vehicle":[1e999'),
            r":2: vehicle\[0\]: expected a finite number",
        ),
        (
            changed('"vehicle":[null', '"vehicle":[NaN'),
            r":2: vehicle\[0\]: expected a finite number, found NaN",
        ),
        (
            changed('"vehicle":[null', '"vehicle":[-1'),
            r":2: vehicle\[0\]: expected at least 0, found -1",
        ),
        (
            changed('"score":0.99', '"score":NaN'),
            ":2: face.score: expected a finite number, found NaN",
        ),
        (
            changed('"eyes":[[1.0', '"eyes":[[1e308'),
            r":2: eyes\[0\]\[0\]: expected a number from -10 to 10",
        ),
        (
            changed('"points":[0.0', '"points":[1e308'),
            r":2: face.points\[0\]: expected at most 1e\+06",
        ),
        (changed('"t":0.0', '"t":"0"'), ':2: t: expected a number, found "0"'),
        (changed('"t":0.0', '"t":true'), ":2: t: expected a number, found true"),
        (changed('"frame":0', '"frame":0.0'), ":2: frame: expected a whole number, found 0.0"),
        (
            changed('"vehicle":[null,null]', '"vehicle":[401,null]'),
            "expected at most 400, found 401",
        ),
        (
            changed('"vehicle":[null,null]', '"vehicle":[null,1]'),
            r"\[1\]: expected true, false or null",
        ),
        (changed('"vehicle":[null,null]', '"vehicle":[null]'), r":2: vehicle\[1\]: missing"),
        (
            changed('"vehicle":[null,null]', '"vehicle":{}'),
            ":2: vehicle: expected a list, found {}",
        ),
        (changed('"expression":null', '"expression":[1,0]'), ":2: expression: expected 8 values"),
        (changed('"face":{', '"face":0,"x":{'), ":2: face: expected an object, found 0"),
    ],
)
def test_fail__what_is_no_trace_is_reported_with_its_line(
    tmp_path: Path, lines: list[str], reason: str, command: Cli
) -> None:
    path = write(tmp_path / f"bad{trace.SUFFIX}", lines)
    with pytest.raises(SourceError, match=reason):
        list(trace_reader.read(path)[1])
    outcome = command("replay", path, "--out", tmp_path / "out")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert not (tmp_path / "out" / "bad").exists()


def test_fail__results_neither_leave_their_folder_nor_take_the_place_of_the_trace(tmp_path: Path, command: Cli) -> None:
    for name in ("..", ""):
        odd = write(tmp_path / f"{name}{trace.SUFFIX}", [HEADER, *FRAMES])
        assert command("replay", odd, "--out", tmp_path / "deep" / "out").code == 0
        assert not (tmp_path / "deep" / "signals.jsonl").exists()
        assert (tmp_path / "deep" / "out" / odd.name / "signals.jsonl").exists()
    mine = tmp_path / "results" / "replay" / trace.NAME
    mine.parent.mkdir(parents=True)
    before = write(mine, [HEADER, *FRAMES]).read_bytes()
    outcome = command("replay", mine, "--out", tmp_path / "results", "--trace")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert mine.read_bytes() == before


def test_fail__a_file_that_is_not_even_packed(tmp_path: Path) -> None:
    path = tmp_path / f"plain{trace.SUFFIX}"
    path.write_text(HEADER)
    with pytest.raises(SourceError, match=r"not a gzipped trace, or damaged; copy it again$"):
        trace_reader.read(path)
    with pytest.raises(SourceError, match="cannot read it"):
        trace_reader.read(tmp_path / f"nowhere{trace.SUFFIX}")


def test_ok__a_time_that_is_no_number_stays_one() -> None:
    one = replace(observe(0.0, attentive(1)), t=math.nan)
    assert math.isnan(trace_reader.decode(json.loads(trace.line(trace.encode(0, one))))[1].t)


def test_ok__a_daemon_writes_what_it_sees_and_others_cannot_read_it(tmp_path: Path, plan: Plan) -> None:
    path = tmp_path / f"mine{trace.SUFFIX}"
    writer = TraceWriter(path, trace.Header("trip", "m0"), plan.privacy)
    frames = film([attentive(3), shut(1)])
    for one in frames:
        writer.record(one)
    writer.close()
    writer.close()
    assert path.stat().st_mode & 0o077 == 0
    header, read = trace_reader.read(path)
    assert header == trace.Header("trip", "m0")
    assert all(same(one, again) for one, (_, again) in zip(frames, read, strict=True))
    assert writer.counters() == {"trace_dropped": 0}


def test_fail__a_trace_never_overwrites_and_has_a_name_of_its_own(tmp_path: Path, plan: Plan) -> None:
    (tmp_path / f"mine{trace.SUFFIX}").write_text("precious")
    for name, reason in ((f"mine{trace.SUFFIX}", "the file exists already"), ("mine.txt", "name of a trace ends in"),
                         (f"no/mine{trace.SUFFIX}", "cannot create it")):  # fmt: skip
        with pytest.raises(OutputError, match=reason):
            TraceWriter(tmp_path / name, trace.Header("trip", "m0"), plan.privacy)
    assert (tmp_path / f"mine{trace.SUFFIX}").read_text() == "precious"


def test_fail__a_full_disk_ends_the_trace_and_not_the_daemon(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(trace_writer, "MAX_BYTES", 2000)
    monkeypatch.setattr(trace_writer, "FLUSH_EVERY", 1)
    writer = TraceWriter(tmp_path / f"mine{trace.SUFFIX}", trace.Header("trip", "m0"), plan.privacy)
    frames = film([attentive(10)])
    for one in frames:
        writer.record(one)
    writer.close()
    read = list(trace_reader.read(tmp_path / f"mine{trace.SUFFIX}")[1])
    assert 0 < len(read) < len(frames)
    assert writer.counters() == {"trace_dropped": len(frames) - len(read)}
    assert caplog.text.count("monitoring continues") == 1


def test_ok__when_work_begins_the_trace_holds_no_expression_any_more(tmp_path: Path, plan: Plan) -> None:
    angry = replace(observe(0.0, attentive(1)), expression=Expression(dict.fromkeys(EXPRESSIONS, 1 / 8)))
    writer = TraceWriter(tmp_path / f"mine{trace.SUFFIX}", trace.Header("trip", "m0"), plan.privacy)
    writer.record(angry)
    writer.set_privacy(PrivacyFilter({"distress"}))
    writer.record(replace(angry, t=1.0))
    writer.close()
    assert [one.expression is None for _, one in trace_reader.read(tmp_path / f"mine{trace.SUFFIX}")[1]] == [
        False,
        True,
    ]
