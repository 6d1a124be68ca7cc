"""The one table of the daemon's parts: from which values each is built, and how it is opened, changed and closed.

The start goes through `TABLE` from top to bottom, the close from bottom to top. A reload changes button and outputs,
then the others from top to bottom. It ignores a configured value that no part needs; a test reports such a value.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter, methodcaller
from pathlib import Path
from typing import Any, Literal

from driver_monitor.app import build
from driver_monitor.app.build import Models, Plan
from driver_monitor.app.parts import Parts
from driver_monitor.app.pictures.link import PictureLink
from driver_monitor.app.process.clock import boot_id
from driver_monitor.capture.open_source import check_source
from driver_monitor.config.schema import Config
from driver_monitor.errors import DriverMonitorError
from driver_monitor.gpio.button import Button, NoButton, open_button
from driver_monitor.messages.trace import Header
from driver_monitor.outputs import journal
from driver_monitor.outputs.journal import Show
from driver_monitor.outputs.sequence import AlertSequence
from driver_monitor.outputs.trace_writer import TraceWriter
from driver_monitor.outputs.uplink.status import DrivingTime, VehicleRun
from driver_monitor.rules.engine import Engine

log = logging.getLogger(__name__)


@dataclass
class Setup:
    """All that the parts are built from.

    `console`: shows alerts to people; None: they go to the log. `started`: monotonic seconds at which the
    `t` of a live camera's frames is 0. `trace_path`: the file of the trace; None: no trace is written. `loaded`: nets
    in use, taken again if their files are the same. `trip`: the id of this run, in its alerts and in its trace. `boot`:
    the id of this boot. `driving`: the time driven in this run, for the operator.
    """

    plan: Plan
    console: Show | None = None
    started: float = 0.0
    trace_path: Path | None = None
    loaded: Models | None = None
    trip: str = field(default_factory=lambda: str(uuid.uuid4()))
    boot: str = field(default_factory=boot_id)
    driving: DrivingTime = field(default_factory=DrivingTime)

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.plan.config

    @property
    def uplink_vehicle(self) -> str | None:
        """The vehicle's id, if it has an uplink, whose topics hold it; else None."""
        return self.config.vehicle.id if self.config.uplink.enabled else None

    @property
    def vehicle_run(self) -> VehicleRun:
        """What names this run in this vehicle."""
        return VehicleRun(self.config.vehicle.id, self.trip, self.boot)

    @cached_property
    def models(self) -> Models:
        """The nets, loaded when first needed. Raises `ModelError`."""
        return build.load_models(self.config, self.loaded)


@dataclass(frozen=True, slots=True)
class DaemonPart:
    """The declaration of one part.

    `name`: the field of `Parts` that holds the part, if there is one. `needs`: the attributes of `Setup` from which the
    part is built; if one differs, a reload changes the part. `build`: opens the part at the start. `rebuild`: opens the
    part in a reload; None: `build` does. Both return the part; None: `Parts` stays as before. `check`: tests before a
    reload what can be tested without opening the part. All three may raise `DriverMonitorError`. `close`: closes it.
    `ends_alerts`: whether a change of the part clears the active alerts, and whether old or new outputs get this.

    `change`: how a reload changes the part.
    "build first": `build` can fail, so the new part is built before any part is touched. Then the old part is closed.
    "free first": `build` can fail, and these parts share pins. All changed ones are closed, then all are built. If one
    cannot be built, all are built again from the old `Setup`.
    "close first": the old and the new part use the same device. After `check`, `rebuild` cannot fail.
    "in place": `build` or `rebuild` cannot fail, and the old part needs no closing.
    "at next start": the old part stays, and a warning is logged.
    """

    name: str
    needs: tuple[str, ...]
    build: Callable[[Setup], Any]
    change: Literal["build first", "free first", "close first", "in place", "at next start"] = "in place"
    close: Callable[[Any], object] = lambda _: None
    rebuild: Callable[[Setup, Parts], Any] | None = None
    check: Callable[[Setup], object] = lambda _: None
    ends_alerts: Literal["no", "on old outputs", "on new outputs"] = "no"

    def changed(self, old: Setup, new: Setup) -> bool:
        """Return whether a value in `needs` differs between `old` and `new`. May load nets and raise `ModelError`."""
        return attrgetter(*self.needs)(old) != attrgetter(*self.needs)(new)

    def reopen(self, parts: Parts, setup: Setup) -> None:
        """Build the part from `setup` in a reload, and put it into `parts`. The old part is not closed here."""
        self.put(parts, self.build(setup) if self.rebuild is None else self.rebuild(setup, parts))

    def put(self, parts: Parts, value: Any) -> None:
        """Set the part's field of `parts` to `value`. None: change nothing."""
        if value is not None:
            setattr(parts, self.name, value)

    def close_in(self, parts: Parts) -> None:
        """Close the part that `parts` holds, if there is one."""
        if (value := getattr(parts, self.name, None)) is not None:
            self.close(value)


def _new_rules(setup: Setup, parts: Parts) -> None:
    """Give the pipeline a new rules engine. What the pipeline has learned of the driver stays."""
    parts.pipeline.engine = Engine(setup.plan.profile)


def _new_button(setup: Setup, _: Parts) -> Button:
    """Open the button in a reload. If that fails, log an error and return `NoButton`: alerts work without a button."""
    try:
        return open_button(setup.config.gpio)
    except DriverMonitorError as error:
        log.error("no button: %s", error)
        return NoButton()


def _open_trace(setup: Setup) -> TraceWriter | None:
    header = Header(setup.trip, setup.models.digest)
    return None if setup.trace_path is None else TraceWriter(setup.trace_path, header, setup.plan.privacy)


def _new_trace_privacy(setup: Setup, parts: Parts) -> None:
    if parts.trace is not None:
        parts.trace.set_privacy(setup.plan.privacy)


CLOSE = methodcaller("close")
TABLE = (
    # First, so that warnings about the models reach the journal.
    DaemonPart("log", ("config.service.log_level",), lambda s: journal.configure(s.config.service.log_level)),
    # Other nets measure other values and another seat has other mirrors: nothing that was learned stays valid. And
    # what was concluded about a driver at work is not used after work.
    DaemonPart("pipeline", ("config.camera", "config.face", "config.emotion", "config.objects", "config.models",
                            "models.digest", "config.vehicle.steering_wheel", "plan.profile.workplace"),
               lambda s: build.build_pipeline(s.plan, s.models), ends_alerts="on new outputs"),
    # The pipeline brings its engine at the start. Old outputs end the alerts: new ones may hide more or less.
    # An operator changes which alerts are local, without a change of the profile's text.
    DaemonPart("rules", ("plan.profile_text", "plan.local_rules"), lambda _: None, rebuild=_new_rules,
               ends_alerts="on old outputs"),
    DaemonPart("numbers", ("config.service.state_dir",), lambda s: AlertSequence(build.state_dir(s.config.service)),
               "at next start", CLOSE),
    DaemonPart("pictures", ("config.camera.driver_side", "config.locked", "plan.profile.workplace"),
               lambda s: PictureLink(build.link_setting(s.plan)), "close first", CLOSE),
    # The capture thread opens a camera, which can take 10 s, and waits for one that is absent: that is `camera_fault`.
    # A reload refuses another camera that is absent: the present one may work. Closed after the other devices: a
    # camera that hangs must not delay the last alerts and the pins.
    DaemonPart("source", ("config.camera",), lambda s: build.build_grabber(s.plan, s.started, eager=True),
               "close first", CLOSE, rebuild=lambda s, _: build.build_grabber(s.plan, s.started),
               check=lambda s: check_source(s.config.camera.source)),
    # Closed before the camera: one that hangs must not keep the lamp on.
    DaemonPart("lamp", ("config.gpio", "config.camera.source"), lambda s: build.build_lamp(s.plan), "free first",
               CLOSE),
    DaemonPart("vehicle", ("config.vehicle.input",), lambda s: build.build_vehicle(s.plan), "build first", CLOSE),
    DaemonPart("button", ("config.gpio",), lambda s: open_button(s.config.gpio), "free first", CLOSE,
               rebuild=_new_button),
    # `local_rules`: alerts that outputs keep for late subscribers may have become local. `vehicle.id` is in the topics
    # of the uplink.
    DaemonPart("outputs", ("config.zmq", "config.gpio", "config.outputs", "config.uplink", "config.metrics",
                           "uplink_vehicle", "plan.local_rules"),
               lambda s: build.build_outputs(s.plan, s.console, s.vehicle_run, s.driving), "free first", CLOSE),
    DaemonPart("state_period_s", ("config.zmq.state_hz",), lambda s: 1.0 / s.config.zmq.state_hz),
    DaemonPart("provenance", ("config.vehicle.id", "config", "plan.profile_text", "plan.ignored", "models.digest"),
               lambda s: build.provenance(s.plan, s.models.digest)),
    DaemonPart("trace", ("plan.local_rules",), _open_trace, close=CLOSE, rebuild=_new_trace_privacy),
)  # fmt: skip
"""All parts, in the order in which they are opened."""


@contextmanager
def open_parts(
    setup: Setup, table: tuple[DaemonPart, ...] = TABLE, before_each: Callable[[], object] = lambda: None
) -> Iterator[Parts]:
    """Yield the opened parts, then close what `Parts` holds. If one cannot be opened, close all and raise its error.

    `before_each`: called before each part is opened; if it raises, the open parts are closed.
    """
    built: dict[str, Any] = {}
    with ExitStack() as opened:
        for part in table:
            before_each()
            if (value := part.build(setup)) is not None:
                built[part.name] = value
                opened.callback(part.close, value)
        opened.pop_all()
    parts = Parts(**built)
    with ExitStack() as opened:
        for part in table:
            opened.callback(part.close_in, parts)
        yield parts
