"""Deleting what is too old: a thread that fails ends the collector, instead of keeping everything for ever."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from driver_monitor.errors import OutputError
from driver_monitor.fleet.collect.storing import TidyThread
from driver_monitor.fleet.store.store import StoreDownError, open_store
from tests.outputs.uplink.operator_side import wait_until


def test_fail__a_thread_that_fails_is_told_and_a_store_that_is_away_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, ends in ((StoreDownError("the store is away"), False), (ZeroDivisionError("a bug"), True)):
        store, asked = open_store(str(tmp_path / "fleet.db"), make=True), list[datetime]()

        def tidy(now: datetime, error: Exception = error, asked: list[datetime] = asked) -> int:
            asked.append(now)
            raise error

        monkeypatch.setattr(store, "tidy", tidy)
        thread = TidyThread(store, first_s=0.0)
        thread.worker.start()
        wait_until(lambda asked=asked: asked)  # type: ignore[misc]
        thread.close(1.0)
        if ends:
            with pytest.raises(OutputError, match="ZeroDivisionError: a bug"):
                thread.check()
        else:
            thread.check()
