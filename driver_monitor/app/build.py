"""The composition root: builds every part from the configuration, by constructor. No globals, no singletons."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from driver_monitor.app.pipeline import FrameObserver, NoPerception, Pipeline
from driver_monitor.capture.grabber import Grabber
from driver_monitor.capture.open_source import check_source, open_camera
from driver_monitor.config import resources, schema
from driver_monitor.config.profiles import load_profile
from driver_monitor.config.schema import Config
from driver_monitor.messages.envelope import Provenance
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.nets import manifest
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
    """What the command line asked for; it goes over what the configuration says, also after a reload."""

    config: Path | None = None
    source: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A valid configuration with its profile: all that the parts are built from."""

    config: Config
    profile: Profile
    profile_text: str

    @property
    def local_rules(self) -> frozenset[str] | None:
        """The rules of which nothing leaves the machine, None where the driver is not at work."""
        return self.profile.local_rules if self.profile.workplace else None

    @property
    def privacy(self) -> PrivacyFilter:
        """A curtain before expressions, drawn where the driver is at work."""
        return PrivacyFilter(self.local_rules)


@dataclass(frozen=True, slots=True)
class Models:
    """All that is loaded once; `expression` is None when emotion is off. `digest`: a short hash over the nets."""

    detector: FaceDetector
    landmarks: LandmarkNet
    eyes: EyeNet
    expression: ExpressionNet | None
    digest: str


def load_plan(request: Request) -> Plan:
    """Read and check configuration and profile. Raises `ConfigError`.

    At a workplace no expression is read for which no safety purpose is named (EU AI Act, article 5(1)(f)).
    """
    config = schema.load(request.config)
    if request.source is not None:
        config = config.model_copy(update={"camera": config.camera.model_copy(update={"source": request.source})})
    if request.profile is not None:
        config = config.model_copy(update={"profile": request.profile})
    profile, text = load_profile(config.profile)
    if profile.workplace and config.emotion.safety_purpose is None:
        config = config.model_copy(update={"emotion": config.emotion.model_copy(update={"enabled": False})})
    return Plan(config, profile, text)


def load_models(config: Config) -> Models:
    """Load the nets. Raises `ModelError` naming the file that is missing or wrong."""
    folder = config.models.folder or resources.path("models")
    threads = config.models.threads
    landmarks = LandmarkNet(folder / "landmarks.onnx", threads)
    eyes = EyeNet(folder / "eyes.onnx", threads)
    expression = load_expression_net(config) if config.emotion.enabled else None
    # Last: it can do without its file, which must not be told of a folder that is not there at all.
    detector = open_detector(config.face.detector, folder, threads)
    own = detector if isinstance(detector, NetDetector) else None
    nets = {DETECTOR_FILE: own, "landmarks.onnx": landmarks, "eyes.onnx": eyes, "emotion.onnx": expression}
    hashes = {name: net.sha256 for name, net in nets.items() if net is not None}
    manifest.check(folder, hashes)
    named = [detector.sha256] if isinstance(detector, YunetDetector) else []
    digest = hashlib.sha256("".join([*hashes.values(), *named]).encode()).hexdigest()[:16]
    return Models(detector, landmarks, eyes, expression, digest)


def load_expression_net(config: Config) -> ExpressionNet:
    """Load the expression net, also where the configuration has it switched off. Raises `ModelError`."""
    folder = config.models.folder or resources.path("models")
    return ExpressionNet(folder / "emotion.onnx", config.models.threads)


def build_perception(config: Config, models: Models) -> Perception:
    """Build the face tracker and the list of readers. A new reader is one more entry of the list."""
    seat = DriverSeat(config.camera.driver_side)
    face = FaceTracker(models.detector, models.landmarks, config.face.search_hz, seat)
    readers: list[Reader] = [EyeReader(models.eyes)]
    if models.expression is not None:
        readers.append(ExpressionReader(models.expression, config.emotion.rate_hz))
    return Perception(face, readers)


def build_pipeline(plan: Plan, models: Models, *, still: bool = False) -> Pipeline:
    """Build a pipeline with a fresh memory; `still`: it will see one picture only, whose one look must do."""
    expressions = ExpressionTracker(evidence_s=0.0) if still else ExpressionTracker()
    return _pipeline(plan, build_perception(plan.config, models), expressions)


def build_judge(plan: Plan) -> Pipeline:
    """Build a pipeline that is only ever given what was seen before, from a trace: it needs no nets."""
    return _pipeline(plan, NoPerception(), ExpressionTracker())


def _pipeline(plan: Plan, perception: FrameObserver, expressions: ExpressionTracker) -> Pipeline:
    return Pipeline(perception, StateTracker(expressions, plan.config.vehicle.steering_wheel), Engine(plan.profile))


def provenance(plan: Plan, models: Models) -> Provenance:
    """Return what every alert says of where it comes from."""
    return origin(plan, models.digest)


def origin(plan: Plan, models: str) -> Provenance:
    """Return the same where only the nets' digest is known."""
    digest = schema.digest(plan.config, plan.profile_text)
    return Provenance(plan.config.vehicle.id, models, digest, plan.profile.name)


def build_grabber(plan: Plan, started: float, *, eager: bool) -> Grabber:
    """Start the camera's thread; its frames' `t` counts from `started`, monotonic seconds.

    `eager`: open the camera at once, and raise `SourceError` when there is none; otherwise the thread opens it.
    """
    camera = plan.config.camera
    expected = check_source(camera.source)
    return Grabber(
        lambda: open_camera(camera, camera.source, real_time=True),
        camera.lost_after_s,
        start=started,
        eager=eager,
        expected=expected,
    )


def build_vehicle(plan: Plan) -> VehicleSource:
    """Open the source of speed and ignition, one that says nothing where none is configured. Raises `SourceError`."""
    address = plan.config.vehicle.input
    if address is None:
        return NoVehicle()
    if not address.startswith("can:"):
        return ZmqVehicle(address)
    interface, _, channel = address.removeprefix("can:").rpartition(":")
    return ObdVehicle(interface or "socketcan", channel)


def build_outputs(plan: Plan, console: Console | None) -> Outputs:
    """Open all outputs; `console`: where alerts are printed for people, None: the log. Raises `OutputError`."""
    outputs: list[Output] = [Journal(console)]
    try:
        if plan.config.zmq.enabled:
            outputs.append(ZmqPublisher(plan.config.zmq))
        outputs.append(GpioOutput(plan.config.gpio))
    except BaseException:
        Outputs(outputs).close()
        raise
    return Outputs(outputs, plan.privacy)
