"""All outputs behind one: what one of them does wrong does not touch the others."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence

from driver_monitor.data.alert import Level
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.output import Counting, Local, Output

log = logging.getLogger(__name__)


class Outputs:
    """Hands everything to each of `outputs`, to those for the driver first, to others through `privacy`.

    An output that raises, which none may, is logged once; `faults` counts how often each did, by its class's name.
    """

    def __init__(self, outputs: Sequence[Output], privacy: PrivacyFilter | None = None) -> None:
        self.faults: dict[str, int] = {}
        self._outputs = tuple(outputs)
        self._privacy = privacy or PrivacyFilter()
        local = [isinstance(output, Local) and output.local for output in self._outputs]
        self._local = tuple(itertools.compress(self._outputs, local))
        self._external = tuple(output for output, here in zip(self._outputs, local, strict=True) if not here)

    @property
    def failure(self) -> str | None:
        """Why the first of the outputs that can work no more cannot, else None."""
        return next((output.failure for output in self._outputs if output.failure is not None), None)

    def counters(self) -> dict[str, int]:
        """Return what the outputs have counted, for `status/`: `journal_dropped`, `zmq_dropped_alert`, `gpio_faults`...

        `output_faults`: how often an output raised, which none may. An output that is not there has no counters. While
        the curtain is drawn those before it are silent: a pin that fails as often as `distress` is raised would tell.
        """
        told = self._external if self._privacy.active else self._outputs
        counts = {"output_faults": sum(self.faults.get(name, 0) for name in {type(output).__name__ for output in told})}
        for output in told:
            if isinstance(output, Counting):
                counts.update(output.counters())
        return counts

    def public(self, status: Message) -> Message:
        """Return `status` as others than the driver get it."""
        return self._privacy.status(status)

    def alert(self, alert: Message) -> None:
        """Hand on an alert."""
        self._each(lambda output: output.alert(alert), self._local)
        shown = self._privacy.alert(alert)
        if shown is not None:
            self._each(lambda output: output.alert(shown), self._external)

    def level(self, level: Level | None) -> None:
        """Hand on the worst active level; it may be that of an alert that stays here, and alerts carry theirs."""
        self._each(lambda output: output.level(level), self._local if self._privacy.active else self._outputs)

    def state(self, state: Message) -> None:
        """Hand on the driver's state."""
        self._each(lambda output: output.state(state), self._local)
        shown = self._privacy.state(state)
        self._each(lambda output: output.state(shown), self._external)

    def status(self, status: Message) -> None:
        """Hand on the daemon's health."""
        self._each(lambda output: output.status(status), self._local)
        shown = self._privacy.status(status)
        self._each(lambda output: output.status(shown), self._external)

    def close(self) -> None:
        """Close all, the last one first."""
        self._each(lambda output: output.close(), self._outputs[::-1])

    def _each(self, call: Callable[[Output], None], outputs: Sequence[Output]) -> None:
        for output in outputs:
            try:
                call(output)
            except Exception as error:
                name = type(output).__name__
                self.faults[name] = self.faults.get(name, 0) + 1
                if self.faults[name] == 1:
                    log.error("output %s: %s; the others go on", name, error, exc_info=log.isEnabledFor(logging.DEBUG))
