"""Which workers of a cluster may take part in a batch: those that would write the same files as this machine."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from driver_monitor import PROGRAM, __version__
from driver_monitor.app.build import Plan
from driver_monitor.bench.cluster import on_worker
from driver_monitor.bench.replays.kept_models import kept_models
from driver_monitor.errors import OutputError
from driver_monitor.messages.lines import one_line


class KnownWorkers:
    """Examines each worker once. `good`: addresses of those that are there and may take part.

    `client`: of dask. `out`: the folder of the results. A worker that may not take part is named on stderr.
    """

    def __init__(self, client: Any, plan: Plan, out: Path) -> None:
        self._client, self._plan, self._out = client, plan, out.absolute()
        self._models = kept_models(plan.config).digest
        self._fit: dict[str, bool] = {}
        self.good: list[str] = []

    def look(self) -> None:
        """Look for workers that have come or gone."""
        threads: Mapping[str, int] = self._client.nthreads()
        new = sorted(set(threads) - set(self._fit))
        if new:
            with _probe_file(self._out) as probe:
                faults = self._faults({address: threads[address] for address in new}, probe)
            for address in new:
                self._fit[address] = address not in faults
                if address in faults:
                    print(one_line(f"worker {address}: is not used: {faults[address]}"), file=sys.stderr, flush=True)
        self.good = [address for address in sorted(threads) if self._fit[address]]

    def _faults(self, threads: Mapping[str, int], probe: Path) -> dict[str, str]:
        """Return address -> why this worker may not take part."""
        faults = {
            address: f"it has {number} threads; start it with --nthreads 1, and several with --nworkers {number}"
            for address, number in threads.items()
            if number != 1
        }
        # One after the other: a worker of another version may not understand the later questions.
        for question, arguments, wrong in (
            (on_worker.version, (), self._other_version),
            (on_worker.exists, (probe,), self._other_folder),
            (on_worker.models, (self._plan,), self._other_models),
        ):
            asked = [address for address in threads if address not in faults]
            answers = self._client.run(question, *arguments, workers=asked, on_error="return") if asked else {}
            # A worker that has gone meanwhile gives no answer. If it comes again, it has a new address.
            faults |= {one: "it gives no answer" for one in asked if one not in answers}
            faults |= {one: why for one, answer in answers.items() if (why := wrong(answer)) is not None}
        return faults

    def _other_version(self, answer: object) -> str | None:
        if answer == __version__:
            return None
        found = f"{PROGRAM} {answer}" if isinstance(answer, str) else f"no {PROGRAM} that fits ({_shown(answer)})"
        return f"it has {found}, here is {__version__}; install the same version there"

    def _other_folder(self, answer: object) -> str | None:
        if answer is True:
            return None
        return f"it does not see {self._out}; mount the folder of --out there at the same path"

    def _other_models(self, answer: object) -> str | None:
        if answer == self._models:
            return None
        return f"it has other models ({_shown(answer)}, here {self._models}); install the same files there"


def _shown(answer: object) -> str:
    return f"{type(answer).__name__}: {answer}" if isinstance(answer, BaseException) else str(answer)


@contextmanager
def _probe_file(out: Path) -> Iterator[Path]:
    """Make a hidden file in `out` by which workers show that they see this folder. Raises `OutputError`."""
    path = out / f".cluster-{secrets.token_hex(4)}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise OutputError(f"{out}: cannot write: {error.strerror}; choose another folder with --out") from error
    try:
        yield path
    finally:
        with suppress(OSError):
            path.unlink()
