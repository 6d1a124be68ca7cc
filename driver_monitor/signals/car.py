"""Signals of the car, and the two fields that the rules fill in."""

from __future__ import annotations

from typing import get_args

from driver_monitor.data.alert import Attention
from driver_monitor.signals.signal import JsonObject, Topic, public

OBJECTS = (JsonObject("car", "what the car sends"),)
ROWS = (
    public(
        "vehicle.speed_kmh", lambda s: s.vehicle.speed_kmh, "speed, unknown where the car is silent", "km/h",
        json="car.speed_kmh", digits=1,
    ),
    public(
        "vehicle.ignition", lambda s: s.vehicle.ignition, "the ignition is on", kind="bool", json="car.ignition"
    ),
    public(
        "attention", lambda _: None, "one word for the driver, from the active rules", kind="text",
        choices=get_args(Attention), rule=False,
    ),
    public("alerts", lambda _: None, "the active rules, worst first", kind="list", rule=False),
)  # fmt: skip
TOPIC = Topic("Car and rules", OBJECTS, ROWS)
