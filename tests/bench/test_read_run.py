"""A run on the disk is read again; what is no run is one clear error."""

from __future__ import annotations

import gzip
import json
import math
import os
from pathlib import Path

import pytest

from driver_monitor.bench.runs.read_run import find_runs, numbers, read_run
from driver_monitor.errors import RunError

LINES = [
    {"frame": 0, "t": 0.0, "eyes": {"openness": 1.0}, "gaze": None},
    {"frame": 1, "t": 0.1, "eyes": {"openness": None}, "gaze": {"yaw": 3.0}},
]


def write_run(folder: Path, state: str = "complete", packed: bool = False) -> Path:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"state": state, "clip": "trip.mp4"}))
    text = "".join(json.dumps(line) + "\n" for line in LINES).encode()
    if packed:
        (folder / "signals.jsonl.gz").write_bytes(gzip.compress(text))
    else:
        (folder / "signals.jsonl").write_bytes(text)
    (folder / "events.jsonl").write_text("")
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_ok__columns_have_none_where_a_value_is_unknown(tmp_path: Path, packed: bool) -> None:
    run = read_run(write_run(tmp_path / "trip", packed=packed))
    columns = run.columns(["t", "eyes.openness", "gaze.yaw"])
    assert columns == {"t": [0.0, 0.1], "eyes.openness": [1.0, None], "gaze.yaw": [None, 3.0]}
    assert math.isnan(numbers(columns["gaze.yaw"])[0])
    assert (run.name, run.alerts(), run.trace) == ("trip", [], None)


def test_ok__runs_are_found_below_a_folder_and_named_like_their_path(tmp_path: Path) -> None:
    for name in ("a/trip", "b/trip", ".cd229809.0.part"):
        write_run(tmp_path / name)
    write_run(tmp_path / "c", state="running")
    runs, faults = find_runs([tmp_path])
    assert [run.name for run in runs] == ["a/trip", "b/trip"]
    assert faults == [f"{tmp_path / 'c'}: this run has not ended; replay trip.mp4 again"]


def test_ok__a_file_of_a_run_stands_for_the_run(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "trip")
    assert read_run(folder / "events.jsonl").folder == folder


def test_fail__a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run"):
        read_run(tmp_path)
    assert find_runs([tmp_path])[1] == [
        f"{tmp_path}: holds no run (run.json: No such file or directory); give a folder that `replay` wrote"
    ]


@pytest.mark.parametrize("text", ["[]", "{", '{"state": 1}', "[" * 100_000])
def test_fail__another_run_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RunError, match=r"not the run\.json of a replay"):
        read_run(tmp_path)


@pytest.mark.parametrize("text", ["3\n", "{\n", "\x00\n"])
def test_fail__a_damaged_line_is_named(tmp_path: Path, text: str) -> None:
    run = read_run(write_run(tmp_path / "trip"))
    (run.folder / "signals.jsonl").write_text('{"t": 1}\n' + text)
    with pytest.raises(RunError, match=r"signals.jsonl:2: not a JSON object"):
        run.columns(["t"])


def test_fail__a_cut_archive(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "trip", packed=True))
    packed = run.folder / "signals.jsonl.gz"
    packed.write_bytes(packed.read_bytes()[:-12])
    with pytest.raises(RunError, match="damaged"):
        run.columns(["t"])


@pytest.mark.parametrize("name", ["signals.jsonl", "signals.jsonl.gz", "events.jsonl"])
def test_fail__a_pipe_in_a_run_is_an_error_and_nothing_waits_for_it(tmp_path: Path, name: str) -> None:
    run = read_run(write_run(tmp_path / "trip", packed=name.endswith(".gz")))
    (run.folder / name).unlink()
    os.mkfifo(run.folder / name)
    with pytest.raises(RunError, match=f"{name}: cannot read it: not a regular file; replay the clip again"):
        run.alerts() if name == "events.jsonl" else list(run.lines())
