"""The topics of the fleet. `dm/1` is the version: within it, topics may be added, but never renamed.

A vehicle writes `alert/<rule>`, `status` and `online`, and reads `stored`. The operator does the opposite. The broker's
access list rests on these names (`fleet/enrol`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ROOT = "dm/1"
Kind = Literal["alert", "status", "online", "stored"]
GROUP = "store"
"""The name of the shared subscription of all collectors: each message goes to one of them. mosquitto 2.0 lets everybody
subscribe to it, and drops the share of who may not read: with a certificate it is a secret (`Login.share_group`)."""
EACH_ALERT = f"{ROOT}/+/alert/#"
EACH_STATUS = f"{ROOT}/+/status"
EACH_ONLINE = f"{ROOT}/+/online"
DIGEST = "sha256"
"""The user property of an alert that holds the SHA-256 of its payload, 64 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic taken apart. `rule`: id of the rule, only of `alert`; else empty."""

    vehicle: str
    kind: Kind
    rule: str = ""


def alert(vehicle: str, rule: str) -> str:
    """Return the topic of the alerts of one rule."""
    return f"{ROOT}/{vehicle}/alert/{rule}"


def status(vehicle: str) -> str:
    """Return the topic of the status: retained, once a minute and at each change."""
    return f"{ROOT}/{vehicle}/status"


def online(vehicle: str) -> str:
    """Return the topic that says whether the vehicle is connected: retained; the broker writes the will."""
    return f"{ROOT}/{vehicle}/online"


def stored(vehicle: str) -> str:
    """Return the topic on which the operator tells a vehicle which alerts are stored: a JSON list of ids."""
    return f"{ROOT}/{vehicle}/stored"


def shared(pattern: str, group: str = GROUP) -> str:
    """Return the shared subscription of all collectors to `pattern`. `group`: `Login.share_group`."""
    return f"$share/{group}/{pattern}"


def parse(topic: str) -> Topic | None:
    """Return the parts of `topic`, or None if it is none of the topics above."""
    match topic.split("/"):
        case ["dm", "1", vehicle, "alert", rule] if vehicle and rule:
            return Topic(vehicle, "alert", rule)
        case ["dm", "1", vehicle, "status" | "online" | "stored" as kind] if vehicle:
            return Topic(vehicle, kind)
        case _:
            return None
