"""The parts that the live loop runs on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from driver_monitor.app.pipeline import Pipeline
from driver_monitor.data.observation import CameraState
from driver_monitor.gpio.button import Button, NoButton
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.envelope import Provenance
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.output import Counting, Output
from driver_monitor.outputs.trace_writer import TraceWriter
from driver_monitor.vehicle.source import NoVehicle, VehicleSource


class FrameSource(Protocol):
    """Gives the newest frame: `capture.grabber.Grabber`, which explains each member, or a script in a test."""

    name: str

    @property
    def state(self) -> CameraState:
        """State of the camera."""

    @property
    def captured(self) -> int:
        """Number of frames read."""

    @property
    def dropped(self) -> int:
        """Number of frames that a newer one replaced before `latest` returned them."""

    @property
    def reopened(self) -> int:
        """Number of times a live camera was opened again."""

    @property
    def ended(self) -> bool:
        """Whether a finite source has ended and `latest` has returned its last frame."""

    @property
    def stuck(self) -> bool:
        """Whether the camera's driver hangs and will not return."""

    @property
    def failure(self) -> str | None:
        """Why the capture thread died, or None."""

    def latest(self, timeout_s: float) -> Frame | None:
        """Wait for a frame that was not returned yet."""

    def close(self) -> None:
        """Close the camera."""


class AllOutputs(Output, Counting, Protocol):
    """All outputs as one: `outputs.fanout.Outputs`, or a recorder in a test."""

    def public(self, status: Message) -> Message:
        """Return `status` without what must not leave this machine."""


class AlertNumbers(Protocol):
    """Numbers the alerts: `outputs.sequence.AlertSequence`, or a counter in a test."""

    @property
    def failure(self) -> str | None:
        """Why no number is safe any more, or None."""

    def next(self) -> int:
        """Return the next number."""


@dataclass(slots=True)
class Parts:
    """All parts of a daemon. A reload replaces single ones; `part_table` declares them.

    `state_period_s`: seconds between two state messages. `trace`: None if no trace is written.
    """

    source: FrameSource
    pipeline: Pipeline
    outputs: AllOutputs
    numbers: AlertNumbers
    provenance: Provenance
    state_period_s: float
    vehicle: VehicleSource = field(default_factory=NoVehicle)
    button: Button = field(default_factory=NoButton)
    trace: TraceWriter | None = None
