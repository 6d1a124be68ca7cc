"""What switches the pins off after the daemon, on gpiozero's mock pins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from driver_monitor.config import resources
from driver_monitor.config.schema import GpioConfig
from driver_monitor.gpio import off as gpio_off
from driver_monitor.gpio import pins as gpio_pins
from driver_monitor.outputs.gpio_output import GpioOutput

BUZZ, LIGHT = 17, 27


def test_ok__after_a_kill_the_pins_are_driven_low(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("gpio: {backend: mock}\n")
    factory = MockFactory()
    for number in (BUZZ, LIGHT):
        pin = factory.pin(number)
        pin.function = "output"
        pin.state = 1
    states = [factory.pin(number).states for number in (BUZZ, LIGHT)]
    assert gpio_off.main(["--config", str(config)], factory) == 0
    assert [state[-1].state for state in states] == [0, 0]


def test_fail__gpio_off_with_a_wrong_configuration_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("gpio: {buzzer: 3}\n")
    assert gpio_off.main(["--config", str(config)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_ok__gpio_off_with_a_wrong_configuration_drives_the_default_pins_low(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("gpio: [\n")
    factory = MockFactory()
    pins = [factory.pin(number) for number in (GpioConfig().buzzer_pin, GpioConfig().led_pin)]
    for pin in pins:
        pin.function = "output"
        pin.state = 1
    states = [pin.states for pin in pins]
    assert gpio_off.main(["--config", str(config)], factory) == 2
    assert [state[-1].state for state in states] == [0, 0]


OFF = ["driver_monitor.gpio.off", "driver_monitor.outputs.gpio_off"]


HEAVY = {"cv2", "numpy", "onnxruntime", "pydantic", "pydantic_core", "typer", "zmq", "av", "dlib"}


@pytest.mark.parametrize("module", OFF)
@pytest.mark.parametrize("backend", ["auto", "mock"])
def test_ok__gpio_off_imports_nothing_that_takes_long(tmp_path: Path, module: str, backend: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"gpio: {{backend: {backend}}}\n")
    program = (
        "import atexit, runpy, sys\n"
        f"atexit.register(lambda: print('imported:', *sorted({HEAVY!r} & set(sys.modules))))\n"
        f"sys.argv[1:] = ['--config', {str(config)!r}]\n"
        f"runpy.run_module({module!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "imported:\n")


@pytest.mark.parametrize("module", OFF)
def test_ok__gpio_off_shows_its_own_name(module: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("usage: python -m driver_monitor.gpio.off ")


def test_ok__gpio_off_knows_the_same_keys_and_defaults_as_the_daemon() -> None:
    defaults, daemon = gpio_off._section(resources.path("config.yaml")), GpioConfig()
    assert set(defaults) == set(GpioConfig.model_fields)
    pins = gpio_off._settings(defaults, None)
    for name in ("backend", "buzzer_pin", "led_pin", "active_high"):
        assert getattr(pins, name) == getattr(daemon, name)


@pytest.mark.parametrize(
    ("text", "low"),
    [
        ("gpio: {buzzer_pin: 5, led_pin: 6}", [5, 6]),
        ("gpio:\n  buzzer_pin: null\n  led_pin: 7\n", [7]),
        ("gpio: {buzzer_pin: , led_pin: ~}", []),
        ("gpio: {backend: off}", []),
        ("gpio:\nvehicle: {id: a}", [17, 27]),
        ("camera: {fps: often}\ngpio: {led_pin: 9}", [17, 9]),
        ("", [17, 27]),
        ("# only a comment", [17, 27]),
    ],
)
def test_ok__gpio_off_reads_what_the_daemon_reads(tmp_path: Path, text: str, low: list[int]) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(text)
    factory = MockFactory()
    assert gpio_off.main(["--config", str(config)], factory) == 0
    assert sorted(info.name for info in factory.pins) == sorted(f"GPIO{number}" for number in low)


@pytest.mark.parametrize(
    "text",
    [
        "gpio: 5",
        "gpio: [1, 2]",
        "gpio: {led_pin: 28}",
        "gpio: {led_pin: -1}",
        "gpio: {led_pin: [5]}",
        "gpio: {led_pin: 17}",
        "gpio: {buzzer_pin: 5, led_pin: 5}",
        "gpio: {infrared_pin: 5, led_pin: 5}",
        "gpio: {active_high: maybe}",
        "gpio: {backend: pins}",
        "- a list",
        "[" * 100_000,
        "gpio: &a {led_pin: *a}",
        "x: " + "y" * 300_000,
        "\0",
    ],
)
def test_fail__gpio_off_with_any_wrong_file_is_one_line_and_the_default_pins_are_low(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(text)
    factory = MockFactory()
    assert gpio_off.main(["--config", str(config)], factory) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert len(factory.pins) == 2


@pytest.mark.parametrize("kind", ["missing", "pipe", "folder"])
def test_fail__gpio_off_without_a_regular_file_does_not_wait(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    if kind != "missing":
        os.mkfifo(config) if kind == "pipe" else config.mkdir()
    assert gpio_off.main(["--config", str(config)], MockFactory()) == 2
    assert "cannot read it" in capsys.readouterr().err


def test_fail__gpio_off_with_a_pin_in_use_says_so_with_backend_auto(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("gpio: {backend: auto}\n")
    factory = MockFactory()
    taken = GpioOutput(GpioConfig(backend="mock"), factory)
    assert gpio_off.main(["--config", str(config)], factory) == 1
    taken.close()
    said = capsys.readouterr().err
    assert "cannot be used" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(("device", "code"), [("gpiochip0", 1), (None, 0)])
def test_ok__gpio_off_with_backend_auto_is_silent_only_without_any_gpio(
    tmp_path: Path,
    device: str | None,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    monkeypatch.setattr(Device, "pin_factory", None)
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", None)
    monkeypatch.setattr(gpio_pins, "CHIPS", tmp_path)
    if device is not None:
        (tmp_path / device).touch()
    assert gpio_off.main([]) == code
    assert bool(capsys.readouterr().err) == bool(code)
