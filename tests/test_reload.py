"""A new configuration for a running daemon: what is wrong is refused whole, what is right disturbs nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from driver_monitor.app import build
from driver_monitor.app.build import Plan, Request
from driver_monitor.app.daemon import Daemon, Parts, ReloadError
from driver_monitor.app.reload import Builders, Reloader
from driver_monitor.app.systemd import Notifier
from driver_monitor.capture.fake import FakeCamera
from driver_monitor.capture.grabber import Grabber
from driver_monitor.config import resources
from driver_monitor.errors import DriverMonitorError, OutputError
from driver_monitor.messages.envelope import ReplayStamper
from driver_monitor.messages.wire import Message
from driver_monitor.nets import manifest
from driver_monitor.outputs.output import Output
from tests.timeline import film, shut


@dataclass
class Out(Output):
    """Outputs that remember, and that cannot be opened on a port that is taken."""

    plan: Plan
    alerts: list[Message] = field(default_factory=list)
    closed: bool = False
    failure: str | None = None

    def alert(self, alert: Message) -> None:
        self.alerts.append(alert)

    def close(self) -> None:
        self.closed = True


class Car:
    """A daemon with a microsleep under way, and its configuration file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "my.yaml"
        self.taken: set[str] = set()
        self.outs: list[Out] = []
        self.write("")
        plan, models = self.plan(), build.load_models(self.plan().config)
        self.builders = Builders(self._outputs, self._source)
        pipeline = build.build_pipeline(plan, models)
        out = self._outputs(plan)
        parts = Parts(self._source(plan), pipeline, out, out, build.provenance(plan, models), 0.2)
        self.reload = Reloader(Request(self.file), plan, models, self.builders)
        self.daemon = Daemon(parts, ReplayStamper("ab"), Notifier({}), lambda: 5.0, 0.0, self.reload)
        for frame in film([shut(1.5)]):
            state = pipeline._state.update(frame)
            self.daemon.send(pipeline.engine.update(state).events)

    def _outputs(self, plan: Plan) -> Out:
        if plan.config.zmq.bind in self.taken:
            raise OutputError(f"zmq.bind: {plan.config.zmq.bind} is in use")
        self.outs.append(Out(plan))
        return self.outs[-1]

    def _source(self, plan: Plan) -> Grabber:
        camera = FakeCamera([], 30.0, live=False, name=plan.config.camera.source)
        return Grabber(lambda: camera, plan.config.camera.lost_after_s)

    def plan(self) -> Plan:
        return build.load_plan(Request(self.file))

    def write(self, text: str) -> None:
        self.file.write_text(text)

    def said(self) -> list[tuple[object, object]]:
        return [(alert["rule"], alert["phase"]) for alert in self.outs[-1].alerts]

    def close(self) -> None:
        self.daemon.parts.source.close()


@pytest.fixture
def car(tmp_path: Path) -> Iterator[Car]:
    car = Car(tmp_path)
    assert car.said() == [("microsleep", "raised")]
    yield car
    car.close()


def test_ok__the_same_configuration_changes_nothing(car: Car) -> None:
    before = car.daemon.parts.source, car.daemon.parts.pipeline, car.daemon.parts.outputs
    car.reload(car.daemon)
    assert (car.daemon.parts.source, car.daemon.parts.pipeline, car.daemon.parts.outputs) == before
    assert car.said() == [("microsleep", "raised")]


def test_ok__a_new_vehicle_or_log_level_disturbs_no_alert_and_no_subscriber(car: Car) -> None:
    car.write("vehicle: {id: van-12}\nservice: {log_level: error}")
    car.reload(car.daemon)
    assert car.daemon.parts.provenance.vehicle == "van-12"
    assert len(car.outs) == 1
    assert car.said() == [("microsleep", "raised")]


def test_ok__new_outputs_hear_of_the_active_alerts_with_their_old_ids(car: Car) -> None:
    car.write("zmq: {bind: 'tcp://127.0.0.1:6001'}")
    car.reload(car.daemon)
    old, new = car.outs
    assert old.closed
    assert new.alerts == old.alerts


def test_ok__new_rules_end_the_alerts_of_the_old_ones_and_keep_what_was_learned(car: Car) -> None:
    shutil.copy(resources.path("driver_monitor/rules/profiles/default.yaml"), car.file.parent / "mine.yaml")
    with (car.file.parent / "mine.yaml").open("a") as file:
        file.write("# a comment is a change too\n")
    pipeline, engine = car.daemon.parts.pipeline, car.daemon.parts.pipeline.engine
    car.write(f"profile: {car.file.parent / 'mine.yaml'}")
    car.reload(car.daemon)
    assert car.daemon.parts.pipeline is pipeline
    assert pipeline.engine is not engine
    assert car.said() == [("microsleep", "raised"), ("microsleep", "cleared")]


def test_ok__other_models_under_the_same_name_are_taken_and_named(car: Car, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(resources.path("models"), models)
    (models / manifest.NAME).unlink()
    car.write(f"models: {{folder: {models}}}")
    car.reload(car.daemon)
    pipeline, named = car.daemon.parts.pipeline, car.daemon.parts.provenance.models
    net = bytearray((models / "eyes.onnx").read_bytes())
    net[net.index(b"pytorch")] = ord("P")
    (models / "eyes.onnx").write_bytes(bytes(net))
    car.reload(car.daemon)
    assert car.daemon.parts.pipeline is not pipeline
    assert car.daemon.parts.provenance.models != named


def test_ok__a_new_camera_ends_the_alerts_and_starts_learning_anew(car: Car) -> None:
    source, pipeline = car.daemon.parts.source, car.daemon.parts.pipeline
    car.write("camera: {source: demo}")
    car.reload(car.daemon)
    assert car.daemon.parts.source is not source
    assert car.daemon.parts.pipeline is not pipeline
    assert car.said() == [("microsleep", "raised"), ("microsleep", "cleared")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zmq: {bind: nowhere}", "my.yaml:1: zmq.bind"),
        ("profile: nobody", "nobody"),
        ("models: {folder: /nowhere}", "/nowhere/landmarks.onnx"),
        ("models: {folder: %s}" % ("a" * 300), "File name too long"),
        ("face: {detector: /nowhere.onnx}", "/nowhere.onnx"),
        (f"face: {{detector: {resources.path('models/eyes.onnx')}}}", "not a YuNet model"),
        ("camera: {source: /dev/video77}", "/dev/video77"),
        ("camera: {source: demo}\nzmq: {bind: 'tcp://127.0.0.1:6002'}", "is in use"),
    ],
)
def test_fail__what_is_wrong_is_refused_whole_and_no_alert_is_touched(car: Car, text: str, said: str) -> None:
    car.taken.add("tcp://127.0.0.1:6002")
    before = car.daemon.parts.source, car.daemon.parts.pipeline, car.daemon.parts.provenance
    car.write(text)
    with pytest.raises(ReloadError, match=said):
        car.reload(car.daemon)
    assert (car.daemon.parts.source, car.daemon.parts.pipeline, car.daemon.parts.provenance) == before
    assert car.said() == [("microsleep", "raised")]
    assert not car.outs[-1].closed
    car.write("vehicle: {id: van-13}")
    car.reload(car.daemon)
    assert car.daemon.parts.provenance.vehicle == "van-13"


def test_fail__outputs_that_cannot_even_be_put_back_take_the_daemon_down(car: Car) -> None:
    car.taken |= {"tcp://127.0.0.1:6002", "tcp://127.0.0.1:5556"}
    car.write("zmq: {bind: 'tcp://127.0.0.1:6002'}")
    with pytest.raises(DriverMonitorError) as caught:
        car.reload(car.daemon)
    assert not isinstance(caught.value, ReloadError)


@pytest.mark.parametrize(
    ("name", "content"),
    [("manifest.yaml", b"{"), ("manifest.yaml", b"models: {}"), ("detector.onnx", b"cut"), ("eyes.onnx", None)],
)
def test_fail__a_models_folder_that_was_spoilt_meanwhile_is_refused_and_the_old_nets_go_on(
    car: Car, tmp_path: Path, name: str, content: bytes | None
) -> None:
    models = tmp_path / "models"
    shutil.copytree(resources.path("models"), models)
    car.write(f"models: {{folder: {models}}}")
    car.reload(car.daemon)
    pipeline = car.daemon.parts.pipeline
    (models / name).unlink()
    if content is not None:
        (models / name).write_bytes(content)
    with pytest.raises(ReloadError, match=name):
        car.reload(car.daemon)
    assert car.daemon.parts.pipeline is pipeline


def test_ok__another_source_of_the_speed_is_taken_and_a_wrong_one_is_not(car: Car) -> None:
    before = car.daemon.parts.vehicle
    car.write("vehicle: {input: 'tcp://127.0.0.1:5999'}")
    car.reload(car.daemon)
    taken = car.daemon.parts.vehicle
    assert taken is not before
    car.write("vehicle: {input: 'ftp://somewhere'}")
    with pytest.raises(ReloadError, match=r"vehicle\.input"):
        car.reload(car.daemon)
    assert car.daemon.parts.vehicle is taken
    taken.close()


def test_ok__a_button_moves_to_the_buzzers_old_pin(car: Car) -> None:
    car.write("gpio: {backend: mock, button_pin: 22}")
    car.reload(car.daemon)
    first = car.daemon.parts.button
    car.write("gpio: {backend: mock, button_pin: 17, buzzer_pin: 22}")
    car.reload(car.daemon)
    assert car.daemon.parts.button is not first
    assert not car.daemon.parts.button.pressed()
    car.daemon.parts.button.close()


def test_fail__outputs_that_cannot_be_opened_leave_button_and_vehicle_as_they_were(car: Car) -> None:
    vehicle = car.daemon.parts.vehicle
    car.taken.add("tcp://127.0.0.1:6001")
    car.write("zmq: {bind: 'tcp://127.0.0.1:6001'}\ngpio: {backend: mock}\nvehicle: {input: 'tcp://127.0.0.1:5999'}")
    with pytest.raises(ReloadError):
        car.reload(car.daemon)
    assert car.daemon.parts.vehicle is vehicle
    assert not car.daemon.parts.button.pressed()
