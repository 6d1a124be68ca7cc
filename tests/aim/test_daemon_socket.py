"""Both ends of the socket between the daemon and `aim`: real sockets, restarts of either, and other users."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from driver_monitor.aim.daemon_socket import GONE, OTHER_VERSION, DaemonSocket
from driver_monitor.aim.live import STALE_S, Live
from driver_monitor.app.pictures.link import LinkSetting, PictureLink
from driver_monitor.config.addresses import AIM_SOCKET_NAME, SERVICE_FOLDER, runtime_folder
from driver_monitor.errors import OutputError
from driver_monitor.imaging.frame import Frame
from tests.aim.test_link import until
from tests.aim.test_live import Clock
from tests.installer.seen import face, watching
from tests.processes import PATIENCE_S

FRAME = Frame(np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8), 0.0, 0, "camera 0")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driver_monitor.app.pictures.link.LOOK_S", 0.01)
    monkeypatch.setattr("driver_monitor.app.pictures.link.COMMAND_S", 0.005)
    monkeypatch.setattr("driver_monitor.aim.daemon_socket.RENEW_S", 0.02)


@pytest.fixture
def live() -> Live:
    return Live(Clock())


@pytest.fixture
def end(tmp_path: Path, live: Live) -> Iterator[DaemonSocket]:
    with closing(DaemonSocket(live, [tmp_path])) as end:
        yield end


def link(folder: Path) -> closing[PictureLink]:
    return closing(PictureLink(LinkSetting(folder)))


def test_ok__what_the_daemon_sees_is_shown(tmp_path: Path, live: Live, end: DaemonSocket) -> None:
    with link(tmp_path) as daemon:
        until(lambda: daemon.connected and end.connected)
        daemon.put(FRAME, watching(face()), "ok", "camera 0")
        until(lambda: live.newest()[1])
        assert live.newest()[0]["source"] == "camera 0"


def test_ok__the_daemon_is_asked_for_the_buzzer(tmp_path: Path, end: DaemonSocket) -> None:
    assert not end.beep()
    with link(tmp_path) as daemon:
        until(lambda: end.connected and daemon.connected)
        assert end.beep()
        until(daemon.take_beep)
    until(lambda: not end.beep())


def test_ok__a_daemon_that_stops_is_told_and_one_that_starts_goes_on(
    tmp_path: Path, live: Live, end: DaemonSocket
) -> None:
    with link(tmp_path):
        until(lambda: end.connected)
    until(lambda: live.waiting == GONE)
    with link(tmp_path) as daemon:
        until(lambda: end.connected and daemon.connected)
        daemon.put(FRAME, watching(face()), "ok", "camera 0")
        until(lambda: live.newest()[1])


def test_ok__systemd_removes_the_folder_and_makes_it_anew(tmp_path: Path, live: Live) -> None:
    folder = tmp_path / "run"
    with closing(DaemonSocket(live, [folder])) as end:
        for _ in range(2):
            folder.mkdir()
            with link(folder):
                until(lambda: end.connected)
            until(lambda: not end.connected)
            (folder / AIM_SOCKET_NAME).unlink()
            folder.rmdir()
        assert end.failure is None


def test_ok__nothing_is_left_at_the_end(tmp_path: Path, live: Live) -> None:
    with closing(DaemonSocket(live, [tmp_path])):
        assert [path.name for path in tmp_path.iterdir()] == [AIM_SOCKET_NAME]
    assert list(tmp_path.iterdir()) == []


def test_fail__a_second_page_is_refused_and_does_not_take_the_socket_away(
    tmp_path: Path, live: Live, end: DaemonSocket
) -> None:
    with pytest.raises(OutputError, match="another `driver-monitor aim` runs"):
        DaemonSocket(live, [tmp_path])
    with link(tmp_path):
        until(lambda: end.connected)


def test_ok__the_socket_of_a_page_that_was_killed_is_replaced(tmp_path: Path, live: Live) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / AIM_SOCKET_NAME))
    with closing(DaemonSocket(live, [tmp_path])) as end, link(tmp_path):
        until(lambda: end.connected)


def test_fail__a_link_in_its_place_is_removed_and_its_target_is_not_touched(tmp_path: Path, live: Live) -> None:
    (tmp_path / "secret").write_text("mine")
    (tmp_path / AIM_SOCKET_NAME).symlink_to(tmp_path / "secret")
    with closing(DaemonSocket(live, [tmp_path])):
        assert (tmp_path / AIM_SOCKET_NAME).is_socket()
    assert (tmp_path / "secret").read_text() == "mine"


def test_fail__another_user_is_not_listened_to(
    tmp_path: Path, live: Live, end: DaemonSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driver_monitor.aim.daemon_socket.peer_uid", lambda _: 4711)
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(tmp_path / AIM_SOCKET_NAME))
        stranger.settimeout(30)
        assert stranger.recv(1) == b""
    assert not end.seen


AS_NOBODY = """
import os, sys, time
from pathlib import Path
from driver_monitor.app.pictures.link import LinkSetting, PictureLink
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
link = PictureLink(LinkSetting(Path(sys.argv[1])))
for _ in range(int(sys.argv[2])):
    if link.connected:
        break
    time.sleep(0.01)
time.sleep(0.2)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a daemon of another user")
@pytest.mark.parametrize(("owner", "looks", "connected"), [(65534, 3000, True), (1, 100, False)])
def test_ok__the_daemon_of_another_user_reaches_the_page_of_root_if_the_folder_is_its_own(
    live: Live, owner: int, looks: int, connected: bool
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        os.chown(folder, owner, 65534)
        folder.chmod(0o750)
        with closing(DaemonSocket(live, [folder])) as end:
            program = [sys.executable, "-c", AS_NOBODY, name, str(looks)]
            subprocess.run(program, capture_output=True, check=True, timeout=PATIENCE_S)
            assert end.seen == connected


def test_fail__a_daemon_of_another_version_is_told_in_words(tmp_path: Path, live: Live, end: DaemonSocket) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(str(tmp_path / AIM_SOCKET_NAME))
        other.sendall(b"\x00\x00\x00\x02\x00\x00\x00\x00{}")
        until(lambda: live.waiting == OTHER_VERSION)
    assert end.failure is None
    assert live.newest()[0]["headline"]["words"] == OTHER_VERSION


def test_ok__the_folder_is_that_of_the_unit_or_of_the_user(tmp_path: Path) -> None:
    assert runtime_folder({"RUNTIME_DIRECTORY": "/run/driver-monitor:/run/x"}) == SERVICE_FOLDER
    assert runtime_folder({"XDG_RUNTIME_DIR": "/run/user/1000"}) == Path("/run/user/1000/driver-monitor")
    assert runtime_folder({}) is None


def test_ok__the_picture_of_a_daemon_that_hangs_goes(tmp_path: Path) -> None:
    clock = Clock()
    live = Live(clock)
    with closing(DaemonSocket(live, [tmp_path])), link(tmp_path) as daemon:
        until(lambda: daemon.connected)
        daemon.put(FRAME, watching(face()), "ok", "camera 0")
        until(lambda: live.newest()[1])
        clock.now += STALE_S + 1
        message, picture = live.newest()
        assert picture is None
        assert "sends no picture" in message["headline"]["words"]
