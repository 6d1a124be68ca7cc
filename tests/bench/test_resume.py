"""`replay --resume` leaves out what a replay would write again, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from driver_monitor.bench.batch import done
from driver_monitor.bench.batch.manifest import BatchManifest, signature
from driver_monitor.bench.batch.shard import Shard
from driver_monitor.bench.runs import run_json
from driver_monitor.errors import OutputError, SourceError
from driver_monitor.messages.envelope import Provenance
from tests.bench.batches import make_clips, runs
from tests.conftest import Cli


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clips(tmp_path, 1)[0]


def replayed(command: Cli, clip: Path, *options: object) -> bool:
    """Replay with --resume; return whether the clip was replayed."""
    outcome = command("replay", clip, "--out", "out", "--resume", *options)
    assert (outcome.code, outcome.lines) == (0, []), outcome.err
    first = outcome.out.splitlines()[0]
    assert first in ("0 of 1 clips are done already, 1 to do", "1 of 1 clips are done already, 0 to do")
    return first.startswith("0")


def test_ok__a_clip_is_replayed_once(command: Cli, clip: Path) -> None:
    assert replayed(command, clip)
    before = runs(Path("out"))
    assert not replayed(command, clip)
    assert runs(Path("out")) == before


def other_content(clip: Path, run: Path) -> None:
    status = clip.stat()
    data = bytearray(clip.read_bytes())
    data[-1] ^= 1
    clip.write_bytes(data)
    os.utime(clip, ns=(status.st_atime_ns, status.st_mtime_ns))  # size and time as before


def vehicle_data(clip: Path, run: Path) -> None:
    clip.with_name(f"{clip.stem}.vehicle.jsonl").write_text('{"t": 0, "speed_kmh": 50}\n')


def cut_off(clip: Path, run: Path) -> None:
    signals = run / "signals.jsonl"
    os.truncate(signals, signals.stat().st_size - 10)


def file_gone(clip: Path, run: Path) -> None:
    (run / "events.jsonl").unlink()


def not_ended(clip: Path, run: Path) -> None:
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "state": "running"}))


def of_an_older_version(clip: Path, run: Path) -> None:
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "version": "0.0.1"}))


def with_other_models(clip: Path, run: Path) -> None:
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "model": "0123456789abcdef"}))


def names_of_no_run(clip: Path, run: Path) -> None:
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "files": {"a\0b": 1}}))


CHANGES = [
    other_content,
    vehicle_data,
    cut_off,
    file_gone,
    not_ended,
    of_an_older_version,
    with_other_models,
    names_of_no_run,
]


@pytest.mark.parametrize("change", CHANGES)
def test_ok__what_changed_or_is_damaged_is_replayed_again(
    command: Cli, clip: Path, change: Callable[[Path, Path], None]
) -> None:
    assert replayed(command, clip)
    change(clip, Path("out") / clip.stem)
    assert replayed(command, clip)
    assert not replayed(command, clip)


@pytest.mark.parametrize("options", [["--profile", "quiet"], ["--every", "2"], ["--trace"]], ids=" ".join)
def test_ok__with_other_options_a_clip_is_replayed_again(command: Cli, clip: Path, options: list[str]) -> None:
    assert replayed(command, clip)
    assert replayed(command, clip, *options)
    assert not replayed(command, clip, *options)


def test_ok__a_trace_and_a_folder_of_images_are_continued_too(command: Cli, clip: Path, still: Path) -> None:
    assert command("replay", clip, "--out", "traces", "--trace").code == 0
    trace = Path("traces") / clip.stem / "replay.trace.jsonl.gz"
    Path("pictures").mkdir()
    shutil.copy(still, "pictures/1.png")
    for path, options in ((trace, []), (Path("pictures"), ["--fps", "10"])):
        assert replayed(command, path, *options)
        assert not replayed(command, path, *options)
    shutil.copy(still, "pictures/2.png")
    assert replayed(command, Path("pictures"), "--fps", "10")


def test_ok__a_clip_that_has_not_changed_is_not_read_again(
    command: Cli, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert replayed(command, clip)
    monkeypatch.setattr("driver_monitor.bench.batch.manifest.digest", lambda _: pytest.fail("the clip was read"))
    assert not replayed(command, clip)


def test_ok__without_the_manifest_the_clips_are_read(command: Cli, clip: Path) -> None:
    assert replayed(command, clip)
    Path("out/batch.jsonl").unlink()
    assert not replayed(command, clip)


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"{",
        b"\xff\x00\n",
        b"[1]\n{}\n",
        b'{"clip": 1, "file": 2, "sha256": 3}\n',
        b'{"clip": [], "file": "", "sha256": ""}\n',
    ],
)
def test_ok__rubbish_in_the_manifest_costs_only_time(command: Cli, clip: Path, rubbish: bytes) -> None:
    assert replayed(command, clip)
    Path("out/batch.jsonl").write_bytes(rubbish)
    assert not replayed(command, clip)
    with BatchManifest(Path("out")):
        pass
    written = Path("out/batch.jsonl").read_bytes()
    assert written.startswith(rubbish)
    assert written.endswith(b"\n") or not rubbish


def test_ok__the_manifest_lists_what_failed_and_a_continued_batch_tries_it_again(command: Cli, clip: Path) -> None:
    bad = clip.with_name("bad.mp4")
    bad.write_text("no clip")
    for to_do in (2, 1):
        outcome = command("replay", clip.parent, "--out", "out", "--resume")
        assert (outcome.code, len(outcome.lines)) == (1, 1)
        assert f"{2 - to_do} of 2 clips are done already, {to_do} to do" in outcome.out
    lines = [json.loads(line) for line in Path("out/batch.jsonl").read_text().splitlines()]
    assert [(Path(line["clip"]).name, line["state"]) for line in lines] == [
        ("bad.mp4", "failed"), ("clip00.mp4", "complete"), ("bad.mp4", "failed"),
    ]  # fmt: skip
    assert "cannot be opened as a video" in lines[0]["error"]
    assert lines[1]["file"] == signature(clip.absolute())


def test_ok__what_a_killed_rerun_left_of_a_done_clip_is_removed(command: Cli, clip: Path) -> None:
    assert replayed(command, clip)
    own = json.loads((Path("out") / clip.stem / "run.json").read_text())["clip_id"]
    for name in (f".{own}.00000000-old.part", ".ffffffff.00000000.part"):
        (Path("out") / name).mkdir()
    assert not replayed(command, clip)
    # The other one is of a clip that is not in this batch.
    assert [path.name for path in Path("out").glob(".*")] == [".ffffffff.00000000.part"]


def test_ok__looking_at_many_clips_says_how_far_it_is(
    command: Cli, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(done, "LINE_S", 0.0)
    outcome = command("replay", clip, "--out", "out", "--resume")
    assert outcome.lines == ["progress: looked at 1 of 1 clips"]


def test_fail__a_pipe_as_manifest_is_an_error_and_nothing_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "batch.jsonl")
    with pytest.raises(OutputError, match=r"batch\.jsonl: cannot write: not a regular file"), BatchManifest(tmp_path):
        pass
    with BatchManifest(tmp_path, Shard(1, 2)):
        assert (tmp_path / "batch-1-of-2.jsonl").is_file()


def test_fail__a_pipe_as_vehicle_data_is_an_error_and_nothing_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "trip.vehicle.jsonl")
    with pytest.raises(SourceError, match=r"trip\.vehicle\.jsonl: cannot read it: not a regular file"):
        run_json.begun(tmp_path / "trip.mp4", Provenance("", "", "", ""), "", {})
