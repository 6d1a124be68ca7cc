"""What a person at a terminal reads first and last: what is watched, where it is published, what to do next."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from driver_monitor import PROGRAM
from driver_monitor.app.build import Plan
from driver_monitor.capture.camera import SourceInfo
from driver_monitor.capture.open_source import expected_source, plain_name
from driver_monitor.config.addresses import LAPTOP_BIND, SERVICE_BIND, publish_address
from driver_monitor.config.schema import ZmqConfig
from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.errors import SourceError


def program(called: str | None = None) -> str:
    """Return how this user starts the program, so that a printed command can be copied into the terminal.

    `called`: the path under which the program was started; None: that of this process. A path that is also what the
    PATH finds is shortened to the name.
    """
    called = sys.argv[0] if called is None else called
    if Path(called).name != PROGRAM:
        return f"python -m {__package__.partition('.')[0]}"
    return PROGRAM if shutil.which(PROGRAM) == called or called == PROGRAM else called


def first_line(plan: Plan, *, service: bool) -> str:
    """Return the first line of `run`, without any password. `service`: systemd runs the daemon."""
    stop = f"systemctl stop {PROGRAM}" if service else "Ctrl-C"
    return (
        f"watching {_expected(plan).name}; {_published(plan.config.zmq)}{_sent(plan.config.uplink)}; stop with {stop}"
    )


def _expected(plan: Plan) -> SourceInfo:
    """Return what is known of the source. The opening of a source that cannot be used says why, not the first line."""
    source = plan.config.camera.source
    try:
        return expected_source(source)
    except SourceError:
        return SourceInfo("an unknown address" if "://" in source else plain_name(source), live=True)


def _published(config: ZmqConfig) -> str:
    if not config.enabled:
        return "nothing is published (zmq.enabled: false)"
    address = publish_address(config.local_bind)
    if address.endswith(":*"):
        return f"published on a free port of {address.removesuffix(':*')} (set zmq.bind to a port for a subscriber)"
    connect = "" if address in (LAPTOP_BIND, SERVICE_BIND) else f" --connect {address}"
    with_keys = f" and, for clients with keys, on {config.bind}" if config.beyond_this_machine else ""
    return f"published on {address} ({program()} watch{connect}){with_keys}"


def _sent(config: UplinkConfig) -> str:
    """Return to whom alerts are sent; empty without an operator."""
    if not config.enabled:
        return ""
    first, *others = config.parsed_brokers()
    return f"; alerts are sent to {first}{f' (and {len(others)} more)' if others else ''}"


def next_step(plan: Plan) -> str:
    """Return what to do after `run` has ended: for a recording how to see why there were alerts, else how to go on."""
    source = plan.config.camera.source
    if _expected(plan).live:
        return f"next: {program()} run watches again; {program()} watch, in a second terminal, shows what it sees"
    rate = f" --fps {plan.config.camera.fps:g}" if Path(source).is_dir() else ""
    replay = f"{program()} replay {shlex.quote(source)}{rate} --out results"
    return f"next: {replay}, then {program()} explain its events.jsonl"
