"""Many clips at once: what is interrupted or killed leaves nothing half done behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from driver_monitor.bench.batch.replay_all import summary
from driver_monitor.bench.replays.job import ReplayResult
from driver_monitor.demo import CLIP
from tests.conftest import PROGRAM
from tests.processes import still_runs

PATIENCE_S = 60


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    names = [tmp_path / f"trip{i}.mp4" for i in range(3)]
    for name in names:
        shutil.copy(CLIP, name)
    return names


def said(err: str) -> str:
    """What was written on stderr, without the lines that a busy machine gets every half minute."""
    return "".join(line for line in err.splitlines(keepends=True) if not line.startswith("progress: "))


@pytest.fixture
def replaying(clips: list[Path], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A replay of three long clips, two at a time, of which both have begun."""
    with started(clips, tmp_path) as process:
        yield process


@contextmanager
def started(clips: list[Path], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a replay, two clips at a time, and wait until both have begun."""
    command = [*PROGRAM, "replay", *map(str, clips), "--jobs", "2", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while len(list(tmp_path.glob("out/.*.part/signals.jsonl"))) < 2:
        assert still_runs(process)
    yield process
    process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ok__an_interrupted_replay_ends_all_its_processes_and_leaves_no_half_results(
    replaying: subprocess.Popen[str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    if number == signal.SIGINT:
        os.killpg(replaying.pid, number)  # as a terminal does
    else:
        replaying.send_signal(number)
    # The pipes close only when the last of its processes has ended.
    out, err = replaying.communicate(timeout=PATIENCE_S)
    continued = "stopped: 0 of 3 clips are done and kept; to continue, run the same command with --resume\n"
    assert (replaying.returncode, out, said(err)) == (code, "", continued)
    assert [path.name for path in tmp_path.glob("out/**/*.*")] == ["batch.jsonl"]


def test_ok__the_death_of_the_parent_ends_the_workers(replaying: subprocess.Popen[str], tmp_path: Path) -> None:
    replaying.kill()
    replaying.communicate(timeout=PATIENCE_S)
    # The pipes close only when the last of its processes has ended.
    assert [path.name for path in tmp_path.glob("out/**/*.jsonl*")] == ["batch.jsonl"]


def test_ok__a_worker_that_is_killed_costs_its_clip_only_and_that_is_done_again(
    short_clip: Path, tmp_path: Path
) -> None:
    for number in range(3):
        shutil.copy(short_clip, tmp_path / f"trip{number}.mp4")
    with started(sorted(tmp_path.glob("trip*.mp4")), tmp_path) as replaying:
        children = Path(f"/proc/{replaying.pid}/task/{replaying.pid}/children").read_text().split()
        worker = next(pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(int(worker), signal.SIGKILL)
        _, err = replaying.communicate(timeout=PATIENCE_S)
    assert (replaying.returncode, said(err)) == (0, "")
    assert len(list(tmp_path.glob("out/trip*/run.json"))) == 3
    assert list(tmp_path.glob("out/.*")) == []


def test_ok__names_with_brackets_are_shown_as_they_are() -> None:
    shown = summary(ReplayResult(Path("trip[red].mp4"), Path("out/x[/b]")))
    assert r"trip\[red].mp4" in shown
    assert r"out/x\[/b]" in shown
