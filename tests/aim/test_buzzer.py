"""The buzzer button: the daemon sounds it, or the pins are ours for two seconds."""

from __future__ import annotations

import threading

from driver_monitor.aim.buzzer import ASKED, BUSY, NONE, Buzzer
from driver_monitor.config.schema import GpioConfig
from driver_monitor.gpio.mock_pins import mock_factory

MOCK = GpioConfig(backend="mock")


def test_ok__a_running_daemon_sounds_it() -> None:
    assert Buzzer(lambda: True, GpioConfig(backend="off")).sound() == ASKED


def test_ok__without_a_daemon_the_buzzer_sounds_and_is_off_at_the_end() -> None:
    factory, during = mock_factory(), []
    pin = factory.pin(17)

    def wait(_: float) -> None:
        for _ in range(2000):
            if pin.state:
                during.append(True)
                return
            threading.Event().wait(0.001)

    assert Buzzer(lambda: False, MOCK, factory, wait).sound() == ASKED
    assert during == [True]
    assert not pin.state


def test_ok__without_a_buzzer_it_says_what_to_set() -> None:
    assert Buzzer(lambda: False, GpioConfig(backend="off")).sound() == NONE
    assert Buzzer(lambda: False, GpioConfig(backend="mock", buzzer_pin=None)).sound() == NONE


def test_ok__a_second_press_meanwhile_is_told() -> None:
    inner: list[str] = []
    buzzer = Buzzer(lambda: False, MOCK, mock_factory(), lambda _: inner.append(buzzer.sound()))
    assert buzzer.sound() == ASKED
    assert inner == [BUSY]
