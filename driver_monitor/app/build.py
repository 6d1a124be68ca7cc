"""The composition root: builds all objects from the configuration and passes them to constructors."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from driver_monitor.app.pipeline import NoPerception, Pipeline
from driver_monitor.capture.grabber import Grabber
from driver_monitor.capture.open_source import check_source, open_camera
from driver_monitor.config import resources, schema
from driver_monitor.config.profiles import load_profile
from driver_monitor.config.schema import Config, ServiceConfig
from driver_monitor.errors import OutputError
from driver_monitor.messages.envelope import Provenance
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.nets import manifest
from driver_monitor.outputs.active_alerts import ActiveAlerts
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.gpio_output import GpioOutput
from driver_monitor.outputs.journal import Journal
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from driver_monitor.perception.expression.net import ExpressionNet
from driver_monitor.perception.expression.reader import ExpressionReader
from driver_monitor.perception.eyes.eye_net import EyeNet
from driver_monitor.perception.eyes.reader import EyeReader
from driver_monitor.perception.face.detectors.hog import FaceDetector
from driver_monitor.perception.face.detectors.net_detector import NetDetector
from driver_monitor.perception.face.detectors.open_detector import FILE as DETECTOR_FILE
from driver_monitor.perception.face.detectors.open_detector import open_detector
from driver_monitor.perception.face.detectors.yunet_detector import YunetDetector
from driver_monitor.perception.face.driver_seat import DriverSeat
from driver_monitor.perception.face.landmarks import LandmarkNet
from driver_monitor.perception.face.tracker import FaceTracker
from driver_monitor.perception.perception import Perception
from driver_monitor.perception.reader import Reader
from driver_monitor.rules.engine import Engine
from driver_monitor.rules.profile import Profile
from driver_monitor.state.expression.expression_tracker import ExpressionTracker
from driver_monitor.state.tracker import StateTracker
from driver_monitor.vehicle.obd import ObdVehicle
from driver_monitor.vehicle.source import NoVehicle, VehicleSource
from driver_monitor.vehicle.zmq_vehicle import ZmqVehicle


@dataclass(frozen=True, slots=True)
class Request:
    """The options of the command line. All but `config` override values of the configuration file, also in a reload.

    `config`: path of the configuration file. None: the shipped file. Other fields None: the value of the file is used.
    """

    config: Path | None = None
    source: str | None = None
    profile: str | None = None
    track: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A valid configuration and its profile. `profile_text`: text of the profile's file and of the file it extends."""

    config: Config
    profile: Profile
    profile_text: str

    @property
    def local_rules(self) -> frozenset[str] | None:
        """Ids of the rules with alerts that stay on this machine (`Profile.local_rules`). None: not a workplace."""
        return self.profile.local_rules if self.profile.workplace else None

    @property
    def privacy(self) -> PrivacyFilter:
        """A new privacy filter. At a workplace it hides expressions and their alerts, elsewhere nothing."""
        return PrivacyFilter(self.local_rules)


@dataclass(frozen=True, slots=True)
class Models:
    """The detector and the nets. `expression`: None if `emotion.enabled` is false. `digest`: short hash of all nets."""

    detector: FaceDetector
    landmarks: LandmarkNet
    eyes: EyeNet
    expression: ExpressionNet | None
    digest: str


def load_plan(request: Request) -> Plan:
    """Read and check configuration and profile. Values in `request` replace those of the file. Raises `ConfigError`.

    At a workplace without `emotion.safety_purpose`, `emotion.enabled` becomes false (EU AI Act, article 5(1)(f)).
    """
    config = schema.load(request.config)
    camera = {key: value for key in ("source", "track") if (value := getattr(request, key)) is not None}
    config = config.model_copy(update={"camera": config.camera.model_copy(update=camera)})
    if request.profile is not None:
        config = config.model_copy(update={"profile": request.profile})
    profile, text = load_profile(config.profile)
    if profile.workplace and config.emotion.safety_purpose is None:
        config = config.model_copy(update={"emotion": config.emotion.model_copy(update={"enabled": False})})
    return Plan(config, profile, text)


def load_models(config: Config) -> Models:
    """Load the models, check them with the manifest. HOG replaces a missing `detector.onnx`. Raises `ModelError`."""
    folder = config.models.folder or resources.path("models")
    threads = config.models.threads
    landmarks = LandmarkNet(folder / "landmarks.onnx", threads)
    eyes = EyeNet(folder / "eyes.onnx", threads)
    expression = load_expression_net(config) if config.emotion.enabled else None
    # Last: without its file there is a fallback with a warning, which would hide that the whole folder is missing.
    detector = open_detector(config.face.detector, folder, threads)
    own_detector = detector if isinstance(detector, NetDetector) else None
    nets = {DETECTOR_FILE: own_detector, "landmarks.onnx": landmarks, "eyes.onnx": eyes, "emotion.onnx": expression}
    hashes = {name: net.sha256 for name, net in nets.items() if net is not None}
    manifest.check(folder, hashes)
    other_detector = [detector.sha256] if isinstance(detector, YunetDetector) else []
    digest = hashlib.sha256("".join([*hashes.values(), *other_detector]).encode()).hexdigest()[:16]
    return Models(detector, landmarks, eyes, expression, digest)


def load_expression_net(config: Config) -> ExpressionNet:
    """Load the expression net, even if `emotion.enabled` is false. Its hash is not checked. Raises `ModelError`."""
    folder = config.models.folder or resources.path("models")
    return ExpressionNet(folder / "emotion.onnx", config.models.threads)


def build_perception(config: Config, models: Models) -> Perception:
    """Build face tracker, eye reader and, if its net is loaded, expression reader. A new reader is added here."""
    seat = DriverSeat(config.camera.driver_side)
    face = FaceTracker(models.detector, models.landmarks, config.face.search_hz, seat)
    readers: list[Reader] = [EyeReader(models.eyes)]
    if models.expression is not None:
        readers.append(ExpressionReader(models.expression, config.emotion.rate_hz))
    return Perception(face, readers)


def build_pipeline(plan: Plan, models: Models | None, *, still: bool = False) -> Pipeline:
    """Build a pipeline that has learned nothing yet.

    `models`: None if it gets observations of a trace. `still`: it gets one picture; an expression is answered at once.
    """
    perception = build_perception(plan.config, models) if models else NoPerception()
    expressions = ExpressionTracker(evidence_s=0.0) if still else ExpressionTracker()
    return Pipeline(perception, StateTracker(expressions, plan.config.vehicle.steering_wheel), Engine(plan.profile))


def provenance(plan: Plan, models_digest: str) -> Provenance:
    """Return the origin of all alerts: vehicle id, `models_digest`, hash of configuration and profile, profile name."""
    config_digest = schema.digest(plan.config, plan.profile_text)
    return Provenance(plan.config.vehicle.id, models_digest, config_digest, plan.profile.name)


def build_grabber(plan: Plan, started: float, *, eager: bool) -> Grabber:
    """Check the source and start the capture thread; a recording plays in real time. Raises `SourceError`.

    `started`: monotonic seconds at which a live camera's `t` is 0. `eager`: open the camera here; False: in the thread.
    """
    camera = plan.config.camera
    expected, opened = check_source(camera.source), partial(open_camera, camera, camera.source, real_time=True)
    return Grabber(opened, camera.lost_after_s, start=started, eager=eager, expected=expected)


def build_vehicle(plan: Plan) -> VehicleSource:
    """Open the input for speed and ignition. If no input is configured, both stay unknown. Raises `SourceError`."""
    address = plan.config.vehicle.input
    if address is None:
        return NoVehicle()
    if not address.startswith("can:"):
        return ZmqVehicle(address)
    interface, _, channel = address.removeprefix("can:").rpartition(":")
    return ObdVehicle(interface or "socketcan", channel)


def build_outputs(plan: Plan, console: Console | None) -> Outputs:
    """Open journal, active alerts, pins and, if enabled, ZeroMQ. `console`: shows alerts; None: the log does.

    Raises `OutputError`.
    """
    outputs: list[Output] = [Journal(console), ActiveAlerts(state_dir(plan.config.service))]
    try:
        if plan.config.zmq.enabled:
            outputs.append(ZmqPublisher(plan.config.zmq))
        outputs.append(GpioOutput(plan.config.gpio))
    except BaseException:
        Outputs(outputs).close()
        raise
    return Outputs(outputs, plan.privacy)


def state_dir(config: ServiceConfig) -> Path:
    """Return the folder for data that must survive the daemon; it is not created. Raises `OutputError` without a home.

    The first of: `service.state_dir`, systemd's STATE_DIRECTORY, `driver-monitor` in XDG_STATE_HOME (~/.local/state).
    """
    if config.state_dir is not None:
        return config.state_dir
    if from_systemd := os.environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(from_systemd)
    base = os.environ.get("XDG_STATE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".local" / "state") / "driver-monitor"
    except RuntimeError as error:
        raise OutputError("this user has no home folder for the alert number; set service.state_dir") from error
