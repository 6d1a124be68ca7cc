"""A real broker and a real PostgreSQL for the tests of the fleet: processes of their own, on ports of their own.

Without the programs (`apt-get install mosquitto postgresql`) the tests that use them skip, and say so.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import PATIENCE_S, free_port

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
INITDB = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
needs_postgres = pytest.mark.skipif(INITDB is None, reason="PostgreSQL is not installed")
_OPEN = """allow_anonymous true
"""


class Mosquitto:
    """A real broker on 127.0.0.1 whose sessions and queues last as long as the process, unless it ends in peace.

    `folder`: for its files; an existing one continues. `config`: more lines of its configuration; empty: everybody may
    do everything. `listener`: lines that belong to the listener, such as those of TLS.
    """

    def __init__(self, folder: Path, config: str = _OPEN, listener: str = "", port: int | None = None) -> None:
        self.port = port or free_port()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        user = "user root\n" if os.geteuid() == 0 else ""
        self._file = folder / "mosquitto.conf"
        self._file.write_text(
            f"listener {self.port} 127.0.0.1\n{listener}{user}persistence true\npersistence_location {folder}/\n"
            f"max_queued_messages 0\nset_tcp_nodelay true\nlog_dest file {folder}/log\n{config}"
        )
        self.start()

    def start(self) -> None:
        """Start it, after `kill` or `stop` again on the same port with the same files."""
        assert MOSQUITTO is not None
        self.process = subprocess.Popen([MOSQUITTO, "-c", str(self._file)], stderr=subprocess.PIPE)
        await_port(self.port, self.process)

    def kill(self) -> None:
        """End it as a power cut does: what it has not written is lost."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> None:
        """End it in peace: it writes its sessions and queues."""
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE_S)

    def reload(self) -> None:
        """Make it read its configuration, access lists and lists of revoked certificates again."""
        self.process.send_signal(signal.SIGHUP)


@contextmanager
def mosquitto(folder: Path, config: str = _OPEN, listener: str = "") -> Iterator[Mosquitto]:
    """Yield a running broker, and kill it at the end."""
    broker = Mosquitto(folder, config, listener)
    try:
        yield broker
    finally:
        broker.kill()


class Postgres:
    """A real PostgreSQL on 127.0.0.1 with a folder of its own. `url`: of its database `postgres`.

    As root, its folder is not below `folder`: each start of pytest closes the folders of other runs to other users.
    """

    def __init__(self, folder: Path) -> None:
        assert INITDB is not None
        if os.geteuid() == 0:
            folder = Path(tempfile.mkdtemp(prefix="driver-monitor-postgres-"))
        self.folder, self.port = folder, free_port()
        self._bin = INITDB.parent
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-D", str(folder / "d"), "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")
        self.start()

    def start(self) -> None:
        """Start it; returns when it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "-D", str(self.folder / "d"), "-o", options, "-l", str(self.folder / "log"), "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; `immediate`: as a power cut does, and it recovers at the next start."""
        self._run("pg_ctl", "-D", str(self.folder / "d"), "-m", mode, "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        user = {"user": "postgres"} if os.geteuid() == 0 else {}
        command = [str(self._bin / program), *arguments]
        # Files, not pipes: the server inherits them and would keep a pipe open.
        with (self.folder / "commands").open("ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, cwd=self.folder, check=False, **user)  # type: ignore[call-overload]
        assert done.returncode == 0, (self.folder / "commands").read_text()


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """Yield a running PostgreSQL, and stop it at the end."""
    server = Postgres(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


def await_port(port: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until something listens at `port` of this machine."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process is not None and process.poll() is not None:
            _, told = process.communicate()
            raise AssertionError(f"the process has ended: {told.decode() if told else process.returncode}")
        time.sleep(0.01)
    raise TimeoutError(f"nothing listens at port {port}")
