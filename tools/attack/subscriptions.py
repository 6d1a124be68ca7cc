"""Send a daemon many different subscriptions, of 200 bytes each. Half of them are the beginning of a possible topic.

    python -m tools.attack.subscriptions [--count 100000] [--address tcp://127.0.0.1:5556]

Prints memory and descriptors of the daemon, and what a healthy subscriber gets meanwhile. Exit code 1: it misses an
alert or a status, the daemon ends, or its memory is above the limit.
"""

from __future__ import annotations

import argparse
import sys

import zmq

from tools.attack.target import Target, attack

EACH_STEP = 10_000
"""Subscriptions in one second: all of them together take ten seconds by default."""
BYTES = 200
context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
sockets: list[zmq.Socket[bytes]] = []
sent = 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="number of subscriptions (default: 100000)")
    code = attack("subscriptions", parser, step)
    context.destroy(0)
    return code


def step(arguments: argparse.Namespace, victim: Target) -> None:
    """Send the next subscriptions, on a new connection, because the daemon reads each of them slowly."""
    global sent  # noqa: PLW0603
    count = min(EACH_STEP, arguments.count - sent)
    if count > 0:
        attacker = context.socket(zmq.SUB)
        attacker.setsockopt(zmq.LINGER, 0)
        attacker.connect(victim.address)
        sockets.append(attacker)
        for number in range(sent, sent + count):
            topic = f"alert/rule_{number}/" if number % 2 else f"{number}".ljust(BYTES, "x")
            attacker.subscribe(topic)
        sent += count
        print(f"{sent} subscriptions were sent", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
