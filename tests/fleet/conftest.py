"""One PostgreSQL for all tests of the store: its start costs 2 s of CPU."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet.services import Postgres, postgres


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A running server. Its database may hold anything: `emptied` in tests/fleet/store/conftest.py."""
    with postgres(tmp_path_factory.mktemp("postgres")) as running:
        yield running
