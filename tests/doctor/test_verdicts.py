"""Verdicts on facts that no test can make real: other processors, other Pythons, parts that break in use. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, get_args

import pytest

from driver_monitor.data.observation import CameraState, Light, Observation
from driver_monitor.doctor.verdicts import picture
from driver_monitor.doctor.verdicts.computer import HeatFacts, judge_clock, judge_heat
from driver_monitor.doctor.verdicts.faults import BUG, CHECKS, FAULTS, HANGS
from driver_monitor.doctor.verdicts.finding import Finding
from driver_monitor.doctor.verdicts.permissions import DeviceFacts, PermissionFacts, judge_permissions
from driver_monitor.doctor.verdicts.picture import judge_camera_of_daemon, judge_scene, judge_scene_of_daemon
from driver_monitor.doctor.verdicts.pins import PinFacts, judge_pins_of_daemon
from driver_monitor.doctor.verdicts.program import PackageFacts, judge_packages, split
from driver_monitor.doctor.verdicts.running import DaemonFacts, ServiceFacts, judge_daemon, judge_service
from driver_monitor.doctor.verdicts.speed import SpeedFacts, judge_speed, judge_speed_of_daemon
from driver_monitor.doctor.verdicts.vehicle import CanFacts, VehicleFacts, judge_vehicle
from tests.doctor import test_faults, test_uplink

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=timezone.utc)
RUNS = ServiceFacts(active="active", sub="running", enabled="enabled")


def names(findings: Iterable[Finding]) -> list[str | None]:
    return [finding.fault for finding in findings]


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        (PackageFacts((3, 9, 2), 64, "x86_64"), "packages.python"),
        (PackageFacts((3, 11, 2), 32, "armv7l"), "packages.bits"),
        (PackageFacts((3, 11, 2), 64, "aarch64", {}, "onnxruntime", None, "SIGILL"), "packages.processor"),
        (PackageFacts((3, 11, 2), 64, "aarch64", {}, "onnxruntime", "ImportError: no"), "packages.broken"),
    ],
)
def test_fail__another_python_or_processor(facts: PackageFacts, fault: str) -> None:
    (finding,) = judge_packages(facts)
    assert finding.fault == fault
    assert finding.remedy


def test_ok__a_service_that_was_started_again_is_told_and_its_silence_is_told_by_another_check() -> None:
    again = ServiceFacts(active="active", sub="running", enabled="enabled", restarts=3)
    assert names(judge_service(again)) == ["service.restarted"]
    assert names(judge_service(RUNS)) == [None]
    assert names(judge_daemon(DaemonFacts("tcp://127.0.0.1:5556"), RUNS)) == ["daemon.silent"]


def test_ok__a_user_who_may_not_ask_the_service_is_told_how() -> None:
    (finding,) = judge_daemon(DaemonFacts("ipc://x", closed="use sudo"), RUNS)
    assert (finding.state, finding.found) == ("not_checked", "use sudo")


@pytest.mark.parametrize(("group", "mode", "faults"), [
    ("video", 0o660, []), ("video", 0o640, ["permissions.service"]), ("root", 0o660, ["permissions.service"]),
    ("root", 0o666, []), ("gpio", 0o620, ["permissions.service"]),
])  # fmt: skip
def test_ok__the_service_has_its_own_groups(group: str, mode: int, faults: list[str]) -> None:
    device = DeviceFacts("/dev/video0", "root", group, mode, openable=True)
    found = names(judge_permissions(PermissionFacts("root", root=True, devices=[device], service=True)))
    assert [name for name in found if name] == faults


@pytest.mark.parametrize(
    ("facts", "faults"),
    [
        (HeatFacts(None), []),
        (HeatFacts(60.0, 80.0, False, False, False), []),
        (HeatFacts(79.9, 80.0), []),
        (HeatFacts(80.0, 80.0), ["heat.hot"]),
        (HeatFacts(90.0), []),
        (HeatFacts(85.0, 80.0, slowed=True), ["heat.throttled"]),
        (HeatFacts(50.0, 80.0, False, True, True), ["heat.voltage"]),
        (HeatFacts(50.0, 80.0, True, True, True), ["heat.voltage"]),
        (HeatFacts(85.0, 80.0, True, False, True), ["heat.throttled", "heat.voltage_before"]),
    ],
)
def test_ok__heat_and_voltage(facts: HeatFacts, faults: list[str]) -> None:
    assert [name for name in names(judge_heat(facts)) if name] == faults


@pytest.mark.parametrize(
    ("year", "fault"), [(1970, "clock.year"), (2024, "clock.year"), (2025, None), (2150, "clock.year")]
)
def test_ok__the_year(year: int, fault: str | None) -> None:
    assert names(judge_clock(NOON.replace(year=year), synchronised=True)) == [fault]


@pytest.mark.parametrize(
    ("loop_ms", "fault"),
    [(5.0, None), (29.9, None), (30.1, "speed.slow"), (199.0, "speed.slow"), (201.0, "speed.too_slow")],
)
def test_ok__the_time_of_a_frame_against_thirty_frames_a_second(loop_ms: float, fault: str | None) -> None:
    (finding,) = judge_speed(SpeedFacts(30.0, loop_ms, 60, {"eyes": 1.0}))
    assert finding.fault == fault
    assert finding.values["share"] == pytest.approx(loop_ms * 0.03, abs=1e-3)


def test_fail__a_net_that_cannot_be_run() -> None:
    (finding,) = judge_speed(SpeedFacts(30.0, fault="eyes.onnx: the model failed to run; reinstall driver-monitor"))
    assert (finding.fault, finding.remedy) == ("speed.failed", "reinstall driver-monitor")


def test_fail__a_car_bus_without_its_package() -> None:
    facts = VehicleFacts([CanFacts("vehicle.input", "can0", there=True, up=True)], package=False)
    assert names(judge_vehicle(facts)) == ["vehicle.no_package"]


def test_ok__no_picture_is_nothing_to_judge() -> None:
    (finding,) = judge_scene([])
    assert finding.state == "not_checked"


def test_ok__a_blown_out_picture_without_a_face_is_told_and_an_empty_seat_is_no_fault() -> None:
    def seen(light: Light) -> list[Observation]:
        return [Observation(number / 10, "ok", light, None, None, face_reason="not_found") for number in range(20)]

    assert names(judge_scene(seen("glare"))) == ["light.poor"]
    (finding,) = judge_scene(seen("day"))
    assert finding.state == "not_checked"


def test_ok__each_state_of_a_camera_is_known() -> None:
    known = {"ok", "lost", *picture.BLIND, *picture.POOR}
    assert set(get_args(CameraState)) <= known


JUNK: tuple[Any, ...] = (
    *(None, "x", [], 7, float("nan"), float("inf"), 10**400),
    *({"state": []}, {"state": {}, "fps": "many"}, {"state": 3, "fps": True}, {"fps": float("nan"), "median": 1e300}),
)


@pytest.mark.parametrize("junk", JUNK)
def test_ok__a_status_that_makes_no_sense_is_never_an_error(junk: Any) -> None:
    """Another program may publish there: what it sends is data, not truth."""
    all_keys = ("camera", "outputs", "light", "latency_ms", "face", "uptime_s", "rotate_to", "active")
    for status in ({"camera": junk}, dict.fromkeys(all_keys, junk)):
        judged = [
            *judge_camera_of_daemon(status, 30.0),
            *judge_scene_of_daemon(status),
            *judge_speed_of_daemon(status),
            *judge_pins_of_daemon(status, PinFacts("auto", expected=True), beep=False),
            *judge_daemon(DaemonFacts("x", status), RUNS),
        ]
        assert len(judged) == 5


def test_fail__a_daemon_on_a_computer_without_pins_is_not_said_to_have_set_them() -> None:
    none_set = {"outputs": {"gpio_faults": 0}}
    (found,) = judge_pins_of_daemon(none_set, PinFacts("auto", expected=False), beep=False)
    assert (found.state, found.fault) == ("warning", "pins.none")
    (found,) = judge_pins_of_daemon(none_set, PinFacts("auto", expected=False, sound=True), beep=False)
    assert found.state == "not_checked"
    assert "no buzzer and no LED" in found.found
    (found,) = judge_pins_of_daemon(none_set, PinFacts("auto", expected=True), beep=False)
    assert found.state == "ok"


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("no such camera; check its cable", ("no such camera", "check its cable")),
        ("no such camera", ("no such camera", "ours")),
        ("one; two; three", ("one", "two; three")),
    ],
)
def test_ok__the_advice_of_a_message_stands_after_its_first_semicolon(line: str, parts: tuple[str, str]) -> None:
    assert split(line, "ours") == parts


def test_ok__every_fault_of_the_table_has_a_story() -> None:
    told = {story.fault for story in test_faults.STORIES.values()} | {one[1] for one in test_faults.OF_DAEMON.values()}
    for page in (test_faults.__file__, test_uplink.__file__, __file__):
        text = Path(page).read_text()
        told |= {name for name in FAULTS if f'"{name}"' in text}
    assert set(FAULTS) - {f"{check}.{one}" for check in CHECKS for one in ("hangs", "bug")} <= told
    assert FAULTS["camera.hangs"] == HANGS
    assert FAULTS["disk.bug"] == BUG
