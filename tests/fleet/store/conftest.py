"""Both engines, so that every story is told of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from driver_monitor.fleet.store.store import Store, open_store
from tests.fleet.services import Postgres, needs_postgres
from tests.fleet.store.rows import NOW


def emptied(server: Postgres) -> str:
    """Drop all tables of the server's database, and return its address."""
    with psycopg.connect(server.url, autocommit=True) as database:
        database.execute("SET client_min_messages = warning")
        database.execute("DROP SCHEMA public CASCADE")
        database.execute("CREATE SCHEMA public")
    return server.url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=needs_postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store."""
    if request.param == "sqlite":
        return str(tmp_path / "fleet.db")
    return emptied(request.getfixturevalue("server"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store with its tables."""
    opened = open_store(url, make=True)
    opened.make_schema(NOW)
    yield opened
    opened.close()
