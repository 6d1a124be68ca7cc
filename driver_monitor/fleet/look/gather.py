"""Takes the findings of a report from the store. SQL does the work: memory does not grow with the count of alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from driver_monitor.bench.score.intervals import poisson_rate
from driver_monitor.data.alert import LEVELS
from driver_monitor.fleet.look import patterns
from driver_monitor.fleet.look.findings import (
    DeadLetters,
    EpisodeRate,
    FleetReport,
    Gap,
    Listed,
    MissingNumbers,
    OpenEpisode,
    SilentVehicle,
    T,
    UnsetClock,
)
from driver_monitor.fleet.look.period import Period, earlier, read
from driver_monitor.fleet.store.store import Store
from driver_monitor.fleet.store.views import (
    ACKNOWLEDGED,
    CLOCK_SET,
    DIALECTS,
    IN_HOURS,
    Engine,
    grouped_episodes,
)

BEFORE = timedelta(days=1)
"""How long before the period messages are read, so that an episode is not counted at its second message (ours)."""

UNSET = '"wall_synced":false'
"""What stands in an alert or status whose clock is not known to be set, as `messages.wire` writes it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is about. `rows`: most rows of each list. `vehicles`: patterns; none: every vehicle."""

    now: datetime
    period: Period
    vehicles: Sequence[str] = ()
    silent_h: float = 24.0
    rows: int = 100


@dataclass(slots=True)
class _Counts:
    """Episodes by worst level (0 to 2), and how many of them lie in known hours."""

    by_level: list[int] = field(default_factory=lambda: [0, 0, 0])
    in_hours: int = 0

    def add(self, other: _Counts) -> None:
        self.by_level = [own + more for own, more in zip(self.by_level, other.by_level, strict=True)]
        self.in_hours += other.in_hours


class Gatherer:
    """Asks `store`, whose engine is `engine`, one question."""

    def __init__(self, store: Store, engine: Engine, question: Question) -> None:
        self._store, self._engine, self._question = store, engine, question
        self._words = DIALECTS[engine]

    def report(self) -> FleetReport:
        """Return the report. Raises the errors of the store."""
        asked = self._question
        (counts, unacknowledged), hours = self._episodes(), self._hours()
        where, names = self._of("vehicle")
        ((vehicles,),) = self._query(f"SELECT count(*) FROM vehicle WHERE {where}", names)
        pairs = [self._rate(vehicle, rule, one, hours.get(vehicle, 0.0)) for (vehicle, rule), one in counts.items()]
        by_vehicle, by_rule, whole = _sums(counts)
        every = sum(hours.values())
        missing, gaps = self._gaps()
        alerts, clocks = self._alerts()
        return FleetReport(
            made=asked.now,
            period=asked.period,
            silent_h=asked.silent_h,
            vehicles=max(int(vehicles), len(set(by_vehicle) | set(hours))),
            with_hours=len(hours),
            alerts=alerts,
            fleet=self._rate(None, None, whole, every),
            by_rule=_worst_first(self._rate(None, rule, one, every) for rule, one in by_rule.items()),
            by_vehicle=self._cut(
                _worst_first(
                    self._rate(name, None, by_vehicle.get(name, _Counts()), hours.get(name, 0.0))
                    for name in {*by_vehicle, *hours}
                )
            ),
            rates=self._cut(_worst_first(pairs)),
            unacknowledged=unacknowledged,
            silent=self._silent(),
            missing=_all_missing(missing),
            by_vehicle_missing=self._cut(missing),
            gaps=gaps,
            clocks=clocks,
            dead_letters=self._dead_letters(),
        )

    def _query(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        return self._store.query(sql, parameters)

    def _of(self, column: str) -> tuple[str, list[object]]:
        return patterns.condition(self._engine, column, self._question.vehicles)

    def _window(self, before: timedelta = timedelta()) -> tuple[str, list[object]]:
        """Return the condition that an alert `a` lies in the period, so written that old partitions are not read.

        An alert whose clock cannot be right counts when it was received (`at`).
        """
        since, until = earlier(self._question.period.since, before), self._question.period.until
        vehicle, names = self._of("a.vehicle")
        sql = (
            f"{vehicle} AND (a.t_wall >= ? AND a.t_wall < ? OR a.t_wall < '{CLOCK_SET}' OR a.t_wall >= ?)"
            f" AND {self._words['at']} >= ? AND {self._words['at']} < ?"
        )
        return sql, [*names, since, until, until, since, until]

    def _episodes(self) -> tuple[dict[tuple[str, str], _Counts], Listed[OpenEpisode]]:
        """Return the episodes of the period by vehicle and rule, and the newest that nobody has acknowledged.

        One query, because the episodes of a million alerts take seconds to find.
        """
        where, parameters = self._window(BEFORE)
        period = self._question.period
        rows = self._query(
            f"""
WITH found AS (
  SELECT e.vehicle, e.rule, e.worst, e.begun, e.cleared, e.episode, {IN_HOURS} AS in_hours,
         e.worst >= 1 AND (k.at IS NULL OR k.at < e.worst_came) AS is_open
  FROM ({grouped_episodes(self._words, where)}) e
  LEFT JOIN v_trip t ON t.vehicle = e.vehicle AND t.trip = e.trip
  LEFT JOIN {ACKNOWLEDGED} k ON k.episode = e.episode
  WHERE e.begun >= ? AND e.begun < ?)
SELECT * FROM (SELECT 'open' AS part, vehicle, rule, worst, cleared IS NULL, 1, begun, episode FROM found
               WHERE is_open ORDER BY begun DESC, episode LIMIT ?) newest
UNION ALL SELECT 'opens', NULL, NULL, NULL, NULL, count(*), NULL, NULL FROM found WHERE is_open
UNION ALL SELECT 'count', vehicle, rule, worst, in_hours, count(*), NULL, NULL FROM found
          GROUP BY vehicle, rule, worst, in_hours""",
            [*parameters, period.since, period.until, self._question.rows],
        )
        counts: dict[tuple[str, str], _Counts] = {}
        opened: list[OpenEpisode] = []
        total = 0
        for part, vehicle, rule, worst, flag, count, begun, episode in rows:
            if part == "opens":
                total = count
            elif part == "open":
                opened.append(OpenEpisode(vehicle, rule, LEVELS[worst], read(begun), bool(flag), str(episode)))
            else:
                one = counts.setdefault((vehicle, rule), _Counts())
                one.by_level[worst] += count
                one.in_hours += count if flag else 0
        opened.sort(key=lambda one: one.begun, reverse=True)
        return counts, Listed(opened, total)

    def _alerts(self) -> tuple[int, Listed[UnsetClock]]:
        """Return how many alerts there are in the period, and the vehicles whose clock was not known to be set."""
        where, parameters = self._window()
        unset, unset_now = (self._words["has"].format(column, UNSET) for column in ("a.body", "v.status"))
        # The bytes themselves: reading a million bodies as JSON would take half a minute.
        rows = self._query(
            f"SELECT c.vehicle, c.alerts, c.unset, coalesce({unset_now}, 1 = 0) FROM"
            f" (SELECT a.vehicle, count(*) AS alerts, count(CASE WHEN {unset} THEN 1 END) AS unset"
            f" FROM alert a WHERE {where} GROUP BY a.vehicle) c LEFT JOIN vehicle v ON v.vehicle = c.vehicle",
            parameters,
        )
        clocks = [UnsetClock(vehicle, count, bool(now)) for vehicle, _, count, now in rows if count]
        clocks.sort(key=lambda one: (-one.alerts, one.vehicle))
        return sum(alerts for _, alerts, _, _ in rows), self._cut(clocks)

    def _hours(self) -> dict[str, float]:
        """Return the known driving hours in the period by vehicle. A trip over its edge counts with its share."""
        since, until = (at.timestamp() for at in (self._question.period.since, self._question.period.until))
        where, names = self._of("vehicle")
        rows = self._query(
            "SELECT vehicle, sum(CASE WHEN finish_s > start_s THEN driving_s * "
            f"({self._words['least']}(finish_s, {until!r}) - {self._words['greatest']}(start_s, {since!r}))"
            " / (finish_s - start_s) ELSE driving_s END) / 3600 FROM v_trip"
            f" WHERE driving_s IS NOT NULL AND finish_s >= {since!r} AND start_s < {until!r} AND {where}"
            " GROUP BY vehicle",
            names,
        )
        return {vehicle: float(hours) for vehicle, hours in rows if hours > 0}

    def _rate(self, vehicle: str | None, rule: str | None, counts: _Counts, hours: float) -> EpisodeRate:
        info, warning, critical = counts.by_level
        rate = poisson_rate(counts.in_hours, hours)
        return EpisodeRate(vehicle, rule, info + warning + critical, info, warning, critical, counts.in_hours, rate)

    def _cut(self, rows: Sequence[T]) -> Listed[T]:
        return Listed(rows[: self._question.rows], len(rows))

    def _silent(self) -> Listed[SilentVehicle]:
        where, names = self._of("vehicle")
        last = self._question.now - timedelta(hours=self._question.silent_h)
        rows = self._query(
            f"SELECT vehicle, last_seen, online, count(*) OVER () FROM vehicle WHERE last_seen < ? AND {where}"
            " ORDER BY last_seen DESC, vehicle LIMIT ?",
            [last, *names, self._question.rows],
        )
        found = [
            SilentVehicle(name, read(seen), None if online is None else bool(online)) for name, seen, online, _ in rows
        ]
        return Listed(found, rows[0][-1] if rows else 0)

    def _gaps(self) -> tuple[list[MissingNumbers], Listed[Gap]]:
        """Return the numbers that are missing by vehicle, and the newest gaps, losses first."""
        where, names = self._of("vehicle")
        period = self._question.period
        urgent = "CASE reason WHEN 'lost' THEN 0 WHEN 'unknown' THEN 1 WHEN 'waiting' THEN 2 ELSE 3 END"
        rows = self._query(
            f"""
WITH found AS (SELECT * FROM v_gap WHERE alert_after >= ? AND alert_after < ? AND {where})
SELECT * FROM (SELECT vehicle, reason, 0 AS gaps, first_seq, last_seq, alert_before, alert_after FROM found
               ORDER BY {urgent}, alert_after DESC, vehicle, first_seq LIMIT ?) newest
UNION ALL SELECT vehicle, reason, count(*), sum(numbers), NULL, NULL, NULL FROM found GROUP BY vehicle, reason""",
            [period.since, period.until, *names, self._question.rows],
        )
        found = [
            Gap(vehicle, first, last, reason, read(before), read(after))
            for vehicle, reason, gaps, first, last, before, after in rows
            if not gaps
        ]
        by_vehicle: dict[str, dict[str, int]] = {}
        for vehicle, reason, gaps, numbers, *_ in rows:
            if gaps:
                by_vehicle.setdefault(vehicle, {})[reason] = int(numbers)
        missing = [MissingNumbers(vehicle, reasons) for vehicle, reasons in by_vehicle.items()]
        missing.sort(key=lambda one: (-one.of("lost"), -one.of("unknown"), -one.of("waiting"), one.vehicle or ""))
        return missing, Listed(found, sum(row[2] for row in rows))

    def _dead_letters(self) -> Listed[DeadLetters]:
        where, names = self._of("vehicle")
        rows = self._query(
            "SELECT min(reason), sum(messages), count(*), max(last_seen), count(*) OVER () FROM v_dead_letter"
            f" WHERE last_seen >= ? AND first_seen < ? AND {where} GROUP BY cause ORDER BY 4 DESC, cause LIMIT ?",
            [self._question.period.since, self._question.period.until, *names, self._question.rows],
        )
        found = [
            DeadLetters(reason, int(messages), different, read(last)) for reason, messages, different, last, _ in rows
        ]
        return Listed(found, rows[0][-1] if rows else 0)


def _all_missing(missing: Sequence[MissingNumbers]) -> MissingNumbers:
    reasons = {reason for one in missing for reason in one.by_reason}
    return MissingNumbers(None, {reason: sum(one.of(reason) for one in missing) for reason in sorted(reasons)})


def _sums(counts: dict[tuple[str, str], _Counts]) -> tuple[dict[str, _Counts], dict[str, _Counts], _Counts]:
    """Return the counts by vehicle, by rule and of the whole fleet."""
    by_vehicle: dict[str, _Counts] = {}
    by_rule: dict[str, _Counts] = {}
    whole = _Counts()
    for (vehicle, rule), one in counts.items():
        by_vehicle.setdefault(vehicle, _Counts()).add(one)
        by_rule.setdefault(rule, _Counts()).add(one)
        whole.add(one)
    return by_vehicle, by_rule, whole


def _worst_first(rates: Iterable[EpisodeRate]) -> list[EpisodeRate]:
    """Sort by the lower end of the interval: a vehicle with few hours and one alert does not stand at the top."""
    return sorted(
        rates,
        key=lambda one: (-(one.rate.low or 0.0), -one.episodes, one.vehicle or "", one.rule or ""),
    )
