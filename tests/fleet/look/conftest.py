"""Both engines, as for the tests of the store."""

from __future__ import annotations

from tests.fleet.store.conftest import store, url

__all__ = ["store", "url"]
