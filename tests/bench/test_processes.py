"""Many jobs through one function: what fails becomes an error of its own, and the others go on."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from driver_monitor.app.build import Plan, Request, load_plan
from driver_monitor.bench.batch.processes import Runner
from driver_monitor.bench.replays.replay import OnProgress
from driver_monitor.errors import SourceError


@dataclass(frozen=True)
class Work:
    clip: Path


def length(job: Work, plan: Plan, progress: OnProgress | None = None) -> int:
    """The length of a clip's name; a clip called bad cannot be read."""
    if job.clip.stem == "bad":
        raise SourceError(f"{job.clip}: no clip; give another")
    if progress is not None:
        progress(1, None)
    return len(job.clip.name)


@pytest.mark.parametrize("at_a_time", [1, 2])
def test_fail__a_job_that_fails_has_an_error_and_the_others_a_result(at_a_time: int) -> None:
    jobs = [Work(Path(name)) for name in ("a.mp4", "bad.mp4", "trip[1].mp4")]
    outcomes = list(Runner(length, load_plan(Request())).run(jobs, at_a_time, Console(file=io.StringIO())))
    assert {outcome.job.clip.name: (outcome.result, outcome.error) for outcome in outcomes} == {
        "a.mp4": (5, None),
        "bad.mp4": (None, "bad.mp4: no clip; give another"),
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
