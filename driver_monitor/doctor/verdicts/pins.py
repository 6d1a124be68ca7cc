"""Judges buzzer and LED."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from driver_monitor.doctor.verdicts.finding import Finding, not_checked, ok, trouble
from driver_monitor.doctor.verdicts.program import split
from driver_monitor.doctor.verdicts.running import number, part

NO_PINS = ("off", "mock")
"""Values of `gpio.backend` that drive no pin."""


@dataclass(frozen=True, slots=True)
class PinFacts:
    """`backend`: `gpio.backend`. `expected`: this computer should have pins. `pins`: those that were opened, in words.

    `fault`: why they cannot be opened. `busy`: because another program has one. `played`: buzzer and LED were tried.
    `sound`: a loudspeaker is configured, so a car without pins is not silent.
    """

    backend: str
    expected: bool
    pins: str = ""
    fault: str | None = None
    busy: bool = False
    played: bool = False
    sound: bool = False


def judge_pins(facts: PinFacts) -> Iterator[Finding]:
    """Yield the fault of the pins, or "ok" or "not checked"."""
    if facts.fault is not None and not facts.expected:
        yield _none(facts.backend, sound=facts.sound)
    elif facts.fault is not None:
        fault, advice = split(facts.fault, "check the section gpio of the configuration")
        yield (
            trouble("pins.busy", fault=fault) if facts.busy else trouble("pins.cannot_open", fault=fault, advice=advice)
        )
    elif not facts.pins:
        yield _none(facts.backend, sound=facts.sound)
    elif facts.played:
        yield ok("pins", f"{facts.pins}: sounded and lit. Did you hear and see it? If not, check the wiring")
    else:
        yield ok("pins", f"{facts.pins} can be used; --beep tries them")


def judge_pins_of_daemon(status: Mapping[str, Any], facts: PinFacts, *, beep: bool) -> Iterator[Finding]:
    """Yield what the status of a running daemon says of its pins. `facts`: of the configuration. `beep`: try them."""
    count = number(part(status, "outputs").get("gpio_faults"))
    if facts.backend in NO_PINS:
        yield _none(facts.backend, sound=facts.sound)
    elif count:
        yield trouble("pins.faults", {"gpio_faults": count}, count=round(count))
    elif beep:
        yield not_checked("pins", "the running daemon has the pins: `sudo systemctl stop driver-monitor` first")
    elif count is None:
        yield not_checked("pins", "the running daemon says nothing of its pins")
    elif not facts.expected:
        yield _none(facts.backend, sound=facts.sound)
    else:
        yield ok("pins", "the running daemon has set them without an error", gpio_faults=0)


def _none(backend: str, *, sound: bool) -> Finding:
    if sound:
        return not_checked("pins", f"no buzzer and no LED (gpio.backend: {backend}); a loudspeaker is configured")
    return trouble("pins.none", backend=backend)
