"""A batch on a cluster: a lost worker costs nothing but time, and no worker takes part that would answer otherwise."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from driver_monitor import __version__
from driver_monitor.app.build import Request, load_plan
from driver_monitor.bench.batch.processes import Runner
from driver_monitor.bench.cluster import dask_cluster, on_worker
from driver_monitor.bench.cluster.address import cluster_address
from driver_monitor.bench.cluster.workers import KnownWorkers
from driver_monitor.bench.replays.kept_models import kept_models
from driver_monitor.errors import ClusterError, UsageError
from tests.bench.batches import contents, make_clips, runs
from tests.bench.clusters import OTHER_VERSION, ClusterProcesses, make_keys
from tests.bench.test_processes import Work, length
from tests.bench.test_replay_many import said
from tests.conftest import PROGRAM, Cli
from tests.processes import free_port, still_runs

PATIENCE_S = 300
CLIPS = 12


def test_ok__a_batch_on_three_workers_of_which_one_is_killed_is_complete(command: Cli, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="distributed is not installed (extra cluster)")
    pytest.importorskip("cryptography", reason="cryptography is not installed (extra cluster)")
    clips, out, keys = tmp_path / "clips", tmp_path / "out", make_keys(tmp_path / "keys")
    make_clips(clips, CLIPS)
    with ClusterProcesses(tmp_path, keys) as cluster:
        for _ in range(3):
            cluster.worker()
        cluster.worker("--nthreads", "1", program=("-c", OTHER_VERSION))
        cluster.await_lines("Register worker", 4)
        replay = [
            "replay",
            str(clips),
            "--out",
            "out",
            "--resume",
            "--cluster",
            cluster.url,
            "--cluster-keys",
            str(keys),
        ]
        with subprocess.Popen(
            [*PROGRAM, *replay], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as client:
            while not runs(out):
                assert still_runs(client)
            cluster.kill(2)
            told, err = client.communicate(timeout=PATIENCE_S)
        assert client.returncode == 0, err
        refused = said(err).splitlines()
        assert len(refused) == 1
        assert refused[0].startswith("worker tls://")
        assert f"is not used: it has driver-monitor 0.0.1, here is {__version__}; install the same" in refused[0]
        assert "0 of 12 clips are done already, 12 to do" in told
    assert not list(out.rglob(".*"))
    assert command("replay", clips, "--out", tmp_path / "alone").code == 0
    assert contents(out) == contents(tmp_path / "alone")


class Answers:
    """A client of dask with workers that give these answers to the questions of `KnownWorkers`."""

    def __init__(self, models: str) -> None:
        good: dict[Callable[..., Any], Any] = {on_worker.version: __version__, on_worker.exists: True}
        good[on_worker.models] = models
        self.answers: dict[str, dict[Callable[..., Any], Any]] = {
            "good": good,
            "old": {on_worker.version: "0.0.1"},
            "foreign": {on_worker.version: ModuleNotFoundError("No module named 'driver_monitor'")},
            "elsewhere": {**good, on_worker.exists: False},
            "models": {**good, on_worker.models: "0123456789abcdef"},
            "gone": {},
        }
        self.threads = {**dict.fromkeys(self.answers, 1), "threads": 4}

    def nthreads(self) -> dict[str, int]:
        return self.threads

    def run(self, question: Callable[..., Any], *_: object, workers: list[str], on_error: str) -> dict[str, Any]:
        assert on_error == "return"
        asked = {one: self.answers[one] for one in workers}
        return {one: answers[question] for one, answers in asked.items() if question in answers}


def test_fail__a_worker_that_would_answer_otherwise_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = load_plan(Request())
    models = kept_models(plan.config).digest
    client = Answers(models)
    known = KnownWorkers(client, plan, tmp_path / "out")
    known.look()
    assert known.good == ["good"]
    assert capsys.readouterr().err.splitlines() == [
        (
            f"worker elsewhere: is not used: it does not see {tmp_path}/out; "
            "mount the folder of --out there at the same path"
        ),
        (
            "worker foreign: is not used: it has no driver-monitor that fits (ModuleNotFoundError: No module named "
            f"'driver_monitor'), here is {__version__}; install the same version there"
        ),
        "worker gone: is not used: it gives no answer",
        (
            "worker models: is not used: it has other models (0123456789abcdef, here "
            f"{models}); install the same files there"
        ),
        f"worker old: is not used: it has driver-monitor 0.0.1, here is {__version__}; install the same version there",
        "worker threads: is not used: it has 4 threads; start it with --nthreads 1, and several with --nworkers 4",
    ]
    del client.threads["good"]
    known.look()
    assert known.good == []
    assert capsys.readouterr().err == ""
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("tcp://10.0.0.5:8786", "dask runs the code of everybody who can connect"),
        ("tcp://depot:8786", "use tls:// and --cluster-keys, or a scheduler on 127.0.0.1"),
        ("tls://depot:8786", "needs --cluster-keys FOLDER"),
        *((url, "expected tcp://127.0.0.1:PORT or tls://HOST:PORT") for url in (
            "depot", "depot:8786", "http://127.0.0.1:8786", "tcp://127.0.0.1", "tcp://127.0.0.1:0",
            "tcp://127.0.0.1:99999", "tcp://:8786", "tcp://127.0.0.1:8786/x", "tcp://[::1:1",
        )),
    ],
)  # fmt: skip
def test_fail__a_cluster_that_is_not_safe_or_no_address_is_refused(command: Cli, url: str, reason: str) -> None:
    outcome = command("replay", "trip.mp4", "--cluster", url)
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert reason in outcome.lines[0]


@pytest.mark.parametrize("url", ["tcp://127.0.0.1:8786", "tcp://localhost:1", "tcp://[::1]:8786"])
def test_ok__a_scheduler_on_this_machine_needs_no_keys(url: str) -> None:
    assert cluster_address(url, None).url == url


def test_fail__keys_that_are_missing_or_not_needed_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ca\.pem: No such file or directory; --cluster-keys needs ca.pem, cert.pem"):
        cluster_address("tls://depot:8786", tmp_path)
    with pytest.raises(UsageError, match="--cluster-keys needs tls://"):
        cluster_address("tcp://127.0.0.1:8786", tmp_path)


def test_fail__a_scheduler_that_is_not_there_is_one_line(
    command: Cli, short_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="distributed is not installed (extra cluster)")
    monkeypatch.setattr(dask_cluster, "CONNECT_S", 0.5)
    outcome = command("replay", short_clip, "--cluster", f"tcp://127.0.0.1:{free_port()}")
    assert (outcome.code, len(outcome.lines)) == (1, 1), outcome.err
    assert "no scheduler can be reached" in outcome.lines[0]


class NoWorkers:
    """A client of a scheduler without workers."""

    status = "running"

    def nthreads(self) -> dict[str, int]:
        return {}

    def subscribe_topic(self, *_: object) -> None:
        pass


def test_fail__a_cluster_without_workers_is_told_and_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "ALONE_S", 0.0)
    cluster = dask_cluster.DaskCluster(NoWorkers(), "tcp://127.0.0.1:8786", tmp_path)
    runner = Runner(length, load_plan(Request()))
    with pytest.raises(ClusterError, match=r"8786: no worker that can be used for 0 s; start one"):
        list(runner.run([Work(Path("a.mp4"))], 1, Console(file=io.StringIO()), cluster))
