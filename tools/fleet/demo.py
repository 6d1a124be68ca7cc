"""Show a whole fleet on this computer: broker, collector, ten simulated vehicles and a live view (`make fleet-demo`).

    python -m tools.fleet.demo

It ends with Ctrl-C, or after as many seconds as FLEET_DEMO_SECONDS says, and ends all that it has started. The alerts
stay in build/fleet-demo/fleet.db. It needs mosquitto.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from tools import ROOT

FOLDER = ROOT / "build" / "fleet-demo"
VEHICLES = 10
RATE = 1.0
"""Alerts a second of all vehicles: enough to see something, few enough to read (ours)."""
PATIENCE_S = 10.0
"""Longest wait for the broker to listen, and for a program to end (ours)."""
MISSING = "fleet-demo needs mosquitto; install it with: sudo apt install mosquitto"
PROGRAM = (sys.executable, "-m", "driver_monitor", "fleet")


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    mosquitto = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if mosquitto is None:
        print(MISSING, file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with suppress(KeyboardInterrupt):
        _show(mosquitto, float(os.environ.get("FLEET_DEMO_SECONDS", "inf")))
    print(f"\nThe alerts are in {FOLDER / 'fleet.db'}. Look at them with:")
    print(f"  {Path(sys.executable).parent}/driver-monitor fleet report --store {FOLDER / 'fleet.db'}")
    return 0


def _show(mosquitto: str, seconds: float) -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    port = _free_port()
    broker, store = f"mqtt://127.0.0.1:{port}", str(FOLDER / "fleet.db")
    print(f"broker: {broker}   table: {store}   {VEHICLES} simulated vehicles   Ctrl-C ends it\n", flush=True)
    with ExitStack() as started:
        started.enter_context(_Program("broker", mosquitto, "-c", str(_configure(port))))
        _await(port)
        started.enter_context(_Program("collector", *PROGRAM, "collect", "--broker", broker, "--store", store))
        _await_collector(FOLDER / "collector.log")
        vehicles = ("--vehicles", str(VEHICLES), "--rate", str(RATE), "--folder", str(FOLDER / "vehicles"))
        started.enter_context(_Program("vehicles", *PROGRAM, "simulate", "--broker", broker, *vehicles))
        view = started.enter_context(_Program("watch", *PROGRAM, "watch", "--broker", broker, shown=True))
        end = time.monotonic() + seconds
        while time.monotonic() < end and view.process.poll() is None:
            time.sleep(0.1)
        if view.process.poll() is not None:
            print(f"the view has ended with {view.process.returncode}", file=sys.stderr)


class _Program:
    """A program that ends with the `with` block. Ctrl-C does not reach it: the programs end one after the other.

    What it writes goes into a file of its name, or to the terminal if it is `shown`.
    """

    def __init__(self, name: str, *command: str, shown: bool = False) -> None:
        with closing((FOLDER / f"{name}.log").open("wb")) as log:
            out = None if shown else log
            self.process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, cwd=ROOT)

    def __enter__(self) -> _Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _configure(port: int) -> Path:
    path = FOLDER / "mosquitto.conf"
    user = "user root\n" if os.geteuid() == 0 else ""
    path.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n{user}set_tcp_nodelay true\n")
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _await(port: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"mosquitto does not listen; see {FOLDER / 'broker.log'}")


def _await_collector(log: Path) -> None:
    """Wait until it listens: what vehicles send before is lost at the broker, and sent again after a minute."""
    end = time.monotonic() + PATIENCE_S
    while "connected to" not in log.read_text() and time.monotonic() < end:
        time.sleep(0.05)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
