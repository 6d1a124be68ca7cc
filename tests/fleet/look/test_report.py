"""The arithmetic of a report, on fleets that are small enough to count by hand."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import shlex
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.bench.score.intervals import poisson_rate
from driver_monitor.errors import UsageError
from driver_monitor.fleet.look import patterns
from driver_monitor.fleet.look.gather import Gatherer, Question
from driver_monitor.fleet.look.period import Period, age, period
from driver_monitor.fleet.look.sections import FIELDS, NAMES, rate_words, sections
from driver_monitor.fleet.look.write_report import as_tables, as_text
from driver_monitor.fleet.store.rows import Batch, DeadLetter
from driver_monitor.fleet.store.sqlite import SqliteStore
from driver_monitor.fleet.store.store import Store, StoreError, open_store
from tests.conftest import Cli
from tests.fleet.look.fleet import WEEK, report, row, trip
from tests.fleet.store.rows import NOW, online
from tests.test_readme import FOUND

DAY = timedelta(days=1)
HOSTILE = "=cmd|' /C calc'!A0 \x1b[31m\n<script>alert(1)</script>\u202e"


def test_ok__a_rate_counts_only_episodes_in_known_hours(store: Store, url: str) -> None:
    start = NOW - DAY
    store.put(
        Batch(
            alerts=[
                row("van-1", 1, start, t=100.0),
                row("van-1", 2, start, t=200.0, rule="sleep", level="critical"),
                row("van-1", 3, start, t=9999.0, level="info"),  # after the last status of its trip
                row("van-1", 4, start, trip="never told"),
                row("van-2", 1, start),  # a vehicle without any hours
                row("van-1", 5, start - WEEK),  # before the period
                row("van-1", 6, NOW + DAY / 2),  # after it
            ],
            statuses=[trip("van-1", 7200.0, start, 7200.0), trip("van-3", 3600.0, start, 4000.0)],
        )
    )
    found = report(store, url)
    assert (found.vehicles, found.with_hours, found.alerts) == (3, 2, 5)
    assert (found.fleet.episodes, found.fleet.in_hours) == (5, 2)
    assert (found.fleet.info, found.fleet.warning, found.fleet.critical) == (1, 3, 1)
    assert found.fleet.rate == poisson_rate(2, 3.0)
    by_vehicle = {one.vehicle: one for one in found.by_vehicle.rows}
    assert by_vehicle["van-1"].rate == poisson_rate(2, 2.0)
    assert by_vehicle["van-3"].rate == poisson_rate(0, 1.0)
    assert by_vehicle["van-2"].rate.per_hour is None
    rows = {one["vehicle"]: one for one in sections(found)[1].rows}
    assert rate_words(rows["van-2"]) == "unknown"
    assert rows["van-2"]["hours"] is None
    assert rate_words(rows["van-1"]) == "1.00 (0.12 to 3.61)"
    by_rule = {one.rule: one for one in found.by_rule}
    assert by_rule["sleep"].rate == poisson_rate(1, 3.0), "the hours of all vehicles"
    assert found.rates.total == 3


def test_ok__an_episode_is_counted_once_in_the_period_in_which_it_began(store: Store, url: str) -> None:
    edge = NOW - WEEK
    steps = [("raised", edge - timedelta(seconds=5)), ("escalated", edge + timedelta(seconds=5)),
             ("cleared", edge + timedelta(seconds=9))]  # fmt: skip
    name = row("van-1", 1, edge).episode
    alerts = [row("van-1", seq, at, phase=phase, episode=name) for seq, (phase, at) in enumerate(steps)]
    store.put(Batch(alerts=[*alerts, row("van-1", 9, edge)]))
    found = report(store, url)
    assert (found.alerts, found.fleet.episodes) == (3, 1)


def test_ok__alerts_of_a_clock_that_was_never_set_count_when_they_came(store: Store, url: str) -> None:
    year_2000 = datetime(2000, 1, 1, tzinfo=timezone.utc)
    store.put(
        Batch(
            alerts=[
                row("van-1", 1, year_2000, NOW - DAY, wall_synced=False),
                row("van-1", 2, year_2000, NOW - 2 * WEEK, wall_synced=False),
                row("van-2", 1, NOW + 400 * DAY, NOW - DAY, wall_synced=False),
                row("van-3", 1, NOW - DAY),
            ],
            statuses=[trip("van-1", 60.0, NOW - DAY, 60.0)],
        )
    )
    found = report(store, url)
    assert found.fleet.episodes == 3
    assert [(one.vehicle, one.alerts, one.unset_now) for one in found.clocks.rows] == [
        ("van-1", 1, False),
        ("van-2", 1, False),
    ]


def test_ok__what_nobody_looked_at_comes_newest_first(store: Store, url: str) -> None:
    alerts = [row("van-1", seq, NOW - seq * timedelta(hours=1)) for seq in range(1, 6)]
    over = row("van-1", 9, NOW - timedelta(minutes=50), phase="cleared", episode=alerts[0].episode)
    store.put(Batch(alerts=[*alerts, over, row("van-1", 10, NOW - DAY, level="info")]))
    store.acknowledge([alerts[1].episode], "Ada", NOW, "")
    found = report(store, url, rows=3).unacknowledged
    assert found.total == 4
    assert [one.episode for one in found.rows] == [alerts[number].episode for number in (0, 2, 3)]
    assert [one.active for one in found.rows] == [False, True, True]


def test_ok__silence_gaps_and_dead_letters_are_told_by_vehicle(store: Store, url: str) -> None:
    letter = DeadLetter("dm/1/van-1/alert/x", b"{", "json: it is not JSON at character 1", NOW - DAY)
    other = DeadLetter("dm/1/van-1/alert/x", b"[", "json: it is not JSON at character 2", NOW - DAY)
    quiet = -WEEK.total_seconds()
    store.put(
        Batch(
            alerts=[row("van-1", seq, NOW - DAY / 24) for seq in (1, 3, 7)],
            statuses=[trip("van-1", 60.0, NOW - timedelta(minutes=10), 60.0)],
            online=[online(True, quiet, "was online"), online(False, quiet, "parked"), online(True, -60, "alive")],
            dead=[letter, other, other],
        )
    )
    found = report(store, url)
    assert {(one.vehicle, one.was_online) for one in found.silent.rows} == {("was online", True), ("parked", False)}
    assert found.missing.by_reason == {"lost": 4}
    assert [(one.vehicle, dict(one.by_reason)) for one in found.by_vehicle_missing.rows] == [("van-1", {"lost": 4})]
    assert [(one.first_seq, one.numbers) for one in found.gaps.rows] == [(2, 1), (4, 3)]
    assert [(one.messages, one.different) for one in found.dead_letters.rows] == [(3, 2)]


def test_ok__a_report_can_be_about_some_vehicles_only(store: Store, url: str) -> None:
    names = ("van-1", "van-2", "VAN-1", "v_n-1", "van[1]", "van%")
    store.put(Batch(alerts=[row(name, 1, NOW - DAY) for name in names], online=[online(True, 0, n) for n in names]))

    def vehicles(*wanted: str) -> set[str | None]:
        found = report(store, url, vehicles=wanted)
        assert found.vehicles == len(found.by_vehicle.rows)
        return {one.vehicle for one in found.by_vehicle.rows}

    assert vehicles("van-*") == {"van-1", "van-2"}
    assert vehicles("v_n-1", "van[*") == {"v_n-1", "van[1]"}
    assert vehicles("van%") == {"van%"}
    assert vehicles("*1") == {"van-1", "VAN-1", "v_n-1"}
    for pattern in ("van-*", "v_n-1", "*1", "van[*", "*", "van"):
        matches = patterns.matcher([pattern])
        assert {name for name in names if matches(name)} == vehicles(pattern)


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.integers(-200, 100), st.integers(1, 400), st.floats(0, 1)), min_size=1, max_size=8),
    st.integers(-200, 200),
)
def test_ok__the_hours_of_two_periods_are_those_of_both(
    sqlite: SqliteStore, trips: list[tuple[int, int, float]], cut: int
) -> None:
    vehicle = f"van-{next(_COUNT)}"
    hour = timedelta(hours=1)
    statuses = [
        trip(vehicle, share * length * 3600, NOW + start * hour, length * 3600.0, f"trip-{number}")
        for number, (start, length, share) in enumerate(trips)
    ]
    sqlite.put(Batch(alerts=[row(vehicle, 1, NOW)], statuses=statuses))

    def hours(since: int, until: int) -> float:
        asked = Question(NOW, Period(NOW + since * hour, NOW + until * hour), [vehicle])
        return Gatherer(sqlite, "sqlite", asked).report().fleet.rate.hours

    whole = hours(-1000, 1000)
    assert whole == pytest.approx(sum(one.driving_s for one in statuses) / 3600, abs=1e-3)
    assert hours(-1000, cut) + hours(cut, 1000) == pytest.approx(whole, abs=1e-3)
    ((days,),) = sqlite.query("SELECT sum(driving_h) FROM v_rate WHERE vehicle = ?", [vehicle])
    assert days == pytest.approx(whole, abs=1e-3)


_COUNT = itertools.count()


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteStore:
    return SqliteStore(tmp_path_factory.mktemp("store") / "fleet.db", make=True)


@pytest.fixture
def told(command: Cli) -> str:
    """A store in the working folder whose vehicles send hostile text. Returns its file."""
    store = open_store("fleet.db", make=True)
    now = datetime.now(timezone.utc)
    alerts = [row(HOSTILE, seq, now - timedelta(hours=seq), rule="=2+3", message=HOSTILE) for seq in (1, 4)]
    late = [row("van-1", 1, now - timedelta(hours=2)), row("van-1", 2, now - timedelta(hours=3))]
    store.put(Batch(alerts=[*alerts, *late], statuses=[trip("van-1", 3600.0, now - timedelta(hours=9), 3600.0)],
                    dead=[DeadLetter(HOSTILE, b"{", HOSTILE, now)]))  # fmt: skip
    store.close()
    return "fleet.db"


def test_ok__the_table_is_plain_text_whatever_a_vehicle_sends(command: Cli, told: str) -> None:
    done = command("fleet", "report", "--store", told, "--since", "1d")
    assert (done.code, done.err) == (0, "")
    assert all(line.isprintable() for line in done.out.splitlines())
    # The holes may still be filled: the hostile vehicle has sent no status since.
    assert done.out.splitlines()[2] == "not acknowledged: 4, dead letters: 1"
    assert "2.00 (0.24 to 7.22)" in done.out
    assert max(map(len, done.out.splitlines())) <= 120


def test_ok__csv_of_each_section_can_be_read_again_and_runs_nothing(command: Cli, told: str) -> None:
    for section in NAMES:
        done = command("fleet", "report", "--store", told, "--format", "csv", "--section", section)
        assert done.code == 0
        rows = list(csv.DictReader(io.StringIO(done.out)))
        assert all(not cell.startswith(("=", "+", "-", "@")) for one in rows for cell in one.values())
        assert done.out.splitlines()[0].split(",") == list(FIELDS[section])
    rates = command("fleet", "report", "--store", told, "--format", "csv").out
    found = {one["vehicle"]: one for one in csv.DictReader(io.StringIO(rates))}
    assert (found["van-1"]["hours"], found["van-1"]["per_hour"]) == ("1.0", "2.0")
    (hostile,) = [one for name, one in found.items() if name != "van-1"]
    assert hostile["per_hour"] == ""


def test_ok__json_has_all_sections_with_their_totals(command: Cli, told: str) -> None:
    done = command("fleet", "report", "--store", told, "--format", "json", "--rows", "1")
    assert done.out.isascii()
    found = json.loads(done.out)
    assert (found["schema"], found["alerts"], list(found["sections"])) == (1, 4, list(NAMES))
    unacknowledged = found["sections"]["unacknowledged"]
    assert (unacknowledged["total"], len(unacknowledged["rows"])) == (4, 1)


def test_ok__a_report_is_written_to_a_file(command: Cli, told: str, tmp_path: Path) -> None:
    for form in ("table", "html", "csv", "json"):
        done = command("fleet", "report", "--store", told, "--format", form, "--out", f"report.{form}")
        assert (done.code, done.out, done.err) == (0, f"written: report.{form}\n", "")
        assert (tmp_path / f"report.{form}").stat().st_size > 100
    found = open_store(told)
    text = as_tables(report(found, told), 120)
    found.close()
    assert "Silent vehicles" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--store", "none.db"], "there is no such store"),
        (["--since", "yesterday"], "--since: expected a time ago such as 12h"),
        (["--since", "2d", "--until", "3d"], "--since: 2d is not before --until (3d)"),
        (["--vehicle", "a/b"], "--vehicle: 'a/b' is no name"),
        (["--vehicle", "*a" * 9], "more than 8 stars"),
        (["--vehicle", "van\udc80"], "is no name"),
        (["--format", "pdf"], "expected one of table, csv, html, json"),
        (["--section", "all"], "expected one of rules"),
        (["--silent-h", "0"], "expected a number from 0.1"),
        (["--out", "no/folder/report.txt"], "no/folder/report.txt"),
    ],
)
def test_fail__a_mistake_is_one_line(command: Cli, told: str, arguments: list[str], words: str) -> None:
    done = command("fleet", "report", *(["--store", told] if "--store" not in arguments else []), *arguments)
    assert done.code in (1, 2)
    assert len(done.lines) == 1
    assert words in done.err


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [("12h", None, 12), ("7d", "1d", 144), ("4w", None, 672), ("2026-11-28", "2026-11-29T06:00", 30),
     ("2026-11-29T11:00:00Z", "2026-11-29T12:00+00:00", 1), ("90m", None, 1.5)],
)  # fmt: skip
def test_ok__a_period_is_named_by_times_ago_or_dates(since: str, until: str | None, hours: float) -> None:
    found = period(since, until, NOW)
    assert found.until - found.since == timedelta(hours=hours)


@pytest.mark.parametrize(("driven_s", "uptime_s"), [(5e-324, 100.0), (5e-324, 5e-324), (1e-300, 1e10), (1e10, 1e-300)])
def test_ok__no_length_of_a_trip_ends_the_report_of_the_fleet(
    store: Store, url: str, driven_s: float, uptime_s: float
) -> None:
    statuses = [trip("van-1", driven_s, NOW - DAY, uptime_s), trip("van-2", 3600.0, NOW - DAY, 3600.0)]
    store.put(Batch(alerts=[row("van-2", 1, NOW - DAY)], statuses=statuses))
    assert report(store, url).vehicles == 2
    rates = store.query("SELECT vehicle, sum(driving_h) FROM v_rate GROUP BY vehicle ORDER BY vehicle")
    assert [vehicle for vehicle, _ in rates] == ["van-1", "van-2"]
    assert rates[1][1] == pytest.approx(1.0)


def test_fail__what_the_engine_cannot_compute_is_an_error_for_people(store: Store) -> None:
    with pytest.raises(StoreError, match="a row in it cannot be read"):
        store.query("SELECT vehicle FROM alert WHERE vehicle = ?", ("a\udcff",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "d",
        "-1d",
        "999999w",
        "2026-13-01",
        "0001-01-01T00:00+23:00",
        "1e3h",
        "0001-01-02",
        "9999-12-31",
        "3000w",
        "\udc80",
    ],
)
def test_fail__another_period_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--since: expected"):
        period(text, None, NOW)


def test_ok__an_age_is_told_in_two_units() -> None:
    seconds = (-5, 0, 59, 60, 3600, 3660, 86_400, 90_000, 1e9)
    assert [age(one) for one in seconds] == [
        "0 s", "0 s", "59 s", "1 min", "1 h", "1 h 1 min", "1 d", "1 d 1 h", "11574 d 1 h"
    ]  # fmt: skip


def test_ok__the_rows_of_each_section_have_its_fields(told: str) -> None:
    store = open_store(told)
    found = sections(report(store, told))
    store.close()
    assert [one.name for one in found] == list(NAMES)
    assert all(list(row_) == list(one.fields) for one in found for row_ in one.rows)


@pytest.mark.parametrize("code", [code for code in FOUND if re.search("fleet (report|acknowledge) [^<]*$", code)])
def test_ok__each_command_of_the_documents_works(command: Cli, told: str, code: str) -> None:
    _, *words = shlex.split(code)
    done = command(*words)
    assert (done.code, done.err) == (0, "")
    assert done.out


def test_ok__html_of_an_empty_store_says_that_nothing_needs_attention(store: Store, url: str) -> None:
    page = as_text(report(store, url), "html", "rates")
    assert "nothing needs attention" in page
    assert "driving time unknown" in page
