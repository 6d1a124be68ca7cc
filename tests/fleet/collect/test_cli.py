"""The verbs `fleet collect` and `fleet schema` as an operator types them."""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import Cli
from tests.fleet.services import Postgres, needs_postgres
from tests.fleet.store.conftest import emptied
from tests.processes import free_port


def test_ok__the_schema_of_a_file_is_made_and_the_retention_is_set(command: Cli) -> None:
    first = command("fleet", "schema", "--store", "fleet.db")
    assert (first.code, first.lines) == (0, [])
    assert first.out == "fleet.db: schema 1 made; alerts are kept for 184 days\n"
    assert command("fleet", "schema", "--retention-days", "30").out.endswith(
        "schema 1 is up to date; alerts are kept for 30 days\n"
    )


@needs_postgres
def test_ok__postgresql_gets_its_tables_from_schema_alone(command: Cli, server: Postgres) -> None:
    emptied(server)
    refused = command("fleet", "collect", "--store", server.url, "--broker", f"mqtt://127.0.0.1:{free_port()}")
    assert refused.code == 1
    assert refused.lines[-1].endswith("make them with: driver-monitor fleet schema --store ...")
    made = command("fleet", "schema", "--store", server.url, "--retention-days", "184")
    assert made.out == "postgresql://127.0.0.1/postgres: schema 1 made; alerts are kept for 184 days\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--broker", "mqtt://broker.example"], "--broker: 'mqtt://broker.example' would send alerts through"),
        (["--broker", "broker"], "--broker: 'broker' is not the address of an MQTT broker"),
        (["--certificate", "c.pem"], "--certificate and --key belong together"),
        (["--password-file", "p"], "--password-file needs --user"),
        (["--user", "u", "--password-file", "missing"], "missing: the password cannot be read"),
        (["--broker", "mqtts://broker.example", "--ca", "missing.pem"], "missing.pem: these certificates cannot"),
        (["--certificate", "c.pem", "--key", "k.pem"], "k.pem: this key cannot be read"),
        (["--store", "mysql://h/d"], "--store: 'mysql://h/d' is neither a file nor postgresql://"),
    ],
)
def test_fail__options_that_cannot_work_are_told_in_one_line(command: Cli, words: Sequence[str], said: str) -> None:
    outcome = command("fleet", "collect", *words)
    assert outcome.code == 2
    (line,) = outcome.lines
    assert line.startswith(said)
    assert not Path("fleet.db").exists()


def test_fail__metrics_beyond_this_machine_are_refused(command: Cli) -> None:
    outcome = command("fleet", "collect", "--metrics", "0.0.0.0:9465")
    assert outcome.code == 1
    assert "metrics" in outcome.lines[-1]


@pytest.mark.parametrize(
    ("package", "words"),
    [("psycopg", ["schema", "--store", "postgresql://h/d"]), ("paho", ["collect"]), ("paho.mqtt.client", ["collect"])],
)
def test_fail__a_package_that_is_missing_is_named_with_the_command_that_installs_it(
    command: Cli, monkeypatch: pytest.MonkeyPatch, package: str, words: list[str]
) -> None:
    class Missing(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> None:
            if name == package or name.startswith(f"{package}."):
                raise ModuleNotFoundError(f"No module named {package}", name=package)

    for name in list(sys.modules):
        if name.startswith((f"{package}.", "driver_monitor.fleet.store.postgres")) or name == package:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    outcome = command("fleet", *words)
    assert outcome.code == 2
    assert "pip install 'driver-monitor[" in outcome.lines[-1]
