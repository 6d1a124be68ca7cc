"""What buzzer and LED do, on gpiozero's mock pins and a fake clock."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.config.schema import GpioConfig
from driver_monitor.data.alert import SIGNS, Sign
from driver_monitor.errors import OutputError
from driver_monitor.gpio import pins
from driver_monitor.gpio.expected_pins import expected
from driver_monitor.gpio.pattern import Pattern
from driver_monitor.gpio.player import PatternPlayer
from driver_monitor.outputs import gpio_output as gpio
from driver_monitor.outputs.gpio_output import GpioOutput
from tests.outputs.scripted_clock import ScriptedClock

BUZZ, LIGHT = 17, 27


CONFIG = GpioConfig(backend="mock", buzzer_pin=BUZZ, led_pin=LIGHT)
DISTRACTED, ASLEEP = Sign("distraction", "warning"), Sign("sleep", "critical")
MICROSLEEP, DROWSY = Sign("sleep", "warning"), Sign("drowsiness", "info")


Change = tuple[float, bool]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "gpio"], "close() ends the thread"


class Bench:
    """Mock pins, and a clock that jumps to the thread's next change; `script` changes signs at given times."""

    def __init__(self, script: list[tuple[float, Sign | None]], until: float, config: GpioConfig = CONFIG) -> None:
        self.factory = MockFactory()
        self.changes: dict[int, list[Change]] = {BUZZ: [], LIGHT: []}
        self._clock = clock = ScriptedClock(script, until, self._note_changes)
        self.output = GpioOutput(config, self.factory, lambda: clock.now, clock.wait)
        clock.run(self.output.show, 10)

    def _note_changes(self) -> None:
        for pin, changes in self.changes.items():
            on = bool(self.factory.pin(pin).state)
            if on != (changes[-1][1] if changes else False):
                changes.append((round(self._clock.now, 4), on))

    def close(self) -> dict[int, list[Change]]:
        self.output.close()
        return self.changes


def test_ok__a_distraction_beeps_twice_every_one_and_a_half_seconds_and_flashes_twice() -> None:
    changes = Bench([(1.0, DISTRACTED)], until=4.0).close()
    assert changes[BUZZ] == [
        (1.0, True), (1.12, False), (1.24, True), (1.36, False),
        (2.5, True), (2.62, False), (2.74, True), (2.86, False),
        (4.0, True),
    ]  # fmt: skip
    assert changes[LIGHT][:5] == [(1.0, True), (1.2, False), (1.4, True), (1.6, False), (2.6, True)]


def test_ok__sleep_beeps_without_a_pause_and_lights_steadily() -> None:
    changes = Bench([(0.0, ASLEEP)], until=1.0).close()
    assert changes[BUZZ][:6] == [(0.0, True), (0.1, False), (0.2, True), (0.3, False), (0.4, True), (0.5, False)]
    assert changes[LIGHT] == [(0.0, True)]


def test_ok__info_blinks_slowly_and_does_not_buzz() -> None:
    changes = Bench([(0.0, DROWSY)], until=7.0).close()
    assert changes[BUZZ] == []
    assert changes[LIGHT] == [(0.0, True), (0.6, False), (6.0, True), (6.6, False)]


@pytest.mark.parametrize("at", [0.05, 0.33, 1.1, 1.97, 3.2])
@pytest.mark.parametrize("mild", [sign for sign in SIGNS if sign.kind not in ("sleep", "unresponsive")], ids=str)
def test_ok__sleep_interrupts_whatever_is_played_and_its_first_pulse_comes_at_once(mild: Sign, at: float) -> None:
    changes = Bench([(0.0, mild), (at, MICROSLEEP)], until=at + 0.75).close()
    before, after = [on for t, on in changes[BUZZ] if t < at], [change for change in changes[BUZZ] if change[0] >= at]
    sounding = bool(before) and before[-1]
    expected = [(round(at + 0.1 * step, 4), step % 2 == 0) for step in range(8)]
    assert after[: 8 - sounding] == expected[sounding:], "within 50 ms of the change: at once"


def test_ok__a_milder_sign_ends_the_urgent_pattern_at_once_too() -> None:
    changes = Bench([(0.0, MICROSLEEP), (0.25, DISTRACTED)], until=2.0).close()
    assert changes[BUZZ][2:6] == [(0.2, True), (0.37, False), (0.49, True), (0.61, False)]


def test_ok__a_sign_takes_effect_at_once_and_quiet_is_quiet_at_once() -> None:
    changes = Bench([(0.0, Sign("sleep", "info")), (0.55, ASLEEP), (0.61, None)], until=5.0).close()
    assert changes[BUZZ] == [(0.55, True), (0.61, False)]
    assert changes[LIGHT] == [(0.0, True), (0.2, False), (0.4, True), (0.61, False)]


def test_ok__the_buzzer_gives_up_after_its_longest_time_and_the_led_goes_on() -> None:
    config = CONFIG.model_copy(update={"max_buzz_s": 2.0})
    changes = Bench([(0.0, DISTRACTED)], until=6.0, config=config).close()
    assert changes[BUZZ][-1] == (1.86, False)
    assert changes[LIGHT][-1][0] > 5.0


def test_ok__a_more_urgent_sign_buzzes_again_after_the_buzzer_gave_up_and_so_does_one_after_quiet() -> None:
    config = CONFIG.model_copy(update={"max_buzz_s": 1.0})
    script: list[tuple[float, Sign | None]] = [(0.0, DISTRACTED), (5.0, ASLEEP), (8.0, None), (9.0, DISTRACTED)]
    changes = Bench(script, until=9.1, config=config).close()
    started = [at for at, on in changes[BUZZ] if on]
    assert 5.0 in started
    assert 9.0 in started
    assert not [at for at in started if 1.0 <= at < 5.0 or 6.0 <= at < 9.0]


def test_ok__a_milder_sign_does_not_buzz_longer() -> None:
    config = CONFIG.model_copy(update={"max_buzz_s": 1.0})
    changes = Bench([(0.0, ASLEEP), (0.5, DISTRACTED)], until=6.0, config=config).close()
    assert max(at for at, _ in changes[BUZZ]) <= 1.0


def test_ok__close_leaves_pins_low_in_the_middle_of_a_beep_and_may_be_called_twice() -> None:
    bench = Bench([(0.0, ASLEEP)], until=0.05)
    buzzer, led = bench.factory.pin(BUZZ), bench.factory.pin(LIGHT)
    assert (buzzer.state, led.state) == (1, 1)
    buzzer_states, led_states = buzzer.states, led.states
    bench.close()
    bench.close()
    assert buzzer_states[-1].state == 0
    assert led_states[-1].state == 0


def test_ok__pins_that_switch_to_ground_are_high_when_off() -> None:
    config = CONFIG.model_copy(update={"active_high": False})
    bench = Bench([(0.0, ASLEEP)], until=0.05, config=config)
    assert bench.factory.pin(LIGHT).state == 0
    states = bench.factory.pin(LIGHT).states
    bench.close()
    assert states[-1].state == 1


def test_ok__a_board_with_an_led_only() -> None:
    factory = MockFactory()
    output = GpioOutput(CONFIG.model_copy(update={"buzzer_pin": None}), factory)
    output.show(ASLEEP)
    output.close()
    assert list(factory.pins) == [factory.pin(LIGHT).info]


def test_ok__real_time_a_sign_reaches_the_pin_without_a_poll() -> None:
    factory = MockFactory()
    output = GpioOutput(CONFIG, factory)
    lit = threading.Event()
    watch(factory.pin(LIGHT), lit.set)
    output.show(ASLEEP)
    assert lit.wait(5)
    output.close()


def watch(pin: Any, changed_on: Callable[[], None]) -> None:
    change = pin._change_state

    def changed(value: float) -> bool:
        if value:
            changed_on()
        return bool(change(value))

    pin._change_state = changed


def start_without_pins(config: GpioConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opens the output twice on a machine without lgpio; the second time stands for a reload."""
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    monkeypatch.setattr(Device, "pin_factory", None)
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", None)
    gpio._report_once.cache_clear()
    gpio._report_none_once.cache_clear()
    for _ in range(2):
        output = GpioOutput(config)
        output.show(ASLEEP)
        output.show(None)
        output.close()
        assert output.failure is None


@pytest.mark.parametrize(
    "wired", [{"buzzer_pin": 22}, {"led_pin": None}, {"active_high": False}, {"button_pin": 5}], ids=str
)
def test_ok__pins_that_somebody_configured_and_that_do_not_open_are_warned_of_once(
    wired: dict[str, Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_without_pins(GpioConfig(**wired), monkeypatch)
    assert caplog.text.count("no buzzer and LED:") == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_ok__a_laptop_has_no_pins_and_is_not_warned_of_that(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("DEBUG", logger="driver_monitor")
    start_without_pins(GpioConfig(), monkeypatch)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("DEBUG", "this computer has no pins, so there are no buzzer and no LED")
    ]


@pytest.mark.parametrize("device", [None, "gpiochip0"])
def test_ok__gpiozero_is_imported_only_where_there_is_a_gpio_device(
    device: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    monkeypatch.setattr(pins, "CHIPS", tmp_path)
    tried: list[str] = []

    def open_factory(backend: str) -> None:
        tried.append(backend)
        raise OutputError("gpio: cannot open pins")

    monkeypatch.setattr(pins, "open_factory", open_factory)
    if device is not None:
        (tmp_path / device).touch()
    output = GpioOutput(GpioConfig())
    output.close()
    assert tried == ([] if device is None else ["auto"])


@pytest.mark.parametrize(
    ("model", "has_pins"),
    [("Raspberry Pi 5 Model B Rev 1.0\0", True), ("NVIDIA Jetson Orin Nano\0", False), (None, False)],
)
def test_ok__a_raspberry_pi_is_expected_to_have_pins(model: str | None, has_pins: bool, tmp_path: Path) -> None:
    board = tmp_path / "model"
    if model is not None:
        board.write_text(model)
    assert expected(GpioConfig(), board) == has_pins
    assert expected(GpioConfig(max_buzz_s=3.0), board) == has_pins, "says nothing about what is connected"


def test_fail__a_backend_asked_for_by_name_that_does_not_work_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nonsense")
    monkeypatch.setattr(Device, "pin_factory", None)
    with pytest.raises(OutputError, match="install lgpio"):
        GpioOutput(GpioConfig(backend="gpiozero"))


def test_fail__pins_of_another_machine_are_not_the_drivers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "pigpio")
    monkeypatch.setattr(Device, "pin_factory", None)
    with pytest.raises(OutputError, match="pigpio, which drives pins over the network"):
        GpioOutput(GpioConfig(backend="gpiozero"))


def test_fail__errors_without_text_have_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr("gpiozero.DigitalOutputDevice", fail)
    with pytest.raises(OutputError, match=r"buzzer_pin .* cannot be used: no reason given; is another"):
        GpioOutput(CONFIG, MockFactory())
    monkeypatch.setattr("driver_monitor.gpio.mock_pins.mock_factory", fail)
    with pytest.raises(OutputError, match=r"cannot open pins \(no reason given\)"):
        GpioOutput(CONFIG.model_copy(update={"backend": "mock"}))


def test_fail__a_pin_in_use_is_named_and_the_other_one_is_released() -> None:
    factory = MockFactory()
    taken = GpioOutput(CONFIG.model_copy(update={"buzzer_pin": None}), factory)
    with pytest.raises(OutputError, match=f"led_pin {LIGHT} cannot be used"):
        GpioOutput(CONFIG, factory)
    taken.close()
    GpioOutput(CONFIG, factory).close()


@pytest.mark.parametrize("backend", ["auto", "mock"])
def test_fail__one_pin_for_both_is_refused(backend: str) -> None:
    with pytest.raises(OutputError, match="both 5"):
        GpioOutput(CONFIG.model_copy(update={"backend": backend, "buzzer_pin": 5, "led_pin": 5}))


def test_fail__a_pin_that_fails_is_logged_once_and_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    factory, asked = MockFactory(), threading.Event()

    def refuse(value: float) -> bool:
        asked.set()
        raise OSError("bus error")

    output = GpioOutput(CONFIG, factory)
    factory.pin(BUZZ)._change_state = refuse
    for sign in (DISTRACTED, None, ASLEEP):
        output.show(sign)
    assert asked.wait(5)
    output.close()
    assert output.faults >= 1
    assert caplog.text.count("cannot be set") == 1
    assert output.failure is None


def test_fail__a_thread_that_dies_is_a_failure_with_the_cause() -> None:
    died = threading.Event()

    def broken(wake: threading.Event, timeout: float | None) -> None:
        died.set()
        raise ZeroDivisionError("oops")

    output = GpioOutput(CONFIG, MockFactory(), wait=broken)
    assert died.wait(10)
    output._worker.thread.join(10)
    assert output.failure is not None
    assert "ZeroDivisionError: oops" in output.failure
    output.close()


@given(st.lists(st.floats(0.01, 5), min_size=2, max_size=6).filter(lambda s: len(s) % 2 == 0), st.floats(0, 1000))
def test_ok__a_pattern_holds_exactly_until_the_change_it_announces(seconds: list[float], at: float) -> None:
    pattern = Pattern(tuple(seconds))
    on, left = pattern.at(at)
    assert left is not None
    assert 0 < left <= max(seconds) + 1e-6
    assert pattern.at(at + left / 2)[0] == on
    assert pattern.at(at + left + 1e-5)[0] != on


@given(st.lists(st.tuples(st.floats(0.01, 20), st.sampled_from([None, *SIGNS])), max_size=30))
def test_ok__whatever_the_signs_the_buzzer_sounds_only_at_warning_or_worse(
    steps: list[tuple[float, Sign | None]],
) -> None:
    player, now = PatternPlayer(max_buzz_s=5.0), 0.0
    before: Sign | None = None
    for wait, sign in steps:
        now += wait
        player.show(sign, now)
        states = player.states(now)
        if sign != before:
            assert states.led == (sign is not None), "every pattern begins lit"
        assert not states.buzzer or (sign is not None and sign.level != "info")
        before = sign
        assert states.for_s is None or states.for_s > 0
