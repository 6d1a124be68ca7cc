"""Mock pins work for weeks."""

from __future__ import annotations

from gpiozero import DigitalOutputDevice

from driver_monitor.gpio.pin_factory import open_factory


def test_ok__a_led_that_blinks_for_weeks_takes_no_memory() -> None:
    device = DigitalOutputDevice(17, pin_factory=open_factory("mock"))
    for _ in range(1000):
        device.on()
        device.off()
    device.on()
    assert device.value == 1
    assert len(device.pin.states) == 1, "gpiozero's mock pins keep every change"
