"""A new configuration for a running daemon: what is wrong is refused whole, what is right disturbs nothing else."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import onnxruntime
import pytest

from driver_monitor.app import build
from driver_monitor.app.build import Plan, Request
from driver_monitor.app.daemon import Daemon, ReloadError
from driver_monitor.app.part_table import TABLE, DaemonPart, Setup, open_parts
from driver_monitor.app.process.systemd import Notifier
from driver_monitor.app.reload import Reloader
from driver_monitor.capture import open_source
from driver_monitor.capture.fake import FakeCamera
from driver_monitor.capture.grabber import Grabber
from driver_monitor.config import resources
from driver_monitor.config.schema import ZmqConfig
from driver_monitor.data.alert import Level
from driver_monitor.errors import AbsentError, DriverMonitorError, OutputError
from driver_monitor.messages.envelope import ReplayStamper
from driver_monitor.messages.wire import Message
from driver_monitor.nets import manifest
from driver_monitor.outputs.output import Output
from tests.test_daemon import Numbers
from tests.timeline import film, shut


def finish(reloader: Reloader, daemon: Daemon) -> bool:
    """Reload, and wait for the thread that reads the configuration."""
    while reloader(daemon):
        assert reloader._reading is not None
        reloader._reading.thread.join(30)
    return False


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


def with_builds(**builds: Callable[[Setup], object]) -> tuple[DaemonPart, ...]:
    """The table of parts, some of which are built by `builds`."""
    return tuple(
        replace(part, build=builds[part.name], rebuild=None) if part.name in builds else part for part in TABLE
    )


class Car:
    """A daemon with a microsleep under way, and its configuration file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "my.yaml"
        self.taken: set[str] = set()
        self.outs: list[Out] = []
        self.write("")
        self.setup = Setup(self.plan())
        table = with_builds(numbers=lambda _: Numbers(), source=self._source, outputs=self._outputs)
        self.opened = ExitStack()
        parts = self.opened.enter_context(open_parts(self.setup, table))
        self.kept: list[Plan] = []
        self.reloader = Reloader(Request(self.file), self.setup, table, self.kept.append)
        self.daemon = Daemon(parts, ReplayStamper("ab"), Notifier({}), lambda: 5.0, 0.0, self.reloader)
        pipeline = parts.pipeline
        for frame in film([shut(1.5)]):
            state = pipeline._state.update(frame)
            self.daemon.send(pipeline.engine.update(state).events)

    def _outputs(self, setup: Setup) -> Out:
        plan = setup.plan
        if plan.config.zmq.bind in self.taken:
            raise OutputError(f"zmq.bind: {plan.config.zmq.bind} is in use")
        self.outs.append(Out(plan))
        return self.outs[-1]

    def _source(self, setup: Setup) -> Grabber:
        camera = FakeCamera([], 30.0, live=False, name=setup.config.camera.source)
        return Grabber(lambda: camera, setup.config.camera.lost_after_s)

    def plan(self) -> Plan:
        return build.load_plan(Request(self.file))

    def write(self, text: str) -> None:
        self.file.write_text(text)

    def said(self) -> list[tuple[object, object]]:
        return [(alert["rule"], alert["phase"]) for alert in self.outs[-1].alerts]

    def reload(self, daemon: Daemon) -> None:
        finish(self.reloader, daemon)

    def close(self) -> None:
        self.opened.close()


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
    car.taken |= {"tcp://127.0.0.1:6002", ZmqConfig().bind}
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


EVERYTHING = "provenance"
"""The part that shows a hash of the whole configuration. It must not hide that no other part needs a value."""


def changes(setup: Setup) -> Iterator[tuple[str, Setup]]:
    """Yield every value of the configuration by its key, and a setup in which only this value differs."""
    for section in type(setup.config).model_fields:
        values = getattr(setup.config, section)
        if section == "profile":
            yield section, other(setup, build.load_plan(Request(None, None, "quiet")))
            continue
        for key in type(values).model_fields:
            changed = values.model_copy(update={key: "changed"})
            config = setup.config.model_copy(update={section: changed})
            yield f"{section}.{key}", other(setup, replace(setup.plan, config=config))


def other(setup: Setup, plan: Plan) -> Setup:
    changed = replace(setup, plan=plan)
    changed.models = setup.models
    return changed


def needed_by(old: Setup, new: Setup, table: tuple[DaemonPart, ...]) -> list[str]:
    return [part.name for part in table if part.changed(old, new)]


def unneeded(setup: Setup, table: tuple[DaemonPart, ...]) -> list[str]:
    """The values that no part needs: a reload would ignore them."""
    return [
        key
        for key, new in changes(setup)
        if not [name for name in needed_by(setup, new, table) if name != EVERYTHING or key == "vehicle.id"]
    ]


def test_ok__every_value_of_the_configuration_is_needed_by_a_part(car: Car) -> None:
    assert len(list(changes(car.setup))) > 25
    assert unneeded(car.setup, TABLE) == []
    assert all(EVERYTHING in needed_by(car.setup, new, TABLE) for _, new in changes(car.setup))


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("vehicle", ["vehicle.input"]),
        ("numbers", ["service.state_dir"]),
        ("log", ["service.log_level"]),
        ("rules", ["profile"]),
        (EVERYTHING, ["vehicle.id"]),
    ],
)
def test_fail__a_value_that_no_part_needs_is_found(car: Car, name: str, keys: list[str]) -> None:
    assert unneeded(car.setup, tuple(part for part in TABLE if part.name != name)) == keys


def test_ok__a_part_that_keeps_something_is_a_field_of_the_daemons_parts(car: Car) -> None:
    names = [part.name for part in TABLE]
    assert set(names) - {"log", "rules"} == {field.name for field in fields(car.daemon.parts)}
    assert len(set(names)) == len(names)


class Opened:
    """A part that notes when it is opened and closed."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log
        log.append(f"open {name}")

    def alert(self, alert: Message) -> None:
        pass

    def level(self, level: Level | None) -> None:
        pass

    def close(self) -> None:
        self.log.append(f"close {self.name}")


def noting(log: list[str], broken: str = "", source: str = "0") -> tuple[DaemonPart, ...]:
    """The table with parts that note it; the part `broken` cannot be opened where the camera is `source`."""

    def build_for(name: str) -> Callable[[Setup], object]:
        def open_part(setup: Setup) -> object:
            if name == broken and setup.config.camera.source == source:
                raise OutputError(f"{name} is broken")
            return Opened(name, log)

        return open_part

    return with_builds(**{name: build_for(name) for name in ("numbers", "source", "vehicle", "button", "outputs")})


def test_ok__the_camera_is_opened_before_other_devices_and_closed_after_them(car: Car) -> None:
    log: list[str] = []
    with open_parts(car.setup, noting(log)):
        assert log == ["open numbers", "open source", "open vehicle", "open button", "open outputs"]
        log.clear()
    assert log == ["close outputs", "close button", "close vehicle", "close source", "close numbers"]


def test_fail__a_start_that_fails_closes_what_it_has_opened(car: Car) -> None:
    log: list[str] = []
    with pytest.raises(OutputError, match="button is broken"), open_parts(car.setup, noting(log, "button")):
        pytest.fail("must not start")
    assert log[3:] == ["close vehicle", "close source", "close numbers"]


def test_ok__a_reload_closes_what_is_in_place_and_the_daemon_closes_what_came_instead(car: Car) -> None:
    log: list[str] = []
    setup = other(car.setup, car.setup.plan)
    with open_parts(setup, noting(log)) as parts:
        car.daemon.parts = parts
        log.clear()
        car.write("camera: {source: demo}\ngpio: {backend: mock}\nvehicle: {input: 'tcp://127.0.0.1:5999'}")
        finish(Reloader(Request(car.file), setup, noting(log)), car.daemon)
        assert log == [
            "open vehicle",
            "close outputs", "close button", "open button", "open outputs",
            "close source", "open source", "close vehicle",
        ]  # fmt: skip
        assert isinstance(parts.outputs, Opened)
        log.clear()
    assert log == ["close outputs", "close button", "close vehicle", "close source", "close numbers"]


def test_fail__a_reload_that_fails_closes_what_it_has_opened_and_opens_what_it_has_closed(car: Car) -> None:
    log: list[str] = []
    setup, table = other(car.setup, car.setup.plan), noting(log, "outputs", "demo")
    with open_parts(setup, table) as parts:
        car.daemon.parts = parts
        before = parts.source, parts.vehicle
        log.clear()
        car.write("camera: {source: demo}\ngpio: {backend: mock}\nvehicle: {input: 'tcp://127.0.0.1:5999'}")
        with pytest.raises(ReloadError, match="outputs is broken"):
            finish(Reloader(Request(car.file), setup, table), car.daemon)
        assert log == [
            "open vehicle",
            "close outputs", "close button", "open button",
            "close outputs", "close button", "open button", "open outputs",
            "close vehicle",
        ]  # fmt: skip
        assert (parts.source, parts.vehicle) == before


def test_ok__another_state_folder_waits_for_the_next_start(car: Car, caplog: pytest.LogCaptureFixture) -> None:
    numbers = car.daemon.parts.numbers
    car.write("service: {state_dir: /var/lib/other}")
    car.reload(car.daemon)
    car.reload(car.daemon)
    assert [record.getMessage() for record in caplog.records] == ["service.state_dir takes effect at the next start"]
    assert car.daemon.parts.numbers is numbers


def test_ok__the_rate_of_state_messages_is_taken(car: Car) -> None:
    car.write("zmq: {state_hz: 4}")
    car.reload(car.daemon)
    assert car.daemon.parts.state_period_s == 0.25


def test_ok__settings_of_a_camera_that_is_waited_for_can_be_changed(car: Car, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(source: str, root: Path) -> int:
        raise AbsentError(f"{source}: no such camera")

    monkeypatch.setattr(open_source, "device_number", absent)
    car.write("camera: {rotate: 180}")
    car.reload(car.daemon)
    assert car.kept[-1].config.camera.rotate == 180
    car.write("camera: {source: '1'}")
    with pytest.raises(ReloadError, match="no such camera"):
        car.reload(car.daemon)


def test_ok__only_what_worked_is_kept_for_the_next_start(car: Car) -> None:
    car.write("vehicle: {id: van-12}")
    car.reload(car.daemon)
    car.write("vehicle: {id: my van}")
    with pytest.raises(ReloadError):
        car.reload(car.daemon)
    assert [plan.config.vehicle.id for plan in car.kept] == ["van-12"]


def test_ok__the_daemon_goes_on_while_a_slow_disk_gives_the_file(car: Car, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, load_plan = threading.Event(), build.load_plan

    def slow(request: Request) -> Plan:
        assert disk.wait(30)
        return load_plan(request)

    monkeypatch.setattr(build, "load_plan", slow)
    car.write("vehicle: {id: van-12}")
    assert all(car.reloader(car.daemon) for _ in range(100)), "it returns at once, and is called again"
    assert car.daemon.parts.provenance.vehicle == "vehicle"
    disk.set()
    car.reload(car.daemon)
    assert car.daemon.parts.provenance.vehicle == "van-12"


def test_ok__models_that_have_not_changed_are_not_loaded_again(car: Car, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: pytest.fail("loaded again"))
    car.write("camera: {source: demo}\nvehicle: {id: van-12}")
    car.reload(car.daemon)
    assert car.daemon.parts.provenance.vehicle == "van-12"


def test_fail__a_bug_in_reading_refuses_the_reload_and_ends_nothing(car: Car, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "load_plan", lambda _: 1 / 0)
    with pytest.raises(ReloadError, match="this is a bug, please report it"):
        car.reload(car.daemon)
