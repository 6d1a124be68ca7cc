"""Judges the connection to the car: the speed that comes from it, and the signal that goes to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from driver_monitor.doctor.verdicts.finding import Finding, not_checked, ok, trouble
from driver_monitor.doctor.verdicts.running import number, part


@dataclass(frozen=True, slots=True)
class CanFacts:
    """A CAN channel of the configuration. `key`: where it stands. `there`, `up`: state of its network interface."""

    key: str
    channel: str
    there: bool
    up: bool


@dataclass(frozen=True, slots=True)
class VehicleFacts:
    """`cans`: the CAN channels. `package`: python-can can be imported. `address`: where a program sends the speed.

    `heard`: whether a message came from there while `doctor` listened; None: not listened.
    """

    cans: Sequence[CanFacts] = ()
    package: bool = True
    address: str | None = None
    heard: bool | None = None


def judge_vehicle(facts: VehicleFacts, status: Mapping[str, Any] | None = None) -> Iterator[Finding]:
    """Yield each fault of the connection, or one "ok" or "not checked". `status`: of a running daemon."""
    if not facts.cans and facts.address is None:
        yield not_checked("vehicle", "no speed from the car and no signal to it are configured")
        return
    found = list(_faults(facts, status))
    names = [f"{can.key}: {can.channel} is up" for can in facts.cans]
    if facts.address is not None:
        names.append(f"vehicle.input: values come from {facts.address}")
    yield from found or [ok("vehicle", "; ".join(names))]


def _faults(facts: VehicleFacts, status: Mapping[str, Any] | None) -> Iterator[Finding]:
    if facts.cans and not facts.package:
        yield trouble("vehicle.no_package", key=facts.cans[0].key)
        return
    for can in facts.cans:
        if not can.there:
            yield trouble("vehicle.no_interface", key=can.key, channel=can.channel)
        elif not can.up:
            yield trouble("vehicle.down", key=can.key, channel=can.channel)
    if facts.address is not None:
        silences = number(part(status or {}, "outputs").get("vehicle_silences"))
        if facts.heard is False or silences:
            yield trouble("vehicle.silent", key="vehicle.input", address=facts.address)
