"""Fixtures of the tests of outputs."""

from __future__ import annotations

import pytest

from driver_monitor.gpio import pins


@pytest.fixture(autouse=True)
def _busy_pins_are_not_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pins that another program has are tried once. A test of the waiting sets the time itself."""
    monkeypatch.setattr(pins, "BUSY_FOR_S", 0.0)
