"""Runs the checks one after another, each within a time limit, and passes on each finding as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driver_monitor.config.camera_device import camera_device
from driver_monitor.doctor.gather import computer, machine, packages, running
from driver_monitor.doctor.time_limit import within_limit
from driver_monitor.doctor.verdicts import computer as of_computer
from driver_monitor.doctor.verdicts import disk as of_disk
from driver_monitor.doctor.verdicts import permissions as of_permissions
from driver_monitor.doctor.verdicts import picture as of_picture
from driver_monitor.doctor.verdicts import pins as of_pins
from driver_monitor.doctor.verdicts import program as of_program
from driver_monitor.doctor.verdicts import running as of_running
from driver_monitor.doctor.verdicts import sound as of_sound
from driver_monitor.doctor.verdicts import speed as of_speed
from driver_monitor.doctor.verdicts import vehicle as of_vehicle
from driver_monitor.doctor.verdicts.faults import CHECKS
from driver_monitor.doctor.verdicts.finding import Finding, not_checked
from driver_monitor.doctor.verdicts.uplink import judge as of_uplink

if TYPE_CHECKING:
    from driver_monitor.app.build import Models, Plan
    from driver_monitor.doctor.gather.camera import Watched
    from driver_monitor.gpio.lamp import Lamp

LIMITS_S = dict.fromkeys(CHECKS, 10.0) | {
    "packages": 70.0,
    "configuration": 60.0,
    "models": 30.0,
    "camera": 30.0,
    "light": 30.0,
    "speed": 60.0,
    "uplink": 60.0,
}
"""Longest time of each check (ours). OpenCV waits 10 s for a camera, and imports take 20 s from a slow SD card."""
ESSENTIAL = ("packages", "configuration", "models", "camera")
"""Checks without which nobody knows whether the daemon can do its job."""
NEEDS_PACKAGES = "a package that this check needs cannot be imported"
NEEDS_CONFIGURATION = "the configuration is wrong"
NEEDS_MODELS = "the models cannot be used"
ASKED_NO_DAEMON = "a daemon has it, which cannot be asked"
NO_CAMERA = "there is no picture of the camera"
MAY_NOT_OPEN = "this user may not open {device}; use sudo, or see permissions"


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for. `config`: a configuration file, None: that of the service, else the defaults."""

    config: Path | None = None
    beep: bool = False


class Examination:
    """The checks of one run of `doctor`, in the order of `CHECKS`. Later ones use what earlier ones found out."""

    def __init__(self, asked: machine.Machine, options: Options, pins: Any = None) -> None:
        """`pins`: a gpiozero pin factory for tests; None: that of the configuration."""
        self._machine, self._options, self._pins = asked, options, pins
        self._imports = True
        self._plan: Plan | None = None
        self._models: Models | None = None
        self._watched: Watched | None = None
        self._lamp: Lamp | None = None
        self._configuration: of_program.ConfigurationFacts | None = None
        self._service = of_running.ServiceFacts("not asked yet")
        self._daemon = of_running.DaemonFacts("")

    def packages(self) -> Iterable[Finding]:
        """Import the packages in another process."""
        facts = packages.gather_packages(self._machine)
        self._imports = facts.broken is None
        return of_program.judge_packages(facts)

    def configuration(self) -> Iterable[Finding]:
        """Read the configuration, and ask the running daemon whether it is its own."""
        if not self._imports:
            return [not_checked("configuration", NEEDS_PACKAGES)]
        from driver_monitor.config.schema import ZmqConfig
        from driver_monitor.doctor.gather.configuration import read_configuration

        read = read_configuration(self._options.config)
        self._plan, facts = read.plan, read.facts
        zmq = self._plan.config.zmq if self._plan is not None else ZmqConfig()
        self._daemon = running.gather_daemon(self._machine, zmq, service=self._is_service)
        if (status := self._daemon.status) is not None and self._plan is not None:
            facts = replace(facts, **_of_daemon(self._plan, status))
        self._configuration = facts
        return of_program.judge_configuration(facts)

    def service(self) -> Iterable[Finding]:
        """Ask systemd."""
        self._service = running.gather_service(self._machine)
        return of_running.judge_service(self._service)

    def daemon(self) -> Iterable[Finding]:
        """Judge what the daemon answered."""
        if not self._imports:
            return [not_checked("daemon", NEEDS_PACKAGES)]
        if self._plan is None and self._daemon.status is None:
            return [not_checked("daemon", NEEDS_CONFIGURATION)]
        return of_running.judge_daemon(self._daemon, self._service)

    def models(self) -> Iterable[Finding]:
        """Check and load the models."""
        plan, why = self._ready()
        if plan is None:
            return [not_checked("models", why)]
        from driver_monitor.doctor.gather.models import load_models

        loaded = load_models(plan)
        self._models = loaded.models
        return loaded.findings

    def permissions(self) -> Iterable[Finding]:
        """Look at the devices of the configuration."""
        plan, why = self._ready()
        if plan is None:
            return [not_checked("permissions", why)]
        from driver_monitor.doctor.gather.permissions import gather_permissions

        installed = self._service.reason is None and self._service.load == "loaded"
        return of_permissions.judge_permissions(gather_permissions(self._machine, plan.config, service=installed))

    def camera(self) -> Iterable[Finding]:
        """Watch the camera, or ask the daemon that does."""
        plan, why = self._ready()
        if self._daemon.status is not None:
            return of_picture.judge_camera_of_daemon(self._daemon.status, self._wanted_fps())
        if plan is None:
            return [not_checked("camera", why)]
        if self._is_taken:
            return [not_checked("camera", ASKED_NO_DAEMON)]
        if (closed := self._closed_camera(plan.config.camera.source)) is not None:
            return [not_checked("camera", MAY_NOT_OPEN.format(device=closed))]
        from driver_monitor.doctor.gather.camera import switch_lamp_on, watch_camera

        self._lamp = switch_lamp_on(plan, self._pins)
        try:
            self._watched = watch_camera(self._machine, plan)
        finally:
            self._lamp.close()
        return of_picture.judge_camera(self._watched.facts)

    def light(self) -> Iterable[Finding]:
        """Judge the pictures of the camera."""
        plan, why = self._ready()
        if self._daemon.status is not None:
            return of_picture.judge_scene_of_daemon(self._daemon.status)
        if plan is None or self._models is None:
            return [not_checked("light", why or NEEDS_MODELS)]
        if self._watched is None or not self._watched.frames:
            return [not_checked("light", ASKED_NO_DAEMON if self._is_taken else NO_CAMERA)]
        from driver_monitor.doctor.gather.camera import observe

        seen = observe(plan, self._models, self._watched.frames)
        self._watched = replace(self._watched, frames=())  # the pictures are not needed any more
        return of_picture.judge_scene(seen)

    def speed(self) -> Iterable[Finding]:
        """Measure nets and pipeline, unless a daemon runs: it needs the processor, and knows."""
        if self._daemon.status is not None:
            return of_speed.judge_speed_of_daemon(self._daemon.status)
        plan, why = self._ready()
        if plan is None or self._models is None:
            return [not_checked("speed", why or NEEDS_MODELS)]
        if self._is_taken:
            return [not_checked("speed", ASKED_NO_DAEMON)]
        from driver_monitor.doctor.gather.speed import measure_speed

        fps = plan.config.camera.fps
        if self._watched is not None and self._watched.facts.wanted is None:
            fps = self._watched.facts.rate or fps  # a recording has its own rate
        return of_speed.judge_speed(measure_speed(self._machine, plan, self._models, fps))

    def pins(self) -> Iterable[Finding]:
        """Open the pins and test them, or ask the daemon that has them."""
        plan, why = self._ready()
        if plan is None:
            return [not_checked("pins", why)]
        beep = self._options.beep
        if (status := self._daemon.status) is not None:
            from driver_monitor.doctor.gather.pins import configured_pins

            return of_pins.judge_pins_of_daemon(status, configured_pins(self._machine, plan.config), beep=beep)
        if self._is_taken:
            return [not_checked("pins", ASKED_NO_DAEMON)]
        if plan.config.gpio.backend not in of_pins.NO_PINS and (closed := self._machine.closed_device("gpiochip*")):
            return [not_checked("pins", MAY_NOT_OPEN.format(device=closed))]
        from driver_monitor.doctor.gather.pins import gather_pins

        return of_pins.judge_pins(gather_pins(self._machine, plan.config, beep=beep, factory=self._pins))

    def sound(self) -> Iterable[Finding]:
        """Play on the loudspeaker, or ask the daemon that does."""
        plan, why = self._ready()
        if plan is None:
            return [not_checked("sound", why)]
        from driver_monitor.doctor.gather.sound import gather_sound

        device, status = plan.config.outputs.sound, self._daemon.status
        if device is not None and self._is_taken and status is None:
            return [not_checked("sound", ASKED_NO_DAEMON)]
        if status is not None:
            return of_sound.judge_sound(of_sound.SoundFacts(device), status)
        return of_sound.judge_sound(gather_sound(self._machine, device, beep=self._options.beep))

    def clock(self) -> Iterable[Finding]:
        """Read the clock."""
        return of_computer.judge_clock(computer.now(self._machine), computer.synchronised(self._machine))

    def heat(self) -> Iterable[Finding]:
        """Read the sensors."""
        facts = computer.gather_heat(self._machine)
        return of_computer.judge_heat(facts if self._daemon.status is None else facts.with_status(self._daemon.status))

    def disk(self) -> Iterable[Finding]:
        """Look at the folder for alert numbers."""
        plan, why = self._ready()
        if plan is None:
            return [not_checked("disk", why)]
        return of_disk.judge_disk(computer.gather_disk(self._machine, self._state_folder(plan)))

    def vehicle(self) -> Iterable[Finding]:
        """Look at the way to the car."""
        plan, why = self._ready()
        if plan is None:
            return [not_checked("vehicle", why)]
        from driver_monitor.doctor.gather.vehicle import gather_vehicle

        status = self._daemon.status
        return of_vehicle.judge_vehicle(gather_vehicle(self._machine, plan.config, listen=status is None), status)

    def uplink(self) -> Iterable[Finding]:
        """Look at the connection to the operator."""
        plan, why = self._ready()
        if plan is None:
            return [not_checked("uplink", why)]
        from driver_monitor.doctor.gather.uplink.gather import gather_uplink

        status, folder = self._daemon.status, self._state_folder(plan)
        installed = self._service.reason is None and self._service.load == "loaded"
        connected = of_uplink.is_connected(status)
        facts = gather_uplink(self._machine, plan.config, folder, service=installed, connected=connected)
        return of_uplink.judge_uplink(facts, status)

    def _state_folder(self, plan: Plan) -> Path:
        """Return the folder for alert numbers and alerts of the daemon that has this configuration."""
        from driver_monitor.app.build import state_dir

        if plan.config.service.state_dir is None and self._is_service:
            return Path(computer.SERVICE_FOLDER)
        return state_dir(plan.config.service)

    def _closed_camera(self, source: str) -> str | None:
        """Return the device of `source` if it is there and this user may not open it."""
        device = camera_device(source)
        return None if device is None else self._machine.closed_device(device.removeprefix("/dev/"))

    def _wanted_fps(self) -> float | None:
        """Return the frame rate that the running daemon asks its camera for; None: it is not known here."""
        facts = self._configuration
        known = facts is not None and not (facts.other or facts.not_in_use or facts.recording)
        return self._plan.config.camera.fps if known and self._plan is not None else None

    @property
    def _is_service(self) -> bool:
        """Whether the configuration is that of the installed service."""
        from driver_monitor.config.lock import installed_config, is_file

        return is_file(self._options.config or installed_config())

    def close(self) -> None:
        """Switch the infrared lamp off, also if its camera hangs."""
        if self._lamp is not None:
            self._lamp.off()

    @property
    def _is_taken(self) -> bool:
        """Whether a daemon may have camera and pins, though it sends no status."""
        return self._daemon.closed is not None or self._service.runs

    def _ready(self) -> tuple[Plan | None, str]:
        """Return the plan, or None and why there is none."""
        if not self._imports:
            return None, NEEDS_PACKAGES
        return self._plan, "" if self._plan is not None else NEEDS_CONFIGURATION


def examine(
    asked: machine.Machine, options: Options, show: Callable[[Finding], object] = lambda _: None, pins: Any = None
) -> list[Finding]:
    """Run all checks and return their findings. `show`: gets each finding at once. `pins`: see `Examination`."""
    examination, findings = Examination(asked, options, pins), []
    try:
        for check in CHECKS:
            for finding in within_limit(check, getattr(examination, check), LIMITS_S[check], asked.stopped):
                findings.append(finding)
                show(finding)
    finally:
        examination.close()
    return findings


def can_work(findings: Sequence[Finding]) -> bool:
    """Return whether the daemon can do its job: no finding is a fault, and nothing essential was left out."""
    return all(finding.state != "fault" for finding in findings) and not left_out(findings)


def left_out(findings: Sequence[Finding]) -> list[str]:
    """Return the checks of `ESSENTIAL` that could not be made."""
    return [one.check for one in findings if one.check in ESSENTIAL and one.state == "not_checked"]


def _of_daemon(plan: Plan, status: Any) -> dict[str, Any]:
    """Return what the status of a running daemon adds to the facts about the configuration."""
    from driver_monitor.config import schema

    if fault := status.get("config_fault"):
        return {"not_in_use": str(fault)}
    versions = of_running.part(status, "versions")
    return {"other": versions.get("config") != schema.digest(plan.config, plan.profile_text)}
