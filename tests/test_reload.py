"""A new configuration for a running daemon: what is wrong is refused whole, what is right disturbs nothing else."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import onnxruntime
import pytest

from driver_monitor.app import build
from driver_monitor.app.build import Plan, Request
from driver_monitor.app.daemon import ReloadError
from driver_monitor.capture import open_source
from driver_monitor.config import resources
from driver_monitor.config.schema import ZmqConfig
from driver_monitor.errors import AbsentError, DriverMonitorError
from driver_monitor.nets import manifest
from tests.reloading import Car, parked


@pytest.fixture
def car(tmp_path: Path) -> Iterator[Car]:
    with parked(tmp_path) as car:
        yield car


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


def test_fail__outputs_that_cannot_be_imported_are_refused_before_the_old_ones_are_closed(
    car: Car, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "driver_monitor.outputs.metrics", None)
    car.write("metrics: {bind: '127.0.0.1:9000'}")
    with pytest.raises(ReloadError, match=r"driver_monitor\.outputs\.metrics"):
        car.reload(car.daemon)
    assert len(car.outs) == 1
    assert not car.outs[0].closed


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
