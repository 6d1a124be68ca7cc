"""The table `setting`: number of the schema and retention, and what is said when the schema does not fit."""

from __future__ import annotations

import re

from driver_monitor import PROGRAM
from driver_monitor.fleet.store.schema import SCHEMA
from driver_monitor.fleet.store.store import RETENTION_DAYS, StoreError

SCHEMA_NAME = "schema"
RETENTION_NAME = "retention_days"
READ = "SELECT value FROM setting WHERE name = ?"
WRITE = "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def schema(value: str | None, store: str) -> int:
    """Return the number of the schema that the table holds; 0 without one. Raises `StoreError`: it is no number."""
    if value is None:
        return 0
    if not re.fullmatch(r"-?[0-9]{1,6}", value):
        raise StoreError(f"{store}: its schema is no number ({value!r:.40}); this is not a store of {PROGRAM}")
    return int(value)


def check(found: int, store: str) -> None:
    """Raise `StoreError` unless `found` is this program's schema. 0: there is none. `store`: its name for people."""
    if found == 0:
        raise StoreError(f"{store}: it has no tables of {PROGRAM}; make them with: {PROGRAM} fleet schema --store ...")
    if found < SCHEMA:
        raise StoreError(
            f"{store}: its schema {found} is older than this program's ({SCHEMA}); stop the collectors, then run:"
            f" {PROGRAM} fleet schema --store ..."
        )
    check_not_newer(found, store)


def check_not_newer(found: int, store: str) -> None:
    """Raise `StoreError` if a newer version of this program has made the schema `found`."""
    if found > SCHEMA:
        raise StoreError(
            f"{store}: its schema {found} is newer than this program's ({SCHEMA}); install the newer {PROGRAM}"
        )


def retention_days(value: str | None) -> int:
    """Return the retention that the table holds; the default if `value` is None or no number."""
    return int(value) if value is not None and value.isdecimal() and len(value) <= 6 else RETENTION_DAYS
