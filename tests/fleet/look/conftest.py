"""Both engines, as for the tests of the store. One PostgreSQL serves all modules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet.services import Postgres, postgres
from tests.fleet.store.conftest import store, url

__all__ = ["server", "store", "url"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with postgres(tmp_path_factory.mktemp("postgres")) as running:
        yield running
