"""Gathers what is known of the connection to the operator."""

from __future__ import annotations

import importlib.util
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from driver_monitor.config.schema import Config
from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.doctor.gather.machine import Machine, group_name, user_name
from driver_monitor.doctor.gather.uplink.certificate import read_certificate
from driver_monitor.doctor.verdicts.permissions import SERVICE_GROUPS, SERVICE_USER
from driver_monitor.doctor.verdicts.uplink.judge import FileFacts, UplinkFacts
from driver_monitor.errors import ConfigError
from driver_monitor.mqtt.login import Login


def gather_uplink(machine: Machine, config: Config, folder: Path, *, service: bool, connected: bool) -> UplinkFacts:
    """Return what is known of the uplink. `folder`: of the spool. `service`: the daemon is the installed service.

    `connected`: a running daemon is connected; then no broker is tried, because the broker would end its connection.
    """
    uplink = config.uplink
    facts = UplinkFacts(
        config.vehicle.id,
        uplink.brokers,
        importlib.util.find_spec("paho") is not None,
        SERVICE_USER if service else machine.user().name,
        tuple(_files(machine, uplink, service=service)),
        now=machine.wall(),
        user=uplink.user,
        spool_bytes=uplink.spool_mb * 1_000_000,
        folder=str(folder),
        free=_free(machine, folder) if uplink.enabled else None,
    )
    if not uplink.enabled or not facts.package or not all(one.there and one.readable for one in facts.files):
        return facts
    login = _login(machine, uplink)
    if not all(os.access(path, os.R_OK) for path in _paths(login)):
        return replace(facts, closed=True)
    try:
        login.password()
        login.tls_context()
        if login.certificate is not None and login.key is not None:
            facts = replace(facts, certificate=read_certificate(login.certificate, login.key))
    except ConfigError as error:
        return replace(facts, fault=str(error))
    if connected:
        return facts
    from driver_monitor.doctor.gather.uplink.brokers import try_broker

    tried = tuple(try_broker(broker, login, config.vehicle.id) for broker in uplink.parsed_brokers())
    return replace(facts, tried=tried)


def _login(machine: Machine, uplink: UplinkConfig) -> Login:
    def place(path: Path | None) -> Path | None:
        return None if path is None else machine.path(str(path))

    return Login(
        place(uplink.ca), place(uplink.certificate), place(uplink.key), uplink.user, place(uplink.password_file)
    )


def _paths(login: Login) -> list[Path]:
    return [path for path in (login.ca, login.certificate, login.key, login.password_file) if path is not None]


def _files(machine: Machine, uplink: UplinkConfig, *, service: bool) -> Iterator[FileFacts]:
    for key in ("ca", "certificate", "key", "password_file"):
        path: Path | None = getattr(uplink, key)
        if path is None:
            continue
        place, secret = machine.path(str(path)), key in ("key", "password_file")
        try:
            found = place.stat()
        except PermissionError:
            yield FileFacts(
                f"uplink.{key}", str(path), there=True, readable=service
            )  # the service may enter the folder
            continue
        except OSError:
            yield FileFacts(f"uplink.{key}", str(path), there=False, readable=False)
            continue
        owner, group, mode = user_name(found.st_uid), group_name(found.st_gid), stat.S_IMODE(found.st_mode)
        readable = _open_to_service(machine, place) if service else os.access(place, os.R_OK)
        yield FileFacts(f"uplink.{key}", str(path), stat.S_ISREG(found.st_mode), readable, owner, group, mode, secret)


def _open_to_service(machine: Machine, place: Path) -> bool:
    """Return whether the service may enter the folders above `place` and read it."""
    inside = [folder for folder in place.parents if machine.root in folder.parents]
    return all(_allowed(folder, 0o1) for folder in inside) and _allowed(place, 0o4)


def _allowed(path: Path, right: int) -> bool:
    found = path.stat()
    mode = stat.S_IMODE(found.st_mode)
    if user_name(found.st_uid) == SERVICE_USER:
        return bool(mode >> 6 & right)
    bits = mode >> 3 if group_name(found.st_gid) in SERVICE_GROUPS else mode
    return bool(bits & right)


def _free(machine: Machine, folder: Path) -> int | None:
    """Return the bytes that are free for the spool; None: not known."""
    place = machine.path(str(folder))
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        room = machine.statvfs(place)
    except OSError:
        return None
    return room.f_bavail * room.f_frsize
