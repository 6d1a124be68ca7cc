"""The start of a service whose configuration is wrong, and the configuration that is kept for it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.part_table import Setup
from driver_monitor.app.start import Keeper, Start, open_daemon
from driver_monitor.capture.open_source import expected_source
from driver_monitor.config import last_good
from driver_monitor.config.last_good import LastGood
from driver_monitor.errors import DriverMonitorError, OutputError
from tests.reloading import Opened, noting, with_builds

WRONG = {
    "broken YAML": "camera: [",
    "an unknown key": "camera: {sorce: 0}",
    "a value out of range": "camera: {lost_after_s: 9}",
    "no such profile": "profile: nobody",
    "a profile that is missing": "profile: /nowhere/mine.yaml",
    "no models": "models: {folder: /nowhere}",
    "no detector": "face: {detector: /nowhere.onnx}",
    "a clip that is missing": "camera: {source: nowhere.mp4}",
    "not UTF-8": "vehicle: {id: \udcff}",
    "too large": "#" * 70_000,
}


class Service:
    """A service with a configuration file and a state folder."""

    def __init__(self, folder: Path) -> None:
        self.file, self.state = folder / "my.yaml", folder / "state"
        self.opened: list[str] = []

    def write(self, text: str) -> None:
        self.file.write_bytes(text.encode(errors="surrogateescape"))

    def _source(self, setup: Setup) -> Opened:
        expected_source(setup.config.camera.source)
        return Opened("source", self.opened)

    def keep(self) -> None:
        plan = build.load_plan(Request(self.file))
        last_good.save(self.state, LastGood(plan.config, plan.own_text))

    def start(self, broken: str = "", *, terminal: bool = False) -> Start:
        builds = {part.name: part.build for part in noting(self.opened, broken) if part.name != "source"}
        table = with_builds(
            **{name: builds[name] for name in ("numbers", "vehicle", "button", "outputs")},
            source=self._source,
            log=lambda _: None,
        )
        with ExitStack() as opened:
            return open_daemon(Request(self.file), Setup, opened, None if terminal else self.state, table=table)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_ok__a_wrong_file_starts_the_last_good_configuration(
    service: Service, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    service.write("vehicle: {id: van-12}\ncamera: {source: demo}")
    service.keep()
    service.write(text)
    start = service.start()
    assert start.setup.config.vehicle.id == "van-12"
    assert start.fault is not None
    assert start.fault.endswith("; running with the last good configuration")
    assert "\n" not in start.fault
    assert "started with the last good configuration until a reload puts it right" in caplog.text


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_ok__where_nothing_has_worked_yet_a_wrong_file_starts_the_defaults(service: Service, text: str) -> None:
    service.write(text)
    start = service.start()
    assert start.setup.config.camera.source == "0"
    assert start.fault is not None
    assert start.fault.endswith("; running with the default configuration")


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_fail__in_a_terminal_a_wrong_file_is_an_error(service: Service, text: str) -> None:
    service.write("camera: {source: demo}")
    service.keep()
    service.write(text)
    with pytest.raises(DriverMonitorError):
        service.start(terminal=True)


def test_ok__a_missing_file_starts_the_service_too(service: Service) -> None:
    fault = service.start().fault
    assert fault is not None
    assert "my.yaml: cannot read it: No such file" in fault


def test_ok__a_right_file_is_no_fault_and_the_kept_one_is_not_looked_at(service: Service) -> None:
    service.write("vehicle: {id: van-12}\ncamera: {source: demo}")
    service.state.mkdir()
    (service.state / last_good.FILE).write_text("rubbish")
    assert service.start().fault is None


DAMAGED = [
    *("", "{", "[1]", '"text"', "null", "[" * 100_000, '{"schema": 2}'),
    '{"schema": 1, "config": {"a": 1}}',
    '{"schema": 1, "config": {"camera": 1}, "profile_text": ""}',
    '{"schema": 1, "config": {}, "profile_text": "rules: 5"}',
]


@pytest.mark.parametrize("text", DAMAGED)
def test_fail__a_kept_configuration_that_is_damaged_is_named_and_the_defaults_are_taken(
    service: Service, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    service.write("camera: {sorce: 0}")
    service.state.mkdir()
    (service.state / last_good.FILE).write_text(text)
    fault = service.start().fault
    assert fault is not None
    assert fault.endswith("; running with the default configuration")
    assert last_good.FILE in caplog.text


def test_ok__what_was_kept_but_works_no_more_is_passed_over(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    clip = service.file.with_name("trip.mp4")
    clip.write_bytes(b"x")
    service.write(f"camera: {{source: {clip}}}")
    service.keep()
    clip.unlink()
    fault = service.start().fault
    assert fault is not None
    assert fault.endswith("; running with the default configuration")
    assert f"the last good configuration: {clip}: no such file" in caplog.text


def test_fail__an_output_that_worked_before_ends_the_start_because_the_next_may_work(service: Service) -> None:
    service.write("")
    service.keep()
    with pytest.raises(OutputError, match="outputs is broken"):
        service.start("outputs")
    assert service.opened[-1].startswith("close ")


def test_ok__an_output_that_the_new_file_breaks_starts_the_last_good_configuration(service: Service) -> None:
    service.write("camera: {source: demo}")
    service.keep()
    service.write("zmq: {bind: 'ipc:///nowhere/alerts.sock'}")
    fault = service.start("outputs").fault
    assert fault is not None
    assert fault.startswith("outputs is broken; running with the last good")


@pytest.mark.parametrize("kept", [None, "profile: default", "profile: quiet\nemotion: {enabled: true}"])
def test_ok__no_expression_is_read_with_another_configuration_than_the_files(
    service: Service, kept: str | None
) -> None:
    if kept is not None:
        service.write(kept)
        service.keep()
    service.write("profile: fleet\nemotion: {safety_purpose: short}")
    start = service.start()
    assert not start.setup.config.emotion.enabled
    assert start.setup.models.expression is None


def test_ok__a_kept_workplace_stays_a_workplace(service: Service) -> None:
    service.write("profile: fleet\nemotion: {safety_purpose: distress ends a shift early}")
    service.keep()
    service.write("profile: fleet\nemotion: {safety_purpose: 5}")
    plan = service.start().setup.plan
    assert plan.profile.workplace
    assert plan.privacy.active


def test_ok__what_is_kept_holds_the_profiles_text_and_needs_its_file_no_more(service: Service) -> None:
    mine = service.file.with_name("mine.yaml")
    rule = "{id: mine, when: {signal: eyes.closed_s, at_least: 1.5}, clear: {signal: eyes.closed_s, at_most: 0.0}, "
    mine.write_text(f"name: mine\nextends: quiet\nrules:\n  - {rule}level: info, message: Mine, clause: ours}}\n")
    service.write(f"profile: {mine}\ncamera: {{source: demo, rotate: 90}}\nservice: {{state_dir: /var/lib/other}}")
    service.keep()
    before = build.load_plan(Request(service.file))
    mine.write_text("name: mine\nrules: 5")
    start = service.start()
    assert start.setup.plan.profile == before.profile
    assert start.setup.plan.profile_text == before.profile_text
    assert start.setup.config.camera == before.config.camera


def test_ok__the_file_is_written_as_a_whole_for_the_group_only_and_not_without_need(service: Service) -> None:
    umask = os.umask(0)
    try:
        service.write("")
        service.keep()
    finally:
        os.umask(umask)
    path = service.state / last_good.FILE
    first = path.stat()
    assert stat.S_IMODE(first.st_mode) == 0o600
    service.keep()
    assert path.stat().st_ino == first.st_ino
    (service.state / f"{last_good.FILE}.new").write_text("from a power cut")
    service.write("vehicle: {id: van-12}")
    service.keep()
    assert path.stat().st_ino != first.st_ino
    assert [found.name for found in service.state.iterdir()] == [last_good.FILE]


IN_ITS_PLACE: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "loop": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("placed", IN_ITS_PLACE)
def test_fail__what_lies_in_its_place_delays_no_start(service: Service, placed: str) -> None:
    service.state.mkdir(parents=True, exist_ok=True)
    IN_ITS_PLACE[placed](service.state / last_good.FILE)
    service.write("vehicle: {id: my van}")
    assert "running with the default configuration" in str(service.start().fault)
    if placed != "folder":
        service.write("vehicle: {id: van-12}")
        service.keep()
        service.write("vehicle: {id: my van}")
        assert service.start().setup.config.vehicle.id == "van-12", "the next good one takes its place"


def test_fail__a_disk_that_cannot_keep_it_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    keeper = Keeper(tmp_path / "file" / "state")
    for _ in range(3):
        keeper.keep(build.load_plan(Request()))
        keeper._worker.flush(5)
    keeper.close()
    assert caplog.text.count("the last good configuration cannot be kept: Not a directory") == 1
