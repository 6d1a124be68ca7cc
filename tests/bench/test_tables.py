"""Tables hold what the JSON lines hold: each field is a column of one type, and unknown is null."""

from __future__ import annotations

import contextlib
import csv
import gc
import io
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.bench.replays.job import ReplayJob, RunFiles
from driver_monitor.bench.replays.replay import replay
from driver_monitor.bench.runs.read_run import Run, read_run, value_at
from driver_monitor.bench.tables.columns import (
    EVENT_COLUMNS,
    LARGEST,
    RUN_COLUMNS,
    SIGNAL_COLUMNS,
    CellError,
    ColumnKind,
    TableColumn,
)
from driver_monitor.bench.tables.of_runs import write_own_tables
from driver_monitor.bench.tables.table_file import open_table
from tests.conftest import Cli, write_clip

pa = pytest.importorskip("pyarrow", reason="needs pyarrow, the extra `tables`")
pq = pytest.importorskip("pyarrow.parquet")
pa_csv = pytest.importorskip("pyarrow.csv")

Line = Mapping[str, Any]


def in_column(line: Line, column: TableColumn) -> Any:
    """What a column must hold of a line."""
    value = value_at(line, column.path)
    if column.kind == "known":
        return value is not None
    return json.dumps(value, ensure_ascii=False) if column.kind == "json" and value is not None else value


def leaves(value: Any, name: str, stop: Sequence[str]) -> Iterator[str]:
    """The dotted names of all values in a line that are no objects; the objects in `stop` count as values."""
    if isinstance(value, dict) and name not in stop:
        for key, member in value.items():
            yield from leaves(member, f"{name}.{key}" if name else key, stop)
    else:
        yield name


def as_csv_field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ";".join(map(str, value)) if isinstance(value, list) else str(value)


def expect_table(path: Path, columns: Sequence[TableColumn], lines: Sequence[Line]) -> None:
    """Compare a table with the JSON lines, cell by cell and type by type."""
    wanted = [{column.name: in_column(line, column) for column in columns} for line in lines]
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            found = list(csv.DictReader(file))
        assert found == [{name: as_csv_field(value) for name, value in row.items()} for row in wanted]
    else:
        table = pq.read_table(path)
        assert table.column_names == [column.name for column in columns]
        assert table.to_pylist() == wanted


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, short_clip: Path) -> list[Path]:
    """A driver who falls asleep, and half a second of noise: nobody is there."""
    noise, empty = np.random.default_rng(1), tmp_path_factory.mktemp("clips") / "empty.mp4"
    write_clip(empty, [noise.integers(90, 160, (120, 160, 3), dtype=np.uint8) for _ in range(10)])
    return [short_clip, empty]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory, clips: list[Path]) -> Path:
    """The folder of both replays, with tables as Parquet."""
    folder = tmp_path_factory.mktemp("replayed")
    plan = build.load_plan(Request())
    for clip in clips:
        replay(ReplayJob(clip, folder / clip.stem, files=RunFiles(gzip=True, tables="parquet")), plan)
    return folder


@pytest.fixture
def runs(command: Cli, replayed: Path) -> list[Run]:
    """Copies of both runs in the working folder, which a test may change."""
    shutil.copytree(replayed, "out")
    return [read_run(Path("out/nap")), read_run(Path("out/empty"))]


def test_ok__parquet_of_a_replay_holds_what_the_json_lines_hold(runs: list[Run]) -> None:
    for run in runs:
        expect_table(run.folder / "signals.parquet", SIGNAL_COLUMNS, list(run.lines()))
        expect_table(run.folder / "events.parquet", EVENT_COLUMNS, run.alerts())
        assert not (run.folder / "signals.jsonl").exists()
        assert (run.info["gzip"], run.info["tables"]) == (True, "parquet")
    assert [len(run.alerts()) > 0 for run in runs] == [True, False]


def test_ok__every_field_of_a_line_has_a_column(runs: list[Run]) -> None:
    maps = [column.name for column in EVENT_COLUMNS if column.kind == "json"]
    for run in runs:
        known = {column.name for column in SIGNAL_COLUMNS} | {"head", "gaze", "mouth", "emotion", "blink"}
        # An object that is null has no members in the line.
        known |= {"drowsiness", "glance", "occlusion", "emotion.p", "phone", "hand"}
        assert {name for line in run.lines() for name in leaves(line, "", ())} <= known
        events = {name for alert in run.alerts() for name in leaves(alert, "", maps)}
        assert events == ({column.name for column in EVENT_COLUMNS} if run.alerts() else set())


def test_ok__tables_of_all_runs_have_one_schema_whatever_was_seen(runs: list[Run]) -> None:
    tables = [pq.read_table(run.folder / "signals.parquet") for run in runs]
    assert tables[0].schema.equals(tables[1].schema, check_metadata=True)
    together = pa.concat_tables(tables)
    yaw = together["head.yaw"]
    assert (str(yaw.type), yaw.slice(tables[0].num_rows).null_count) == ("double", tables[1].num_rows)
    assert not any(pa.types.is_null(field.type) for field in together.schema)
    assert tables[0].schema.field("head.yaw").metadata[b"unit"] == b"deg"


def test_ok__the_frame_of_an_alert_is_its_line(runs: list[Run]) -> None:
    times = {line["frame"]: line["t"] for line in runs[0].lines()}
    alerts = runs[0].alerts()
    assert [times[alert["frame"]] for alert in alerts] == [alert["t"] for alert in alerts]


def test_ok__the_same_clip_gives_the_same_bytes(command: Cli, clips: list[Path], runs: list[Run]) -> None:
    done = command("replay", *clips, "--out", "again", "--format", "parquet", "--gzip")
    assert (done.code, done.err) == (0, "")
    for run in runs:
        for name in ("signals.jsonl.gz", "signals.parquet", "events.parquet", "run.json"):
            assert Path("again", run.name, name).read_bytes() == (run.folder / name).read_bytes()


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_ok__finished_runs_become_tables(command: Cli, runs: list[Run], form: str) -> None:
    for run in runs:
        (run.folder / "signals.parquet").unlink()
    done = command("table", "out", "--format", form)
    assert (done.code, done.err) == (0, "")
    for run in runs:
        expect_table(run.folder / f"signals.{form}", SIGNAL_COLUMNS, list(run.lines()))
        expect_table(run.folder / f"events.{form}", EVENT_COLUMNS, run.alerts())
    assert command("table", "out", "--format", form).code == 0, "it may be made again"
    assert list(Path("out").glob(".*")) == []


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_ok__many_runs_become_one_table(command: Cli, runs: list[Run], form: str) -> None:
    done = command("table", "out", "out/nap", "--format", form, "--out", "all")
    assert (done.code, done.err) == (0, "")
    lines = [{"run": run.name, "clip": run.info["clip"], **line} for run in runs[::-1] for line in run.lines()]
    expect_table(Path("all", f"signals.{form}"), (*RUN_COLUMNS, *SIGNAL_COLUMNS), lines)
    alerts = [{"run": run.name, "clip": run.info["clip"], **one} for run in runs[::-1] for one in run.alerts()]
    expect_table(Path("all", f"events.{form}"), (*RUN_COLUMNS, *EVENT_COLUMNS), alerts)
    again = command("table", "out", "--format", form, "--out", "all")
    wanted = f"all/signals.{form}: exists already; remove it, or choose another folder with --out"
    assert (again.code, again.lines) == (1, [wanted])


def test_ok__two_runs_of_one_name_are_told_apart_in_one_table(command: Cli, short_clip: Path) -> None:
    for out in ("a", "b"):
        assert command("replay", short_clip, "--out", out, "--every", "40").code == 0
    assert command("table", "a/nap", "b/nap", "--out", "all").code == 0
    assert pq.read_table("all/signals.parquet")["run"].unique().to_pylist() == ["a/nap", "b/nap"]


def test_ok__pyarrow_reads_the_csv_as_the_documents_say(command: Cli, runs: list[Run]) -> None:
    assert command("table", "out/nap", "--format", "csv").code == 0
    table = pa_csv.read_csv("out/nap/signals.csv")
    lines = list(runs[0].lines())
    for name in ("t", "eyes.openness", "face.present", "eyes.state", "gaze.yaw"):
        assert table[name].to_pylist() == [value_at(line, name.split(".")) for line in lines]


# Lines that no clip gives: any value, any object missing or null.
_VALUES: dict[ColumnKind, st.SearchStrategy[Any]] = {
    "number": st.floats(-1e15, 1e15) | st.integers(-LARGEST, LARGEST),
    "whole": st.integers(-LARGEST, LARGEST),
    "bool": st.booleans(),
    "known": st.just({}) | st.none(),
    "text": st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    "numbers": st.lists(st.floats(-1e15, 1e15), max_size=5),
    "texts": st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4),
    "json": st.dictionaries(st.text("aä."), st.none() | st.booleans() | st.floats(-9, 9) | st.text("x\"'\n,")),
}


@st.composite
def synthetic_lines(draw: st.DrawFn, columns: Sequence[TableColumn]) -> Line:
    line: dict[str, Any] = {}
    for column in draw(st.lists(st.sampled_from(columns), unique=True)):
        value = draw(_VALUES[column.kind] | st.none())
        place = line
        for key in column.path[:-1]:
            inner = place.setdefault(key, {})
            if inner is None:
                break
            place = inner
        else:
            place.setdefault(column.path[-1], value)
    return line


def written(form: str, columns: Sequence[TableColumn], lines: Sequence[Line]) -> bytes:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, "utf-8", "backslashreplace", newline="")
    with open_table(file, form, columns) as table:
        for line in lines:
            table.add(line)
    file.flush()
    return raw.getvalue()


@pytest.mark.parametrize("columns", [SIGNAL_COLUMNS, EVENT_COLUMNS], ids=["signals", "events"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_ok__any_line_comes_back_from_both_forms(columns: tuple[TableColumn, ...], data: st.DataObject) -> None:
    lines = data.draw(st.lists(synthetic_lines(columns), max_size=4))
    wanted = [{column.name: in_column(line, column) for column in columns} for line in lines]
    table = pq.read_table(pa.BufferReader(written("parquet", columns, lines)))
    assert table.to_pylist() == wanted
    text = written("csv", columns, lines).decode()
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == [
        {name: as_csv_field(value) for name, value in row.items()} for row in wanted
    ]


def test_ok__a_long_table_is_written_in_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    from driver_monitor.bench.tables import parquet_table

    monkeypatch.setattr(parquet_table, "CHUNK", 10)
    monkeypatch.setattr(parquet_table, "GROUP", 30)
    lines = [{"frame": number} for number in range(95)]
    file = pq.ParquetFile(pa.BufferReader(written("parquet", SIGNAL_COLUMNS, lines)))
    assert [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)] == [30, 30, 30, 5]
    assert file.read()["frame"].to_pylist() == list(range(95))
    assert {file.metadata.row_group(0).column(index).compression for index in range(80)} == {"ZSTD"}


def test_ok__half_a_surrogate_is_written_as_in_the_json_lines() -> None:
    table = pq.read_table(pa.BufferReader(written("parquet", EVENT_COLUMNS, [{"vehicle": "van\udcff", "rule": None}])))
    assert table["vehicle"].to_pylist() == ["van\\udcff"]


def test_ok__an_unknown_cover_of_the_face_is_told_from_an_uncovered_face(runs: list[Run]) -> None:
    columns = ["occlusion.known", "occlusion.eyes"]
    seen, empty = (pq.read_table(run.folder / "signals.parquet", columns=columns).to_pydict() for run in runs)
    assert {*seen["occlusion.eyes"], *empty["occlusion.eyes"]} == {None}
    assert (set(seen["occlusion.known"]), set(empty["occlusion.known"])) == ({True}, {False})


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ({"t": "1.0"}, "t: expected a number, found '1.0'"),
        ({"t": True}, "t: expected a number, found True"),
        ({"t": float("nan")}, "t: expected a number, found nan"),
        ({"t": 10**400}, "t: expected a number"),
        ({"frame": 1.5}, "frame: expected a whole number"),
        ({"eyes": 5}, "eyes.state: expected an object around it, found 5"),
        ({"face": {"present": 1}}, "face.present: expected true or false"),
        ({"alerts": ["a", None]}, "alerts: expected a list of texts"),
        ({"face": {"box": "1"}}, "face.box: expected a list of numbers"),
        ({"light": ["x" * 1000]}, "light: expected a text"),
    ],
)
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_fail__a_value_of_another_kind(form: str, line: Line, fault: str) -> None:
    with pytest.raises(CellError, match=f"^{fault}") as raised:
        written(form, SIGNAL_COLUMNS, [line])
    assert len(str(raised.value)) < 120


@pytest.mark.parametrize("out", [(), ("--out", "all")])
def test_fail__a_damaged_run_is_one_line_and_leaves_no_table(command: Cli, runs: list[Run], out: Sequence[str]) -> None:
    folder = runs[0].folder
    (folder / "signals.jsonl.gz").unlink()
    (folder / "signals.jsonl").write_text('{"t": 0.0}\n{"t": []}\n')
    (folder / "signals.parquet").unlink()
    done = command("table", "out/nap", *out)
    assert done.code == 1
    assert done.lines == ["out/nap/signals.jsonl:2: t: expected a number, found []; replay the clip again"]
    assert list(Path().rglob("all/*")) + list(Path("out/nap").glob("signals.parquet")) == []


def test_fail__one_damaged_run_does_not_keep_the_others_from_their_tables(command: Cli, runs: list[Run]) -> None:
    (runs[1].folder / "run.json").write_text("{")
    done = command("table", "out", "nowhere", "--format", "csv")
    assert done.code == 1
    assert [line.split(":")[0] for line in done.lines] == ["out/empty/run.json", "nowhere"]
    assert (runs[0].folder / "signals.csv").exists()


@pytest.mark.parametrize("verb", [("replay", "x.mp4"), ("table", "out")])
def test_fail__without_pyarrow_one_line_names_the_package(
    command: Cli, monkeypatch: pytest.MonkeyPatch, verb: Sequence[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    done = command(*verb, "--format", "parquet")
    assert (done.code, len(done.lines)) == (2, 1)
    assert "pip install 'driver-monitor[tables]'" in done.err


class FullDisk(io.RawIOBase):
    """A disk that takes the first bytes only."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if len(data) > 4:
            raise OSError(28, "No space left on device")
        return len(data)


def fill(file: TextIO, form: str) -> None:
    with open_table(file, form, SIGNAL_COLUMNS) as table:
        for number in range(1500):
            table.add({"frame": number})


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_fail__a_full_disk_is_an_error_and_nothing_is_written_later(
    form: str, capfd: pytest.CaptureFixture[str]
) -> None:
    file = io.TextIOWrapper(io.BufferedWriter(FullDisk(), 1), "utf-8", write_through=True)
    with pytest.raises(OSError, match="No space left"):
        fill(file, form)
    gc.collect()
    assert capfd.readouterr().err == ""
    with contextlib.suppress(OSError):
        file.close()


@pytest.mark.parametrize("own", ["x/../../y", "a\0b", 7], ids=repr)
def test_ok__a_changed_clip_id_chooses_no_other_folder(tmp_path: Path, own: object) -> None:
    folder = tmp_path / "trip"
    folder.mkdir()
    for name in ("signals.jsonl", "events.jsonl"):
        (folder / name).touch()
    assert write_own_tables(Run(folder, {"clip": "trip.mp4", "clip_id": own}, "trip"), "csv").folder == folder
    assert [path.name for path in tmp_path.iterdir()] == ["trip"]
