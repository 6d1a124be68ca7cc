"""The driver presses the button: alerts that the profile allows become silent, stay active, and sound when worse."""

from __future__ import annotations

from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from driver_monitor.config.profiles import load_profile
from driver_monitor.config.schema import GpioConfig
from driver_monitor.data.alert import Level, Verdict
from driver_monitor.errors import OutputError
from driver_monitor.gpio.button import GpioButton, NoButton, open_button
from driver_monitor.rules.engine import Engine
from tests.timeline import Stretch, attentive, away, film, no_face, shut, states

PIN = 22
CONFIG = GpioConfig(backend="mock", button_pin=PIN)


def drive(tmp_path: Path, allowed: Level | None, stretches: list[Stretch], press_at: float) -> list[Verdict]:
    """Return the verdicts of a drive at 20 fps in which the button is pressed once."""
    path = tmp_path / "own.yaml"
    path.write_text(f"name: own\nextends: default\n{f'acknowledge: {allowed}' if allowed else ''}\n")
    engine, verdicts = Engine(load_profile(str(path))[0]), []
    for state in states(film(stretches)):
        if state.t == pytest.approx(press_at):
            engine.acknowledge()
        verdicts.append(engine.update(state))
    return verdicts


def test_ok__an_acknowledged_warning_is_silent_and_stays_active(tmp_path: Path) -> None:
    verdicts = drive(tmp_path, "warning", [attentive(5), away(5), attentive(3)], 8.5)
    before, after = verdicts[int(8.4 * 20)], verdicts[int(8.6 * 20)]
    assert (before.level, after.level) == ("warning", None)
    assert before.active == after.active == ("long_distraction",)
    assert after.attention == "distracted"


def test_ok__an_alert_that_gets_worse_sounds_again(tmp_path: Path) -> None:
    verdicts = drive(tmp_path, "warning", [attentive(5), shut(6), attentive(3)], 6.5)
    assert verdicts[int(7.0 * 20)].level is None
    assert verdicts[int(8.2 * 20)].level == "critical"


def test_ok__nothing_is_silenced_that_the_profile_does_not_allow(tmp_path: Path) -> None:
    for allowed in (None, "info"):
        verdicts = drive(tmp_path, allowed, [attentive(5), away(5), attentive(3)], 8.5)
        assert verdicts[int(8.6 * 20)].level == "warning"


def test_ok__the_next_alert_is_loud_again(tmp_path: Path) -> None:
    verdicts = drive(tmp_path, "warning", [attentive(5), away(4), attentive(5), away(4)], 8.5)
    assert verdicts[-1].level == "warning"


def test_ok__a_press_is_reported_once() -> None:
    factory = MockFactory()
    button = GpioButton(CONFIG, factory)
    assert not button.pressed()
    button._device.when_pressed()
    assert (button.pressed(), button.pressed()) == (True, False)
    button.close()
    button.close()


def test_fail__a_pin_in_use_is_an_error() -> None:
    factory = MockFactory()
    first = GpioButton(CONFIG, factory)
    with pytest.raises(OutputError, match=f"button_pin {PIN} cannot be used"):
        GpioButton(CONFIG, factory)
    first.close()


def test_fail__an_error_without_text_has_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr("gpiozero.Button", fail)
    with pytest.raises(OutputError, match=f"button_pin {PIN} cannot be used: no reason given"):
        GpioButton(CONFIG, MockFactory())


def test_ok__a_car_without_a_button() -> None:
    assert isinstance(open_button(GpioConfig(backend="off", button_pin=PIN)), NoButton)
    assert not open_button(GpioConfig()).pressed()


def test_fail__a_pin_for_two_things_is_refused() -> None:
    with pytest.raises(ValueError, match="button_pin 17 is the pin of the buzzer or the LED"):
        GpioConfig(button_pin=17)


def test_ok__what_comes_again_after_the_face_was_lost_is_loud_again(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "name: own\nacknowledge: warning\nrules:\n  - {id: away, when: {signal: gaze.away_s, at_least: 3.0}, "
        "clear: {signal: gaze.away_s, at_most: 0.0}, level: warning, message: Look, clause: none}\n"
    )
    engine, verdicts = Engine(load_profile(str(path))[0]), []
    for state in states(film([attentive(5), away(5), no_face(20), away(8)])):
        if state.t == pytest.approx(9.5):
            engine.acknowledge()
        verdicts.append(engine.update(state))
    assert verdicts[int(9.8 * 20)].level is None
    assert verdicts[-1].level == "warning"
