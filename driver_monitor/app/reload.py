"""A new configuration for a running daemon: what changed is built anew, and what does not work is taken back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from driver_monitor.app import build
from driver_monitor.app.build import Models, Plan, Request
from driver_monitor.app.daemon import Daemon, ReloadError
from driver_monitor.capture.grabber import Grabber
from driver_monitor.capture.open_source import check_source
from driver_monitor.errors import DriverMonitorError
from driver_monitor.gpio.button import Button, NoButton, open_button
from driver_monitor.outputs import journal
from driver_monitor.outputs.output import Output
from driver_monitor.rules.engine import Engine
from driver_monitor.vehicle.source import VehicleSource

log = logging.getLogger(__name__)

WHY = "the configuration was read again"


@dataclass(frozen=True, slots=True)
class Builders:
    """How to make the parts that hold something of the outside world."""

    outputs: Callable[[Plan], Output]
    source: Callable[[Plan], Grabber]


def _button(plan: Plan) -> Button:
    """Return the button of `plan`, or none where there is none: by now there is no way back, and alerts do without."""
    try:
        return open_button(plan.config.gpio)
    except DriverMonitorError as error:
        log.error("no button: %s", error)
        return NoButton()


class Reloader:
    """Knows the plan in force and replaces it part by part.

    First comes all that can fail; only then is anything touched that the driver would notice. A new camera is opened
    by its own thread, since that can take ten seconds: one that does not open is the alert `camera_fault`.
    """

    def __init__(self, request: Request, plan: Plan, models: Models, builders: Builders) -> None:
        self._request, self._plan, self._models, self._build = request, plan, models, builders

    def __call__(self, daemon: Daemon) -> None:
        """Read the configuration again and change the daemon's parts.

        Raises `ReloadError` when the new configuration is wrong or does not work and the old one goes on, and another
        `DriverMonitorError` when not even that was possible.
        """
        old = self._plan
        new, models, vehicle = self._prepare(daemon)
        rules = old.profile_text != new.profile_text
        if rules:
            # By the outputs and the curtain under which they were raised: the new ones may open or hide other things.
            daemon.dismiss(WHY)
        try:
            self._swap_pins_and_outputs(daemon, new)
        except DriverMonitorError:
            if vehicle is not daemon.parts.vehicle:
                vehicle.close()
            raise
        camera = old.config.camera != new.config.camera
        if camera or self._sees_otherwise(new, models):
            daemon.dismiss(WHY)
            daemon.parts.pipeline = build.build_pipeline(new, models)
        elif rules:
            daemon.parts.pipeline.engine = Engine(new.profile)
        if vehicle is not daemon.parts.vehicle:
            daemon.parts.vehicle.close()
            daemon.parts.vehicle = vehicle
        if camera:
            daemon.parts.source.close()
            daemon.parts.source = self._build.source(new)
        self._settle(daemon, new, models)

    def _prepare(self, daemon: Daemon) -> tuple[Plan, Models, VehicleSource]:
        """Do all that can fail before anything is touched; the vehicle is the present one where nothing changed."""
        old = self._plan
        try:
            new = build.load_plan(self._request)
            models = build.load_models(new.config)
            if old.config.camera != new.config.camera:  # one that is lost just now must not keep other changes out
                check_source(new.config.camera.source)
            same = old.config.vehicle.input == new.config.vehicle.input
            return new, models, daemon.parts.vehicle if same else build.build_vehicle(new)
        except DriverMonitorError as error:
            raise ReloadError(str(error)) from error

    def _sees_otherwise(self, new: Plan, models: Models) -> bool:
        """Say whether nothing learned so far is worth keeping: other nets see other lids, another seat other mirrors.

        And what was concluded at work stays there.
        """
        old = self._plan

        def eyes(plan: Plan) -> tuple[object, ...]:
            config = plan.config
            return config.face, config.emotion, config.models, config.vehicle.steering_wheel, plan.profile.workplace

        return self._models.digest != models.digest or eyes(old) != eyes(new)

    def _swap_pins_and_outputs(self, daemon: Daemon, new: Plan) -> None:
        """Let the button go first: its pin may be another's in the new configuration."""
        if self._plan.config.gpio == new.config.gpio:
            self._swap_outputs(daemon, new)
            return
        daemon.parts.button.close()
        try:
            self._swap_outputs(daemon, new)
        except DriverMonitorError:
            daemon.parts.button = _button(self._plan)
            raise
        daemon.parts.button = _button(new)

    def _swap_outputs(self, daemon: Daemon, new: Plan) -> None:
        """Close the outputs and open them as `new` has it; who listens then hears of the alerts that are active."""
        old = self._plan
        # Another curtain too: who listens late must not be told what was active before it was drawn.
        if (old.config.zmq, old.config.gpio, old.local_rules) == (new.config.zmq, new.config.gpio, new.local_rules):
            return
        parts = daemon.parts
        parts.outputs.close()
        try:
            parts.outputs = self._build.outputs(new)
        except DriverMonitorError as error:
            parts.outputs = self._build.outputs(self._plan)
            raise ReloadError(str(error)) from error
        finally:
            daemon.repeat()

    def _settle(self, daemon: Daemon, new: Plan, models: Models) -> None:
        if self._plan.config.service.state_dir != new.config.service.state_dir:
            log.warning("service.state_dir takes effect at the next start")
        journal.configure(new.config.service.log_level)
        daemon.parts.provenance = build.provenance(new, models)
        daemon.parts.trace.set_privacy(new.privacy)
        daemon.parts.state_s = 1.0 / new.config.zmq.state_hz
        self._plan, self._models = new, models
