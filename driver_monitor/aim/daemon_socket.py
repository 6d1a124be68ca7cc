"""The socket to a running daemon: exists only while `aim` runs, takes its pictures, and asks for the buzzer.

systemd removes the runtime folder of a service that stops, with the socket in it, and makes the folder anew at the
next start. So the socket is made anew, too, as soon as the folder is there.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from driver_monitor.aim.live import Live
from driver_monitor.app.pictures.link import BEEP
from driver_monitor.app.pictures.peer import peer_uid
from driver_monitor.config.addresses import AIM_SOCKET_NAME
from driver_monitor.errors import OutputError
from driver_monitor.messages.sighting import SightingReader
from driver_monitor.threads.worker import Worker

log = logging.getLogger(__name__)

ROOT = 0
RENEW_S = 0.5
"""Seconds between two looks whether the sockets are still there. The daemon looks for them once a second."""
PIECE = 256 * 1024
"""Most bytes that are read at once."""
GONE = (
    "driver-monitor has stopped, so there is no picture. This page goes on by itself when it runs again: "
    "systemctl start driver-monitor"
)
SILENT = "driver-monitor runs, but sends no picture. Look into its journal: journalctl -u driver-monitor"
OTHER_VERSION = "The running driver-monitor is of another version. Restart it: systemctl restart driver-monitor"


class DaemonSocket:
    """Listens at `aim.sock` in each of `folders` that exists, and shows in `live` what a daemon sends.

    Who may connect: root, the own user, and the user who owns the folder, which is that of the daemon. `connected`:
    whether a daemon sends. `seen`: whether one ever did. Raises `OutputError` if another `aim` runs.
    """

    def __init__(self, live: Live, folders: Sequence[Path]) -> None:
        self.connected = self.seen = False
        self._live, self._folders = live, folders
        self._listeners: dict[Path, tuple[socket.socket, int]] = {}
        self._connection: socket.socket | None = None
        self._worker = Worker("daemon", self._work)
        self._renew()
        self._worker.start()

    @property
    def failure(self) -> str | None:
        """Why the thread failed, else None."""
        return self._worker.failure

    def beep(self) -> bool:
        """Ask the daemon for the buzzer. Returns False if there is no daemon."""
        connection = self._connection
        try:
            if connection is not None:
                connection.sendall(BEEP)
        except OSError:
            return False
        return connection is not None

    def close(self) -> None:
        """End the connection and remove the sockets."""
        self._worker.close()
        for path, (listener, inode) in self._listeners.items():
            listener.close()
            if _inode(path) == inode:
                with suppress(OSError):
                    path.unlink()

    def _work(self) -> None:
        renewed = time.monotonic()
        while not self._worker.closing:
            if time.monotonic() - renewed >= RENEW_S:
                with suppress(OutputError):  # the folder has just gone: it is made anew at the next start
                    self._renew()
                renewed = time.monotonic()
            listeners = [listener for listener, _ in self._listeners.values()]
            if not listeners:
                self._worker.wait(RENEW_S)
                continue
            for listener in select.select(listeners, [], [], RENEW_S / 2)[0]:
                self._serve(listener)

    def _renew(self) -> None:
        """Make the socket in each folder that is there and has none of ours."""
        for folder in self._folders:
            path = folder / AIM_SOCKET_NAME
            known = self._listeners.get(path)
            if known is not None and _inode(path) == known[1]:
                continue
            if known is not None:
                known[0].close()
                del self._listeners[path]
            if folder.is_dir():
                listener = _listen(path)
                self._listeners[path] = listener, _inode(path) or 0

    def _serve(self, listener: socket.socket) -> None:
        """Show what one daemon sends until it closes the connection, or `close` is called."""
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            path = Path(listener.getsockname())
            if peer_uid(connection) not in {ROOT, os.geteuid(), path.parent.stat().st_uid}:
                return
            self._connection, self.connected, self.seen = connection, True, True
            self._live.waiting = SILENT
            try:
                self._read(connection)
                self._live.waiting = GONE
            except ValueError as error:
                log.warning("aim: the daemon sends something else: %s; restart it", error)
                self._live.waiting = OTHER_VERSION
            except OSError:
                self._live.waiting = GONE
            finally:
                self._connection, self.connected = None, False

    def _read(self, connection: socket.socket) -> None:
        reader = SightingReader()
        while not self._worker.closing:
            if not select.select([connection], [], [], RENEW_S / 2)[0]:
                continue
            data = connection.recv(PIECE)
            if not data:
                return
            for sighting in reader.feed(data):
                self._live.show(sighting)


def _inode(path: Path) -> int | None:
    """Return the number of the file at `path`; None: there is none."""
    try:
        return path.lstat().st_ino
    except OSError:
        return None


def _listen(path: Path) -> socket.socket:
    """Return a socket that listens at `path`. Raises `OutputError` if another `aim` does, or it may not be made.

    Every user may connect who reaches the folder; who is let in is checked after that. A change of its mode or owner
    afterwards could be led to another file by who owns the folder.
    """
    if _answers(path):
        raise OutputError(f"{path}: another `driver-monitor aim` runs; end that one first (Ctrl-C)")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0)
    try:
        with suppress(FileNotFoundError):
            path.unlink()  # left by an `aim` that was killed
        listener.bind(str(path))
        listener.listen(1)
    except OSError as error:
        listener.close()
        raise OutputError(f"{path}: cannot be made: {error.strerror}; use sudo") from error
    finally:
        os.umask(mask)
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
