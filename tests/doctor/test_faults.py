"""Each fault alone: `doctor` names it and its remedy, and nothing else."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import zmq

from driver_monitor.capture.fake import FakeCamera
from driver_monitor.capture.open_source import open_camera
from driver_monitor.config import resources
from driver_monitor.config.schema import CameraConfig, ZmqConfig
from driver_monitor.doctor import examine as examining
from driver_monitor.doctor.gather.machine import User
from driver_monitor.doctor.report import last_line
from driver_monitor.doctor.verdicts.faults import CHECKS, FAULTS
from driver_monitor.doctor.verdicts.finding import Finding
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Image
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from tests.doctor.cars import Car, full_disk, noise, pictures, troubles

State = dict[str, str]


class Story(NamedTuple):
    """`breaks`: breaks one thing in a good car. `fault`: what must be found. `remedy`: words of what to do."""

    breaks: Callable[[Car], object]
    fault: str
    remedy: str


def set_up(**changes: Any) -> Callable[[Car], None]:
    """Return what sets fields of a car."""

    def change(car: Car) -> None:
        for name, value in changes.items():
            setattr(car, name, value)

    return change


def service(**state: str) -> Callable[[Car], None]:
    return set_up(service={"LoadState": "loaded", "ActiveState": "inactive", **state})


def models_with(change: Callable[[Path], object]) -> Callable[[Car], None]:
    def copy(car: Car) -> None:
        folder = car.root / "models"
        shutil.copytree(resources.path("models"), folder)
        change(folder)
        car.config["models"] = {"folder": str(folder)}

    return copy


def one_wrong_byte(folder: Path) -> None:
    data = bytearray((folder / "eyes.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "eyes.onnx").write_bytes(data)


def without_objects(folder: Path) -> None:
    (folder / "objects.onnx").unlink()
    (folder / "manifest.yaml").unlink()


def absent_camera(car: Car) -> None:
    (car.root / "dev/video0").unlink()
    car.config["camera"] = {"source": "/dev/video63"}
    car.camera = lambda config: open_camera(config, config.source, real_time=True)


def camera_in_use(car: Car) -> None:
    def busy(_: CameraConfig) -> Any:
        raise SourceError("camera 0: /dev/video0 gives no pictures: it is in use by another program; stop it")

    car.camera = busy


def read_only_disk(car: Car) -> None:
    car.machine["statvfs"] = lambda path: full_disk(path, f_flag=os.ST_RDONLY)


def small_disk(free: int) -> Callable[[Car], None]:
    def change(car: Car) -> None:
        car.machine["statvfs"] = lambda path: full_disk(path, f_bavail=free // os.statvfs(path).f_frsize)

    return change


def state_folder_is_a_file(car: Car) -> None:
    car.write("somewhere", "text")
    car.config["service"] = {"state_dir": "/somewhere/state"}


def worn_flash(car: Car) -> None:
    device = car.state.stat().st_dev
    car.write("sys/devices/mmcblk0/mmcblk0p2/uevent", "")
    car.write("sys/dev/block/dummy", "")
    (car.root / f"sys/dev/block/{os.major(device)}:{os.minor(device)}").symlink_to("../../devices/mmcblk0/mmcblk0p2")
    car.write("sys/block/mmcblk0/device/type", "MMC\n")
    car.write("sys/block/mmcblk0/device/pre_eol_info", "0x03\n")


def nobody_opens(_: CameraConfig) -> Any:
    raise AssertionError("it is not this user's, or the running daemon has it")


def no_group(car: Car, groups: set[str] | None = None, listed: set[str] | None = None) -> None:
    user = User("installer", root=False, groups=groups or set(), listed=listed or set())
    car.machine |= {"user": lambda: user, "openable": lambda path: path.name != "video0"}
    group(car, "video0", "video")
    car.camera = nobody_opens


def no_group_for_pins(car: Car) -> None:
    user = User("installer", root=False, groups={"video"}, listed={"video"})
    car.machine |= {"user": lambda: user, "openable": lambda path: path.name != "gpiochip0"}
    (car.root / "dev/gpiochip0").chmod(0o600)
    car.pins = Wires("can not open gpiochip")


def not_logged_in_again(car: Car) -> None:
    no_group(car, listed={"video"})


def group(car: Car, device: str, name: str) -> None:
    shutil.chown(car.root / "dev" / device, group=name)
    (car.root / "dev" / device).chmod(0o660)


def pins_of_root(car: Car) -> None:
    service(ActiveState="inactive")(car)
    car.service = {**(car.service or {}), "ActiveState": "activating"}
    (car.root / "dev/gpiochip0").chmod(0o600)


def no_service_user(car: Car) -> None:
    service(ActiveState="activating")(car)
    car.machine["has_user"] = lambda _: False


class Wires:
    """A pin factory whose pins cannot be had."""

    def __init__(self, error: str) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(self.error)


def no_sound_card(car: Car) -> None:
    car.config["outputs"] = {"sound": "plughw:1,0"}
    car.program("aplay", 'echo "aplay: main:831: audio open error: No such file or directory" >&2; exit 1')


def hanging_sound_card(car: Car) -> None:
    car.config["outputs"] = {"sound": "plughw:1,0"}
    car.program("aplay", "exec sleep 60")
    car.machine["stopped"] = ImpatientEvent()


class ImpatientEvent(threading.Event):
    """Is never set, and waits a tenth of the time."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait((timeout or 0.0) / 10.0)


def clock_of_1970(car: Car) -> None:
    car.machine["wall"] = lambda: 3600.0


def clock_that_nobody_set(car: Car) -> None:
    (car.root / "run/systemd/timesync/synchronized").unlink()
    car.program("timedatectl", "echo no")


def hot(car: Car) -> None:
    car.write("sys/class/thermal/thermal_zone1/temp", "84500\n")


def low_voltage_of_another_kernel(car: Car) -> None:
    (car.root / "bin/vcgencmd").unlink()
    car.write("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    car.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")


def can(flags: str | None, config: dict[str, Any]) -> Callable[[Car], None]:
    def change(car: Car) -> None:
        car.config |= config
        if flags is not None:
            car.write("sys/class/net/can0/flags", flags)

    return change


def silent_sender(car: Car) -> None:
    car.config["vehicle"] = {"input": f"ipc://{car.root}/speed.sock"}


def locked(owner: int, mode: int) -> Callable[[Car], None]:
    def change(car: Car) -> None:
        car.configure()
        text = "locked: true\n" + car.file.read_text()
        path = car.write("etc/driver-monitor/config.yaml", text)
        car.text = text
        os.chown(path, owner, 0)
        path.chmod(mode)
        path.parent.chmod(0o755)
        car.machine |= {}

    return change


def far_too_slow(car: Car) -> None:
    """Every look at the clock takes 33 ms, also that after a picture of the camera."""
    car.clock.per_call, car.fps = 0.033, 1e6


def brighter(factor: float, offset: float) -> Callable[[int], Image]:
    """Return grey pictures of the demo that are over-exposed."""

    def image(number: int) -> Image:
        grey = pictures()[number % 40].mean(axis=2) * factor + offset
        return np.asarray(np.clip(grey, 0, 255), np.uint8)

    return image


def frozen(car: Car) -> None:
    car.image = lambda _: pictures()[0]
    car.machine["watch_s"] = 1.0


def upside_down(car: Car) -> None:
    car.image = lambda number: np.ascontiguousarray(pictures()[number % 40][::-1, ::-1])
    car.machine["watch_s"] = 6.0


STORIES = {
    "an unknown key": Story(set_up(config={"camera": {"sauce": 1}}), "configuration.wrong", "check its spelling"),
    "a file that is no yaml": Story(set_up(text="camera: [\n"), "configuration.wrong", "config check"),
    "a lock that others can open": Story(locked(0, 0o666), "configuration.lock_open", "chmod 644"),
    "a lock that belongs to a user": Story(locked(1234, 0o644), "configuration.lock_open", "chown root:root"),
    "a recording as camera": Story(
        lambda car: car.config.update(camera={"source": "demo"}), "configuration.recording", "driver-monitor cameras"
    ),
    "a service that has failed": Story(
        service(ActiveState="failed", SubState="failed", Result="exit-code"), "service.failed", "journalctl"
    ),
    "a service that is killed again and again": Story(
        service(ActiveState="activating", SubState="auto-restart", Result="signal", NRestarts="7"),
        "service.restarting",
        "journalctl",
    ),
    "a service that nobody started": Story(service(SubState="dead"), "service.stopped", "systemctl start"),
    "a service that does not start by itself": Story(
        service(ActiveState="activating", UnitFileState="disabled"), "service.disabled", "systemctl enable"
    ),
    "a unit that cannot be read": Story(service(LoadState="bad-setting"), "service.unit", "daemon-reload"),
    "a model with one wrong byte": Story(models_with(one_wrong_byte), "models.wrong", "reinstall driver-monitor"),
    "a missing model": Story(
        models_with(lambda folder: (folder / "landmarks.onnx").unlink()), "models.wrong", "reinstall driver-monitor"
    ),
    "a folder of models from before the objects net": Story(
        models_with(without_objects), "models.no_objects", "copy it from the models"
    ),
    "no camera": Story(absent_camera, "camera.absent", "driver-monitor cameras"),
    "a camera in use": Story(camera_in_use, "camera.no_pictures", "stop it"),
    "a camera that breaks off": Story(set_up(faults={9: "lost"}), "camera.no_pictures", "check its cable"),
    "a stream that ends at once": Story(
        lambda car: setattr(car, "camera", lambda _: FakeCamera([pictures()[0]])), "camera.ended", "its sender"
    ),
    "a slow camera": Story(set_up(fps=12.0), "camera.slow", "light the scene"),
    "a camera of three pictures a second": Story(set_up(fps=3.0), "camera.too_slow", "another camera"),
    "a cable that damages pictures": Story(set_up(damaged=4), "camera.damaged", "better cable"),
    "a dark car": Story(set_up(image=noise(8.0, 3.0)), "light.bad", "switch the"),
    "a covered lens": Story(set_up(image=noise(90.0, 2.0)), "light.bad", "take the cover off"),
    "a face in the sun": Story(set_up(image=brighter(2.2, 40.0)), "light.bad", "shade"),
    "a frozen picture": Story(frozen, "light.bad", "unplug the camera"),
    "a camera that hangs upside down": Story(upside_down, "light.bad", "camera.rotate to 180"),
    "a slow computer": Story(lambda car: setattr(car.clock, "per_call", 0.004), "speed.slow", "camera.fps"),
    "a computer that is far too slow": Story(far_too_slow, "speed.too_slow", "a Raspberry Pi 4 or better"),
    "a pin that another program has": Story(set_up(pins=Wires("GPIO busy")), "pins.busy", "stop the other program"),
    "pins without lgpio": Story(set_up(pins=None), "pins.cannot_open", "lgpio"),
    "nothing that warns": Story(set_up(config={"gpio": {"backend": "off"}}), "pins.none", "outputs.sound: auto"),
    "a buzzer on no pin": Story(
        set_up(config={"gpio": {"buzzer_pin": None, "led_pin": None}}), "pins.none", "connect a buzzer"
    ),
    "a loudspeaker that does not play": Story(no_sound_card, "sound.cannot_play", "aplay -l"),
    "a loudspeaker that hangs": Story(hanging_sound_card, "sound.cannot_play", "check the sound card"),
    "a clock of 1970": Story(clock_of_1970, "clock.year", "battery clock"),
    "a clock that nobody set": Story(clock_that_nobody_set, "clock.unsynchronised", "set-ntp true"),
    "a hot computer": Story(hot, "heat.hot", "ventilate"),
    "a computer that slows down": Story(
        lambda car: car.program("vcgencmd", "echo throttled=0x4"), "heat.throttled", "ventilate"
    ),
    "a weak power supply": Story(
        lambda car: car.program("vcgencmd", "echo throttled=0x50001"), "heat.voltage", "power supply"
    ),
    "a power supply that was weak": Story(
        lambda car: car.program("vcgencmd", "echo throttled=0x50000"), "heat.voltage_before", "power supply"
    ),
    "a weak power supply without vcgencmd": Story(low_voltage_of_another_kernel, "heat.voltage", "power supply"),
    "a disk that is mounted read-only": Story(read_only_disk, "disk.read_only", "exchange it"),
    "a full disk": Story(small_disk(0), "disk.full", "vacuum-size"),
    "a nearly full disk": Story(small_disk(50_000_000), "disk.low", "vacuum-size"),
    "a state folder that is a file": Story(state_folder_is_a_file, "disk.not_writable", "service.state_dir"),
    "worn flash memory": Story(worn_flash, "disk.worn", "exchange the memory"),
    "a user outside the group video": Story(no_group, "permissions.device", "usermod -aG video"),
    "a user outside the group of the pins": Story(no_group_for_pins, "permissions.device", "usermod -aG"),
    "a user who did not log in again": Story(not_logged_in_again, "permissions.log_in", "log out and in"),
    "pins that only root may open": Story(pins_of_root, "permissions.service", "driver-monitor.rules"),
    "no user for the service": Story(no_service_user, "permissions.user", "systemd-sysusers"),
    "no CAN adapter": Story(can(None, {"vehicle": {"input": "can:can0"}}), "vehicle.no_interface", "CAN adapter"),
    "a CAN bus that is down": Story(can("0x80", {"outputs": {"vehicle": "can:can0"}}), "vehicle.down", "ip link set"),
    "a speed that nobody sends": Story(silent_sender, "vehicle.silent", "publishes at"),
}


@pytest.mark.parametrize("name", STORIES)
def test_fail__one_fault_is_named_with_its_remedy_and_nothing_else(name: str, car: Car) -> None:
    story = STORIES[name]
    story.breaks(car)
    findings = car.examine()
    assert troubles(findings) == [story.fault], findings
    found = next(finding for finding in findings if finding.fault == story.fault)
    assert found.remedy is not None
    assert story.remedy in found.remedy
    assert examining.can_work(findings) == (FAULTS[story.fault].state == "warning")


def test_ok__a_good_car_has_no_fault(car: Car) -> None:
    findings = car.examine()
    assert troubles(findings) == []
    assert examining.can_work(findings)
    assert list(dict.fromkeys(finding.check for finding in findings)) == list(CHECKS)
    skipped = {finding.check for finding in findings if finding.state == "not_checked"}
    assert skipped == {"service", "vehicle", "sound", "uplink"}, "not installed, or not configured"


def state_of(findings: list[Finding], check: str) -> str:
    (finding,) = (finding for finding in findings if finding.check == check)
    return finding.state


def test_fail__a_package_that_is_broken_is_named_and_nothing_behind_it_is_judged(
    car: Car, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real process imports a real package, which raises an error."""
    (tmp_path / "site/onnxruntime").mkdir(parents=True)
    (tmp_path / "site/onnxruntime/__init__.py").write_text("raise ImportError('libgomp.so.1: no such file')\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    car.imports = True
    findings = car.examine()
    assert troubles(findings) == ["packages.broken"]
    assert "onnxruntime" in findings[0].found
    assert "libgomp" in findings[0].found
    assert "install driver-monitor again" in str(findings[0].remedy)
    assert state_of(findings, "clock") == state_of(findings, "heat") == "ok"
    assert {state_of(findings, check) for check in ("models", "camera", "speed", "pins", "disk")} == {"not_checked"}


def test_fail__a_package_that_the_processor_cannot_run(
    car: Car, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies of the signal that a wrong instruction raises."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/cv2.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    car.imports = True
    findings = car.examine()
    assert troubles(findings) == ["packages.processor"]
    assert "cv2 ends the program (SIGILL)" in findings[0].found
    assert "64-bit" in str(findings[0].remedy)


@contextmanager
def publishing(car: Car, **changes: Any) -> Iterator[None]:
    """A real publisher at the car's address with the status of a good daemon, and `changes`."""
    camera = {"source": "camera 0", "state": "ok", "fps": 29.9, "keeps_up": True, "drop_share": 0.0}
    status: dict[str, Any] = {"uptime_s": 12.3, "face": True, "light": "infrared", "config_fault": None}
    status |= {"outputs": {"gpio_faults": 0, "vehicle_silences": 0}, "latency_ms": {"median": 21.0, "max": 40.0}}
    status |= {"versions": {"config": car.digest()}, "rotate_to": None, "camera": camera | changes.pop("camera", {})}
    with closing(ZmqPublisher(ZmqConfig(bind=f"tcp://127.0.0.1:{car.port}"))) as publisher:
        publisher.status(status | changes)
        yield


OF_DAEMON: dict[str, tuple[dict[str, Any], str, str]] = {
    "a lost camera": (
        {"camera": {"state": "lost", "fault": "camera 0: gone; plug it in"}, "light": "dark", "face": False},
        "camera.lost",
        "plug it in",
    ),
    "a lost camera without a reason": ({"camera": {"state": "lost"}}, "camera.lost", "check its cable"),
    "a camera of 9 pictures a second": ({"camera": {"fps": 9.0}}, "camera.slow", "light the scene"),
    "a covered lens": ({"camera": {"state": "covered"}}, "light.bad", "take the cover off"),
    "a camera that was pushed aside": ({"camera": {"state": "turned_away"}}, "light.bad", "turn it back"),
    "a dirty lens": ({"camera": {"state": "out_of_focus"}}, "light.poor", "clean the lens"),
    "a loose arm": ({"camera": {"state": "vibrating"}}, "light.poor", "fix the camera"),
    "a dark car": ({"light": "dark", "face": False}, "light.bad", "infrared lamp"),
    "glare": ({"light": "glare"}, "light.poor", "shining into the lens"),
    "a turned picture": ({"rotate_to": 180, "face": False}, "light.bad", "camera.rotate: 180"),
    "dropped pictures": ({"camera": {"keeps_up": False, "drop_share": 0.4, "fps": 18.0}}, "speed.drops", "camera.fps"),
    "far too few pictures": (
        {"camera": {"keeps_up": False, "drop_share": 0.9, "fps": 3.0}},
        "speed.too_slow",
        "stop other programs",
    ),
    "a loudspeaker that fails": ({"outputs": {"sound_faults": 2}}, "sound.faults", "check the sound card"),
    "keys that cannot be used": ({"outputs": {"curve_closed": 1}}, "daemon.keys", "sudo driver-monitor keys list"),
    "a hot board": ({"board": {"step": 2}, "camera": {"fps": 15.0}}, "heat.given_up", "ventilate"),
    "a supply that was weak a moment ago": ({"board": {"under_voltage": True}}, "heat.voltage", "power supply"),
    "a pin that cannot be set": ({"outputs": {"gpio_faults": 3}}, "pins.faults", "check the wiring"),
    "the last good configuration": ({"config_fault": "my.yaml:3: wrong"}, "configuration.not_in_use", "reload"),
    "a file that was changed": ({"versions": {"config": "0" * 16}}, "configuration.other", "reload"),
}


@pytest.mark.parametrize("name", OF_DAEMON)
def test_fail__a_running_daemon_tells_its_fault_and_nothing_is_opened(name: str, car: Car) -> None:
    changes, fault, remedy = OF_DAEMON[name]
    car.config["outputs"] = {"sound": "auto"}
    car.camera = nobody_opens
    with publishing(car, **changes):
        findings = car.examine()
    assert troubles(findings) == [fault], findings
    assert remedy in str(next(finding.remedy for finding in findings if finding.fault == fault))


def test_ok__a_running_daemon_is_asked_for_camera_light_speed_and_pins(car: Car) -> None:
    car.camera = nobody_opens
    car.service = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running"}
    car.config["outputs"] = {"sound": "auto"}
    with publishing(car):
        findings = car.examine(beep=True)
    assert troubles(findings) == []
    assert state_of(findings, "pins") == "not_checked", "it has the pins"
    assert {state_of(findings, check) for check in ("daemon", "camera", "light", "speed", "service", "sound")} == {"ok"}


def test_fail__a_port_that_another_program_has(car: Car) -> None:
    with socket.create_server(("127.0.0.1", car.port)):
        findings = car.examine()
    assert troubles(findings) == ["daemon.taken"]


def test_fail__a_port_where_something_else_speaks_zeromq(car: Car) -> None:
    with zmq.Context() as context, context.socket(zmq.PUB) as other:
        other.bind(f"tcp://127.0.0.1:{car.port}")
        assert troubles(car.examine()) == ["daemon.taken"]


@pytest.mark.parametrize("bind", ["ipc:///nonexistent/alerts.sock", "ipc:///proc/version"])
def test_fail__an_address_that_cannot_be_bound(bind: str, car: Car) -> None:
    car.config["zmq"] = {"bind": bind}
    assert troubles(car.examine()) == ["daemon.cannot_bind"]


def test_fail__a_service_that_runs_but_is_silent_and_keeps_its_camera(car: Car) -> None:
    car.service = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running"}
    car.camera = nobody_opens
    findings = car.examine()
    assert troubles(findings) == ["daemon.silent"]
    assert not examining.can_work(findings)
    assert {state_of(findings, check) for check in ("camera", "light", "speed", "pins")} == {"not_checked"}


def test_fail__what_a_user_may_not_ask_is_not_known_to_be_good(car: Car) -> None:
    """The service runs and publishes nothing: there is no fault, and no answer."""
    car.service = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running"}
    car.config["zmq"] = {"enabled": False}
    car.camera = nobody_opens
    findings = car.examine()
    assert troubles(findings) == []
    assert not examining.can_work(findings)
    assert last_line(findings) == "Not known whether the daemon can do its job here. Not checked: camera."


def test_fail__a_check_that_hangs_is_left_behind(car: Car, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hang(_: CameraConfig) -> Any:
        release.wait(60.0)
        raise SourceError("too late")

    car.camera = hang
    car.config["gpio"] = {"infrared_pin": 22}
    monkeypatch.setitem(examining.LIMITS_S, "camera", 0.2)
    try:
        findings = car.examine()
        assert car.pins.pin(22).state == 0, "the lamp is off though its camera hangs"
    finally:
        release.set()
    assert troubles(findings) == ["camera.hangs"]
    assert state_of(findings, "speed") == "ok"
    assert state_of(findings, "light") == "not_checked"


def test_fail__a_check_that_fails_itself_is_a_line_and_the_others_go_on(car: Car) -> None:
    def broken(_: Path) -> Any:
        raise ZeroDivisionError("of a test")

    car.machine["statvfs"] = broken
    findings = car.examine()
    assert troubles(findings) == ["disk.bug"]
    assert "ZeroDivisionError: of a test" in next(one.found for one in findings if one.check == "disk")


def test_fail__a_really_full_disk(car: Car) -> None:
    """A file system in memory without room; only root may mount one."""
    place = car.root / "state"
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system can be mounted by root only, and not in every container")
    try:
        (place / "filling").write_bytes(bytes(64 * 1024))
        findings = car.examine()
    finally:
        subprocess.run(["umount", str(place)], check=True)
    assert troubles(findings) == ["disk.full"]


def test_ok__a_recording_has_its_own_rate(car: Car) -> None:
    car.config["camera"] = {"source": "demo"}
    car.fps, car.live = 12.0, False
    findings = car.examine()
    assert troubles(findings) == ["configuration.recording"]


@pytest.mark.parametrize(
    "script",
    [
        "echo 'System has not been booted with systemd as init system (PID 1).'; exit 1",
        "echo 'Running in chroot, ignoring command show'",
        "exit 127",
        "echo nonsense",
    ],
)
def test_ok__without_systemd_the_service_is_not_checked(script: str, car: Car) -> None:
    car.program("systemctl", script)
    findings = car.examine()
    assert troubles(findings) == []
    assert state_of(findings, "service") == "not_checked"


def test_ok__a_user_beside_the_service_is_told_to_use_sudo(car: Car) -> None:
    """The service may open the camera, this user may not: the service is stopped, and nothing else is wrong."""
    car.service = {"LoadState": "loaded", "ActiveState": "inactive"}
    no_group(car)
    findings = car.examine()
    assert troubles(findings) == ["service.stopped"]
    assert state_of(findings, "camera") == "not_checked"
    assert not examining.can_work(findings)


def test_ok__the_infrared_lamp_is_on_while_the_camera_is_watched_and_off_afterwards(car: Car) -> None:
    car.config["gpio"] = {"infrared_pin": 22}
    levels: list[int] = []
    picture = car.image

    def image(number: int) -> Image:
        levels.append(car.pins.pin(22).state)
        return picture(number)

    car.image = image
    assert troubles(car.examine()) == []
    assert set(levels) == {1}
    assert car.pins.pin(22).state == 0


def test_fail__a_lamp_whose_pin_cannot_be_had_is_told_once(car: Car) -> None:
    car.config["gpio"] = {"infrared_pin": 22}
    car.pins = Wires("GPIO busy")
    assert troubles(car.examine()) == ["pins.busy"]


def test_ok__chips_of_a_pc_without_a_header_are_of_no_interest(car: Car) -> None:
    car.write("proc/device-tree/model", "")
    car.config["gpio"] = {"backend": "auto"}
    car.pins = None
    (car.root / "dev/gpiochip0").chmod(0o600)
    car.service = {"LoadState": "loaded", "ActiveState": "activating"}
    findings = car.examine()
    assert troubles(findings) == ["pins.none"], (
        "the chips are right, but without a loudspeaker nothing warns the driver"
    )


def test_fail__a_csi_camera_whose_memory_only_root_may_use(car: Car) -> None:
    car.config["camera"] = {"source": "rpicam"}
    car.write("dev/media0", "").chmod(0o666)
    car.write("dev/dma_heap/linux,cma", "").chmod(0o600)
    car.service = {"LoadState": "loaded", "ActiveState": "activating"}
    assert troubles(car.examine()) == ["permissions.service"]


def test_fail__several_faults_are_all_told(car: Car) -> None:
    clock_of_1970(car)
    hot(car)
    small_disk(0)(car)
    car.fps = 3.0
    assert troubles(car.examine()) == ["camera.too_slow", "clock.year", "heat.hot", "disk.full"]


def test_ok__a_loudspeaker_in_place_of_a_buzzer_is_no_fault_and_the_test_plays_a_chime(car: Car) -> None:
    car.config |= {"outputs": {"sound": "plughw:1,0"}, "gpio": {"backend": "off"}}
    car.program("aplay", f'echo "$@" >> {car.root}/played')
    assert troubles(car.examine()) == []
    assert troubles(car.examine(beep=True)) == []
    first, second = (car.root / "played").read_text().splitlines()
    assert first.endswith("silence.wav")
    assert second.endswith("distraction-warning.wav")


def test_ok__the_buzzer_test_switches_both_pins_on_and_leaves_them_low(car: Car) -> None:
    found = next(finding for finding in car.examine(beep=True) if finding.check == "pins")
    assert found.state == "ok"
    assert "Did you hear" in found.found
    for number in (17, 27):
        assert car.pins.pin(number).state == 0
