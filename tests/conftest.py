"""Small real clips and stills, cut from the bundled demo."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.cli.program import main as cli
from driver_monitor.demo import CLIP
from driver_monitor.imaging.frame import Image
from driver_monitor.outputs.journal import QueuedHandler
from tests import skips

# A busy machine with two cores makes inputs slowly and runs them slowly; neither is a fault of what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# A shell's background job starts with interrupts ignored, and so would every program that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).parents[2] / "shared"
"""Data that may not be passed on lies beside the project, or nowhere; checks that need it skip and say so."""
CPU_FLAGS = Path("/proc/cpuinfo")
CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
measured_elsewhere = pytest.mark.xfail(
    not (CPU_FLAGS.exists() and "avx512_vnni" in CPU_FLAGS.read_text()),
    reason="the bound was measured on an x86 CPU with AVX-512 VNNI; others round the nets differently (docs/scores.md)",
    strict=False,
)
"""For bounds on measured figures that a change in the last bit of the nets' arithmetic moves across the bound."""
PROGRAM = [sys.executable, "-c", "from driver_monitor.cli import main; main()"]
"""The command line as a process of its own."""
SHORT_FPS = 20
SHORT = (125, 245)
"""Frames of the demo in `short_clip`: awake, a blink, and three and a half seconds of closed eyes."""


def demo_frames(first: int, last: int) -> list[Image]:
    with ClipCamera(CLIP) as camera:
        frames = [camera.read() for _ in range(last)]
    return [frame.image for frame in frames[first:] if frame is not None]


def write_clip(path: Path, images: list[Image], fps: int = SHORT_FPS) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "18"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real browser, which asks nobody for anything by itself. It ends with the module: it has an event loop."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra browser)")
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed (apt-get install chromium)")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_OPTIONS)
        yield opened
        opened.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in skips.lines(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A test that configures the log, as `run` and a reload do, must not leave its handler to the next one."""
    level = logging.root.level
    yield
    for handler in [handler for handler in logging.root.handlers if isinstance(handler, QueuedHandler)]:
        logging.root.removeHandler(handler)
        handler.close()
    logging.root.setLevel(level)


@pytest.fixture(scope="session")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "nap.mp4"
    write_clip(path, demo_frames(*SHORT))
    return path


@pytest.fixture(scope="session")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stills") / "awake.png"
    done, data = cv2.imencode(".png", demo_frames(20, 21)[0])
    assert done
    path.write_bytes(np.asarray(data).tobytes())
    return path


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What was said on stderr."""
        return self.err.splitlines()


Cli = Callable[..., Outcome]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Runs the command line in this process, in an empty folder, with a state folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    # A busy machine may need half a minute for a clip; what is tested then is not when a line about that comes.
    monkeypatch.setattr("driver_monitor.bench.batch.progress.LINE_S", 3600.0)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["driver-monitor", *map(str, arguments)])
        capfd.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        said = capfd.readouterr()
        return Outcome(code, said.out, said.err)

    return run
