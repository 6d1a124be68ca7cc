"""Judges whether this user and the service may open the devices that the daemon needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from driver_monitor.doctor.verdicts.finding import Finding, not_checked, ok, trouble

SERVICE_USER = "driver-monitor"
SERVICE_GROUPS = ("driver-monitor", "video", "gpio")
"""The user and the groups of the unit (systemd/driver-monitor.service)."""
READ_WRITE = 0o6


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A device that the daemon needs. `mode`: permission bits. `openable`: this user may read and write it."""

    path: str
    owner: str
    group: str
    mode: int
    openable: bool


@dataclass(frozen=True, slots=True)
class PermissionFacts:
    """`user`: who runs `doctor`. `groups`: those of the login; `listed`: those in /etc/group.

    `service`: the service is installed. `service_user`: its user exists.
    """

    user: str
    root: bool
    groups: Collection[str] = ()
    listed: Collection[str] = ()
    devices: Sequence[DeviceFacts] = ()
    service: bool = False
    service_user: bool = True


def judge_permissions(facts: PermissionFacts) -> Iterator[Finding]:
    """Yield each device that cannot be opened by who needs it, or one "ok" or "not checked"."""
    found: list[Finding] = []
    if facts.service and not facts.service_user:
        found.append(trouble("permissions.user", user=SERVICE_USER))
    for device in facts.devices:
        found += _device(device, facts)
    if found:
        yield from found
    elif not facts.devices:
        yield not_checked("permissions", "none of the devices that the daemon needs is there")
    else:
        names = ", ".join(device.path for device in facts.devices)
        who = "the service" if facts.service else facts.user
        yield ok("permissions", f"{who} may open {names}")


def _device(device: DeviceFacts, facts: PermissionFacts) -> Iterator[Finding]:
    if facts.service:
        if not _open_to_service(device):
            words = {"owner": device.owner, "group": device.group, "mode": f"{device.mode:o}"}
            yield trouble("permissions.service", device=device.path, **words)
    elif not device.openable and not facts.root:
        pending = device.group in facts.listed and device.group not in facts.groups
        name = "permissions.log_in" if pending else "permissions.device"
        yield trouble(name, device=device.path, group=device.group)


def _open_to_service(device: DeviceFacts) -> bool:
    if device.owner == SERVICE_USER:
        return device.mode >> 6 & READ_WRITE == READ_WRITE
    bits = device.mode >> 3 if device.group in SERVICE_GROUPS else device.mode
    return bits & READ_WRITE == READ_WRITE
