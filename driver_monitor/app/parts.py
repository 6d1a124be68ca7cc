"""The parts that the live loop runs on."""

from __future__ import annotations

from dataclasses import dataclass, field

from driver_monitor.app.pictures.link import LinkSetting, PictureLink
from driver_monitor.app.pipeline import Pipeline
from driver_monitor.capture.grabber import Grabber
from driver_monitor.gpio.button import Button, NoButton
from driver_monitor.gpio.lamp import Lamp, NoLamp
from driver_monitor.messages.envelope import Provenance
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.sequence import AlertSequence
from driver_monitor.outputs.trace_writer import TraceWriter
from driver_monitor.vehicle.source import NoVehicle, VehicleSource


@dataclass(slots=True)
class Parts:
    """All parts of a daemon. A reload replaces single ones; `part_table` declares them.

    `state_period_s`: seconds between two state messages. `trace`: None if no trace is written.
    """

    source: Grabber
    pipeline: Pipeline
    outputs: Output
    numbers: AlertSequence
    provenance: Provenance
    state_period_s: float
    vehicle: VehicleSource = field(default_factory=NoVehicle)
    button: Button = field(default_factory=NoButton)
    lamp: Lamp = field(default_factory=NoLamp)
    trace: TraceWriter | None = None
    pictures: PictureLink = field(default_factory=lambda: PictureLink(LinkSetting(None)))
