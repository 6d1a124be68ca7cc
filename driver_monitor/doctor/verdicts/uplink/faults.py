"""What `doctor` can find wrong with the connection to the operator, and what to do: rows of the table of faults."""

from __future__ import annotations

from typing import Literal

UPLINK_FAULTS: dict[str, tuple[Literal["warning", "fault"], str, str]] = {
    "uplink.no_package": (
        "fault",
        "uplink.brokers needs the package paho-mqtt, which cannot be imported",
        "install the extra `fleet`: `pip install 'driver-monitor[fleet]'`",
    ),
    "uplink.no_file": (
        "fault",
        "{key}: {path} is not there",
        "copy the folder of this vehicle from the depot (docs/fleet-keys.md), or correct {key}",
    ),
    "uplink.unreadable": (
        "fault",
        "{key}: the user {user} may not read {path}, {of}",
        "`sudo chgrp {user} {path}` and `sudo chmod 640 {path}`; its folder needs the same group, and mode 750",
    ),
    "uplink.key_open": (
        "warning",
        "{key}: every user of this computer can read {path} (mode {mode})",
        "`sudo chmod 640 {path}`; ask the depot for a new key if a stranger may have read it",
    ),
    "uplink.wrong_files": ("fault", "{fault}", "{advice}"),
    "uplink.other_name": (
        "warning",
        "{kind} is of {name}, but vehicle.id is {vehicle}: the broker refuses its alerts",
        "copy the folder of {vehicle} from the depot, or set vehicle.id to {name}",
    ),
    "uplink.clock": (
        "warning",
        "the certificate begins on {since}, but the clock says {now}: it was never set, and no broker can be trusted",
        "connect the computer to a network, or fit a battery clock; alerts are kept until then",
    ),
    "uplink.ended": (
        "warning",
        "the certificate of this vehicle has ended on {until}: alerts are kept, but not sent",
        "at the depot: `driver-monitor fleet renew {vehicle}`, then copy its folder (docs/fleet-keys.md)",
    ),
    "uplink.ends_soon": (
        "warning",
        "the certificate of this vehicle ends on {until}",
        "at the depot: `driver-monitor fleet renew {vehicle}`, then copy its folder (docs/fleet-keys.md)",
    ),
    "uplink.unreachable": ("warning", "{fault}", "{advice}"),
    "uplink.broker_certificate": ("warning", "{fault}", "{advice}"),
    "uplink.refused": ("warning", "{fault}", "{advice}"),
    "uplink.no_room": (
        "warning",
        "{folder}: {free} are free, but alerts for the operator may need {most} MB (uplink.spool_mb)",
        "delete what is not needed, for example `sudo journalctl --vacuum-size=100M`, or lower uplink.spool_mb",
    ),
    "uplink.not_connected": (
        "warning",
        "the running daemon has no connection to the operator; {waiting} alerts wait",
        "`journalctl -u driver-monitor` says why; a service needs the drop-in network.conf (docs/install.md)",
    ),
    "uplink.waiting": (
        "warning",
        "the operator does not confirm alerts: {waiting} wait, {resent} were sent again",
        "ask the operator whether a collector runs (docs/fleet.md)",
    ),
    "uplink.messages_refused": (
        "warning",
        "{refused} messages of the running daemon were refused, or were answers that make no sense",
        "`journalctl -u driver-monitor` says why; ask the operator about the broker's access list and limits",
    ),
    "uplink.dropped": (
        "warning",
        "{dropped} alerts were dropped before the operator had them",
        "correct the connection, or raise uplink.spool_mb and uplink.spool_days",
    ),
}
"""Each fault by its name: state, what was found, what to do. The driver is warned without an operator too, so that what
does not stop the daemon is a warning."""
