"""Measures how long after its frame each alert reaches another process, over TCP, in real time.

    .venv/bin/python tools/measure_delivery.py CLIP

Runs the daemon on CLIP as `driver-monitor run --source CLIP` does, subscribes to `alert/` from here, and joins once
more, late, in the middle of the first alert. Prints a line an alert: its delay from the capture of the frame that
decided it, milliseconds. Exit code 1 if one took more than 50, if none came, or if the daemon failed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import zmq

LIMIT_MS = 50.0
BIND = "tcp://127.0.0.1:5557"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", help="a recording, or demo")
    clip = parser.parse_args().clip
    folder = Path(tempfile.mkdtemp())
    (folder / "config.yaml").write_text(f"zmq: {{bind: '{BIND}'}}\nservice: {{state_dir: {folder}}}\n")
    context = zmq.Context()
    alerts = subscriber(context, "alert/")
    command = ["run", "--config", str(folder / "config.yaml"), "--source", clip]
    program = [sys.executable, "-c", "from driver_monitor.cli.commands import main; main()"]
    told, slow, late = 0, 0, None
    with subprocess.Popen([*program, *command], stdout=subprocess.DEVNULL) as daemon:
        while daemon.poll() is None:
            if alerts.poll(100):
                delay = report("alert", alerts)
                told, slow = told + 1, slow + (delay > LIMIT_MS)
                if late is None:
                    late = subscriber(context, "")
                    for _ in range(2):
                        report("late ", late)
    return int(slow > 0 or told == 0 or daemon.returncode != 0)


def subscriber(context: zmq.Context[zmq.Socket[bytes]], topic: str) -> zmq.Socket[bytes]:
    socket = context.socket(zmq.SUB)
    socket.subscribe(topic)
    socket.connect(BIND)
    return socket


def report(who: str, socket: zmq.Socket[bytes]) -> float:
    topic, payload = socket.recv_multipart()
    message = json.loads(payload)
    delay = (time.monotonic() - message["t_mono"]) * 1e3
    print(f"{who} {topic.decode():28} {message.get('phase', ''):10} t {message.get('t', 0.0):6.2f}  {delay:6.1f} ms")
    return delay


if __name__ == "__main__":
    sys.exit(main())
