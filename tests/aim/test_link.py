"""The daemon's end of the socket: it sends pictures only while `aim` listens, and never makes the main loop wait."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from driver_monitor.app.pictures.link import BEEP, LinkSetting, PictureLink
from driver_monitor.config.addresses import AIM_SOCKET_NAME
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.sighting import Sighting, SightingReader
from tests.installer.seen import face, nobody, watching
from tests.processes import PATIENCE_S

SEEN = watching(face())
PICTURE = np.random.default_rng(1).integers(0, 255, (960, 1280, 3), np.uint8)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driver_monitor.app.pictures.link.LOOK_S", 0.01)
    monkeypatch.setattr("driver_monitor.app.pictures.link.COMMAND_S", 0.002)


def frame() -> Frame:
    return Frame(PICTURE, 0.0, 0, "camera 0")


def until(reached: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


@contextmanager
def listening(folder: Path) -> Iterator[socket.socket]:
    """`aim`'s end of the socket."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / AIM_SOCKET_NAME))
        listener.listen(1)
        listener.settimeout(PATIENCE_S)
        yield listener
    (folder / AIM_SOCKET_NAME).unlink(missing_ok=True)


@contextmanager
def linked(setting: LinkSetting) -> Iterator[tuple[PictureLink, socket.socket]]:
    """A link and the connection that it made. Its clock goes on by a second at each look: no picture is too early."""
    assert setting.folder is not None
    seconds = count()
    with (
        listening(setting.folder) as listener,
        closing(PictureLink(setting, clock=lambda: float(next(seconds)))) as link,
    ):
        connection, _ = listener.accept()
        connection.settimeout(PATIENCE_S)
        with connection:
            until(lambda: link.connected)
            yield link, connection


def received(connection: socket.socket) -> Sighting:
    reader = SightingReader()
    while True:
        data = connection.recv(65536)
        assert data, "the link closed the connection"
        for sighting in reader.feed(data):
            return sighting


def test_ok__a_picture_arrives_small_with_what_is_seen(tmp_path: Path) -> None:
    with linked(LinkSetting(tmp_path, "right")) as (link, connection):
        link.put(frame(), SEEN, "ok", "camera 0")
        got = received(connection)
        assert (got.size, got.source, got.driver_side) == ((1280, 960), "camera 0", "right")
        assert got.jpeg is not None
        assert got.jpeg.startswith(b"\xff\xd8")
        assert got.seen.face is not None
        link.put(None, nobody("no_frame", "lost"), "ok", "camera 0")
        lost = received(connection)
        assert (lost.jpeg, lost.seen.camera, lost.size) == (None, "lost", (1280, 960))


def test_ok__without_aim_nothing_is_kept_or_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(PictureLink(LinkSetting(tmp_path))) as link:
        monkeypatch.setattr("driver_monitor.app.pictures.link.jpeg", lambda _: pytest.fail("nobody looks"))
        link.put(frame(), SEEN, "ok", "camera 0")
        assert not link.connected
        assert not link.take_beep()


def test_ok__a_daemon_without_a_runtime_folder_has_no_thread_for_it() -> None:
    before = threading.active_count()
    with closing(PictureLink(LinkSetting(None))) as link:
        link.put(frame(), SEEN, "ok", "camera 0")
        assert threading.active_count() == before


def test_ok__the_installer_asks_for_the_buzzer_once_for_each_press(tmp_path: Path) -> None:
    with linked(LinkSetting(tmp_path)) as (link, connection):
        assert not link.take_beep()
        connection.sendall(BEEP)
        until(link.take_beep)
        assert not link.take_beep()


def test_ok__a_reader_that_hangs_costs_the_main_loop_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driver_monitor.app.pictures.link.SEND_S", 0.2)
    with linked(LinkSetting(tmp_path)) as (link, _):
        slowest = 0.0
        while link.connected:
            began = time.thread_time()
            link.put(frame(), SEEN, "ok", "camera 0")
            slowest = max(slowest, time.thread_time() - began)
        assert slowest < 0.005


def test_ok__at_most_eight_pictures_a_second_are_taken(tmp_path: Path) -> None:
    clock = [0.0]
    with listening(tmp_path) as listener, closing(PictureLink(LinkSetting(tmp_path), clock=lambda: clock[0])) as link:
        connection, _ = listener.accept()
        with connection:
            until(lambda: link.connected)
            taken = 0
            for clock[0] in np.arange(0.0, 2.0, 1 / 30):
                link.put(frame(), SEEN, "ok", "camera 0")
                taken += link._slot is not None
                link._slot = None
            assert taken <= 16


def test_ok__the_link_comes_again_after_aim_has_ended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(PictureLink(LinkSetting(tmp_path))) as link:
        for _ in range(2):
            with listening(tmp_path) as listener:
                connection, _ = listener.accept()
                until(lambda: link.connected)
                (tmp_path / AIM_SOCKET_NAME).unlink()
                connection.close()
                until(lambda: not link.connected)
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert sum("are being shown" in line for line in lines) == 2
    assert sum("no picture is shown any more" in line for line in lines) == 2


def test_ok__while_pictures_are_shown_the_journal_says_so_each_minute(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with linked(LinkSetting(tmp_path)):  # each look at its clock is a second later
        until(lambda: "still being shown" in caplog.text)


@pytest.mark.parametrize(
    ("own", "root_only", "shown"), [(True, False, True), (False, False, False), (True, True, False)]
)
def test_ok__only_root_and_outside_workplaces_the_daemons_user_may_see_pictures(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    own: bool,
    root_only: bool,
    shown: bool,
) -> None:
    monkeypatch.setattr("driver_monitor.app.pictures.link.peer_uid", lambda _: 4711)
    setting = LinkSetting(tmp_path, root_only=root_only)
    with listening(tmp_path) as listener, closing(PictureLink(setting, own_uid=4711 if own else 4712)) as link:
        for _ in range(1 if shown else 3):
            listener.accept()[0].close()
    assert ("are being shown" in caplog.text) == shown
    assert caplog.text.count("asks for pictures and gets none") == (0 if shown else 1)
    assert link.failure is None


def test_ok__the_user_at_the_other_end_is_the_one_who_listens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with linked(LinkSetting(tmp_path)):
        pass
    assert f"user id {os.geteuid()}" in caplog.text


def test_ok__light_that_is_measured_seldom_is_in_each_picture(tmp_path: Path) -> None:
    with linked(LinkSetting(tmp_path)) as (link, connection):
        link.put(frame(), SEEN, "ok", "camera 0")
        received(connection)
        link.put(frame(), replace(SEEN, t=0.5, face_light=None), "ok", "camera 0")
        assert received(connection).seen.face_light == SEEN.face_light
