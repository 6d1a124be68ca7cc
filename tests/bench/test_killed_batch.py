"""A batch that is killed again and again is continued: each clip is done once, and nothing half done is left."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tests.bench.batches import contents, make_clips, runs
from tests.bench.test_replay_many import said
from tests.conftest import PROGRAM, Cli
from tests.processes import still_runs

PATIENCE_S = 120
CLIPS = 20


def test_ok__a_batch_killed_three_times_is_continued_and_each_clip_is_done_once(command: Cli, tmp_path: Path) -> None:
    clips, out = tmp_path / "clips", tmp_path / "out"
    names = {str(clip.relative_to(clips).with_suffix("")) for clip in make_clips(clips, CLIPS)}
    replay = ["replay", str(clips), "--out", str(out), "--jobs", "2", "--resume"]
    done: dict[str, tuple[int, int]] = {}
    for _ in range(3):
        with subprocess.Popen(
            [*PROGRAM, *replay], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            while len(runs(out)) < len(done) + 3:
                assert still_runs(process)
            os.killpg(process.pid, signal.SIGKILL)
        left = runs(out)
        assert done.items() <= left.items()
        done = left
    last = subprocess.run([*PROGRAM, *replay], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (last.returncode, said(last.stderr)) == (0, "")
    assert f"{len(done)} of {CLIPS} clips are done already, {CLIPS - len(done)} to do" in last.stdout
    assert len(done) < CLIPS
    assert done.items() <= runs(out).items()
    assert set(runs(out)) == names
    assert not list(out.rglob(".*"))
    assert command("replay", clips, "--out", tmp_path / "alone").code == 0
    assert contents(out) == contents(tmp_path / "alone")


def test_ok__a_run_does_not_depend_on_the_clips_before_it(command: Cli, tmp_path: Path) -> None:
    clips = make_clips(tmp_path / "clips", 3)
    for clip in reversed(clips):
        assert command("replay", clip, "--out", "backwards").code == 0
    assert command("replay", *clips, "--out", "forwards").code == 0
    assert contents(tmp_path / "forwards") == contents(tmp_path / "backwards")
