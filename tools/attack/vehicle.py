"""Send a daemon 30,000 vehicle messages a second. After the flood, one message in a second must be taken again.

    python -m tools.attack.vehicle [--rate 30000]

Prints memory and descriptors of the daemon, and what a healthy subscriber gets meanwhile. Exit code 1: it misses an
alert or a status, the daemon ends, or its memory is above the limit.
"""

from __future__ import annotations

import argparse
import sys
import time

import zmq

from tools.attack.target import Target, attack

ADDRESS = "tcp://127.0.0.1:5571"
MESSAGE = (b"vehicle/", b'{"speed_kmh": 50, "ignition": true}')
FLOOD_S = 0.9
"""Of each second. The rest is left to the report."""
context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
publisher = context.socket(zmq.PUB)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=30_000, help="messages a second (default: 30000)")
    publisher.setsockopt(zmq.LINGER, 0)
    publisher.bind(ADDRESS)
    code = attack("vehicle", parser, step, more=f"vehicle: {{input: '{ADDRESS}'}}\n")
    context.destroy(0)
    return code


def step(arguments: argparse.Namespace, _: Target) -> None:
    """Send the messages of one second."""
    start = time.monotonic()
    for number in range(arguments.rate):
        publisher.send_multipart(MESSAGE)
        if number % 1000 == 0:
            time.sleep(max(0.0, start + FLOOD_S * number / arguments.rate - time.monotonic()))


if __name__ == "__main__":
    sys.exit(main())
