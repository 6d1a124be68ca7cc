"""The store in PostgreSQL, for as many collectors as wanted. The table `alert` has a partition for each month."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg import conninfo, errors

from driver_monitor.errors import UsageError
from driver_monitor.fleet.store import fold, partitions, settings
from driver_monitor.fleet.store.isolate import SAME_ID, RowFaultError, no_row_fault, put_rows
from driver_monitor.fleet.store.rows import AlertRow, Batch, DeadLetter, PutResult
from driver_monitor.fleet.store.schema import (
    ALERT_COLUMNS,
    LETTER_COLUMNS,
    LETTER_UPDATE,
    POSTGRES_STEPS,
    SCHEMA,
    SETTING,
    TRIP_COLUMNS,
    TRIP_UPDATE,
    VEHICLE_COLUMNS,
    VEHICLE_UPDATE,
)
from driver_monitor.fleet.store.store import StoreDownError, StoreError
from driver_monitor.fleet.store.times import as_text
from driver_monitor.fleet.store.views import views

CONNECT_S = 5
"""Longest wait for a connection, seconds (ours)."""
DEAD_MS = 20_000
"""After this time without an answer from the other machine's network, a connection counts as dead (ours)."""
LOCK_S = 2
"""Longest wait of `tidy` for a lock, seconds (ours): collectors wait behind it. It is tried again an hour later."""
TIDY_LOCK = 0x646D_7469_6479
"""The advisory lock of `tidy` ("dmtidy"): one process at a time."""
_ROW_FAULTS = (psycopg.DataError, psycopg.IntegrityError, errors.ProgramLimitExceeded, UnicodeError)

INDEXES_ONLY = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off"
"""Before `INSERT`: PostgreSQL would read the whole table for a batch of 1,000 ids (measured: 600,000 rows, 1.9 s)."""
# %b: arrays go in binary. As text, psycopg would escape each quote of each body, which takes most of the time.
INSERT = f"""
INSERT INTO alert ({ALERT_COLUMNS})
SELECT * FROM unnest(
    %b::timestamptz[], %b::uuid[], %b::text[], %b::bigint[], %b::uuid[], %b::text[], %b::float8[], %b::text[],
    %b::text[], %b::text[], %b::text[], %b::text[], %b::timestamptz[]) AS given ({ALERT_COLUMNS})
WHERE NOT EXISTS (SELECT FROM alert WHERE alert.id = given.id)
ON CONFLICT DO NOTHING RETURNING id::text
"""
_VEHICLES = f"""
INSERT INTO vehicle AS old ({VEHICLE_COLUMNS})
SELECT * FROM unnest(
    %b::text[], %b::timestamptz[], %b::timestamptz[], %b::boolean[], %b::timestamptz[], %b::text[],
    %b::timestamptz[], %b::text[], %b::float8[]) {VEHICLE_UPDATE}
"""
_TRIPS = f"""
INSERT INTO trip AS old ({TRIP_COLUMNS})
SELECT * FROM unnest(%b::text[], %b::text[], %b::timestamptz[], %b::timestamptz[], %b::float8[], %b::float8[])
{TRIP_UPDATE}
"""
_LETTERS = f"""
INSERT INTO dead_letter AS old ({LETTER_COLUMNS})
SELECT * FROM unnest(
    %b::text[], %b::text[], %b::bytea[], %b::text[], %b::bigint[], %b::timestamptz[], %b::timestamptz[])
{LETTER_UPDATE}
"""
_ADVICE = "; check that PostgreSQL runs, and host, user, password and database (docs/fleet-store.md)"


class PostgresStore:
    """The store at `url`, in its database's first schema of the search path. Raises `UsageError`: no such address."""

    def __init__(self, url: str) -> None:
        try:
            parts = conninfo.conninfo_to_dict(url)
        except psycopg.Error:
            raise UsageError("--store: this is no address of PostgreSQL; use postgresql://USER@HOST/DATABASE") from None
        self._url = url
        # Without the password, which the address may hold.
        self._name = f"postgresql://{parts.get('host', '')}/{parts.get('dbname', '')}"
        self._connection: psycopg.Connection | None = None
        self._checked = False

    def __str__(self) -> str:
        return self._name

    def put(self, batch: Batch) -> PutResult:
        """See `Store`."""
        return put_rows(batch, self._write)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """See `Store`."""
        with no_row_fault(self), self._transaction() as database:
            database.execute("SET TRANSACTION READ ONLY")
            found = database.execute(_own_marks(sql), parameters)
            return [tuple(_plain(value) for value in row) for row in found]

    def acknowledge(self, episodes: Collection[str], by_whom: str, at: datetime, note: str) -> int:
        """See `Store`."""
        with self._transaction() as database:
            return sum(
                database.execute(
                    "INSERT INTO acknowledgement (episode, by_whom, at, note) VALUES (%s,%s,%s,%s)"
                    " ON CONFLICT DO NOTHING",
                    (episode, by_whom, at, note),
                ).rowcount
                for episode in episodes
            )

    def make_schema(self, now: datetime) -> int:
        """See `Store`. Also makes the partitions."""
        with self._transaction(check=False) as database:
            # Two operators at the same time: the second waits and finds nothing to do.
            database.execute("SELECT pg_advisory_xact_lock(%s)", (TIDY_LOCK,))
            self._check_encoding(database)
            database.execute(SETTING)
            found = self._schema(database)
            settings.check_not_newer(found, str(self))
            for step in POSTGRES_STEPS[found:]:
                database.execute(step.encode())
            for view in views("postgresql"):
                database.execute(view.encode())
            database.execute(_own_marks(settings.WRITE), (settings.SCHEMA_NAME, str(SCHEMA)))
            partitions.make_ahead(database, now, now - timedelta(days=self._days(database)))
        return found

    def check_schema(self) -> None:
        """See `Store`."""
        with self._transaction():
            pass

    def retention_days(self) -> int:
        """See `Store`."""
        with self._transaction() as database:
            return self._days(database)

    def set_retention_days(self, days: int) -> None:
        """See `Store`."""
        with self._transaction() as database:
            database.execute(_own_marks(settings.WRITE), (settings.RETENTION_NAME, str(days)))

    def tidy(self, now: datetime) -> int | None:
        """See `Store`. Each step is a transaction of its own, because some of them lock out the collectors."""
        with self._transaction() as database:
            if database.execute("SELECT pg_try_advisory_lock(%s)", (TIDY_LOCK,)).fetchone() != (True,):
                return None
            database.execute(f"SET lock_timeout = '{LOCK_S}s'")
            before = now - timedelta(days=self._days(database))
        try:
            with self._transaction() as database:
                partitions.drop_before(database, before)
            with self._transaction() as database:
                partitions.make_ahead(database, now, before)
            with self._transaction() as database:
                return self._delete(database, before)
        finally:
            self.close()  # it also gives the lock back

    def close(self) -> None:
        """See `Store`."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
        self._connection, self._checked = None, False

    def _delete(self, database: psycopg.Connection, before: datetime) -> int:
        # Also in the month in which `before` lies. `t_wall` lets PostgreSQL leave out all other partitions.
        month = database.execute("DELETE FROM alert WHERE t_wall < %s AND received < %s", (before, before)).rowcount
        wrong_clocks = database.execute(f"DELETE FROM {partitions.DEFAULT} WHERE received < %s", (before,)).rowcount
        for table in ("dead_letter", "trip", "vehicle"):
            database.execute(f"DELETE FROM {table} WHERE last_seen < %s", (before,))
        database.execute(
            "DELETE FROM acknowledgement WHERE at < %s"
            " AND NOT EXISTS (SELECT FROM alert WHERE alert.episode = acknowledgement.episode)",
            (before,),
        )
        return month + wrong_clocks

    def _write(self, batch: Batch) -> PutResult:
        with self._transaction() as database:
            known, refused = self._put_alerts(database, batch.alerts)
            dead = [batch.alerts[index].dead(reason) for index, reason in refused.items()]
            self._put_rest(database, batch, dead)
        return PutResult(frozenset(known), refused)

    def _put_alerts(self, database: psycopg.Connection, alerts: Sequence[AlertRow]) -> tuple[set[int], dict[int, str]]:
        """Insert; return the indices of those that were there before, and of those whose id has other bytes."""
        # The first of each id. All transactions insert in the same order, so that none waits for another in a circle.
        first: dict[str, AlertRow] = {}
        for row in alerts:
            first.setdefault(row.id, row)
        rows = sorted(first.values(), key=lambda row: (row.t_wall, row.id))
        if not rows:
            return set(), {}
        database.execute(INDEXES_ONLY)
        new = {id_ for (id_,) in database.execute(INSERT, columns_of(rows))}
        if len(new) == len(alerts):
            return set(), {}
        others = [row.id for row in rows if row.id not in new]
        stored = {row.id: row.body for row in rows if row.id in new}
        stored |= database.execute("SELECT id::text, body FROM alert WHERE id = ANY(%s::uuid[])", (others,)).fetchall()
        if len(stored) != len(rows):
            raise StoreDownError(f"{self}: alerts were deleted while they were stored again")
        known: set[int] = set()
        refused: dict[int, str] = {}
        for index, row in enumerate(alerts):
            if stored[row.id] != row.body:
                refused[index] = SAME_ID
            elif row.id not in new or first[row.id] is not row:
                known.add(index)
        return known, refused

    def _put_rest(self, database: psycopg.Connection, batch: Batch, dead: Sequence[DeadLetter]) -> None:
        if seen := fold.vehicles(batch):
            database.execute(_VEHICLES, _turned([_vehicle(one) for one in seen]))
        if trips := fold.trips(batch):
            database.execute(
                _TRIPS,
                _turned([(t.vehicle, t.trip, t.first_seen, t.last_seen, t.uptime_s, t.driving_s) for t in trips]),
            )
        if letters := fold.letters([*batch.dead, *dead]):
            database.execute(_LETTERS, _turned([_letter(one) for one in letters]))

    @contextmanager
    def _transaction(self, check: bool = True) -> Iterator[psycopg.Connection]:
        try:
            database = self._opened()
            with database.transaction():
                if check and not self._checked:
                    settings.check(self._schema(database), str(self))
                yield database
            self._checked = self._checked or check
        except _ROW_FAULTS as error:
            raise RowFaultError(_reason(error)) from error
        except psycopg.Error as error:
            advice = _ADVICE if self._connection is None else ""
            self.close()
            raise StoreDownError(f"{self}: the store cannot be used at present: {_reason(error)}{advice}") from error

    def _opened(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_S, client_encoding="UTF8", prepare_threshold=None,
                application_name="driver-monitor", keepalives_idle=10, keepalives_interval=3, keepalives_count=3,
                tcp_user_timeout=DEAD_MS,
            )  # fmt: skip
            self._connection.execute("SET TimeZone = 'UTC'")
            # Compiling a view of the report takes seconds, and its run then a fraction of one.
            self._connection.execute("SET jit = off")
            # A server that does not wait for its disk would lose alerts that the cars have been told are stored.
            self._connection.execute(
                "SELECT set_config('synchronous_commit', 'on', false)"
                " WHERE current_setting('synchronous_commit') = 'off'"
            )
        return self._connection

    def _schema(self, database: psycopg.Connection) -> int:
        if database.execute("SELECT to_regclass('setting')").fetchone() == (None,):
            return 0
        found = database.execute(_own_marks(settings.READ), (settings.SCHEMA_NAME,)).fetchone()
        return settings.schema(None if found is None else str(found[0]), str(self))

    def _days(self, database: psycopg.Connection) -> int:
        found = database.execute(_own_marks(settings.READ), (settings.RETENTION_NAME,)).fetchone()
        return settings.retention_days(None if found is None else found[0])

    def _check_encoding(self, database: psycopg.Connection) -> None:
        found = database.execute("SHOW server_encoding").fetchone()
        if found != ("UTF8",):
            raise StoreError(f"{self}: the database must be made with ENCODING 'UTF8', found {found and found[0]}")


def columns_of(rows: Sequence[AlertRow]) -> list[list[Any]]:
    """Return the parameters of `INSERT`."""
    return [
        [row.t_wall for row in rows], [row.id for row in rows], [row.vehicle for row in rows],
        [row.seq for row in rows], [row.episode for row in rows], [row.trip for row in rows], [row.t for row in rows],
        [row.rule for row in rows], [row.level for row in rows], [row.phase for row in rows],
        [row.message for row in rows], [row.body for row in rows], [row.received for row in rows],
    ]  # fmt: skip


def _vehicle(seen: fold.SeenVehicle) -> tuple[Any, ...]:
    online, status = seen.online, seen.status
    return (
        seen.vehicle, seen.first_seen, seen.last_seen,
        *((None, None) if online is None else (online.online, online.at)),
        *((None,) * 4 if status is None else (status.body, status.at, status.trip, status.uptime_s)),
    )  # fmt: skip


def _letter(counted: fold.CountedLetter) -> tuple[Any, ...]:
    letter = counted.letter
    return (counted.digest, letter.topic, letter.payload, letter.reason, counted.count, *(letter.received,) * 2)


def _turned(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _own_marks(sql: str) -> bytes:
    return sql.replace("%", "%%").replace("?", "%s").encode()


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return as_text(value)
        case UUID():
            return str(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case memoryview():
            return bytes(value)
    return value


def _reason(error: Exception) -> str:
    """Return one line: what the server says, without its context; else the text of the error."""
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return " ".join((said or str(error)).split()) or type(error).__name__
