"""Looks at the CAN interfaces that the configuration names, and listens where a program sends the speed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from driver_monitor.config.schema import Config
from driver_monitor.doctor.gather.machine import Machine
from driver_monitor.doctor.verdicts.vehicle import CanFacts, VehicleFacts

LISTEN_S = 1.5
"""A sender of the speed sends at least once a second (docs/rules.md)."""
IFF_UP = 0x1


def gather_vehicle(machine: Machine, config: Config, *, listen: bool) -> VehicleFacts:
    """Return what is known of the way to the car. `listen`: to the program that sends the speed."""
    address = config.vehicle.input
    cans = tuple(_cans(machine, config))
    package = not cans or importlib.util.find_spec("can") is not None
    if address is None or address.startswith("can:"):
        return VehicleFacts(cans, package)
    return VehicleFacts(cans, package, address, _hears(address) if listen else None)


def _cans(machine: Machine, config: Config) -> Iterator[CanFacts]:
    """Yield the channels of socketcan that the configuration names; other kinds of CAN have no network interface."""
    for key, address in (("vehicle.input", config.vehicle.input), ("outputs.vehicle", config.outputs.vehicle)):
        if address is None or not address.startswith("can:"):
            continue
        kind, _, channel = address.removeprefix("can:").rpartition(":")
        if kind in ("", "socketcan"):
            flags = machine.text(f"/sys/class/net/{channel}/flags")
            yield CanFacts(key, channel, flags is not None, _is_up(flags))


def _is_up(flags: str | None) -> bool:
    try:
        return flags is not None and bool(int(flags, 16) & IFF_UP)
    except ValueError:
        return False


def _hears(address: str) -> bool:
    import zmq

    with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
        subscriber.setsockopt(zmq.LINGER, 0)
        subscriber.subscribe("")
        try:
            subscriber.connect(address)
            return bool(subscriber.poll(int(LISTEN_S * 1000)))
        except zmq.ZMQError:
            return False
