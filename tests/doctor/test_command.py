"""`driver-monitor doctor` as a process of its own: with a daemon, interrupted, and with broken packages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.doctor.verdicts.faults import CHECKS
from tests.conftest import PROGRAM, Cli
from tests.doctor.cars import Car
from tests.processes import PATIENCE_S, DaemonProcess, Subscriber, free_port


def doctor(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {"XDG_STATE_HOME": str(folder / "state"), "COLUMNS": "80"} | environment
    program = [*PROGRAM, "doctor", *options]
    return subprocess.run(
        program, cwd=folder, env=variables, capture_output=True, text=True, timeout=PATIENCE_S * 2, check=False
    )


def configuration(folder: Path, text: str = "camera: {source: /dev/video63}") -> str:
    path = folder / "my.yaml"
    path.write_text(f"zmq: {{bind: 'tcp://127.0.0.1:{free_port()}'}}\ngpio: {{backend: 'off'}}\n{text}\n")
    return str(path)


def faults(shown: dict[str, Any]) -> list[str]:
    return [check["fault"] for check in shown["checks"] if check["fault"]]


def test_ok__a_running_daemon_is_examined_without_taking_anything_from_it(tmp_path: Path) -> None:
    port = free_port()
    with (
        DaemonProcess(tmp_path, "demo", port, "camera: {source: demo}") as daemon,
        Subscriber(port, "status/") as subscriber,
    ):
        subscriber.status(lambda status: status["face"] and status["camera"]["fps"] > 5.0)
        result = doctor(tmp_path, "--config", str(daemon.config), "--json")
        shown = json.loads(result.stdout)
        states = {check["check"]: check["state"] for check in shown["checks"]}
        assert "configuration.recording" in faults(shown), "it watches the demo"
        # A busy machine may drop frames, or give no more than some a second; both are told.
        assert set(faults(shown)) <= {"configuration.recording", "pins.none", "speed.drops", "camera.slow", "disk.low"}
        assert (result.returncode, result.stderr, shown["can_work"]) == (0, "", True)
        assert states["daemon"] == states["light"] == "ok"
        assert daemon.process.poll() is None


def test_fail__a_machine_without_a_camera_is_told_in_narrow_lines(tmp_path: Path) -> None:
    result = doctor(tmp_path, "--config", configuration(tmp_path), LANG="C", LC_ALL="C")
    assert (result.returncode, result.stderr) == (1, "")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "\x1b" not in result.stdout
    assert "FAULT       camera        /dev/video63: no such camera" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("The daemon cannot do its job here. Faults: camera")


def test_ok__an_interrupt_ends_it_at_once_without_a_traceback(tmp_path: Path) -> None:
    program = [*PROGRAM, "doctor", "--config", configuration(tmp_path)]
    started = subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with started as process:
        assert process.stdout is not None
        assert "packages" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (130, "")


def test_ok__a_reader_that_ends_early_gets_no_traceback(tmp_path: Path) -> None:
    program = [*PROGRAM, "doctor", "--config", configuration(tmp_path)]
    with subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        process.wait(PATIENCE_S)
    assert process.returncode == 1, "not all was examined"


@pytest.mark.parametrize("package", ["numpy", "cv2", "onnxruntime", "zmq", "av"])
def test_fail__a_package_that_is_broken_is_named_in_one_finding(package: str, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / f"site/{package}.py").write_text("raise ImportError('cut short')\n")
    result = doctor(tmp_path, "--json", PYTHONPATH=os.pathsep.join([str(tmp_path / "site"), str(Path.cwd())]))
    assert (result.returncode, result.stderr) == (1, "")
    shown = json.loads(result.stdout)
    assert faults(shown)[0] == "packages.broken"
    assert f"{package} cannot be imported: ImportError: cut short" in shown["checks"][0]["found"]
    assert set(faults(shown)) <= {"packages.broken", "clock.unsynchronised", "heat.hot"}
    assert list(dict.fromkeys(check["check"] for check in shown["checks"])) == list(CHECKS)


@pytest.mark.parametrize("package", ["typer", "pydantic"])
def test_fail__without_the_packages_of_the_command_line_there_is_one_line(package: str, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / f"site/{package}.py").write_text("raise ImportError('cut short')\n")
    result = doctor(tmp_path, PYTHONPATH=os.pathsep.join([str(tmp_path / "site"), str(Path.cwd())]))
    assert result.returncode == 1
    assert result.stderr == "driver-monitor: a package cannot be imported: cut short; reinstall driver-monitor\n"


def test_fail__a_wrong_option_is_one_line(command: Cli) -> None:
    outcome = command("doctor", "--bleep")
    assert outcome.code == 2
    assert len(outcome.lines) == 1


def test_fail__a_file_that_is_not_there(command: Cli) -> None:
    outcome = command("doctor", "--config", "nowhere.yaml", "--json")
    assert outcome.code == 1
    assert faults(json.loads(outcome.out)) == ["configuration.wrong"]


class InterruptError(Exception):
    """Stands for Ctrl-C."""


def test_ok__an_interrupt_in_the_buzzer_test_leaves_the_pins_low(car: Car, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal comes while the main thread waits for the check, and the buzzer sounds."""
    levels: list[Sequence[int]] = []

    def interrupt(self: Any, timeout: float | None = None) -> None:
        if self.name == "doctor-pins" and not levels:
            while not car.pins.pins or not any(pin.state for pin in car.pins.pins.values()):
                pass
            levels.append([pin.state for pin in car.pins.pins.values()])
            raise InterruptError
        joined(self, timeout)

    joined = threading.Thread.join
    monkeypatch.setattr(threading.Thread, "join", interrupt)
    with pytest.raises(InterruptError):
        car.examine(beep=True)
    for thread in threading.enumerate():  # on a busy machine the check may take longer than the program waits for it
        if thread.name == "doctor-pins":
            joined(thread, PATIENCE_S)
    assert levels, "the buzzer was on"
    assert [pin.state for pin in car.pins.pins.values()] == [0, 0]
