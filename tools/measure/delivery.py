"""Measure the delay from a frame to its alert in another process, over TCP, in real time.

    python -m tools.measure.delivery CLIP

Runs the daemon on CLIP as `driver-monitor run --source CLIP` does and subscribes to `alert/`. A second subscriber joins
late, during the first alert. Prints one line for each alert: its delay, in milliseconds, from the capture of the frame
that caused it. Exit code 1: a delay above 50 ms, no alert, or a failure of the daemon.
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
"""Longest delay that passes."""
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
    program = [sys.executable, "-c", "from driver_monitor.cli import main; main()"]
    count, slow, late = 0, 0, None
    with subprocess.Popen([*program, *command], stdout=subprocess.DEVNULL) as daemon:
        while daemon.poll() is None:
            if alerts.poll(100):
                delay = report("alert", alerts)
                count, slow = count + 1, slow + (delay > LIMIT_MS)
                if late is None:
                    late = subscriber(context, "")
                    for _ in range(2):
                        report("late ", late)
    return int(slow > 0 or count == 0 or daemon.returncode != 0)


def subscriber(context: zmq.Context[zmq.Socket[bytes]], topic: str) -> zmq.Socket[bytes]:
    socket = context.socket(zmq.SUB)
    socket.subscribe(topic)
    socket.connect(BIND)
    return socket


def report(who: str, socket: zmq.Socket[bytes]) -> float:
    topic, payload = socket.recv_multipart()
    message = json.loads(payload)
    delay = (time.monotonic() - float(message["t_mono"])) * 1e3
    print(f"{who} {topic.decode():28} {message.get('phase', ''):10} t {message.get('t', 0.0):6.2f}  {delay:6.1f} ms")
    return delay


if __name__ == "__main__":
    sys.exit(main())
