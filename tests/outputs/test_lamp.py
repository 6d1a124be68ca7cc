"""The pin of the infrared lamp: on while the camera runs, off at every end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory
from pydantic import ValidationError

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.part_table import TABLE, Setup
from driver_monitor.app.parts import Parts
from driver_monitor.app.run import _silence
from driver_monitor.config.schema import GpioConfig
from driver_monitor.errors import OutputError
from driver_monitor.gpio import off as gpio_off
from driver_monitor.gpio.lamp import NoLamp, open_lamp
from driver_monitor.gpio.pins import Pins

LAMP = 22
CONFIG = GpioConfig(backend="mock", infrared_pin=LAMP)


def lit(factory: MockFactory, number: int = LAMP) -> bool:
    pin = factory.pin(number)
    return pin.function == "output" and bool(pin.state)


@pytest.mark.parametrize("active_high", [True, False])
def test_ok__the_lamp_is_on_from_the_start_to_the_end(active_high: bool) -> None:
    factory = MockFactory()
    states = factory.pin(LAMP).states
    lamp = open_lamp(CONFIG.model_copy(update={"active_high": active_high}), factory)
    assert lit(factory) == active_high
    lamp.close()
    assert bool(states[-1].state) != active_high or factory.pin(LAMP).function == "input"
    assert not [pin for pin in factory.pins.values() if pin.function == "output"], "and the pin is free"
    lamp.close()


def test_ok__the_lamp_touches_no_other_pin() -> None:
    factory = MockFactory()
    open_lamp(CONFIG, factory).close()
    assert [info.name for info in factory.pins] == [f"GPIO{LAMP}"]


def test_ok__a_forced_end_switches_the_lamp_off_without_waiting() -> None:
    factory, shown = MockFactory(), list[object]()
    lamp = open_lamp(CONFIG, factory)
    parts: Any = Parts.__new__(Parts)
    parts.outputs, parts.lamp = SimpleNamespace(show=shown.append), lamp
    _silence(parts)
    assert (lit(factory), shown) == (False, [None])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("gpio: {backend: mock, infrared_pin: 22}", "GpioLamp"),
        ("gpio: {backend: off, infrared_pin: 22}", "NoLamp"),
        ("gpio: {backend: mock}", "NoLamp"),
        ("gpio: {backend: mock, infrared_pin: 22}\ncamera: {source: demo}", "NoLamp"),
    ],
)
def test_ok__a_camera_gets_light_and_a_recording_none(tmp_path: Path, text: str, kind: str) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(text)
    lamp = build.build_lamp(build.load_plan(Request(file)))
    assert type(lamp).__name__ == kind
    lamp.close()


@pytest.mark.parametrize(("source", "kind"), [("rpicam", "GpioLamp"), ("gone.mp4", "NoLamp")])
def test_ok__a_reload_survives_a_source_that_has_gone_meanwhile(
    tmp_path: Path, source: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else neither the new nor the old lamp could be opened, and the daemon would end."""
    file = tmp_path / "my.yaml"
    file.write_text(f"camera: {{source: {source}}}\ngpio: {{backend: mock, infrared_pin: {LAMP}}}\n")
    plan = build.load_plan(Request(file))
    monkeypatch.setenv("PATH", str(tmp_path))
    lamp = build.build_lamp(plan)
    assert type(lamp).__name__ == kind
    lamp.close()


def test_ok__a_reload_that_changes_the_pin_changes_the_lamp() -> None:
    (part,) = [part for part in TABLE if part.name == "lamp"]
    plan = build.load_plan(Request())
    changed = plan.config.gpio.model_copy(update={"infrared_pin": 5})
    new = Setup(build.Plan(plan.config.model_copy(update={"gpio": changed}), plan.profile, plan.profile_text))
    assert part.changed(Setup(plan), new)
    assert part.change == "free first", "it may take the pin that the buzzer had before"


def test_ok__the_lamp_is_closed_before_a_camera_that_may_hang() -> None:
    names = [part.name for part in TABLE]
    assert names.index("lamp") > names.index("source")


@pytest.mark.parametrize("pin", [17, 27, 4])
def test_fail__the_pin_of_another_part(pin: int) -> None:
    with pytest.raises(ValidationError, match=f"infrared_pin {pin} is the pin of another part"):
        GpioConfig(button_pin=4, infrared_pin=pin)


class Broken(MockFactory):  # type: ignore[misc]
    def pin(self, name: object) -> object:
        raise RuntimeError("GPIO busy")


def test_fail__a_pin_that_is_taken_is_an_error_about_the_lamp() -> None:
    with pytest.raises(OutputError, match="infrared_pin 22 cannot be used: GPIO busy"):
        open_lamp(CONFIG, Broken())


def test_fail__with_auto_it_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    lamp = open_lamp(CONFIG.model_copy(update={"backend": "auto"}), Broken())
    lamp.off()
    lamp.close()
    assert "no infrared lamp: gpio: infrared_pin 22 cannot be used" in caplog.text


def test_fail__a_pin_that_cannot_be_set_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("write failed")

    factory = MockFactory()
    monkeypatch.setattr(Pins, "set", fails)
    with pytest.raises(OutputError, match="infrared_pin 22 cannot be set: write failed"):
        open_lamp(CONFIG, factory)
    assert not [pin for pin in factory.pins.values() if pin.function == "output"]


def test_ok__without_a_pin_there_is_nothing_to_switch() -> None:
    lamp = open_lamp(GpioConfig(backend="mock"))
    assert isinstance(lamp, NoLamp)
    lamp.off()
    lamp.close()


@pytest.mark.parametrize("others", ["buzzer_pin: 5, led_pin: 6, ", "buzzer_pin: , led_pin: , ", ""])
def test_ok__after_a_kill_the_lamp_is_switched_off(tmp_path: Path, others: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"gpio: {{backend: mock, {others}infrared_pin: {LAMP}}}")
    factory = MockFactory()
    pin = factory.pin(LAMP)
    pin.function, pin.state = "output", 1
    states = pin.states
    assert gpio_off.main(["--config", str(config)], factory) == 0
    assert states[-1].state == 0


def test_fail__a_lamp_that_cannot_be_switched_off_is_told_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"gpio: {{backend: gpiozero, buzzer_pin: , led_pin: , infrared_pin: {LAMP}}}")
    assert gpio_off.main(["--config", str(config)], Broken()) == 1
    assert capsys.readouterr().err.startswith("gpio: infrared_pin 22 cannot be used: GPIO busy")
