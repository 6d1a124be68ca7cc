"""Measures the start of the daemon on one processor core: to READY, to the first watched frame, and the imports.

    python -m tools.measure.start [--runs 5] [--warm] [--terminal] [--source demo] [--against FOLDER] [--json]

Each run starts `driver-monitor run` on --source, as systemd starts it: its log goes to the journal. With --terminal, a
person starts it, and alerts are printed in colour. Without --warm, the files in the page
cache are dropped before each run: all of them if this user is root, else those of Python, of its packages and of this
program. `--against` names another checkout, whose runs take turns with ours: other load on the machine then disturbs
both alike. Times without `wall` are those of a core that no other program uses: the time in which the process waits
while another one has the core is taken away (the second number of /proc/PID/schedstat); the disk is not.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import zmq

TOP = Path(__file__).parents[2]
DROP = Path("/proc/sys/vm/drop_caches")
LIMIT_S = 60.0
"""Longest wait for a start; only a failure takes so long."""
PROGRAM = "from driver_monitor.cli import main; main()"
WITH_IMPORTS = (
    # The program hides what libraries write to stderr, where Python writes the import times.
    "import contextlib, driver_monitor.imaging.library_messages as hiding; "
    "hiding.hide_library_messages = contextlib.nullcontext; " + PROGRAM
)
IMPORT = re.compile(r"^import time: +(\d+) \|", re.MULTILINE)


@dataclass(frozen=True)
class Start:
    """One start. Seconds from the start of the process: to READY, and to the first state on ZeroMQ.

    `cpu_s`, `watched_cpu_s`: CPU time of the process until each of the two. `imports_s`: sum of the times of all
    imports, from a run of its own. `modules`: how many modules were imported.
    """

    ready_s: float
    watched_s: float
    cpu_s: float
    watched_cpu_s: float
    imports_s: float
    modules: int
    wall_ready_s: float
    wall_watched_s: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--warm", action="store_true", help="leave the files in the page cache")
    parser.add_argument("--terminal", action="store_true", help="as a person starts it, not as systemd does")
    parser.add_argument("--against", type=Path, help="another checkout of this program")
    parser.add_argument("--source", default="demo", help="what is watched; default: the bundled clip")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    checkouts = [TOP, *([given.against.resolve()] if given.against else [])]
    for top in checkouts:
        compileall.compile_dir(top / "driver_monitor", quiet=1)  # as pip does
    found: dict[Path, list[Start]] = {top: [] for top in checkouts}
    for _ in range(given.runs):
        for top in checkouts:
            found[top].append(measure(top, given.core, given.source, cold=not given.warm, journal=not given.terminal))
    for top, starts in found.items():
        shown = {name: [getattr(one, name) for one in starts] for name in asdict(starts[0])}
        if given.json:
            print(json.dumps({"checkout": str(top), "cold": not given.warm, **shown}))
            continue
        print(f"{top} ({'warm' if given.warm else 'cold'} caches, {given.runs} runs): median, lowest, highest")
        for name, values in shown.items():
            print(f"  {name:14} {statistics.median(values):7.3f} {min(values):7.3f} {max(values):7.3f}")


def measure(top: Path, core: int, source: str, cold: bool, journal: bool) -> Start:
    """Start the daemon of `top` twice: for the times, and for its imports. `journal`: its log goes to the journal."""
    if cold:
        drop_caches(top)
    ready, watched, _ = run(top, core, source, [sys.executable, "-c", PROGRAM], journal)
    if cold:
        drop_caches(top)
    slow, _, written = run(top, core, source, [sys.executable, "-X", "importtime", "-c", WITH_IMPORTS], journal)
    imports = [int(time_us) for time_us in IMPORT.findall(written)]
    imports_s = sum(imports) / 1e6 * slow.alone_s / slow.wall_s
    return Start(
        ready.alone_s, watched.alone_s, ready.cpu_s, watched.cpu_s, imports_s, len(imports), ready.wall_s,
        watched.wall_s,
    )  # fmt: skip


def run(top: Path, core: int, source: str, program: Sequence[str], journal: bool) -> tuple[Moment, Moment, str]:
    """Return READY, the first state, and what was written to stderr."""
    with tempfile.TemporaryDirectory() as name, listening(Path(name)) as notify, hearing(Path(name)) as states:
        folder, poller = Path(name), zmq.Poller()
        poller.register(notify.fileno(), zmq.POLLIN)
        poller.register(states, zmq.POLLIN)
        (folder / "my.yaml").write_text(f"zmq: {{bind: 'ipc://{folder}/zmq', state_hz: 60}}\ngpio: {{backend: mock}}\n")
        environment = {**os.environ, "PYTHONPATH": str(top), "NOTIFY_SOCKET": str(folder / "notify"),
                       "XDG_STATE_HOME": name, "RUNTIME_DIRECTORY": name}  # fmt: skip
        with (folder / "stderr").open("w+") as stderr:
            if journal:
                file = os.fstat(stderr.fileno())
                environment["JOURNAL_STREAM"] = f"{file.st_dev}:{file.st_ino}"
            begin = time.monotonic()
            process = subprocess.Popen(
                ["taskset", "-c", str(core), *program, "run", "--source", source, "--config", str(folder / "my.yaml")],
                cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=stderr,
            )  # fmt: skip
            try:
                ready = watched = None
                while ready is None or watched is None:
                    if time.monotonic() - begin > LIMIT_S or process.poll() is not None:
                        stderr.seek(0)
                        sys.exit(f"the daemon did not start:\n{stderr.read()[-2000:]}")
                    heard = dict(poller.poll(500))
                    if notify.fileno() in heard and b"READY=1" in notify.recv(4096):
                        ready = moment(process.pid, begin)
                    if states in heard:
                        states.recv_multipart()
                        watched = watched or moment(process.pid, begin)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait()
            stderr.seek(0)
            return ready, watched, stderr.read()


@dataclass(frozen=True)
class Moment:
    """A moment of a process: seconds since its start, the same on a core of its own, and CPU time of all threads."""

    wall_s: float
    alone_s: float
    cpu_s: float


def moment(process: int, begin: float) -> Moment:
    """Return the present moment of `process`, which was started at the monotonic time `begin`."""
    wall_s = time.monotonic() - begin
    times = {}
    for thread in Path(f"/proc/{process}/task").iterdir():
        running_ns, waiting_ns, _ = (thread / "schedstat").read_text().split()
        times[int(thread.name)] = int(running_ns) / 1e9, int(waiting_ns) / 1e9
    main_cpu_s, waited_s = times[process]
    cpu_s = sum(running_s for running_s, _ in times.values())
    # While an own thread runs, the main thread would wait on a core of their own too.
    return Moment(wall_s, wall_s - waited_s + cpu_s - main_cpu_s, cpu_s)


@contextlib.contextmanager
def listening(folder: Path) -> Iterator[socket.socket]:
    """Yield the socket at which systemd would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(folder / "notify"))
        yield notify


@contextlib.contextmanager
def hearing(folder: Path) -> Iterator[zmq.Socket[bytes]]:
    """Yield a subscriber to the states of the daemon, which connects within 10 ms after it publishes."""
    with zmq.Context() as context, context.socket(zmq.SUB) as states:
        states.setsockopt(zmq.RECONNECT_IVL, 10)
        states.subscribe("state/")
        states.connect(f"ipc://{folder}/zmq")
        yield states


def drop_caches(top: Path) -> None:
    """Drop the files of the next start from the page cache."""
    os.sync()
    try:
        DROP.write_text("3\n")
        return
    except OSError:
        pass
    folders = {top, *map(Path, (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")))}
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


if __name__ == "__main__":
    main()
