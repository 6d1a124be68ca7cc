"""The daemon's end of the socket to `driver-monitor aim`: sends pictures with what is seen, and takes "beep".

The socket exists only while `aim` runs, so its absence costs one failed call a second. The main loop only puts the
newest frame into a slot: shrinking, encoding and sending happen in the thread, and a slow reader misses pictures.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from driver_monitor.app.pictures.peer import peer_uid
from driver_monitor.config.addresses import AIM_SOCKET_NAME
from driver_monitor.data.observation import Observation
from driver_monitor.imaging.frame import Frame
from driver_monitor.imaging.jpeg import jpeg
from driver_monitor.messages.sighting import FaceLightKeeper, Sighting, encode
from driver_monitor.threads.worker import Worker
from driver_monitor.timing.periodic import PeriodicTimer

log = logging.getLogger(__name__)

PICTURES_HZ = 8.0
"""Pictures a second. Enough to aim a camera by, and a tenth of the encoding of a full rate. Ours."""
LOOK_S = 1.0
"""Seconds between two looks for the socket."""
COMMAND_S = 0.1
"""Longest time until a command is read, seconds."""
SEND_S = 2.0
"""Longest time for sending one picture, seconds. Then the reader hangs, and the connection is closed."""
CLOSE_S = 0.3
"""Longest wait at the end for the thread: the daemon stops within 2 s."""
REMIND_S = 60.0
"""Seconds between two lines of the journal while pictures are shown."""
BEEP = b"beep\n"
ROOT = 0


@dataclass(frozen=True, slots=True)
class LinkSetting:
    """What the link needs of the configuration. `folder`: the daemon's runtime folder; None: there is no link.

    `driver_side`: `camera.driver_side`. `root_only`: the settings are locked, or the driver is at work: only root may
    see pictures.
    """

    folder: Path | None
    driver_side: str = "auto"
    root_only: bool = False


class PictureLink:
    """Connects to `aim.sock` in the runtime folder while it is there. `own_uid`: the user of this daemon.

    The listener must be root or, unless `root_only`, the daemon's own user. `clock`: returns monotonic seconds.
    """

    def __init__(
        self, setting: LinkSetting, own_uid: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.connected = False
        self._setting, self._clock = setting, clock
        uid = os.geteuid() if own_uid is None else own_uid
        self._allowed = {ROOT} if setting.root_only else {ROOT, uid}
        self._lights, self._rate = FaceLightKeeper(), PeriodicTimer(1.0 / PICTURES_HZ)
        self._slot: tuple[Frame | None, Observation, str, str] | None = None
        self._size = (1, 1)
        self._beep = False
        self._refused: int | None = None
        self._worker = Worker("aim", self._work)
        if setting.folder is not None:
            self._worker.start()

    @property
    def failure(self) -> str | None:
        """Why the thread failed, else None. Monitoring continues without it."""
        return self._worker.failure

    def put(self, frame: Frame | None, seen: Observation, camera: str, source: str) -> None:
        """Offer a frame with what is seen in it. Never waits. `frame` None: a moment without a picture.

        `camera`: the state of the camera, judged over time. `source`: its name, without a password.
        """
        if not self.connected:
            return
        seen = self._lights.fill(seen)
        if self._rate.due(self._clock()):
            self._slot = (frame, seen, camera, source)
            self._worker.wake()

    def take_beep(self) -> bool:
        """Return whether the installer has asked for the buzzer since the last call."""
        asked, self._beep = self._beep, False
        return asked

    def close(self) -> None:
        """End the thread and the connection."""
        self._worker.close(CLOSE_S)

    def _work(self) -> None:
        while not self._worker.closing:
            connection = self._connect()
            if connection is None:
                self._worker.wait(LOOK_S)
                continue
            with connection:
                self._show_until_closed(connection)

    def _connect(self) -> socket.socket | None:
        """Return a connection to an `aim` that may see pictures. None: there is none."""
        assert self._setting.folder is not None
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(SEND_S)
        try:
            connection.connect(str(self._setting.folder / AIM_SOCKET_NAME))
            uid = peer_uid(connection)
        except OSError:
            connection.close()
            return None
        if uid in self._allowed:
            log.warning("aim: pictures of the camera are being shown to the installer (user id %d)", uid)
            self._refused = None
            return connection
        if uid != self._refused:
            users = "root" if self._setting.root_only else "root and the daemon's own user"
            log.warning("aim: user id %d asks for pictures and gets none: only %s may see them", uid, users)
        self._refused = uid
        connection.close()
        return None

    def _show_until_closed(self, connection: socket.socket) -> None:
        reminder = PeriodicTimer(REMIND_S)
        reminder.due(self._clock())
        self._slot, self.connected = None, True
        try:
            while not self._worker.closing and self._read_commands(connection):
                if reminder.due(self._clock()):
                    log.warning("aim: pictures of the camera are still being shown to the installer")
                self._send_newest(connection)
                self._worker.wait(COMMAND_S)
        except OSError:
            pass  # `aim` has ended or hangs
        finally:
            self.connected = False
            log.warning("aim: no picture is shown any more")

    def _read_commands(self, connection: socket.socket) -> bool:
        """Read what `aim` asks for. Returns False if it has closed the connection."""
        connection.settimeout(0.0)
        try:
            data = connection.recv(256)
        except BlockingIOError:
            return True
        finally:
            connection.settimeout(SEND_S)
        self._beep = self._beep or BEEP in data
        return bool(data)

    def _send_newest(self, connection: socket.socket) -> None:
        newest, self._slot = self._slot, None
        if newest is None:
            return
        frame, seen, camera, source = newest
        if frame is not None:
            self._size = frame.grey.shape[1], frame.grey.shape[0]
        picture = None if frame is None else jpeg(frame)
        sighting = Sighting(seen, self._size, picture, source, self._setting.driver_side, camera)
        connection.sendall(encode(sighting))
