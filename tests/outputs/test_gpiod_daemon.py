"""Real daemons on the lines of a GPIO chip: the LED is off after each end, and after a reload that moves it."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import PROGRAM
from tests.outputs.chips import BUTTON, BUZZER, LED, FakeChip, await_true, switch_off, use_fake
from tests.processes import PATIENCE_S, DaemonProcess

ABSENT = "/dev/video77"
"""A camera that is not there raises an alert at once."""
ALARM = """
name: alarm
extends: default
rules:
  - {id: no_picture, when: {signal: camera.fault_s, at_least: 0.1}, clear: {signal: camera.fault_s, at_most: 0.0},
     level: critical, kind: sleep, message: No picture, clause: ours}
"""
"""The LED is on all the time, and the buzzer sounds."""


class Car(DaemonProcess):
    """A daemon with an alert, whose pins are lines of `chip`."""

    def __init__(self, folder: Path, chip: FakeChip) -> None:
        self.chip = chip
        (folder / "alarm.yaml").write_text(ALARM)
        super().__init__(folder, ABSENT, config=LED, options=("--profile", str(folder / "alarm.yaml")))

    def __enter__(self) -> Car:
        return self

    def configure(self, config: str) -> None:
        """Write the configuration. `config`: the line of the LED."""
        pins = self.chip.config(led_pin=config).model_dump(mode="json")
        self.config.write_text(json.dumps({"zmq": {"enabled": False}, "gpio": pins, "camera": {"lost_after_s": 0.1}}))

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until `condition` holds. A daemon that ends meanwhile is a failure."""
        await_true(lambda: condition() or self.process.poll() is not None)
        assert condition(), self.end()


@pytest.fixture
def chip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeChip:
    use_fake(monkeypatch, tmp_path)
    return FakeChip(tmp_path / "gpiochip0")


def test_ok__a_reload_moves_the_led_and_a_stop_switches_it_off(chip: FakeChip, tmp_path: Path) -> None:
    with Car(tmp_path, chip) as daemon:
        daemon.until(lambda: chip.levels()[1])
        daemon.configure(BUTTON)
        assert daemon.reload().returncode == 0
        daemon.until(lambda: chip.state["level"][3])
        assert (chip.levels()[1], sorted(chip.held())) == (0, ["1", "3"])
        code, _, said = daemon.end(signal.SIGTERM)
    assert code == 0, said
    assert (chip.state["level"], chip.held()) == ([0] * 5, [])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_ok__after_a_kill_the_unit_switches_the_lines_off(chip: FakeChip, tmp_path: Path, number: int) -> None:
    with Car(tmp_path, chip) as daemon:
        daemon.until(lambda: chip.levels()[1])
        daemon.end(number)
        assert chip.levels()[1] == 1
        done = switch_off(daemon.config)
    assert (done.returncode, done.stderr) == (0, "")
    assert (chip.state["level"], chip.held()) == ([0] * 5, [])


def test_fail__a_service_without_its_line_watches_without_pins_and_says_why(chip: FakeChip, tmp_path: Path) -> None:
    with Car(tmp_path, chip) as daemon:
        daemon.until(lambda: chip.held() == ["1", "2"])
        other = tmp_path / "other"
        other.mkdir()
        with Car(other, chip) as second:
            second.await_notice("READY=1")
            code, _, said = second.end(signal.SIGTERM)
        daemon.end(signal.SIGTERM)
    assert code == 0
    assert f"buzzer_pin {BUZZER} cannot be used: a running daemon has this line" in said
    assert "; started with the default configuration until a reload puts it right" in said
    assert chip.levels() == (0, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ok__a_command_that_plays_is_ended_and_its_lines_are_off(chip: FakeChip, tmp_path: Path, number: int) -> None:
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("these tests and their children ignore this signal, as under nohup")
    command = [*PROGRAM, "alerts", "--play", "sleep", "--level", "critical", "--config", str(chip.written(tmp_path))]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        await_true(lambda: chip.levels()[1] or process.poll() is not None)
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 128 + number
    assert (chip.levels(), chip.held()) == ((0, 0), [])
