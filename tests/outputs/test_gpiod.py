"""Buzzer, LED and button on the lines of a GPIO chip, as on a Jetson, against a stand-in for `gpiod`."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory

from driver_monitor.config import resources, schema
from driver_monitor.config.schema import GpioConfig
from driver_monitor.data.alert import SIGNS, Sign
from driver_monitor.errors import ConfigError, OutputError
from driver_monitor.gpio import off as gpio_off
from driver_monitor.gpio import pins as gpio_pins
from driver_monitor.gpio.button import GpiodButton, open_button
from driver_monitor.gpio.jetson.board import is_jetson
from driver_monitor.gpio.pins import Pins, open_pins
from driver_monitor.gpio.sound_once import LIT_S, sound_once
from driver_monitor.outputs import gpio_output
from driver_monitor.outputs.gpio_output import GpioOutput
from tests.outputs.chips import BUTTON, BUZZER, LED, FakeChip, await_true, switch_off, use_fake

ASLEEP = Sign("sleep", "critical")
CHANGES = 1000


@pytest.fixture
def chip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeChip:
    use_fake(monkeypatch, tmp_path)
    return FakeChip(tmp_path / "gpiochip0")


@pytest.mark.parametrize("line", [BUZZER, 1])
@pytest.mark.parametrize("active_high", [True, False])
def test_ok__a_line_is_off_at_first_and_at_the_end_and_belongs_to_us_meanwhile(
    chip: FakeChip, line: int | str, active_high: bool
) -> None:
    chip.put(level=[0, int(active_high), 0, 0, 0])
    off, on = int(not active_high), int(active_high)
    pins = open_pins(chip.config(buzzer_pin=line, led_pin=None, active_high=active_high))
    assert (chip.levels()[0], chip.held()) == (off, ["1"])
    pins.set(True, True)
    assert chip.levels()[0] == on
    pins.close()
    pins.close()
    assert (chip.levels()[0], chip.held()) == (off, [])


@pytest.mark.parametrize("named", ["tegra234-gpio", "gpiochip1"])
def test_ok__a_chip_is_found_by_its_label_or_its_name(chip: FakeChip, named: str, tmp_path: Path) -> None:
    chip.put(label="tegra234-gpio-aon")
    second = FakeChip(tmp_path / "gpiochip1")
    open_pins(second.config(chip=named)).set(True, False)
    assert (chip.levels(), second.levels()) == ((0, 0), (1, 0))


def opening(chip: FakeChip, /, **values: Any) -> str:
    """What is said when buzzer and LED are opened."""
    with pytest.raises(OutputError) as error:
        open_pins(chip.config(**values))
    assert chip.path.with_name("gpiochip0").exists()
    return str(error.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"chip": "/dev/gpiochip77"}, "gpio.chip: /dev/gpiochip77 does not exist; this computer has {chip}"),
        ({"chip": "/dev/null"}, "gpio.chip: /dev/null is not a GPIO chip; this computer has {chip}"),
        ({"chip": "tegra194"}, "gpio.chip: no GPIO chip is called tegra194; this computer has {chip}"),
        ({"led_pin": "PQ.99"}, "gpio: led_pin PQ.99: no line of {chip} has this name; gpioinfo lists the names"),
        ({"led_pin": 99}, "gpio: led_pin 99: {chip} has no such line; gpioinfo lists its lines"),
    ],
    ids=str,
)
def test_fail__what_is_not_there_is_named_with_what_to_do(chip: FakeChip, values: dict[str, Any], said: str) -> None:
    assert opening(chip, **values) == said.format(chip=chip.path)
    assert (chip.held(), chip.levels()) == ([], (0, 0)), "the first line is released again"


def test_fail__one_line_for_both_is_refused_also_by_name_and_offset(chip: FakeChip) -> None:
    said = "gpio: led_pin 1 is the line of buzzer_pin, too; use another line"
    assert opening(chip, led_pin=1) == said
    assert (chip.held(), chip.levels()) == ([], (0, 0))


def test_fail__a_line_of_another_chip_is_found_there(chip: FakeChip, tmp_path: Path) -> None:
    second = FakeChip(tmp_path / "gpiochip1", "tegra234-gpio-aon", {"PAA.04": 0})
    said = f"gpio: led_pin PAA.04: it is a line of {second.path}; set gpio.chip: {second.path}"
    assert opening(chip, led_pin="PAA.04") == said


def test_fail__a_computer_without_any_chip_says_so(chip: FakeChip) -> None:
    chip.path.rename(chip.path.with_name("elsewhere"))
    with pytest.raises(OutputError, match=r"this computer has no GPIO chip; set gpio\.backend: off"):
        open_pins(chip.config())


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (errno.EACCES, "no permission for {chip}; let the program's user join the group gpio (systemd/README.md)"),
        (errno.EPERM, "no permission for {chip}; let the program's user join the group gpio (systemd/README.md)"),
        (errno.ENODEV, "{chip} is not a GPIO chip; this computer has {chip}"),
    ],
)
@pytest.mark.parametrize("label", [False, True])
def test_fail__a_chip_that_cannot_be_opened_is_named_with_what_to_do(
    chip: FakeChip, fault: int, said: str, label: bool
) -> None:
    chip.put(fault=fault)
    found = opening(chip, chip="tegra234-gpio" if label else str(chip.path))
    if label and fault == errno.ENODEV:
        said = "{chip} is gone; connect its board again and restart the program"
    assert said.format(chip=chip.path) in found


def test_fail__a_line_that_another_program_has_is_named_with_the_program(chip: FakeChip) -> None:
    chip.put(holder={"2": [os.getpid(), 0, "gpioset"]})
    taken = "cannot be used: the program 'gpioset' has this line; stop it, or use another line"
    assert opening(chip) == f"gpio: led_pin {LED} {taken}"
    chip.put(holder={"2": [os.getpid(), 0, ""]})
    assert "another program has this line" in opening(chip)
    assert chip.levels() == (0, 0)


def test_ok__a_line_that_an_installer_tries_just_now_is_tried_again(
    chip: FakeChip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpio_pins, "BUSY_FOR_S", 3.0)
    chip.put(holder={"2": [os.getpid(), 0, "doctor"]})
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if sum(waits) >= 1.5:
            chip.put(holder={})

    pins = open_pins(chip.config(), wait=wait)
    assert (sum(waits), pins.names) == (1.5, ("buzzer", "led"))
    pins.close()
    chip.put(holder={"2": [os.getpid(), 0, "gpioset"]})
    waits.clear()
    with pytest.raises(OutputError, match="'gpioset' has this line"):
        open_pins(chip.config(), wait=waits.append)
    assert sum(waits) == 3.0


def test_fail__without_the_package_and_with_an_old_one_it_says_what_to_install(
    chip: FakeChip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", None)
    assert "the Python package gpiod is missing" in opening(chip)
    monkeypatch.setitem(sys.modules, "gpiod", SimpleNamespace(chip=None))
    assert opening(chip).endswith(
        "is too old, version 2.2 or newer is needed; install it in the program's environment: "
        "pip install 'driver-monitor[jetson]'"
    )


def test_fail__a_chip_that_is_unplugged_is_logged_once_and_monitoring_goes_on(
    chip: FakeChip, caplog: pytest.LogCaptureFixture
) -> None:
    asked = threading.Semaphore(0)

    def wait(wake: threading.Event, timeout: float | None) -> None:
        asked.release()
        wake.wait(10)

    output = GpioOutput(chip.config(), wait=wait)
    assert asked.acquire(timeout=10)
    chip.put(fault=errno.ENODEV)
    for sign in (ASLEEP, None, ASLEEP):
        output.show(sign)
        assert asked.acquire(timeout=10)
    assert output.failure is None
    output.close()
    assert caplog.text.count(f"{chip.path} is gone; connect its board again and restart the program") == 1
    assert output.faults >= 3


def test_ok__a_write_that_failed_is_tried_again(chip: FakeChip) -> None:
    pins = open_pins(chip.config())
    chip.put(fault=errno.EIO)
    with pytest.raises(OutputError, match=r"line PQ.05: .* Input/output error"):
        pins.set(True, False)
    chip.put(fault=0, level=[0, 1, 0, 0, 0])
    pins.set(False, False)
    assert chip.levels() == (0, 0)
    pins.close()


@pytest.fixture
def jetson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tree = tmp_path / "device-tree"
    tree.mkdir()
    (tree / "compatible").write_bytes(b"nvidia,p3768-0000+p3767-0005\0nvidia,p3767-0005\0nvidia,tegra234\0")
    monkeypatch.setattr(gpio_pins, "is_jetson", lambda: is_jetson(tree))
    return tree


@pytest.mark.parametrize(
    ("files", "jetson"),
    [
        ({"model": b"NVIDIA Orin Nano Developer Kit\0", "compatible": b"nvidia,p3767-0005\0nvidia,tegra234\0"}, True),
        ({"model": b"NVIDIA Jetson Xavier NX Developer Kit\0"}, True),
        ({"model": b"Raspberry Pi 5 Model B Rev 1.0\0", "compatible": b"raspberrypi,5-model-b\0brcm,bcm2712\0"}, False),
        ({}, False),
    ],
)
def test_ok__a_jetson_is_told_by_the_device_tree(files: dict[str, bytes], jetson: bool, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert is_jetson(tmp_path) is jetson


@pytest.mark.usefixtures("jetson")
def test_ok__auto_takes_the_lines_that_are_named_on_a_jetson(chip: FakeChip) -> None:
    pins = open_pins(GpioConfig(chip=str(chip.path), buzzer_pin=BUZZER))
    assert pins.names == ("buzzer",)
    assert chip.held() == ["1"], "27 is a pin of a Raspberry Pi: line 27 of this chip may drive anything"
    pins.close()


@pytest.mark.usefixtures("jetson")
def test_ok__a_pin_factory_that_is_named_is_used_on_a_jetson_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpio_pins.through_gpiod("auto")
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    assert [gpio_pins.through_gpiod(backend) for backend in ("auto", "gpiod", "gpiozero")] == [False, True, False]


@pytest.mark.usefixtures("jetson")
def test_ok__a_jetson_without_a_configuration_touches_no_line_and_says_nothing(
    chip: FakeChip, caplog: pytest.LogCaptureFixture, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    output = GpioOutput(GpioConfig())
    output.show(ASLEEP)
    output.close()
    (tmp_path / "empty.yaml").write_text("")
    assert gpio_off.main(["--config", str(tmp_path / "empty.yaml")]) == 0
    assert (caplog.text, capsys.readouterr().err) == ("", "")


@pytest.mark.usefixtures("jetson", "chip")
@pytest.mark.parametrize("pin", ["buzzer_pin", "led_pin", "button_pin"])
def test_fail__a_number_that_somebody_gives_on_a_jetson_needs_a_name(
    pin: str, caplog: pytest.LogCaptureFixture
) -> None:
    gpio_output._report_once.cache_clear()
    config = GpioConfig.model_validate({pin: 22})
    GpioOutput(config).close()
    open_button(config).close()
    said = f"{pin} 22 is a number on a Raspberry Pi's header, and this computer is a Jetson; give the name of its line"
    assert caplog.text.count(said) == 1


def test_ok__gpiod_has_no_default_lines(chip: FakeChip) -> None:
    config = GpioConfig(backend="gpiod", button_pin=BUTTON)
    assert (config.buzzer_pin, config.led_pin) == (None, None)
    assert open_pins(config.model_copy(update={"chip": str(chip.path)})).names == ()


@pytest.mark.parametrize(
    ("gpio", "said"),
    [
        ("backend: gpiod, led_pin: 1024", "gpio.led_pin: must be at most 1023, found 1024"),
        ("backend: gpiod, led_pin: -1", "gpio.led_pin: must be at least 0, found -1"),
        ("backend: gpiod, led_pin: 1.5", "gpio.led_pin: expected a whole number, without quotes, found 1.5"),
        ("backend: gpiod, led_pin: 05", "gpio.led_pin: expected a whole number, without quotes, found '05'"),
        (
            "backend: gpiod, led_pin: PQ 05",
            "gpio.led_pin: expected a whole number, without quotes, found 'PQ 05'; or the name",
        ),
        ("backend: gpiod, led_pin: P5, button_pin: P5", "gpio: button_pin P5 is the pin of the buzzer or the LED"),
        ("backend: gpiod, buzzer_pin: P5, led_pin: P5", "gpio: buzzer_pin and led_pin are both P5"),
        ("backend: gpiod, chip: ''", "gpio.chip: must have 1 or more characters, found ''"),
        ("led_pin: 28", "gpio.led_pin: must be at most 27, found 28"),
        ("backend: gpiozero, led_pin: PQ.05", "gpio.led_pin: a name of a line needs gpio.backend: gpiod, or auto on a"),
        ("backend: mock, button_pin: PQ.05", "gpio.button_pin: a name of a line needs gpio.backend: gpiod, or auto"),
    ],
)
def test_fail__a_pin_that_cannot_be_is_refused_by_the_daemon_and_by_what_switches_off(
    gpio: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(f"gpio: {{{gpio}}}\n")
    with pytest.raises(ConfigError) as error:
        schema.load(path)
    assert f"my.yaml:1: {said}" in str(error.value)
    if "button" not in said:
        assert gpio_off.main(["--config", str(path)], MockFactory()) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("backend", ["gpiod", "off", "auto"])
def test_ok__the_daemon_and_what_switches_off_read_the_same_pins(backend: str, tmp_path: Path) -> None:
    path, defaults = tmp_path / "my.yaml", gpio_off._section(resources.path("config.yaml"))
    for pins in ("", "buzzer_pin: PQ.05, ", "buzzer_pin: PQ.05, led_pin: , ", "led_pin: 5, chip: tegra234-gpio, "):
        path.write_text(f"gpio: {{{pins}backend: {backend}}}\n")
        daemon, off = schema.load(path).gpio, gpio_off._settings(defaults, path)
        for name in ("backend", "chip", "buzzer_pin", "led_pin", "active_high"):
            assert getattr(off, name) == getattr(daemon, name), (pins, name)


def button(chip: FakeChip) -> GpiodButton:
    opened = open_button(chip.config(button_pin=BUTTON))
    assert isinstance(opened, GpiodButton)
    return opened


def test_ok__a_press_of_the_button_is_reported_once(chip: FakeChip) -> None:
    with_edges = button(chip)
    assert chip.state["level"][3] == 1, "pulled up"
    assert not with_edges.pressed()
    chip.put(presses=2)
    assert (with_edges.pressed(), with_edges.pressed()) == (True, False)
    with_edges.close()
    with_edges.close()
    assert (chip.held(), with_edges.pressed()) == ([], False)


def test_ok__on_a_chip_without_edges_the_level_is_read(chip: FakeChip) -> None:
    chip.put(edges=False)
    polled, pressed = button(chip), []
    for level in (1, 1, 0, 0, 1, 0):
        chip.put(level=[0, 0, 0, level, 0])
        pressed.append(polled.pressed())
    assert pressed == [False, False, True, False, False, True]
    polled.close()


def test_fail__a_button_that_is_unplugged_is_never_pressed_and_logged_once(
    chip: FakeChip, caplog: pytest.LogCaptureFixture
) -> None:
    unplugged = button(chip)
    chip.put(fault=errno.ENODEV, presses=1)
    assert [unplugged.pressed() for _ in range(3)] == [False] * 3
    assert caplog.text.count("the button cannot be read") == 1


def test_fail__a_button_that_another_program_has_is_an_error(chip: FakeChip) -> None:
    first = button(chip)
    with pytest.raises(OutputError, match=f"button_pin {BUTTON} cannot be used: a running daemon has this line"):
        button(chip)
    first.close()


class Ticks:
    """A clock, and a wait that moves it and notes the levels."""

    def __init__(self, chip: FakeChip) -> None:
        self.now, self.chip, self.seen = 0.0, chip, list[tuple[float, tuple[int, int]]]()

    def wait(self, seconds: float) -> None:
        self.seen.append((round(self.now, 2), self.chip.levels()))
        self.now += seconds


def test_ok__an_installer_hears_one_burst_and_sees_a_second_of_light(chip: FakeChip) -> None:
    ticks = Ticks(chip)
    assert sound_once(chip.config(), ticks.wait, lambda: ticks.now) == ("buzzer", "led")
    assert ticks.seen == [(0.0, (1, 1)), (0.12, (0, 1)), (0.24, (1, 1)), (0.36, (0, 1))]
    assert ticks.now == pytest.approx(LIT_S)
    assert (chip.levels(), chip.held()) == ((0, 0), [])


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_ok__after_an_interrupt_both_are_off(chip: FakeChip, error: type[BaseException]) -> None:
    def interrupt(_: float) -> None:
        assert chip.levels() == (1, 1)
        raise error

    with pytest.raises(error):
        sound_once(chip.config(), interrupt)
    assert (chip.levels(), chip.held()) == ((0, 0), [])


def test_fail__a_daemon_that_has_the_pins_is_named(chip: FakeChip) -> None:
    daemon = GpioOutput(chip.config())
    with pytest.raises(OutputError, match=r"a running daemon has this line; .*systemctl stop driver-monitor"):
        sound_once(chip.config())
    daemon.close()


@pytest.mark.parametrize("values", [{"backend": "off"}, {"buzzer_pin": None, "led_pin": None}])
def test_fail__nothing_to_try_is_an_error(chip: FakeChip, values: dict[str, Any]) -> None:
    with pytest.raises(OutputError, match="no buzzer and no LED are set; set buzzer_pin and led_pin"):
        sound_once(chip.config(**values))


def test_ok__after_1000_random_changes_reloads_and_ends_the_lines_are_low(chip: FakeChip) -> None:
    """Each round is one daemon: it shows signs at random, and ends in a random way in the middle of a pattern."""
    chance, ends = random.Random(5), {"stop": 0, "reload": 0, "killed": 0, "error": 0}
    config = chip.written(chip.path.parent)
    arguments, changes = ["--config", str(config)], 0
    pins = open_pins(chip.config())
    while changes < CHANGES:
        for _ in range(chance.randint(1, 12)):
            wanted = chance.random() < 0.5, chance.random() < 0.5
            pins.set(*wanted)
            assert chip.levels() == tuple(map(int, wanted))
            changes += 1
        end = chance.choice([*ends])
        ends[end] += 1
        if end == "killed":  # the kernel frees the lines of a process that is gone; their levels stay
            chip.put(holder={})
            assert gpio_off.main(arguments) == 0
        elif end == "error":
            with pytest.raises(ZeroDivisionError):
                fail_with(pins)
        else:
            pins.close()
        assert (chip.levels(), chip.held()) == ((0, 0), []), end
        pins = open_pins(chip.config())
    pins.close()
    assert min(ends.values()) > 10
    assert (chip.levels(), chip.held()) == ((0, 0), [])


def fail_with(pins: Pins) -> None:
    try:
        raise ZeroDivisionError
    finally:
        pins.close()


def test_ok__shown_signs_at_random_end_low_after_each_close(chip: FakeChip) -> None:
    chance, asked = random.Random(7), threading.Semaphore(0)

    def wait(wake: threading.Event, timeout: float | None) -> None:
        asked.release()
        wake.wait(10)

    for _ in range(20):
        output = GpioOutput(chip.config(active_high=False), wait=wait)
        for sign in chance.choices([None, *SIGNS], k=10):
            assert asked.acquire(timeout=10)
            output.show(sign)
        output.close()
        assert (chip.levels(), chip.held()) == ((1, 1), []), "active low: off is high"
        while asked.acquire(blocking=False):
            pass


SHOW = """
import sys, time
from pathlib import Path
from driver_monitor.config import schema
from driver_monitor.data.alert import Sign
from driver_monitor.outputs.gpio_output import GpioOutput
output = GpioOutput(schema.load(Path(sys.argv[1])).gpio)
output.show(Sign("sleep", "critical"))
print("shown", flush=True)
time.sleep(60)
"""


def test_ok__processes_that_are_killed_at_any_moment_leave_no_line_high(chip: FakeChip, tmp_path: Path) -> None:
    config = chip.written(tmp_path)
    high = 0
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", SHOW, str(config)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"shown\n"
            await_true(lambda: chip.levels()[1])
            process.send_signal(signal.SIGKILL)
        high += chip.levels()[1]
        done = switch_off(config)
        assert (done.returncode, done.stderr) == (0, "")
        assert (chip.levels(), chip.held()) == ((0, 0), [])
    assert high == 3, "without `gpio.off` the LED would stay on"
