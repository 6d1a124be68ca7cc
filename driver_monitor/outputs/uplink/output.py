"""The uplink as an output: keeps alerts on disk at once, and sends them to the operator's brokers."""

from __future__ import annotations

import logging
import random
import re
import time
from pathlib import Path

from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.data.alert import LEVELS
from driver_monitor.messages import wire
from driver_monitor.messages.wire import Message
from driver_monitor.mqtt.client import check_installed
from driver_monitor.mqtt.login import Login
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.uplink.exchange import Clocks, Sender
from driver_monitor.outputs.uplink.limits import limits_of
from driver_monitor.outputs.uplink.link import Link
from driver_monitor.outputs.uplink.status import DrivingTime, VehicleRun
from driver_monitor.spool.clock import wall_clock
from driver_monitor.spool.entry import SpoolCounts, SpoolEntry
from driver_monitor.spool.spool import Spool
from driver_monitor.threads.worker import QueueWorker, Worker

KEEP_S = 0.3
"""Longest wait at the end until the last alerts are on disk (ours). A commit on a memory card takes 10 to 100 ms."""
CLOSE_S = 0.5
"""Longest wait at the end for the connection (ours): its farewell takes at most 0.3 s, and what hangs is left alone."""
_NAME = re.compile(r"[\w.:-]{1,64}")
"""What a rule may be called in a topic."""

log = logging.getLogger(__name__)


class UplinkOutput(Output):
    """Keeps each alert in the spool in `folder`, and sends alerts and status to the brokers of `config`.

    `run`: vehicle and run. `driving`: outlives a reload. `clocks`: None: those of the system. An unreachable broker
    delays nothing. Raises `ConfigError` if a file of the login cannot be used, or without paho-mqtt.
    """

    name = "uplink"

    def __init__(
        self, config: UplinkConfig, folder: Path, run: VehicleRun, driving: DrivingTime, clocks: Clocks | None = None
    ) -> None:
        login = Login(config.ca, config.certificate, config.key, config.user, config.password_file)
        check(config, login)
        self._driving = driving
        self._spool = Spool(folder, limits_of(config))
        clocks = clocks or Clocks(time.monotonic, wall_clock, random.random)
        sender = Sender(run, self._spool, driving, clocks)
        self._link = Link(config.parsed_brokers(), login, sender, self._is_closing)
        self._reported = False
        self._keeper: QueueWorker[Message] = QueueWorker("spool", self._keep, rank=_rank)
        self._connector = Worker("uplink", self._link.run, self._link.wake, self._link.ended)
        self._keeper.start()
        self._begun = False

    @property
    def failure(self) -> str | None:
        """Why one of the threads failed, which is a bug; else None. No fault of the network or the disk is one."""
        return self._keeper.failure or self._connector.failure

    def alert(self, alert: Message) -> None:
        """Take one alert. A thread keeps it on disk; then it is sent."""
        self._begin()
        if alert.get("seq") is not None:
            self._keeper.put(alert)

    def state(self, state: Message) -> None:
        """Count the time that was driven."""
        self._begin()
        self._driving.update(state)

    def status(self, status: Message) -> None:
        """Take the newest status, which is sent when it is due."""
        self._begin()
        self._link.status(status)

    def counters(self) -> dict[str, int]:
        """Return what waits, was stored, dropped, sent again and refused, and whether there is a connection (0, 1)."""
        spool, counts = self._spool.counts(), self._link.counts
        return {
            "uplink_waiting": spool.waiting,
            "uplink_stored": counts.stored,
            # What the queue dropped is in it: a number that is missing when the next alert comes.
            "uplink_dropped": spool.dropped,
            "uplink_resent": counts.resent,
            "uplink_refused": counts.refused,
            "uplink_connected": int(counts.connected),
        }

    def spool(self) -> SpoolCounts:
        """Return the spool in numbers. May be called in any thread."""
        return self._spool.counts()

    def close(self) -> None:
        """Keep the last alerts, say `online: false`, and close. What is not stored is sent by the next run."""
        kept = self._keeper.close(KEEP_S)
        self._connector.close(CLOSE_S)
        if not self._begun:
            self._link.ended()
        if kept:  # else the disk hangs, and closing would wait for it
            self._spool.close()

    def _begin(self) -> None:
        """Connect once the daemon runs: a fault of the network must not be the first line of its log."""
        if not self._begun:
            self._begun = True
            self._connector.start()

    def _is_closing(self) -> bool:
        return self._connector.closing

    def _keep(self, alert: Message) -> None:
        try:
            entry = entry_of(alert)
        except (KeyError, TypeError, ValueError) as error:
            self._keeper.count_lost(alert)
            if not self._reported:
                self._reported = True
                log.error("uplink: an alert cannot be sent: %s; there may be more", error)
            return
        self._spool.put(entry)
        self._link.added()


def check(config: UplinkConfig, login: Login) -> None:
    """Raise `ConfigError` if `login` cannot be used with the brokers of `config`, or if paho-mqtt is missing."""
    check_installed()
    login.password()
    if any(broker.tls for broker in config.parsed_brokers()):
        login.tls_context()


def entry_of(alert: Message) -> SpoolEntry:
    """Return `alert` as the spool keeps it, with the bytes that ZeroMQ publishes. Raises errors for what is no alert.

    A level that this version does not know counts as the worst.
    """
    rule, level = str(alert["rule"]), alert.get("level")
    if not _NAME.fullmatch(rule):
        raise ValueError(f"{rule!r:.60} cannot be the name of a rule")
    known = level if level in LEVELS else LEVELS[-1]
    body = wire.encode(alert)
    return SpoolEntry(str(alert["id"]), int(alert["seq"]), rule, known, str(alert.get("t_wall") or ""), body)


def _rank(alert: Message) -> int:
    level = alert.get("level")
    return LEVELS.index(level) if level in LEVELS else len(LEVELS) - 1
