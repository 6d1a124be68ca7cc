"""The broker and the database that other tests start do what these tests rely on."""

from __future__ import annotations

from pathlib import Path

import psycopg

from tests.fleet.services import mosquitto, needs_mosquitto, needs_postgres, postgres


@needs_mosquitto
def test_ok__a_broker_starts_again_after_a_kill(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker") as broker:
        broker.kill()
        broker.start()
        broker.stop()
        broker.start()
        assert broker.process.poll() is None


@needs_postgres
def test_ok__a_database_keeps_its_rows_over_a_power_cut(tmp_path: Path) -> None:
    with postgres(tmp_path / "store") as server:
        with psycopg.connect(server.url) as database:
            database.execute("CREATE TABLE kept AS SELECT 7 AS number")
        server.stop()
        server.start()
        with psycopg.connect(server.url) as database:
            assert database.execute("SELECT number FROM kept").fetchone() == (7,)
