"""What systemd hears, over real datagram sockets; and whether it accepts our unit."""

from __future__ import annotations

import os
import re
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver_monitor.app.process.systemd import Notifier
from driver_monitor.config.addresses import SERVICE_BIND, publish_address
from driver_monitor.config.schema import ZmqConfig
from driver_monitor.outputs.zmtp.server import MAX_SUBSCRIBERS

UNITS = Path(__file__).parent.parent / "systemd"
UNIT = UNITS / "driver-monitor.service"
COLLECTOR = UNITS / "driver-monitor-collector.service"
DROP_INS = sorted(path.name for path in UNITS.glob("*.conf"))
COMBINED = [[], *([name] for name in DROP_INS), [name for name in DROP_INS if name != "jetson.conf"], DROP_INS]
MOST, MOST_ON_A_JETSON = 2.0, 3.0
"""The unit's highest rating by `systemd-analyze security` (0 is best, 10 is worst). On a Jetson no device is closed."""


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """Whatever systemd listens on: a path, or an abstract socket as in containers."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@driver-monitor-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name[1:] if name.startswith("@") else name)
        listener.settimeout(5)
        yield listener, name


def test_ok__the_life_of_a_service_as_systemd_hears_it(manager: tuple[socket.socket, str]) -> None:
    listener, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    assert notifier.ready("watching /dev/video0")
    assert listener.recv(4096) == b"READY=1\nSTATUS=watching /dev/video0"
    assert notifier.watchdog()
    assert listener.recv(4096) == b"WATCHDOG=1"
    assert notifier.status("two\nlines  become one")
    assert listener.recv(4096) == b"STATUS=two lines become one"
    assert notifier.reloading()
    assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", listener.recv(4096))
    assert notifier.stopping()
    assert listener.recv(4096) == b"STOPPING=1"


def test_ok__without_systemd_nothing_happens() -> None:
    notifier = Notifier({})
    assert not notifier.ready()
    assert not notifier.watchdog()


def test_fail__a_systemd_that_does_not_listen_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    assert not notifier.ready()
    assert not notifier.watchdog()
    assert caplog.text.count("systemd does not listen at") == 1


@pytest.mark.parametrize("text", ["bad \udcff", "\ud800", "nul \0", "x" * 200_000, "\u2028 line", ""], ids=ascii)
def test_ok__no_text_ends_anything(manager: tuple[socket.socket, str], text: str) -> None:
    listener, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.status(text)
    assert notifier.watchdog()
    received = b""
    while received != b"WATCHDOG=1":
        received = listener.recv(400_000)


def test_fail__a_full_queue_ends_and_delays_nothing(manager: tuple[socket.socket, str]) -> None:
    listener, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    sent = 0
    while notifier.watchdog():
        sent += 1
    assert not notifier.watchdog()
    for _ in range(sent):
        listener.recv(4096)
    assert notifier.watchdog(), "and goes on when systemd reads again"


def test_ok__a_socket_that_vanished_and_came_back_is_found(tmp_path: Path) -> None:
    name = tmp_path / "notify"
    notifier = Notifier({"NOTIFY_SOCKET": str(name)})
    for _ in range(2):
        assert not notifier.watchdog()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(name))
            assert notifier.watchdog()
            assert listener.recv(4096) == b"WATCHDOG=1"
        name.unlink()


def test_ok__one_socket_serves_all_messages_even_without_a_free_descriptor(manager: tuple[socket.socket, str]) -> None:
    _, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    before = len(list(Path("/proc/self/fd").iterdir()))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        assert notifier.watchdog()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    "address", ["@", "/" + "x" * 200, "nowhere/relative", "vsock:2:5", "\udcff", "a\0b"], ids=ascii
)
def test_fail__an_address_that_cannot_be_used_ends_nothing(address: str, caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": address})
    assert not notifier.ready("text")
    assert not notifier.stopping()
    assert caplog.text.count("systemd does not listen at") == 1


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed: the unit is not checked")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)


def installed_copy(folder: Path, unit: Path = UNIT) -> Path:
    """A copy of a unit that points at the program in the environment the tests run in."""
    binaries = Path(sys.executable).parent
    if not (binaries / "driver-monitor").exists():
        pytest.skip(f"no driver-monitor beside {sys.executable}: the unit is not checked")
    copy = folder / unit.name
    copy.write_text(unit.read_text().replace("/opt/driver-monitor/bin", str(binaries)))
    return copy


def with_drop_ins(unit: Path, drop_ins: list[str]) -> Path:
    """Put the drop-ins beside a copy of the unit, where systemd looks for them."""
    folder = unit.with_name("driver-monitor.service.d")
    folder.mkdir()
    for name in drop_ins:
        shutil.copy(UNITS / name, folder)
    return unit


@pytest.mark.parametrize("drop_ins", COMBINED, ids=" ".join)
def test_ok__systemd_accepts_the_unit_and_its_drop_ins(tmp_path: Path, drop_ins: list[str]) -> None:
    copy = with_drop_ins(installed_copy(tmp_path), drop_ins)
    checked = analyze("verify", "--man=no", str(copy))
    assert checked.returncode == 0, checked.stderr
    ours = [line for line in checked.stderr.splitlines() if "driver-monitor" in line or str(tmp_path) in line]
    assert not ours, "a directive that systemd does not know is only a warning there"


@pytest.mark.parametrize("drop_ins", COMBINED, ids=" ".join)
def test_ok__the_unit_is_rated_under_two_with_each_drop_in_and_under_three_on_a_jetson(
    tmp_path: Path, drop_ins: list[str]
) -> None:
    shutil.copy(UNIT, tmp_path)
    copy = with_drop_ins(tmp_path / UNIT.name, drop_ins)
    checked = analyze("security", "--offline=yes", "--no-pager", str(copy))
    if "unrecognized option" in checked.stderr:
        pytest.skip("this systemd-analyze cannot rate a file (needs systemd 250)")
    found = re.search(r"Overall exposure level .*: (\d+\.\d+)", checked.stdout)
    assert found, checked.stderr
    assert float(found[1]) < (MOST_ON_A_JETSON if "jetson.conf" in drop_ins else MOST)


def test_ok__systemd_accepts_the_collector_and_rates_it_under_two(tmp_path: Path) -> None:
    copy = installed_copy(tmp_path, COLLECTOR)
    checked = analyze("verify", "--man=no", str(copy))
    assert (checked.returncode, checked.stderr) == (0, "")
    rated = analyze("security", "--offline=yes", "--no-pager", str(copy))
    if "unrecognized option" in rated.stderr:
        pytest.skip("this systemd-analyze cannot rate a file (needs systemd 250)")
    found = re.search(r"Overall exposure level .*: (\d+\.\d+)", rated.stdout)
    assert found, rated.stderr
    assert float(found[1]) < MOST


def test_ok__the_rating_sees_the_drop_ins(tmp_path: Path) -> None:
    shutil.copy(UNIT, tmp_path)
    checked = analyze("security", "--offline=yes", "--no-pager", str(with_drop_ins(tmp_path / UNIT.name, DROP_INS)))
    if "unrecognized option" in checked.stderr:
        pytest.skip("this systemd-analyze cannot rate a file (needs systemd 250)")
    assert "Service may allocate exotic sockets" in checked.stdout, "can.conf allows AF_CAN"


@pytest.mark.parametrize("name", DROP_INS)
def test_ok__the_readme_names_each_drop_in_and_says_what_it_is_for(name: str) -> None:
    assert re.search(rf"^\| `{re.escape(name)}` \| drop-in for ", (UNITS / "README.md").read_text(), re.MULTILINE)
    assert f"driver-monitor.service.d/{name}" in (UNITS / name).read_text().splitlines()[0]


def test_ok__the_drop_in_for_sound_allows_the_sound_cards_and_nothing_else() -> None:
    lines = [line for line in (UNITS / "sound.conf").read_text().splitlines() if not line.startswith("#")]
    assert lines == ["[Service]", "DeviceAllow=char-alsa rw", "SupplementaryGroups=audio"]
    assert "char-alsa" not in UNIT.read_text(), "the drop-in is not needed any more"


def directives(name: str) -> list[str]:
    return [line for line in UNIT.read_text().splitlines() if line.startswith(f"{name}=")]


def test_ok__the_unit_keeps_its_promises() -> None:
    text = UNIT.read_text()
    for promised in (
        "Type=notify",
        "WatchdogSec=10",
        "Restart=always",
        "KillMode=mixed",
        "ExecReload=/opt/driver-monitor/bin/python -m driver_monitor.app.process.ask_reload $MAINPID",
        "RuntimeDirectory=driver-monitor",
        "StartLimitIntervalSec=0",
        "User=driver-monitor",
        "SupplementaryGroups=video gpio",
        "DevicePolicy=closed",
        "Environment=LG_WD=%t/driver-monitor",
        "LimitNOFILE=1024",
        "RuntimeDirectory=driver-monitor",
        "RuntimeDirectoryMode=0750",
        "IPAddressDeny=any",
        "IPAddressAllow=localhost",
    ):
        assert promised in text.splitlines()
    assert not directives("After"), "a car has no network when it starts"
    assert not directives("Wants")
    assert not directives("Requires")


def families(text: str) -> set[str]:
    """The address families that a unit or a drop-in allows."""
    lines = [line.strip() for line in text.splitlines()]
    (allowed,) = [line for line in lines if line.startswith("RestrictAddressFamilies=")]
    return set(allowed.partition("=")[2].split())


def test_ok__the_drop_in_for_can_allows_all_that_the_unit_allows_and_can() -> None:
    drop_in = (UNITS / "can.conf").read_text()
    assert families(drop_in) == families(UNIT.read_text()) | {"AF_CAN"}
    assert "AF_CAN" not in UNIT.read_text(), "the drop-in is not needed any more"


def test_ok__the_guide_names_each_drop_in_and_no_other() -> None:
    guide = (UNITS.parent / "docs" / "install.md").read_text()
    section = guide.split("\n### Drop-ins\n")[1].split("\n## ")[0]
    drop_ins = {path.name for path in UNITS.glob("*.conf")}
    assert set(re.findall(r"`([a-z]+\.conf)`", section)) == drop_ins
    assert all(f"`{name}`" in (UNITS / "README.md").read_text() for name in drop_ins)


def test_ok__the_service_publishes_in_its_runtime_directory_where_watch_looks() -> None:
    (folder,) = (line.partition("=")[2] for line in directives("RuntimeDirectory"))
    (limit,) = (int(line.partition("=")[2]) for line in directives("LimitNOFILE"))
    assert publish_address(ZmqConfig().bind, {"RUNTIME_DIRECTORY": f"/run/{folder}"}) == SERVICE_BIND
    assert limit >= 4 * MAX_SUBSCRIBERS


def test_ok__the_unit_points_at_nothing_that_no_step_installs() -> None:
    steps = (UNITS / "README.md").read_text()
    for line in directives("Documentation"):
        assert line.removeprefix("Documentation=file://") in steps


def make_users(root: Path, *arguments: str) -> str:
    """Run systemd-sysusers in a root with a system's own groups and our file, and return what it says."""
    program = shutil.which("systemd-sysusers")
    if program is None:
        pytest.skip("systemd-sysusers is not installed: the user is not checked")
    for folder in ("etc/sysusers.d", "usr/lib/sysusers.d"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "usr/lib/sysusers.d/basic.conf").write_text("g tty 5 -\ng video 44 -\ng users 100 -\n")
    shutil.copy(UNITS / "driver-monitor.sysusers", root / "etc/sysusers.d/driver-monitor.conf")
    made = subprocess.run([program, f"--root={root}", *arguments], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout + made.stderr


def test_ok__the_user_and_the_groups_that_the_unit_names_are_made(tmp_path: Path) -> None:
    make_users(tmp_path)
    groups = {line.split(":")[0] for line in (tmp_path / "etc" / "group").read_text().splitlines()}
    assert {"driver-monitor", "video", "gpio"} <= groups
    assert "driver-monitor:" in (tmp_path / "etc" / "passwd").read_text()


@pytest.mark.parametrize("arguments", [[], ["driver-monitor.conf"]], ids=["at boot", "at installation"])
def test_ok__systemd_sysusers_warns_of_nothing(tmp_path: Path, arguments: list[str]) -> None:
    said = make_users(tmp_path, *arguments).splitlines()
    assert [line for line in said if not line.startswith("Creating ")] == []
    assert make_users(tmp_path, *arguments) == "", "the second time there is nothing to do"


def test_ok__each_group_of_the_unit_is_ours_or_of_every_system() -> None:
    ours = re.findall(r"(?m)^[gu] (\S+)", (UNITS / "driver-monitor.sysusers").read_text())
    (line,) = directives("SupplementaryGroups")
    assert set(line.partition("=")[2].split()) <= {*ours, "video"}
    assert "video" not in ours, "systemd's own file has it with a number: a second line is a conflict"
