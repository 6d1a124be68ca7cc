"""What the daemon imports before it is ready: a car that starts waits for each library to come from an SD card."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from driver_monitor import PROGRAM
from driver_monitor.cli.commands import app as whole
from driver_monitor.cli.program import daemon
from driver_monitor.cli.program import run as run_verb
from tests.processes import DaemonProcess, free_port

NOT_NEEDED = {
    "av": "FFmpeg: only clips, streams and cameras that give JPEG",
    "zmq": "libzmq: only the vehicle input on ZeroMQ; the publisher speaks ZMTP itself",
    "asyncio": "came with zmq",
    "ssl": "came with asyncio",
    "paho": "only an uplink",
    "can": "only a CAN bus",
    "gpiozero": "only a board with pins",
    "torch": "only trainings",
    "multiprocessing": "only replays",
    "unittest": "only tests",
    "rich": "only a terminal; a service writes to the journal",
    "typer": "only other verbs, and options of `run` that may be wrong",
    "http": "only counters for Prometheus",
    "wave": "only a loudspeaker",
    "driver_monitor.cli.commands": "only other verbs",
    "driver_monitor.bench": "only other verbs",
    "driver_monitor.doctor": "only other verbs",
    "driver_monitor.fleet": "only other verbs",
    "driver_monitor.outputs.car": "only a car that is told how the driver is",
    "driver_monitor.outputs.metrics": "only counters for Prometheus",
    "driver_monitor.outputs.sound": "only a loudspeaker",
    "driver_monitor.outputs.vss": "only VSS values",
    "driver_monitor.messages.trace_reader": "a daemon writes traces and reads none",
    "driver_monitor.spool.entry": "only an uplink",
}
STARTED = """
import sys
import driver_monitor.app.run
driver_monitor.app.run.run = lambda *_: print(*sys.modules)
sys.argv = ["driver-monitor", "run"]
from driver_monitor.cli import main
main()
"""
"""The way from the command line to the daemon, and what has been imported when it begins."""


READY = """
import gc, sys
import driver_monitor.app.daemon
driver_monitor.app.daemon.Daemon.run = lambda self: print(len(gc.get_objects()))
sys.argv = ["driver-monitor", "run", "--source", "demo", "--config", sys.argv[1]]
from driver_monitor.cli import main
main()
"""
"""The way to the loop of the daemon, and how many objects a search for garbage would go through then."""
STEPPED = """
import sys
from driver_monitor import demo
from driver_monitor.app import build
from driver_monitor.capture.recordings.clip import ClipCamera
plan = build.load_plan(build.Request())
pipeline = build.build_pipeline(plan, build.load_models(plan.config))
with ClipCamera(demo.CLIP) as camera:
    frames = [camera.read() for _ in range(60)]
before = set(sys.modules)
for frame in frames:
    pipeline.step(frame)
print(*(set(sys.modules) - before))
"""
"""Three seconds of frames, and what they import."""


def output_of(program: str, *arguments: str) -> str:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def imported() -> set[str]:
    return set(output_of(STARTED).split())


@pytest.mark.parametrize("module", NOT_NEEDED)
def test_ok__the_daemon_imports_nothing_that_only_some_configurations_need(module: str, imported: set[str]) -> None:
    assert "onnxruntime" in imported, "the daemon has been imported"
    assert module not in imported, NOT_NEEDED[module]


@pytest.mark.parametrize("library", ["/av.libs/", "/av/", "/zmq/", "libzmq"])
def test_ok__a_daemon_with_a_camera_and_a_publisher_is_ready_without(library: str, ready_maps: str) -> None:
    assert library not in ready_maps


@pytest.fixture(scope="module")
def ready_maps(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The files that a daemon with an absent camera has loaded when it is ready."""
    folder = tmp_path_factory.mktemp("start")

    with DaemonProcess(folder, "/dev/video97", free_port()) as daemon:
        daemon.await_notice("READY=1")
        maps = Path(f"/proc/{daemon.process.pid}/maps").read_text()
        assert "onnxruntime" in maps, "the models are loaded"
        return maps


def test_ok__after_the_imports_garbage_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for: list[bool] = []
    monkeypatch.setattr("driver_monitor.app.run.run", lambda *_: looked_for.append(gc.isenabled()))
    run_verb.run()
    assert looked_for == [True]
    gc.unfreeze()


def test_ok__what_was_imported_is_never_looked_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[int] = []
    monkeypatch.setattr("driver_monitor.app.run.run", lambda *_: frozen.append(gc.get_freeze_count()))
    run_verb.run()
    gc.unfreeze()
    assert frozen[0] > 100_000, "the objects of the imports"


def test_ok__nor_are_the_open_parts_searched_for_garbage_in_a_frame(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        f"zmq: {{bind: 'tcp://127.0.0.1:{free_port()}'}}\ngpio: {{backend: mock}}\n"
        f"service: {{state_dir: '{tmp_path}'}}\n"
    )
    assert int(output_of(READY, str(config))) < 500, "without it, there are thousands"


def test_ok__a_frame_waits_for_no_import() -> None:
    assert output_of(STEPPED).split() == []


def test_ok__the_daemon_alone_has_the_same_help_and_errors_as_among_all_verbs() -> None:
    for options in (["run", "--help"], ["run", "--trak", "1"], ["run", "--track", "0"], ["run", "more"]):
        alone, among = (CliRunner().invoke(app, options, prog_name=PROGRAM) for app in (run_verb.new_app(), whole))
        assert (alone.exit_code, alone.output) == (among.exit_code, among.output)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--config", "my.yaml"],
        ["--source", "rtsp://camera/1", "--config", "/etc/driver-monitor/config.yaml"],
        ["--profile", "eu_addw", "--trace", "a b.trace.jsonl.gz", "--source", ""],
    ],
)
def test_ok__options_in_plain_form_mean_the_same_without_typer(
    options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[object, ...]] = []
    monkeypatch.setattr(run_verb, "start", lambda *values: given.append(values))
    assert CliRunner().invoke(run_verb.new_app(), ["run", *options]).exit_code == 0
    plain = daemon.plain_options(options)
    assert plain is not None
    assert given == [tuple(plain.get(name) for name in ("config", "source", "profile", "track", "trace"))]


@pytest.mark.parametrize(
    "options",
    [
        ["--help"],
        ["--trak", "1"],
        ["--track", "1"],
        ["more"],
        ["--source"],
        ["-c", "my.yaml"],
        ["--source=demo"],
        ["--source", "--config", "--trace", "a"],
        ["--source", "demo", "--source", "0"],
        ["--config", "my.yaml", "more"],
    ],
)
def test_ok__other_options_are_left_to_typer(options: list[str]) -> None:
    assert daemon.plain_options(options) is None
