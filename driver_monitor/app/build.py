"""The composition root: builds all objects from the configuration and passes them to constructors."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import cv2

from driver_monitor import PROGRAM
from driver_monitor.app.law.operator import at_work
from driver_monitor.app.pictures.link import LinkSetting
from driver_monitor.app.pipeline import NoPerception, Pipeline
from driver_monitor.capture.grabber import Grabber
from driver_monitor.capture.open_source import expected_source, open_camera
from driver_monitor.config import last_good, resources, schema
from driver_monitor.config.addresses import runtime_folder
from driver_monitor.config.camera_program import camera_program
from driver_monitor.config.profiles import parse_profile, read_profile
from driver_monitor.config.schema import Config, ServiceConfig
from driver_monitor.errors import OutputError, SourceError
from driver_monitor.gpio.lamp import Lamp, NoLamp, open_lamp
from driver_monitor.messages.envelope import Provenance
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.nets import manifest
from driver_monitor.nets.onnx_model import sha256_of
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.journal import Show
from driver_monitor.outputs.open_outputs import Opening, open_outputs
from driver_monitor.outputs.uplink.status import DrivingTime, VehicleRun
from driver_monitor.perception.expression.net import ExpressionNet
from driver_monitor.perception.expression.reader import ExpressionReader
from driver_monitor.perception.eyes.eye_net import EyeNet
from driver_monitor.perception.eyes.reader import EyeReader
from driver_monitor.perception.face.detectors.hog import FaceDetector
from driver_monitor.perception.face.detectors.net_detector import NetDetector
from driver_monitor.perception.face.detectors.open_detector import FILE as DETECTOR_FILE
from driver_monitor.perception.face.detectors.open_detector import is_missing, open_detector
from driver_monitor.perception.face.detectors.yunet_detector import YunetDetector
from driver_monitor.perception.face.driver_seat import DriverSeat
from driver_monitor.perception.face.landmarks import LandmarkNet
from driver_monitor.perception.face.tracker import FaceTracker
from driver_monitor.perception.objects.net import ObjectsNet
from driver_monitor.perception.objects.reader import ObjectsReader
from driver_monitor.perception.orientation import BestFace, OrientationFinder
from driver_monitor.perception.perception import Perception
from driver_monitor.perception.reader import Reader
from driver_monitor.perception.scene.face_light import FaceLightReader
from driver_monitor.perception.scene.repeats import RepeatDetector
from driver_monitor.rules.engine import Engine
from driver_monitor.rules.profile import Profile
from driver_monitor.state.expression.expression_tracker import ExpressionTracker
from driver_monitor.state.tracker import StateTracker
from driver_monitor.vehicle.source import NoVehicle, VehicleSource

Part = TypeVar("Part")
NET_FILES = {
    "detector": DETECTOR_FILE, "landmarks": "landmarks.onnx", "eyes": "eyes.onnx", "expression": "emotion.onnx",
    "objects": "objects.onnx",
}  # fmt: skip
"""The file of each net, by the field of `Models` that holds the net. `bench` and `doctor` list the nets from here."""
OPENCV_THREADS = "OPENCV_FOR_THREADS_NUM"
"""OpenCV's variable for its number of threads. It is not set here, because camera programs would inherit it."""
_NO_OBJECTS = (
    "%s is missing: telephone, hand and mask stay unknown; copy it from the models of driver-monitor, with its lines "
    "of manifest.yaml if there is one in this folder, or set objects.enabled: false"
)
_log = logging.getLogger(__name__)


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
    """A valid configuration and its profile. `profile_text`: text of the profile's file and of the file it extends.

    `own_text`: the text of the profile's file alone. `ignored`: what the user asked for and a lock forbids
    (`app.lock`).
    """

    config: Config
    profile: Profile
    profile_text: str
    own_text: str = ""
    ignored: tuple[str, ...] = ()

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
    """The detector and the nets. `digest`: short hash of all nets.

    `expression`: None if `emotion.enabled` is false. `objects`: None if `objects.enabled` is false, or if the folder is
    of a version that had no such net.

    `origin`: the settings and the hashes of the files that they were loaded from.
    """

    detector: FaceDetector
    landmarks: LandmarkNet
    eyes: EyeNet
    expression: ExpressionNet | None
    objects: ObjectsNet | None
    digest: str
    origin: tuple[object, ...] = ()


def load_plan(request: Request) -> Plan:
    """Read and check configuration and profile. Values in `request` replace those of the file. Raises `ConfigError`.

    With an operator the profile is that of a workplace, whatever it says (`app.law`). At a workplace without
    `emotion.safety_purpose`, `emotion.enabled` becomes false (EU AI Act, article 5(1)(f)).
    """
    config = _with_options(schema.load(request.config), request)
    return _plan(config, *read_profile(config.profile))


def last_good_plan(request: Request, folder: Path) -> Plan | None:
    """Return the plan that `last_good.save` kept in `folder`, with the camera of `request`; None: there is none.

    Raises `ConfigError` if it is damaged.
    """
    good = last_good.load(folder)
    if good is None:
        return None
    config = _with_options(good.config, replace(request, profile=None))
    return _plan(config, good.profile_text, folder / last_good.FILE)


def _with_options(config: Config, request: Request) -> Config:
    camera = {key: value for key in ("source", "track") if (value := getattr(request, key)) is not None}
    config = config.model_copy(update={"camera": config.camera.model_copy(update=camera)})
    if request.profile is not None:
        config = config.model_copy(update={"profile": request.profile})
    return config


def _plan(config: Config, own_text: str, path: Path) -> Plan:
    profile, text = parse_profile(own_text, path)
    profile = at_work(profile, config)
    if profile.workplace and config.emotion.safety_purpose is None:
        config = config.model_copy(update={"emotion": config.emotion.model_copy(update={"enabled": False})})
    return Plan(config, profile, text, own_text)


class Around(Protocol):
    """Takes a part of the pipeline by its name, and returns it or what stands for it: a stopwatch around it."""

    def __call__(self, name: str, part: Part) -> Part:
        """Return what the pipeline uses as `part`."""


def as_it_is(name: str, part: Part) -> Part:
    """Return `part`: nothing stands for it."""
    del name
    return part


def load_models(
    config: Config, loaded: Models | None = None, on_load: Callable[[str], object] = lambda _: None
) -> Models:
    """Check the model files with the manifest, then load them. HOG replaces a missing `detector.onnx`.

    A folder that never had an `objects.onnx` is used without it, with a warning: users have made theirs before.
    No file is parsed before its hash is checked. `loaded`: models in use; returned if files and settings are the same.
    `on_load` is called with the name of each net when it has been loaded. Raises `ModelError`.
    """
    folder = config.models.folder or resources.path("models")
    threads, detector_name = config.models.threads, config.face.detector
    used = _used(config, folder)
    hashes = {file: sha256_of(folder / file) for file in map(NET_FILES.__getitem__, used)}
    # Last: without its file there is a fallback with a warning, which would hide that the whole folder is missing.
    if detector_name == "auto" and not is_missing(folder / DETECTOR_FILE):
        hashes[DETECTOR_FILE] = sha256_of(folder / DETECTOR_FILE)
    manifest.check(folder, hashes)
    origin = (detector_name, threads, *hashes.items(), *_hash_of_own_detector(detector_name))
    if loaded is not None and loaded.origin == origin:
        return loaded
    landmarks = LandmarkNet(folder / NET_FILES["landmarks"], threads)
    on_load("landmarks")
    eyes = EyeNet(folder / NET_FILES["eyes"], threads)
    on_load("eyes")
    expression = load_expression_net(config) if config.emotion.enabled else None
    on_load("expression")
    objects = ObjectsNet(folder / NET_FILES["objects"], threads) if "objects" in used else None
    if objects is None and config.objects.enabled:
        _log.warning(_NO_OBJECTS, folder / NET_FILES["objects"])
    on_load("objects")
    detector = open_detector(detector_name, folder, threads)
    on_load("detector")
    own_detector = detector if isinstance(detector, NetDetector) else None
    other_detector = [detector.sha256] if isinstance(detector, YunetDetector) else []
    known = [net.sha256 for net in (own_detector, landmarks, eyes, expression, objects) if net is not None]
    digest = hashlib.sha256("".join([*known, *other_detector]).encode()).hexdigest()[:16]
    return Models(detector, landmarks, eyes, expression, objects, digest, origin)


def _used(config: Config, folder: Path) -> list[str]:
    """Return which nets are loaded, apart from the detector, by their fields of `Models`."""
    switched = {"expression": config.emotion.enabled, "objects": config.objects.enabled and _has_objects(folder)}
    return ["landmarks", "eyes", *(name for name, on in switched.items() if on)]


def _has_objects(folder: Path) -> bool:
    """Return whether `folder` should have an objects net: the file is there, or the manifest lists it."""
    file = NET_FILES["objects"]
    if not is_missing(folder / file):
        return True
    listed = manifest.load_manifest(folder)
    return listed is not None and file in listed.models


def _hash_of_own_detector(name: str) -> tuple[str, ...]:
    """Return the hash of the YuNet file that `face.detector` names; nothing for `auto` and `hog`."""
    return () if name in ("auto", "hog") else (sha256_of(Path(name)),)


def load_expression_net(config: Config) -> ExpressionNet:
    """Load the expression net, even if `emotion.enabled` is false. Its hash is not checked. Raises `ModelError`."""
    folder = config.models.folder or resources.path("models")
    return ExpressionNet(folder / NET_FILES["expression"], config.models.threads)


def build_perception(config: Config, models: Models, *, still: bool = False, around: Around = as_it_is) -> Perception:
    """Build face tracker and readers; that of expressions and of objects if its net is loaded. New ones come here.

    `still`: one picture is too little to find out that it is turned. `around`: gets each part; a reader by its field.
    OpenCV then uses one thread in this process, unless its variable in the environment gives another number.
    """
    if OPENCV_THREADS not in os.environ:
        cv2.setNumThreads(1)  # for pictures of this size, threads cost more than they save
    seat = DriverSeat(config.camera.driver_side)
    face = FaceTracker(models.detector, models.landmarks, config.face.search_hz, seat)
    readers: list[Reader] = [EyeReader(models.eyes), FaceLightReader()]
    if models.expression is not None:
        readers.append(ExpressionReader(models.expression, config.emotion.rate_hz))
    if models.objects is not None:
        readers.append(ObjectsReader(models.objects))
    best_face = BestFace(models.detector, models.landmarks, models.eyes)
    orientation = None if still else around("orientation", OrientationFinder(best_face))
    readers = [around(reader.field, reader) for reader in readers]
    return Perception(around("face", face), readers, orientation, config.camera.rotate)


def build_pipeline(plan: Plan, models: Models | None, *, still: bool = False, around: Around = as_it_is) -> Pipeline:
    """Build a pipeline that has learned nothing yet.

    `models`: None if it gets observations of a trace. `still`: it gets one picture; an expression is answered at once.
    `around`: gets the pipeline and each of its parts.
    """
    perception = build_perception(plan.config, models, still=still, around=around) if models else NoPerception()
    expressions = ExpressionTracker(evidence_s=0.0) if still else ExpressionTracker()
    state = around("state", StateTracker(expressions, plan.config.vehicle.steering_wheel))
    rules, repeats = around("rules", Engine(plan.profile)), around("repeats", RepeatDetector())
    pause = perception.pause_expressions
    return around("pipeline", Pipeline(around("perception", perception), state, rules, repeats, pause))


def provenance(plan: Plan, models_digest: str) -> Provenance:
    """Return the origin of all alerts: vehicle id, `models_digest`, hash of configuration and profile, profile name.

    And for the status, whether the configuration is locked, and what the lock made the daemon ignore.
    """
    config_digest = schema.digest(plan.config, plan.profile_text)
    vehicle, profile = plan.config.vehicle.id, plan.profile.name
    return Provenance(vehicle, models_digest, config_digest, profile, plan.config.locked, plan.ignored)


def build_grabber(plan: Plan, started: float, *, eager: bool = False) -> Grabber:
    """Start the capture thread, which opens the source; a recording plays in real time. An absent camera may come.

    `started`: monotonic seconds at which a live camera's `t` is 0. `eager`: open a recording here. Raises `SourceError`
    if waiting cannot help: a recording cannot be opened, or the source is not one.
    """
    camera = plan.config.camera
    expected, opened = expected_source(camera.source), partial(open_camera, camera, camera.source, real_time=True)
    eager = eager and not expected.live
    return Grabber(opened, camera.lost_after_s, start=started, eager=eager, expected=expected)


def link_setting(plan: Plan) -> LinkSetting:
    """Return what the link to `driver-monitor aim` needs. At a workplace, or if locked, only root may see pictures."""
    root_only = plan.config.locked or plan.profile.workplace
    return LinkSetting(runtime_folder(), plan.config.camera.driver_side, root_only)


def build_lamp(plan: Plan) -> Lamp:
    """Switch the infrared lamp on, if there is one and the source is a camera. Raises `OutputError`.

    What has gone since the start, such as the program of a camera, is no error here: the source is waited for.
    """
    source = plan.config.camera.source
    try:
        live = expected_source(source).live
    except SourceError:
        live = camera_program(source) is not None
    return open_lamp(plan.config.gpio) if live else NoLamp()


def build_vehicle(plan: Plan) -> VehicleSource:
    """Open the input for speed and ignition. If no input is configured, both stay unknown. Raises `SourceError`."""
    address = plan.config.vehicle.input
    if address is None:
        return NoVehicle()
    if not address.startswith("can:"):
        from driver_monitor.vehicle.zmq_vehicle import ZmqVehicle  # the one part of a daemon that needs libzmq

        return ZmqVehicle(address)
    from driver_monitor.vehicle.obd import ObdVehicle

    interface, _, channel = address.removeprefix("can:").rpartition(":")
    return ObdVehicle(interface or "socketcan", channel)


def build_outputs(plan: Plan, console: Show | None, run: VehicleRun, driving: DrivingTime) -> Outputs:
    """Open the outputs of the configuration. `console`, `run`, `driving` and errors: see `outputs.open_outputs`."""
    return open_outputs(Opening(plan.config, state_dir(plan.config.service), console, run, driving), plan.privacy)


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
        return (Path(base) if base else Path.home() / ".local" / "state") / PROGRAM
    except RuntimeError as error:
        raise OutputError("this user has no home folder for the alert number; set service.state_dir") from error
