"""How a batch ends: on a full disk, with names of any characters, and with the command that comes next."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from driver_monitor.app.build import Request, load_plan
from driver_monitor.bench.batch.manifest import BatchManifest
from driver_monitor.bench.batch.processes import Outcome
from driver_monitor.bench.batch.replay_all import BatchOptions, first_events, replay_all, summary
from driver_monitor.bench.batch.shard import Shard
from driver_monitor.bench.replays.job import ReplayJob, ReplayResult
from driver_monitor.errors import OutputError
from tests.bench.batches import make_clips
from tests.conftest import Cli


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file of this process may become longer than a byte."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, old[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.usefixtures("full_disk")
def test_fail__on_a_full_disk_the_error_names_the_manifest(tmp_path: Path) -> None:
    job = ReplayJob(tmp_path / "trip.mp4", tmp_path / "trip")
    failed: Outcome[ReplayJob, ReplayResult] = Outcome(job, error="no clip")
    with (
        pytest.raises(OutputError, match=r"batch\.jsonl: cannot write: File too large"),
        BatchManifest(tmp_path) as manifest,
    ):
        manifest.add(failed)


@pytest.mark.usefixtures("full_disk")
def test_fail__what_is_found_at_the_end_names_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "batch.jsonl").write_bytes(b"{")
    with pytest.raises(OutputError, match=r"batch\.jsonl: cannot write: File too large"), BatchManifest(tmp_path):
        pass


@pytest.mark.usefixtures("full_disk")
def test_fail__on_a_full_disk_the_error_of_the_clip_is_shown_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = ReplayJob(tmp_path / "absent" / "trace.jsonl.gz", tmp_path / "trip")
    plan, options = load_plan(Request()), BatchOptions(tmp_path, shard=Shard(1, 1))
    with pytest.raises(OutputError, match="cannot write"):
        replay_all([job], plan, options, Console())
    assert str(job.clip) in capsys.readouterr().err


def test_ok__control_characters_in_names_are_escaped() -> None:
    shown = summary(ReplayResult(Path("a\nb\x1b.mp4"), Path("out/c\rd")))
    assert shown.splitlines()[0] == r"[bold]a\nb\x1b.mp4[/]: 0 frames, 0.0 s, results in out/c\rd"


def test_ok__the_first_clip_with_alerts_comes_next_else_the_first(tmp_path: Path) -> None:
    jobs = [ReplayJob(Path(f"{name}.mp4"), tmp_path / name) for name in "abc"]
    for job in jobs:
        job.folder.mkdir()
        (job.folder / "events.jsonl").touch()
    assert first_events(jobs) == tmp_path / "a" / "events.jsonl"
    (tmp_path / "b" / "events.jsonl").write_text("{}\n")
    assert first_events(jobs) == tmp_path / "b" / "events.jsonl"


def test_ok__the_next_command_is_quoted_for_the_shell(command: Cli, tmp_path: Path) -> None:
    clip = make_clips(tmp_path, 1)[0]
    said = command("replay", clip, "--out", "my results\n").out.splitlines()
    assert said[-1] == rf"next: driver-monitor explain 'my results\n/{clip.stem}/events.jsonl'"
