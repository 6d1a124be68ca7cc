"""What a report of a fleet says. Frozen data: about vehicles, never about persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from driver_monitor.bench.score.intervals import Rate
from driver_monitor.fleet.look.period import Period

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """The first rows of a list, and how many there are in all."""

    rows: Sequence[T]
    total: int


@dataclass(frozen=True, slots=True)
class EpisodeRate:
    """Episodes of the period, and how many an hour of driving. `vehicle`, `rule`: None: all of them.

    `info`, `warning`, `critical`: episodes by their worst level. `in_hours`: episodes of trips whose driving time is
    known; `rate` is of these. `rate.per_hour` None: the driving time is not known, or is zero.
    """

    vehicle: str | None
    rule: str | None
    episodes: int
    info: int
    warning: int
    critical: int
    in_hours: int
    rate: Rate


@dataclass(frozen=True, slots=True)
class OpenEpisode:
    """An episode, warning or critical, that nobody has acknowledged. `active`: no message said that it is over."""

    vehicle: str
    rule: str
    level: str
    begun: datetime
    active: bool
    episode: str


@dataclass(frozen=True, slots=True)
class SilentVehicle:
    """A vehicle without a sign of life. `was_online`: whether it was connected then; None: it never said so."""

    vehicle: str
    last_seen: datetime
    was_online: bool | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of numbers (`seq`) that are missing for one reason. See `v_gap`. The alerts beside it have times."""

    vehicle: str
    first_seq: int
    last_seq: int
    reason: str
    alert_before: datetime
    alert_after: datetime

    @property
    def numbers(self) -> int:
        """Return how many numbers are missing."""
        return self.last_seq - self.first_seq + 1


@dataclass(frozen=True, slots=True)
class MissingNumbers:
    """How many numbers (`seq`) of a vehicle are missing, by reason (`REASONS`). `vehicle` None: of all vehicles."""

    vehicle: str | None
    by_reason: Mapping[str, int]

    def of(self, reason: str) -> int:
        """Return how many are missing for this reason."""
        return self.by_reason.get(reason, 0)


@dataclass(frozen=True, slots=True)
class UnsetClock:
    """A vehicle with alerts whose clock was not known to be set. `unset_now`: its last status says so, too."""

    vehicle: str
    alerts: int
    unset_now: bool


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Messages that could not be stored, of one cause. `reason`: of one of them.

    `messages`: all; `different`: without the repeated ones.
    """

    reason: str
    messages: int
    different: int
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class FleetReport:
    """A report. `vehicles`: how many there are; `with_hours`: how many of them have known driving time in the period.

    `silent_h`: hours without a sign that make a vehicle silent.
    """

    made: datetime
    period: Period
    silent_h: float
    vehicles: int
    with_hours: int
    alerts: int
    fleet: EpisodeRate
    by_rule: Sequence[EpisodeRate]
    by_vehicle: Listed[EpisodeRate]
    rates: Listed[EpisodeRate]
    unacknowledged: Listed[OpenEpisode]
    silent: Listed[SilentVehicle]
    missing: MissingNumbers
    by_vehicle_missing: Listed[MissingNumbers]
    gaps: Listed[Gap]
    clocks: Listed[UnsetClock]
    dead_letters: Listed[DeadLetters]
