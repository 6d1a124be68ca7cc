"""The sections of a report: what they are called, what their columns are, and what to do about what they find.

Each row is data, the same in JSON and CSV. The columns turn it into words, the same on a terminal and on a page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo

from driver_monitor.fleet.look.findings import EpisodeRate, FleetReport, MissingNumbers
from driver_monitor.fleet.look.period import age, read, shown
from driver_monitor.messages.lines import plain

Value = str | int | float | bool | None
Row = Mapping[str, Value]
MOST_TEXT = 120
"""Characters of a text that a vehicle sent, such as its name, that are shown (ours)."""
EXPLAINED = ("dropped", "expired", "power_cut", "other")
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Column:
    """A column for people: its heading, and the words of a row. `number`: aligned to the right.

    `sent`: a vehicle or a person wrote the text, so it may be long.
    """

    heading: str
    words: Callable[[Row], str]
    number: bool = False
    sent: bool = False


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A table of the report. `advice`: what to do. `none`: what to say without a row. `total`: rows in all."""

    name: str
    title: str
    advice: str
    none: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    total: int

    @property
    def fields(self) -> Sequence[str]:
        """Return the keys of each row, in their order."""
        return FIELDS[self.name]


_RATE = (
    *("vehicle", "rule", "episodes", "info", "warning", "critical"),
    *("in_hours", "hours", "per_hour", "low", "high"),
)
FIELDS: Mapping[str, Sequence[str]] = {
    "rules": _RATE,
    "vehicles": _RATE,
    "rates": _RATE,
    "unacknowledged": ("begun", "age_s", "vehicle", "rule", "level", "active", "episode"),
    "silent": ("vehicle", "last_seen", "silent_s", "was_online"),
    "missing": ("vehicle", "lost", "waiting", "unknown", *EXPLAINED, "explained"),
    "gaps": ("vehicle", "first_seq", "last_seq", "numbers", "reason", "alert_before", "alert_after"),
    "clocks": ("vehicle", "alerts", "unset_now"),
    "dead-letters": ("reason", "messages", "different", "last_seen"),
}
"""The keys of the rows of each section, in CSV and JSON."""
NAMES = tuple(FIELDS)
"""All sections, in their order."""


def sections(report: FleetReport, zone: tzinfo | None = None) -> list[ReportSection]:
    """Return all sections, in the order of `NAMES`. `zone`: of times that people read; None: that of this machine."""
    return [
        _rates("rules", "Episodes by rule", [report.fleet, *report.by_rule], 1 + len(report.by_rule)),
        _rates("vehicles", "Episodes by vehicle", report.by_vehicle.rows, report.by_vehicle.total),
        _rates("rates", "Episodes by vehicle and rule", report.rates.rows, report.rates.total),
        _unacknowledged(report, zone),
        _silent(report, zone),
        _missing(report),
        _gaps(report, zone),
        _clocks(report),
        _dead_letters(report, zone),
    ]


def headline(report: FleetReport) -> list[str]:
    """Return what needs somebody's attention, the most urgent first. Empty: nothing does."""
    found = {
        "not acknowledged": report.unacknowledged.total,
        "silent vehicles": report.silent.total,
        "numbers lost": report.missing.of("lost"),
        "clocks not set": report.clocks.total,
        "dead letters": sum(one.messages for one in report.dead_letters.rows),
    }
    return [f"{what}: {count}" for what, count in found.items() if count]


def summary(report: FleetReport) -> str:
    """Return how much the report rests on: alerts, episodes and the driving time that is known."""
    counted = f"{report.alerts} alerts in {report.fleet.episodes} episodes"
    if not report.with_hours:
        return f"{counted}, driving time unknown ({report.vehicles} vehicles)"
    known = f"{report.with_hours} of {report.vehicles} vehicles"
    return f"{counted}, {report.fleet.rate.hours:.1f} h of driving known ({known})"


def rate_words(row: Row) -> str:
    """Return `0.42 (0.21 to 0.75)`, or `unknown` where the hours are not known."""
    parts = (row["per_hour"], row["low"], row["high"])
    if any(part is None for part in parts):
        return UNKNOWN
    value, low, high = (_figure(part) for part in parts)
    return f"{value} ({low} to {high})"


def _figure(value: Value) -> str:
    assert isinstance(value, int | float)
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _text(name: str, empty: str = UNKNOWN, sent: bool = True) -> Column:
    def words(row: Row) -> str:
        value = row[name]
        line = empty if value is None else plain(value)
        return line if len(line) <= MOST_TEXT else f"{line[:MOST_TEXT]}…"

    return Column(name, words, sent=sent)


def _count(name: str, heading: str | None = None) -> Column:
    return Column(heading or name, lambda row: str(row[name]), number=True)


def _when(name: str, heading: str, zone: tzinfo | None) -> Column:
    return Column(heading, lambda row: shown(read(str(row[name])), zone))


def _age(name: str, heading: str) -> Column:
    return Column(heading, lambda row: age(float(row[name] or 0)), number=True)


def _iso(at: datetime) -> str:
    return at.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def _rates(name: str, title: str, rates: Sequence[EpisodeRate], total: int) -> ReportSection:
    columns = [
        *([_text("vehicle", empty="all")] if name != "rules" else []),
        *([_text("rule", empty="all")] if name != "vehicles" else []),
        *(_count(one) for one in ("episodes", "critical", "warning", "info")),
        _count("in_hours", "in known hours"),
        Column("driving h", lambda row: f"{row['hours']:.1f}" if row["hours"] else UNKNOWN, number=True),
        Column("episodes an hour (95 %)", rate_words, number=True),
    ]
    return ReportSection(
        name,
        title,
        "Compare intervals, not values: where two overlap, the difference may be chance.",
        "no episodes",
        columns,
        [rate_row(rate) for rate in rates],
        total,
    )


def rate_row(rate: EpisodeRate) -> Row:
    """Return the data of a rate. Without known hours, `hours` and all that follows from it are None."""
    own = rate.rate
    return {
        "vehicle": rate.vehicle,
        "rule": rate.rule,
        "episodes": rate.episodes,
        "info": rate.info,
        "warning": rate.warning,
        "critical": rate.critical,
        "in_hours": rate.in_hours,
        "hours": own.hours if own.hours > 0 else None,
        "per_hour": own.per_hour,
        "low": own.low,
        "high": own.high,
    }


def _unacknowledged(report: FleetReport, zone: tzinfo | None) -> ReportSection:
    rows: list[Row] = [
        {
            "begun": _iso(one.begun),
            "age_s": (report.made - one.begun).total_seconds(),
            "vehicle": one.vehicle,
            "rule": one.rule,
            "level": one.level,
            "active": one.active,
            "episode": one.episode,
        }
        for one in report.unacknowledged.rows
    ]
    columns = [
        _when("begun", "begun", zone),
        _age("age_s", "age"),
        _text("vehicle"),
        _text("rule"),
        _text("level", sent=False),
        Column("over", lambda row: "no" if row["active"] else "yes"),
        _text("episode", sent=False),
    ]
    return ReportSection(
        "unacknowledged",
        "Not acknowledged (critical and warning)",
        "Look at each one, then: driver-monitor fleet acknowledge EPISODE --by NAME",
        "everything is acknowledged",
        columns,
        rows,
        report.unacknowledged.total,
    )


def _silent(report: FleetReport, zone: tzinfo | None) -> ReportSection:
    rows: list[Row] = [
        {
            "vehicle": one.vehicle,
            "last_seen": _iso(one.last_seen),
            "silent_s": (report.made - one.last_seen).total_seconds(),
            "was_online": one.was_online,
        }
        for one in report.silent.rows
    ]
    online = {True: "online", False: "offline", None: UNKNOWN}
    columns = [
        _text("vehicle"),
        _when("last_seen", "last sign", zone),
        _age("silent_s", "silent for"),
        Column("it was", lambda row: online[None if row["was_online"] is None else bool(row["was_online"])]),
    ]
    return ReportSection(
        "silent",
        f"Silent vehicles (no sign for {report.silent_h:g} h)",
        "Offline: parked, or without a network. Online: the broker or the collector lost it; look at them first.",
        "no vehicle is silent",
        columns,
        rows,
        report.silent.total,
    )


def _missing(report: FleetReport) -> ReportSection:
    rows = [missing_row(one) for one in report.by_vehicle_missing.rows]
    columns = [_text("vehicle"), *(_count(name) for name in ("lost", "waiting", "unknown")), _count("explained")]
    return ReportSection(
        "missing",
        "Missing numbers (seq) by vehicle",
        "Lost: nobody knows where they are. Waiting: they may still come. Explained: the car said why not.",
        "no number is missing",
        columns,
        rows,
        report.by_vehicle_missing.total,
    )


def missing_row(missing: MissingNumbers) -> dict[str, Value]:
    """Return the data of missing numbers. `explained`: the sum of the reasons that the car gave."""
    own = {reason: missing.of(reason) for reason in ("lost", "waiting", "unknown", *EXPLAINED)}
    return {"vehicle": missing.vehicle, **own, "explained": sum(own[reason] for reason in EXPLAINED)}


def _gaps(report: FleetReport, zone: tzinfo | None) -> ReportSection:
    rows: list[Row] = [
        {
            "vehicle": one.vehicle,
            "first_seq": one.first_seq,
            "last_seq": one.last_seq,
            "numbers": one.numbers,
            "reason": one.reason,
            "alert_before": _iso(one.alert_before),
            "alert_after": _iso(one.alert_after),
        }
        for one in report.gaps.rows
    ]
    columns = [
        _text("vehicle"),
        _count("first_seq", "from"),
        _count("last_seq", "to"),
        _count("numbers"),
        _text("reason"),
        _when("alert_before", "alert before", zone),
        _when("alert_after", "alert after", zone),
    ]
    return ReportSection(
        "gaps",
        "Each gap in the numbers",
        "For a lost one, look at what happened to broker and collector between the two alerts beside it.",
        "no gap",
        columns,
        rows,
        report.gaps.total,
    )


def _clocks(report: FleetReport) -> ReportSection:
    rows: list[Row] = [
        {"vehicle": one.vehicle, "alerts": one.alerts, "unset_now": one.unset_now} for one in report.clocks.rows
    ]
    columns = [
        _text("vehicle"),
        _count("alerts", "alerts with an unset clock"),
        Column("last status", lambda row: "still not set" if row["unset_now"] else "set"),
    ]
    return ReportSection(
        "clocks",
        "Clocks that were not set",
        "Their times of day may be wrong. Give the car a network at its start, GPS time, or a clock with a battery.",
        "all clocks were set",
        columns,
        rows,
        report.clocks.total,
    )


def _dead_letters(report: FleetReport, zone: tzinfo | None) -> ReportSection:
    rows: list[Row] = [
        {
            "reason": one.reason,
            "messages": one.messages,
            "different": one.different,
            "last_seen": _iso(one.last_seen),
        }
        for one in report.dead_letters.rows
    ]
    columns = [_text("reason"), _count("messages"), _count("different"), _when("last_seen", "last", zone)]
    return ReportSection(
        "dead-letters",
        "Dead letters (messages that could not be stored)",
        "See which vehicle sends them: SELECT * FROM v_dead_letter. A damaged alert comes again by itself.",
        "no dead letters",
        columns,
        rows,
        report.dead_letters.total,
    )
