"""`make fleet-demo`: a whole fleet in one command, which ends all that it has started."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.fleet.services import needs_mosquitto
from tests.processes import PATIENCE_S
from tools import ROOT
from tools.fleet import demo

START = "import sys, pathlib; from tools.fleet import demo; demo.FOLDER = pathlib.Path({!r}); sys.exit(demo.main())"


def programs_in(folder: Path) -> list[str]:
    """The command lines of running programs that name the folder."""
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
    return [line.replace(b"\0", b" ").decode() for line in lines if str(folder).encode() in line]


@needs_mosquitto
def test_ok__it_shows_alerts_and_ends_all_it_has_started(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    program = [sys.executable, "-u", "-c", START.format(str(folder))]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        first = next(line for line in process.stdout if " raised: " in line)
        assert len(programs_in(folder)) >= 4
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE_S)
    assert "sim-0000" in first
    assert process.returncode == 0
    assert "fleet report --store" in rest
    assert "Traceback" not in rest
    end = time.monotonic() + PATIENCE_S
    while programs_in(folder) and time.monotonic() < end:
        time.sleep(0.05)
    assert programs_in(folder) == []
    assert not any("Traceback" in log.read_text() for log in folder.glob("*.log"))
    with closing(sqlite3.connect(folder / "fleet.db")) as store:
        assert store.execute("SELECT count(*) FROM alert").fetchone()[0] > 0


def test_fail__without_a_broker_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(sys, "argv", ["demo"])
    assert demo.main() == 1
    assert capsys.readouterr().err == "fleet-demo needs mosquitto; install it with: sudo apt install mosquitto\n"


@needs_mosquitto
def test_ok__it_ends_after_the_seconds_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_DEMO_SECONDS", "0.1")
    folder = tmp_path / "fleet"
    program = [sys.executable, "-c", START.format(str(folder))]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert programs_in(folder) == []
