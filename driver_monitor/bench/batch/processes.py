"""Run one function over many clips: here, in several processes, or on a cluster; with progress over all of them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from rich.console import Console

from driver_monitor.app.build import Plan
from driver_monitor.bench.batch.progress import BatchProgress, showing
from driver_monitor.bench.replays.replay import OnProgress
from driver_monitor.errors import DriverMonitorError

RETRIES = 2
"""How often a clip is tried again after its worker was lost (ours): once may be chance, three times is the clip."""


class ClipJob(Protocol):
    """What each job must have: the path of its clip."""

    @property
    def clip(self) -> Path:
        """The path of the clip. Errors show it, and its size helps to estimate how long the job takes."""


Job = TypeVar("Job", bound=ClipJob)
Result = TypeVar("Result")
Work = Callable[[Job, Plan, OnProgress | None], Result]
"""Does one job and returns its result. It may raise `DriverMonitorError`."""
CleanUp = Callable[[Job], None]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Job, Result]):
    """How a job ended. `result`: what its work returned, None after an error. `error`: one line, None after success."""

    job: Job
    result: Result | None = None
    error: str | None = None


class Cluster(Protocol):
    """Other machines that do jobs."""

    def run(
        self, runner: Runner[Job, Result], jobs: Sequence[Job], progress: BatchProgress
    ) -> Iterator[Outcome[Job, Result]]:
        """Yield outcomes as jobs end."""


@dataclass(frozen=True, slots=True)
class Runner(Generic[Job, Result]):
    """Runs `work` on jobs with one `plan`. An error ends its own job, never the others.

    A job whose process is lost is tried again, `RETRIES` times. `clean_up` removes what a job left in a lost process;
    None: nothing is removed. Other processes import `work` and `clean_up` from their modules.
    """

    work: Work[Job, Result]
    plan: Plan
    clean_up: CleanUp[Job] | None = None

    def run(
        self, jobs: Sequence[Job], at_a_time: int, console: Console, cluster: Cluster | None = None
    ) -> Iterator[Outcome[Job, Result]]:
        """Yield outcomes as jobs end, `at_a_time` processes in parallel. A single one runs here, in order.

        With a `cluster` its workers do the jobs, and `at_a_time` is not used.
        """
        from driver_monitor.bench.batch.workers import run_in_processes  # it imports this module

        with showing([job.clip for job in jobs], console) as progress:
            if cluster is not None:
                yield from cluster.run(self, jobs, progress)
            elif min(at_a_time, len(jobs)) > 1:
                yield from run_in_processes(self, jobs, min(at_a_time, len(jobs)), progress)
            else:
                yield from self._one_by_one(jobs, progress)

    def attempt(self, job: Job, progress: OnProgress | None = None) -> Outcome[Job, Result]:
        """Do `job` here. An error becomes the outcome's; one that nobody foresaw too, with its place in the code."""
        try:
            return Outcome(job, self.work(job, self.plan, progress))
        except DriverMonitorError as error:
            return Outcome(job, error=str(error))
        except OSError as error:
            where = error.filename or job.clip
            return Outcome(job, error=f"{where}: {error.strerror or error}; check the path and its permissions")
        except Exception as error:  # after a night, nine thousand results matter more than one bug
            place = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
            return Outcome(job, error=f"{job.clip}: a fault of this program: {what}; report it")

    def clean(self, job: Job) -> None:
        """Remove what a lost process left of `job`."""
        if self.clean_up is not None:
            self.clean_up(job)

    def _one_by_one(self, jobs: Sequence[Job], progress: BatchProgress) -> Iterator[Outcome[Job, Result]]:
        for index, job in enumerate(jobs):
            progress.begin(index)
            outcome = self.attempt(job, progress.of(index))
            progress.end(index, outcome.error is not None)
            yield outcome
