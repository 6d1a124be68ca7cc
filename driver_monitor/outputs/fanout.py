"""Passes messages on to several outputs. Outputs that are not local get them through the privacy filter."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from driver_monitor.data.alert import Sign
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.output import Output

log = logging.getLogger(__name__)


class Outputs(Output):
    """Passes each message to the local `outputs`. Then passes what `privacy` leaves of the message to the others.

    `privacy` None: a filter that is not active, which only keeps alerts without a number local. An exception of an
    output is counted, and the other outputs continue. Only the first exception of each output is logged.
    """

    def __init__(self, outputs: Sequence[Output], privacy: PrivacyFilter | None = None) -> None:
        self._outputs = tuple(outputs)
        self._faults = {id(output): 0 for output in self._outputs}
        self._privacy = privacy or PrivacyFilter()
        self._local = [output for output in self._outputs if output.local]
        self._external = [output for output in self._outputs if not output.local]

    @property
    def faults(self) -> dict[str, int]:
        """Number of exceptions by name of the output. Outputs that raised none are left out."""
        return {output.name: count for output in self._outputs if (count := self._faults[id(output)])}

    @property
    def failure(self) -> str | None:
        """The failure of the first output that has one, else None."""
        return next((output.failure for output in self._outputs if output.failure is not None), None)

    def counters(self) -> dict[str, int]:
        """Return the counters of all outputs, and `output_faults`: the number of exceptions that outputs raised.

        While the privacy filter is active, local outputs are left out of both. Otherwise, the fault count of a pin that
        fails at each `distress` alert would reveal these alerts.
        """
        shown = self._external if self._privacy.active else self._outputs
        counts = {"output_faults": sum(self._faults[id(output)] for output in shown)}
        for output in shown:
            counts.update(output.counters())
        return counts

    def public(self, status: Message) -> Message:
        """Return `status` as outputs that are not local get it."""
        return self._privacy.status(status)

    def alert(self, alert: Message) -> None:
        """Pass on an alert. Outputs that are not local get the alert only if the privacy filter permits that."""
        self._each(lambda output: output.alert(alert), self._local)
        shown = self._privacy.alert(alert)
        if shown is not None:
            self._each(lambda output: output.alert(shown), self._external)

    def show(self, sign: Sign | None) -> None:
        """Pass on the sign, or None. An active privacy filter keeps the sign local: its alert may be local."""
        self._each(lambda output: output.show(sign), self._local if self._privacy.active else self._outputs)

    def state(self, state: Message) -> None:
        """Pass on the driver state."""
        self._each(lambda output: output.state(state), self._local)
        shown = self._privacy.state(state)
        self._each(lambda output: output.state(shown), self._external)

    def status(self, status: Message) -> None:
        """Pass on the status."""
        self._each(lambda output: output.status(status), self._local)
        shown = self._privacy.status(status)
        self._each(lambda output: output.status(shown), self._external)

    def close(self) -> None:
        """Close all outputs, the last one first."""
        self._each(lambda output: output.close(), self._outputs[::-1])

    def _each(self, call: Callable[[Output], None], outputs: Sequence[Output]) -> None:
        for output in outputs:
            try:
                call(output)
            except Exception as error:
                self._faults[id(output)] += 1
                if self._faults[id(output)] == 1:
                    debug = log.isEnabledFor(logging.DEBUG)
                    log.error("output %s failed: %s; the other outputs continue", output.name, error, exc_info=debug)
