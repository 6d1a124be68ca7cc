"""A folder stands for the clips in it; whatever else lies there costs a line at most, never a traceback or a hang."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from driver_monitor.bench.batch.find_clips import SUFFIXES, find_files, only_pictures
from driver_monitor.bench.batch.jobs import jobs_of
from driver_monitor.errors import UsageError
from tests.conftest import PROGRAM, Cli

ROOT = os.geteuid() == 0
NOT_UTF8 = os.fsdecode(b"Fahrt_\xfc\xff.mp4")
LONGEST = "n" * 250 + ".mp4"
PATIENCE_S = 60


def looped(path: Path) -> None:
    path.symlink_to(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)
        server.bind(path.name)


RUBBISH: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "is not a regular file"),
    "socket": (listening, "is not a regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
    "loop": (looped, "Too many levels of symbolic links"),
    "dangling": (lambda path: path.symlink_to("nowhere"), "No such file"),
}


def test_ok__clips_are_found_in_all_subfolders_once_and_in_order(tmp_path: Path) -> None:
    for name in ("b/2.MP4", "b/1.avi", "a.h264", "b/c/3.mkv", ".hidden/4.mp4", "notes.txt", "b/.5.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b/up").symlink_to(tmp_path)
    (tmp_path / "b/beside").symlink_to(tmp_path / "b/c")
    found, faults = find_files(tmp_path, SUFFIXES)
    assert [str(path.relative_to(tmp_path)).replace("beside", "c") for path in found] == [
        "a.h264", "b/1.avi", "b/2.MP4", "b/c/3.mkv",
    ]  # fmt: skip
    assert faults == []


@pytest.mark.parametrize("kind", RUBBISH)
def test_fail__what_is_no_clip_but_is_named_like_one_is_a_line(tmp_path: Path, kind: str) -> None:
    make, reason = RUBBISH[kind]
    make(tmp_path / "odd.mp4")
    (tmp_path / "trip.mp4").touch()
    found, faults = find_files(tmp_path, SUFFIXES)
    assert found == [tmp_path / "trip.mp4"]
    assert len(faults) == 1
    assert faults[0].startswith(f"{tmp_path}/odd.mp4: ")
    assert reason in faults[0]


def test_fail__a_loop_of_links_of_any_name_is_a_line(tmp_path: Path) -> None:
    looped(tmp_path / "odd")
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    assert [line.split(":")[0] for line in find_files(tmp_path, SUFFIXES)[1]] == [
        f"{tmp_path}/{name}" for name in ("odd", "one", "two")
    ]


@pytest.mark.skipif(ROOT, reason="root reads every folder")
def test_fail__an_unreadable_folder_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0)
    assert "cannot read this folder: Permission denied" in find_files(tmp_path, SUFFIXES)[1][0]


def test_fail__a_folder_that_is_none_is_a_line(tmp_path: Path) -> None:
    for name in ("gone", "n" * 300):
        ((line,), found) = find_files(tmp_path / name, SUFFIXES)[::-1]
        assert "cannot read this folder" in line
        assert found == []


def test_ok__only_a_folder_with_nothing_but_pictures_is_one_recording(tmp_path: Path) -> None:
    (tmp_path / "1.png").touch()
    (tmp_path / ".thumbs").touch()
    assert only_pictures(tmp_path)
    for name in ("labels.csv", "trip.mp4", "more.png/"):
        other = tmp_path / name
        other.mkdir() if name.endswith("/") else other.touch()
        assert not only_pictures(tmp_path)
        other.rmdir() if name.endswith("/") else other.unlink()


def test_ok__images_says_that_a_folder_with_more_than_pictures_is_one_recording(tmp_path: Path) -> None:
    (tmp_path / "1.png").touch()
    (tmp_path / "labels.csv").touch()
    with pytest.raises(UsageError, match="no clips in this folder; for a folder of images give --images"):
        jobs_of([tmp_path], tmp_path / "out", 1, 10.0)
    with pytest.raises(UsageError, match="--fps"):
        jobs_of([tmp_path], tmp_path / "out", 1, None, images=True)
    ((job,), faults) = jobs_of([tmp_path], tmp_path / "out", 1, 10.0, images=True)
    assert (job.clip, faults) == (tmp_path, [])
    (tmp_path / "trip.mp4").touch()
    assert [job.clip.name for job in jobs_of([tmp_path], tmp_path / "out", 1, None)[0]] == ["trip.mp4"]


def test_ok__a_clip_beside_a_folder_of_its_name_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "day/trip").mkdir(parents=True)
    for name in ("day/trip.mp4", "day/trip/cut.mp4"):
        (tmp_path / name).touch()
    jobs, _ = jobs_of([tmp_path / "day"], Path("out"), 1, None)
    assert [str(job.folder) for job in jobs] == ["out/trip/cut", "out/trip.mp4"]


@pytest.mark.parametrize("turned", ["", "camera: {rotate: 90}\n"], ids=["upright", "camera on its side"])
def test_ok__replay_takes_the_same_demo_as_run(
    short_clip: Path,
    tmp_path: Path,
    command: Cli,
    turned: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("driver_monitor.demo.CLIP", short_clip)
    shutil.copy(short_clip, tmp_path / "mine.mp4")
    (tmp_path / "demo").symlink_to("mine.mp4")
    (tmp_path / "my.yaml").write_text(turned)
    outcome = command("replay", "demo", "--every", "10", "--config", "my.yaml")
    assert outcome.code == 0, outcome.err
    assert caplog.text.count("give ./demo") == 1
    run = json.loads(Path("replay", short_clip.stem, "run.json").read_text())
    assert run["clip"] == short_clip.name
    lines = Path("replay", short_clip.stem, "signals.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["face"]["present"], "it is never turned"
    assert command("replay", "./demo", "--every", "10", "--out", "own").code == 0
    assert json.loads(Path("own/demo/run.json").read_text())["clip"] == "demo"


@pytest.mark.parametrize("jobs", [1, 2])
def test_fail__a_folder_full_of_rubbish_is_a_line_each_and_the_clip_is_replayed(
    short_clip: Path, tmp_path: Path, jobs: int
) -> None:
    trips = tmp_path / "trips"
    trips.mkdir()
    for kind, (make, _) in RUBBISH.items():
        make(trips / f"{kind}.mp4")
    (trips / NOT_UTF8).write_bytes(short_clip.read_bytes())
    (trips / "text.mp4").write_text("no clip")
    (trips / "up").symlink_to(trips)
    shutil.copy(short_clip, trips / LONGEST)
    arguments = ["replay", str(trips), "--out", str(tmp_path / "out"), "--jobs", str(jobs)]
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == len(RUBBISH) + 1, done.stderr
    assert not [line for line in lines if "Traceback" in line]
    found = {os.fsencode(path.parent.name): path.read_bytes() for path in (tmp_path / "out").glob("*/run.json")}
    assert sorted(found) == [b"Fahrt_\xfc\xff", b"n" * 250]
    assert json.loads(found[b"Fahrt_\xfc\xff"])["clip"] == NOT_UTF8


@pytest.mark.parametrize("name", ["loop.mp4", "pipe.mp4", "n" * 300 + ".mp4", NOT_UTF8, "pipe.trace.jsonl.gz", "shut"])
@pytest.mark.parametrize("verb", [["replay"], ["run", "--source"], ["inspect"], ["explain"]])
def test_fail__a_path_that_cannot_be_used_is_one_line(command: Cli, verb: list[str], name: str) -> None:
    if name.startswith("pipe"):
        os.mkfifo(name)
    elif name == "loop.mp4":
        looped(Path(name))
    elif name == NOT_UTF8:
        Path(name).write_text("no clip")
    elif name == "shut":
        Path(name).mkdir()
    outcome = command(*verb, name)
    assert outcome.code in (1, 2)
    assert len(outcome.lines) == 1, outcome.err


def test_ok__without_shared_memory_clips_are_replayed_in_several_processes_too(
    command: Cli, short_clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_lock(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", no_lock)
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(short_clip, name)
    assert command("replay", "a.mp4", "b.mp4", "--jobs", "2", "--out", "out").code == 0
    assert caplog.messages == []
    assert len(list(Path("out").glob("*/run.json"))) == 2


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_fail__vehicle_data_that_is_no_file_is_one_line(command: Cli, short_clip: Path, kind: str) -> None:
    shutil.copy(short_clip, "trip.mp4")
    RUBBISH[kind][0](Path("trip.vehicle.jsonl"))
    outcome = command("replay", "trip.mp4", "--out", "out")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert "trip.vehicle.jsonl: not a regular file" in outcome.lines[0]
