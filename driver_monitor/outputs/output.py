"""The base class of all outputs."""

from __future__ import annotations

from driver_monitor.data.alert import Sign
from driver_monitor.messages.wire import Message
from driver_monitor.threads.worker import Worker


class Output:
    """Base class of the outputs, which receive finished messages. Its methods ignore them; an output overrides some.

    Only `close` waits. No method raises an exception for an event outside the program. Messages lost to a full queue
    are counted, and an unreachable peer is logged once. `name`: for log messages, and the first word of the counters.
    `local`: True if what the output receives reaches only the driver and this machine's journal. An output that is not
    local gets only what the privacy filter leaves.
    """

    name = "output"
    local = False
    _worker: Worker | None = None

    @property
    def failure(self) -> str | None:
        """Why this output's thread failed, else None. The daemon then stops (not for a trace); systemd restarts it."""
        return self._worker.failure if self._worker is not None else None

    def alert(self, alert: Message) -> None:
        """Take one alert (see `messages.envelope`). New outputs after a reload get the active alerts again."""

    def show(self, sign: Sign | None) -> None:
        """Take the sign (see `Sign`) when it changes; None: no alert. At a workplace, only `local` outputs get it."""

    def state(self, state: Message) -> None:
        """Take the driver state; called several times a second."""

    def status(self, status: Message) -> None:
        """Take the status; called once a second, also when the camera shows nothing."""

    def counters(self) -> dict[str, int]:
        """Return counts of faults and losses since this output was made, for `status/`. Keys begin with `name`."""
        return {}

    def public(self, status: Message) -> Message:
        """Return `status` unchanged. Only `Outputs` overrides this, and removes what must not leave this machine."""
        return status

    def close(self) -> None:
        """End within about a second: send what is queued, switch pins off, close sockets. May be called twice."""
