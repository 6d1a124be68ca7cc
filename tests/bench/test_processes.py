"""Many jobs through one function: what fails becomes an error of its own, and the others go on."""

from __future__ import annotations

import io
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from driver_monitor.app.build import Plan, Request, load_plan
from driver_monitor.bench.batch.processes import Runner
from driver_monitor.bench.replays.replay import OnProgress
from driver_monitor.errors import OutputError, SourceError

LINES = Path(__file__).read_text().splitlines()
BUG = f"test_processes.py:{next(i for i, line in enumerate(LINES, 1) if line.strip().startswith('raise ValueError'))}"


@dataclass(frozen=True)
class Work:
    clip: Path


def length(job: Work, plan: Plan, progress: OnProgress | None = None) -> int:
    """The length of a clip's name; a clip called bad cannot be read."""
    if job.clip.stem == "bad":
        raise SourceError(f"{job.clip}: no clip; give another")
    if job.clip.stem == "bug":
        raise ValueError("never foreseen")
    if job.clip.stem == "last" and not job.clip.exists():
        (job.clip.parent / "others are done").read_bytes()  # waits
    if job.clip.stem == "deadly" or (job.clip.stem in ("once", "last") and not job.clip.exists()):
        job.clip.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if progress is not None:
        progress(1, None)
    return len(job.clip.name)


@pytest.mark.parametrize("at_a_time", [1, 2])
def test_fail__a_job_that_fails_has_an_error_and_the_others_a_result(at_a_time: int) -> None:
    jobs = [Work(Path(name)) for name in ("a.mp4", "bad.mp4", "bug.mp4", "trip[1].mp4")]
    outcomes = list(Runner(length, load_plan(Request())).run(jobs, at_a_time, Console(file=io.StringIO())))
    assert {outcome.job.clip.name: (outcome.result, outcome.error) for outcome in outcomes} == {
        "a.mp4": (5, None),
        "bad.mp4": (None, "bad.mp4: no clip; give another"),
        "bug.mp4": (None, f"bug.mp4: a fault of this program: ValueError: never foreseen ({BUG}); report it"),
        "trip[1].mp4": (11, None),
    }
    if at_a_time == 1:
        assert [outcome.job for outcome in outcomes] == jobs


@pytest.mark.parametrize("at_a_time", [1, 2, 256])
@pytest.mark.parametrize("names", [[], ["a.mp4"]])
def test_ok__fewer_jobs_than_processes_are_no_fault(at_a_time: int, names: list[str]) -> None:
    jobs = [Work(Path(name)) for name in names]
    outcomes = list(Runner(length, load_plan(Request())).run(jobs, at_a_time, Console(file=io.StringIO())))
    assert [outcome.result for outcome in outcomes] == [5] * len(names)


def test_fail__a_lost_process_costs_its_own_job_which_is_tried_again(tmp_path: Path) -> None:
    cleaned = tmp_path / "cleaned"
    jobs = [Work(tmp_path / f"{name}.mp4") for name in ("deadly", "a", "once", "b")]
    outcomes = list(Runner(length, load_plan(Request()), clean).run(jobs, 2, Console(file=io.StringIO())))
    ended = {outcome.job.clip.stem: (outcome.result, outcome.error) for outcome in outcomes}
    error = f"{jobs[0].clip}: its process was killed 3 times, perhaps for lack of memory; use fewer --jobs"
    assert ended == {"deadly": (None, error), "a": (5, None), "once": (8, None), "b": (5, None)}
    assert sorted(cleaned.read_text().split()) == ["deadly", "deadly", "deadly", "once"]


def test_ok__the_job_of_a_lost_process_goes_to_one_that_is_at_rest_already(tmp_path: Path) -> None:
    others_are_done = tmp_path / "others are done"
    os.mkfifo(others_are_done)
    jobs = [Work(tmp_path / f"{name}.mp4") for name in ("last", "a")]
    done = []
    for outcome in Runner(length, load_plan(Request())).run(jobs, 2, Console(file=io.StringIO())):
        done.append(outcome.result)
        if len(done) == 1:
            others_are_done.write_bytes(b"")
    assert done == [5, 8]


def clean(job: Work) -> None:
    """What a lost process left is removed each time."""
    with (job.clip.parent / "cleaned").open("a") as file:
        file.write(f"{job.clip.stem}\n")


def test_fail__processes_that_cannot_begin_end_the_batch_in_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiprocessing.spawn._python_exe", b"/bin/false")
    jobs = [Work(Path(name)) for name in ("a.mp4", "b.mp4")]
    with pytest.raises(OutputError, match="--jobs: the processes end while they start"):
        list(Runner(length, load_plan(Request())).run(jobs, 2, Console(file=io.StringIO())))
