"""Schema, retention and partitions of the store."""

from __future__ import annotations

import itertools
import sqlite3
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.errors import UsageError
from driver_monitor.fleet.store import partitions
from driver_monitor.fleet.store.postgres import INDEXES_ONLY, INSERT, TIDY_LOCK, columns_of
from driver_monitor.fleet.store.rows import Batch, DeadLetter
from driver_monitor.fleet.store.schema import POSTGRES_STEPS, SCHEMA, SQLITE_STEPS
from driver_monitor.fleet.store.store import RETENTION_DAYS, Store, StoreDownError, StoreError, open_store
from tests.fleet.services import Postgres, needs_postgres
from tests.fleet.store.conftest import emptied
from tests.fleet.store.rows import NOW, alert, online, status

DAY = timedelta(days=1)


def fleet_partitions(store: Store) -> list[str]:
    sql = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'alert'::regclass ORDER BY 1"
    return [name for (name,) in store.query(sql)]


def columns(store: Store, table: str) -> list[str]:
    sql = (
        "SELECT column_name FROM information_schema.columns WHERE table_name = ? ORDER BY ordinal_position"
        if "postgres" in str(store)
        else "SELECT name FROM pragma_table_info(?) ORDER BY cid"
    )
    return [name for (name,) in store.query(sql, (table,))]


def test_ok__the_schema_is_made_once(url: str) -> None:
    store = open_store(url)
    assert store.make_schema(NOW) == 0
    store.put(Batch(alerts=[alert(1)]))
    assert store.make_schema(NOW) == SCHEMA
    assert store.query("SELECT value FROM setting WHERE name = 'schema'") == [(str(SCHEMA),)]
    assert store.query("SELECT count(*) FROM alert") == [(1,)]
    assert len(POSTGRES_STEPS) == len(SQLITE_STEPS)
    store.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DROP TABLE setting", "has no tables of driver-monitor; make them with: driver-monitor fleet schema"),
        ("UPDATE setting SET value = '0' WHERE name = 'schema'", "has no tables"),
        ("UPDATE setting SET value = '99' WHERE name = 'schema'", "is newer than this program's"),
        ("UPDATE setting SET value = 'abc' WHERE name = 'schema'", "its schema is no number"),
        ("UPDATE setting SET value = '' WHERE name = 'schema'", "its schema is no number"),
        ("UPDATE setting SET value = '-1' WHERE name = 'schema'", "is older than this program's"),
    ],
)
def test_fail__another_schema_is_told_and_nothing_is_written(url: str, change: str, said: str) -> None:
    store = open_store(url)
    store.make_schema(NOW)
    store.close()
    if "://" in url:
        with psycopg.connect(url, autocommit=True) as database:
            database.execute(change.encode())
    else:
        with sqlite3.connect(url) as file:
            file.execute(change)
    for call in (lambda: store.put(Batch(alerts=[alert(1)])), store.check_schema, store.retention_days):
        with pytest.raises(StoreError, match=said):
            call()
    store.close()


@needs_postgres
def test_ok__both_engines_have_the_same_tables(server: Postgres, tmp_path: Path) -> None:
    first, second = open_store(emptied(server)), open_store(str(tmp_path / "x.db"), make=True)
    first.make_schema(NOW)
    for table in ("alert", "vehicle", "trip", "dead_letter", "acknowledgement", "setting"):
        assert columns(first, table) == columns(second, table) != []
    first.close()


def test_ok__what_is_older_than_the_retention_is_deleted(store: Store) -> None:
    assert store.retention_days() == RETENTION_DAYS
    store.set_retention_days(30)
    assert store.retention_days() == 30
    old, new = NOW - 31 * DAY, NOW - 29 * DAY
    rows = [alert(seq, t_wall=at, received=at, vehicle=name) for seq, (at, name) in enumerate(
        [(old, "old"), (new, "new"), (datetime(1970, 1, 1, tzinfo=timezone.utc), "old")])]  # fmt: skip
    late = alert(9, t_wall=datetime(1970, 1, 2, tzinfo=timezone.utc), received=new, vehicle="new")
    store.put(Batch(
        alerts=[*rows, late],
        statuses=[status(1, "old", received=old), status(1, "new", received=new)],
        dead=[DeadLetter("t", b"old", "x", old), DeadLetter("t", b"new", "x", new)],
    ))  # fmt: skip
    store.acknowledge([rows[0].episode], "Ada", old, "")
    store.acknowledge([rows[1].episode], "Ada", old, "the alert is still there")
    assert store.tidy(NOW) is not None
    assert store.query("SELECT vehicle, seq FROM alert ORDER BY seq") == [("new", 1), ("new", 9)]
    for table in ("vehicle", "trip"):
        assert store.query(f"SELECT vehicle FROM {table}") == [("new",)]
    assert store.query("SELECT payload FROM dead_letter") == [(b"new",)]
    assert store.query("SELECT episode FROM acknowledgement") == [(rows[1].episode,)]
    assert store.tidy(NOW) == 0


@needs_postgres
class TestPartitions:
    @pytest.fixture
    def url(self, server: Postgres) -> str:
        return emptied(server)

    def test_ok__months_get_partitions_ahead_and_lose_them_after_the_retention(self, store: Store) -> None:
        months = [f"alert_2026_{month:02}" for month in (9, 10, 11, 12)] + ["alert_2027_01", "alert_2027_02"]
        assert fleet_partitions(store) == [*months, "alert_default"]
        store.put(Batch(alerts=[alert(1), alert(2, t_wall=NOW - 60 * DAY)]))
        assert store.query("SELECT tableoid::regclass::text FROM alert ORDER BY t_wall") == [
            ("alert_2026_09",), ("alert_2026_11",),
        ]  # fmt: skip
        store.set_retention_days(40)
        store.tidy(NOW + 10 * DAY)
        assert fleet_partitions(store) == [*months[1:], "alert_2027_03", "alert_default"]
        assert store.query("SELECT count(*) FROM alert") == [(1,)]

    def test_ok__rows_in_the_default_partition_move_to_their_month(self, store: Store) -> None:
        rows = [alert(seq, t_wall=NOW + 120 * DAY + timedelta(hours=seq)) for seq in range(3)]
        far = alert(9, t_wall=NOW + 4000 * DAY)
        store.put(Batch(alerts=[*rows, far]))
        assert store.query("SELECT count(*) FROM alert_default") == [(4,)]
        assert store.tidy(NOW + 31 * DAY) == 0
        assert store.query("SELECT count(*) FROM alert_2027_03") == [(3,)]
        assert store.query("SELECT count(*) FROM alert_default") == [(1,)]
        result = store.put(Batch(alerts=[*rows, far]))
        assert result.known == {0, 1, 2, 3}, "still once each"

    def test_ok__one_process_at_a_time_tidies(self, store: Store, server: Postgres) -> None:
        with psycopg.connect(server.url) as other:
            other.execute("SELECT pg_advisory_lock(%s)", (TIDY_LOCK,))
            assert store.tidy(NOW) is None
            # The server ends a closed session some time later.
            other.execute("SELECT pg_advisory_unlock(%s)", (TIDY_LOCK,))
        assert store.tidy(NOW) == 0
        assert store.tidy(NOW) == 0

    def test_fail__who_waits_for_a_lock_gives_up_and_writing_goes_on(
        self, store: Store, server: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("driver_monitor.fleet.store.postgres.LOCK_S", 0.05)
        store.set_retention_days(30)
        with psycopg.connect(server.url) as reader:
            reader.execute("SELECT count(*) FROM alert")
            with pytest.raises(StoreDownError, match="lock timeout"):
                store.tidy(NOW)
            assert store.put(Batch(alerts=[alert(1)])).refused == {}
        assert store.tidy(NOW) == 0

    def test_ok__a_batch_reads_no_whole_table(self, store: Store, server: Postgres) -> None:
        """Without `INDEXES_ONLY` this plan is a hash join over all partitions."""
        with psycopg.connect(server.url) as database:
            database.execute(
                "INSERT INTO alert SELECT '2026-09-02'::timestamptz + g * interval '5 min', gen_random_uuid(), 'car',"
                " g, gen_random_uuid(), 't', 1, 'r', 'info', 'raised', 'm', repeat('x', 300), now()"
                " FROM generate_series(1, 20000) g"
            )
            database.execute(INDEXES_ONLY)
            rows = columns_of([alert(seq) for seq in range(1000)])
            plan = "\n".join(line for (line,) in database.execute(f"EXPLAIN {INSERT}".encode(), rows))
        assert "Index Only Scan using alert_2026_09_id_idx" in plan
        assert "Hash" not in plan
        assert "Seq Scan on alert_2026_09" not in plan

    @pytest.mark.parametrize("where", ["vehicle = 'car-1' AND seq = 7", f"episode = '{alert(7).episode}'"])
    def test_ok__the_lookups_of_reports_have_an_index(self, store: Store, where: str) -> None:
        store.put(Batch(alerts=[alert(seq) for seq in range(1000)]))
        plan = "\n".join(row[0] for row in store.query(f"EXPLAIN SELECT * FROM alert_2026_11 WHERE {where}"))
        assert "Index" in plan

    def test_ok__the_store_promises_a_disk_also_where_the_server_does_not(self, store: Store, server: Postgres) -> None:
        with psycopg.connect(server.url, autocommit=True) as database:
            database.execute("ALTER DATABASE postgres SET synchronous_commit = off")
        try:
            store.close()
            assert store.query("SHOW synchronous_commit") == [("on",)]
        finally:
            with psycopg.connect(server.url, autocommit=True) as database:
                database.execute("ALTER DATABASE postgres RESET synchronous_commit")


@given(st.integers(1, 9998), st.integers(1, 12))
def test_ok__months_follow_each_other(year: int, month: int) -> None:
    now = datetime(year, month, 28, tzinfo=timezone.utc)
    if year > 1:
        starts = list(partitions.wanted(now))
        assert len(starts) == partitions.MONTHS_BACK + 1 + partitions.MONTHS_AHEAD
        assert all(28 * DAY <= later - start <= 31 * DAY for start, later in itertools.pairwise(starts))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://host/db", "is neither a file nor postgresql://"),
        ("postgresql://host:port/x?nonsense=1", "this is no address of PostgreSQL"),
    ],
)
def test_fail__a_store_that_cannot_be_is_refused(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_store(url)


def test_fail__a_file_that_is_not_there_is_not_made_by_a_reader(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no such store; a collector makes it"):
        open_store(str(tmp_path / "x.db")).query("SELECT 1")
    assert list(tmp_path.iterdir()) == []


def test_fail__a_file_of_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database at all, but long enough" * 100)
    with pytest.raises(StoreDownError, match="file is not a database"):
        open_store(str(tmp_path / "x.db"), make=True).put(Batch(alerts=[alert(1)]))
    with pytest.raises(StoreDownError, match="unable to open"):
        open_store(str(tmp_path / "missing" / "x.db"), make=True).put(Batch(online=[online(True, 1)]))


def test_fail__a_database_that_cannot_be_reached_is_told_with_what_to_check() -> None:
    store = open_store("postgresql://fleet@127.0.0.1:1/fleet")
    with pytest.raises(StoreDownError, match="check that PostgreSQL runs, and host, user, password and database"):
        store.make_schema(datetime.now(timezone.utc))


def test_fail__a_password_is_in_no_message() -> None:
    store = open_store("postgresql://fleet:secret@127.0.0.1:1/fleet")
    with pytest.raises(StoreDownError) as caught:
        store.check_schema()
    assert "secret" not in f"{caught.value}{store}"
