"""Gives pins for a machine without GPIO. They keep no history.

gpiozero's own mock pins keep every change for ever, which is made for tests. A blinking LED then takes 3 MB an hour.
"""

from __future__ import annotations

from gpiozero.pins.mock import MockFactory, MockPin


class PinWithoutHistory(MockPin):  # type: ignore[misc]
    """A mock pin that keeps only its last change in `states`."""

    def _change_state(self, value: bool) -> bool:
        changed = bool(super()._change_state(value))
        del self.states[:-1]
        return changed


def mock_factory() -> MockFactory:
    """Return a new factory of such pins."""
    return MockFactory(pin_class=PinWithoutHistory)
