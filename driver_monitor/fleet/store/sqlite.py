"""The store in an SQLite file: a whole operator's side on one computer, without a database server.

Write-ahead log and `synchronous=FULL`: what `put` has stored survives a power cut.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from driver_monitor import PROGRAM
from driver_monitor.fleet.store import fold, settings
from driver_monitor.fleet.store.isolate import SAME_ID, RowFaultError, no_row_fault, put_rows
from driver_monitor.fleet.store.rows import AlertRow, Batch, DeadLetter, PutResult
from driver_monitor.fleet.store.schema import (
    ALERT_COLUMNS,
    LETTER_COLUMNS,
    LETTER_UPDATE,
    SCHEMA,
    SETTING,
    SQLITE_STEPS,
    TRIP_COLUMNS,
    TRIP_UPDATE,
    VEHICLE_COLUMNS,
    VEHICLE_UPDATE,
)
from driver_monitor.fleet.store.store import StoreDownError, StoreError
from driver_monitor.fleet.store.times import as_text
from driver_monitor.fleet.store.views import views

BUSY_S = 5.0
"""Longest wait for another process that writes (ours). Then the batch is tried again."""
PART = 5000
"""Alerts that one transaction deletes (ours): other processes write in between."""
_ROW_FAULTS = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, OverflowError, UnicodeError)


class SqliteStore:
    """The store in `path`. `make`: an absent file is made when it is needed, and an older schema is brought up.

    `make_schema` does so in any case.
    """

    def __init__(self, path: Path, make: bool = False) -> None:
        self._path, self._make = path, make
        self._connection: sqlite3.Connection | None = None
        self._checked = False

    def __str__(self) -> str:
        return str(self._path)

    def put(self, batch: Batch) -> PutResult:
        """See `Store`."""
        return put_rows(batch, self._write)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """See `Store`."""
        with no_row_fault(self), self._database() as database:
            database.execute("PRAGMA query_only=ON")
            try:
                given = [as_text(value) if isinstance(value, datetime) else value for value in parameters]
                return database.execute(sql, given).fetchall()
            finally:
                database.execute("PRAGMA query_only=OFF")

    def acknowledge(self, episodes: Collection[str], by_whom: str, at: datetime, note: str) -> int:
        """See `Store`."""
        with self._transaction() as database:
            return sum(
                database.execute(
                    "INSERT INTO acknowledgement (episode, by_whom, at, note) VALUES (?,?,?,?) ON CONFLICT DO NOTHING",
                    (episode, by_whom, as_text(at), note),
                ).rowcount
                for episode in episodes
            )

    def make_schema(self, now: datetime) -> int:
        """See `Store`. `now` is not needed here."""
        del now
        with self._transaction(check=False) as database:
            database.execute(SETTING)
            found = self._schema(database)
            settings.check_not_newer(found, str(self))
            for step in SQLITE_STEPS[found:]:
                for statement in step.split(";"):
                    database.execute(statement)
            for view in views("sqlite"):
                database.execute(view)
            database.execute(settings.WRITE, (settings.SCHEMA_NAME, str(SCHEMA)))
        return found

    def check_schema(self) -> None:
        """See `Store`."""
        with self._database():
            pass

    def retention_days(self) -> int:
        """See `Store`."""
        found = self.query(settings.READ, (settings.RETENTION_NAME,))
        return settings.retention_days(found[0][0] if found else None)

    def set_retention_days(self, days: int) -> None:
        """See `Store`."""
        with self._transaction() as database:
            database.execute(settings.WRITE, (settings.RETENTION_NAME, str(days)))

    def tidy(self, now: datetime) -> int | None:
        """See `Store`. A second process only finds less to delete."""
        before = as_text(now - timedelta(days=self.retention_days()))
        deleted = 0
        while True:
            with self._transaction() as database:
                part = database.execute(
                    "DELETE FROM alert WHERE rowid IN (SELECT rowid FROM alert WHERE received < ? LIMIT ?)",
                    (before, PART),
                ).rowcount
            deleted += part
            if part < PART:
                break
        with self._transaction() as database:
            for table, column in (("dead_letter", "last_seen"), ("trip", "last_seen"), ("vehicle", "last_seen")):
                database.execute(f"DELETE FROM {table} WHERE {column} < ?", (before,))
            database.execute(
                "DELETE FROM acknowledgement WHERE at < ?"
                " AND NOT EXISTS (SELECT 1 FROM alert WHERE alert.episode = acknowledgement.episode)",
                (before,),
            )
        return deleted

    def close(self) -> None:
        """See `Store`."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._checked = None, False

    def _write(self, batch: Batch) -> PutResult:
        with self._transaction() as database:
            known, refused = self._put_alerts(database, batch.alerts)
            dead = [batch.alerts[index].dead(reason) for index, reason in refused.items()]
            self._put_rest(database, batch, dead)
        return PutResult(frozenset(known), refused)

    def _put_alerts(self, database: sqlite3.Connection, alerts: Sequence[AlertRow]) -> tuple[set[int], dict[int, str]]:
        known: set[int] = set()
        refused: dict[int, str] = {}
        for index, row in enumerate(alerts):
            done = database.execute(
                f"INSERT INTO alert ({ALERT_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
                (as_text(row.t_wall), row.id, row.vehicle, row.seq, row.episode, row.trip, row.t, row.rule, row.level,
                 row.phase, row.message, row.body, as_text(row.received)),
            )  # fmt: skip
            if done.rowcount == 1:
                continue
            body = database.execute("SELECT body FROM alert WHERE id = ?", (row.id,)).fetchone()[0]
            if body == row.body:
                known.add(index)
            else:
                refused[index] = SAME_ID
        return known, refused

    def _put_rest(self, database: sqlite3.Connection, batch: Batch, dead: Sequence[DeadLetter]) -> None:
        for seen in fold.vehicles(batch):
            online, status = seen.online, seen.status
            database.execute(
                f"INSERT INTO vehicle AS old ({VEHICLE_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?) {VEHICLE_UPDATE}",
                (seen.vehicle, as_text(seen.first_seen), as_text(seen.last_seen),
                 *((None, None) if online is None else (online.online, as_text(online.at))),
                 *((None,) * 4 if status is None else (status.body, as_text(status.at), status.trip, status.uptime_s))),
            )  # fmt: skip
        for trip in fold.trips(batch):
            database.execute(
                f"INSERT INTO trip AS old ({TRIP_COLUMNS}) VALUES (?,?,?,?,?,?) {TRIP_UPDATE}",
                (trip.vehicle, trip.trip, as_text(trip.first_seen), as_text(trip.last_seen), trip.uptime_s,
                 trip.driving_s),
            )  # fmt: skip
        for counted in fold.letters([*batch.dead, *dead]):
            letter = counted.letter
            database.execute(
                f"INSERT INTO dead_letter AS old ({LETTER_COLUMNS}) VALUES (?,?,?,?,?,?,?) {LETTER_UPDATE}",
                (counted.digest, letter.topic, letter.payload, letter.reason, counted.count,
                 as_text(letter.received), as_text(letter.received)),
            )  # fmt: skip

    @contextmanager
    def _transaction(self, check: bool = True) -> Iterator[sqlite3.Connection]:
        with self._database(check) as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def _database(self, check: bool = True) -> Iterator[sqlite3.Connection]:
        try:
            database = self._opened(create=self._make or not check)
            if check and not self._checked:
                if self._make and self._schema(database) < SCHEMA:
                    self.make_schema(datetime.now(timezone.utc))
                settings.check(self._schema(database), str(self))
                self._checked = True
            yield database
        except _ROW_FAULTS as error:
            raise RowFaultError(str(error)) from error
        except sqlite3.Error as error:
            self.close()
            raise StoreDownError(f"{self}: the store cannot be used at present: {error}") from error

    def _opened(self, create: bool) -> sqlite3.Connection:
        if self._connection is None:
            if not create and not self._path.exists():
                raise StoreError(f"{self}: there is no such store; a collector makes it: {PROGRAM} fleet collect")
            self._connection = sqlite3.connect(self._path, BUSY_S, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
        return self._connection

    def _schema(self, database: sqlite3.Connection) -> int:
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'setting'").fetchone() is None:
            return 0
        found = database.execute(settings.READ, (settings.SCHEMA_NAME,)).fetchone()
        return settings.schema(None if found is None else str(found[0]), str(self))
