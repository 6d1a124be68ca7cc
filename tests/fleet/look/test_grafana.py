"""The dashboard file and the SQL of docs/fleet-look.md, on the real schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from driver_monitor.fleet.store.rows import Batch, DeadLetter
from driver_monitor.fleet.store.store import Store, open_store
from tests.fleet.look.fleet import row, trip
from tests.fleet.services import Postgres, needs_postgres
from tests.fleet.store.conftest import emptied
from tests.fleet.store.rows import NOW, online
from tests.test_readme import ROOT, blocks

DASHBOARD: dict[str, Any] = json.loads((ROOT / "docs/grafana/fleet.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
PAGE = ROOT / "docs/fleet-look.md"
COLUMNS_ACROSS = 24


def expanded(sql: str) -> str:
    """What Grafana sends: its macros with the chosen time, its variables with the chosen vehicles."""
    since, until = (f"'{(NOW + days * timedelta(days=1)).isoformat()}'" for days in (-7, 1))
    sql = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 BETWEEN {since} AND {until}", sql)
    sql = sql.replace("${vehicle:sqlstring}", "'van-1','van-2','van-9'")
    assert "$" not in sql, f"this test does not know a macro in {sql}"
    return sql


def fill(store: Store) -> Store:
    alerts = [row(name, seq, NOW - timedelta(hours=seq)) for name in ("van-1", "van-2") for seq in (1, 3)]
    dead = [DeadLetter("dm/1/van-1/alert/x", b"{", "json: it is not JSON", NOW)]
    silent = online(False, -2e8, "van-9")  # also on a machine with an old clock
    store.put(Batch(alerts, [trip("van-1", 3600.0, NOW - timedelta(hours=9), 3600.0)], [silent], dead))
    return store


@pytest.fixture(scope="module")
def filled(server: Postgres) -> Iterator[Store]:
    store = open_store(emptied(server))
    store.make_schema(NOW)
    yield fill(store)
    store.close()


def test_ok__the_dashboard_can_be_imported() -> None:
    (source,) = DASHBOARD["__inputs"]
    assert source["pluginId"] == "grafana-postgresql-datasource"
    assert DASHBOARD["id"] is None
    wanted = {panel["type"] for panel in PANELS} | {"grafana", source["pluginId"]}
    assert wanted <= {one["id"] for one in DASHBOARD["__requires"]}
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    asked = [*PANELS, *DASHBOARD["templating"]["list"], *(one for panel in PANELS for one in panel["targets"])]
    assert {one["datasource"]["uid"] for one in asked} == {"${" + source["name"] + "}"}


def test_ok__no_panel_lies_over_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS_ACROSS
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not own & taken
        taken |= own


@needs_postgres
@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_ok__the_query_of_each_panel_answers(filled: Store, panel: dict[str, Any]) -> None:
    (target,) = panel["targets"]
    assert panel["title"]
    assert panel["description"]
    assert (target["refId"], target["rawQuery"], target["editorMode"]) == ("A", True, "code")
    assert (target["format"] == "time_series") == (panel["type"] == "timeseries")
    found = filled.query(expanded(target["rawSql"]))
    assert found
    if target["format"] == "time_series":
        assert all(len(one) == 3 for one in found)


@needs_postgres
def test_ok__the_variable_lists_the_vehicles(filled: Store) -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert filled.query(variable["query"]) == [("van-1",), ("van-2",), ("van-9",)]


@needs_postgres
def test_ok__each_query_of_the_page_answers(filled: Store, tmp_path: Path) -> None:
    embedded = fill(open_store(str(tmp_path / "fleet.db"), make=True))
    queries = [query for block in blocks(PAGE, "sql") for query in block.split(";") if query.strip()]
    assert len(queries) >= 5
    for query in queries:
        if query.lstrip().startswith(("CREATE", "GRANT", "ALTER")):
            continue
        assert filled.query(expanded(query)), query
        if "$" not in query:
            assert embedded.query(query), query
    embedded.close()


@needs_postgres
def test_ok__the_account_of_the_page_reads_each_view_and_writes_nothing(filled: Store, server: Postgres) -> None:
    (account,) = [block for block in blocks(PAGE, "sql") if block.startswith("CREATE ROLE")]
    with psycopg.connect(server.url, autocommit=True) as database:
        database.execute(account.encode())
    with psycopg.connect(server.url.replace("postgres@", "dashboard@"), autocommit=True) as database:
        for panel in PANELS:
            database.execute(expanded(panel["targets"][0]["rawSql"]).encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.execute("DELETE FROM alert")
    with psycopg.connect(server.url, autocommit=True) as database:
        database.execute("DROP OWNED BY dashboard; DROP ROLE dashboard")


@needs_postgres
def test_ok__the_page_describes_each_view_and_each_column(filled: Store) -> None:
    page = PAGE.read_text()
    found = filled.query(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND table_name LIKE 'v!_%' ESCAPE '!'"
    )
    assert {view for view, _ in found} >= {"v_alert", "v_rate", "v_trip"}
    for view, column in found:
        section = page.partition(f"### `{view}`")[2].partition("\n#")[0]
        assert f"`{column}`" in section, f"{view}.{column} is not in {PAGE.name}"
