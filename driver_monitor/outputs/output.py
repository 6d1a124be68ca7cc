"""The base class of all outputs."""

from __future__ import annotations

from driver_monitor.data.alert import Level
from driver_monitor.messages.wire import Message
from driver_monitor.threads.worker import Worker


class Output:
    """Base class of a part that receives finished messages. This class ignores them; an output overrides what it needs.

    Only `close` waits, and none raises for an event outside the program. Messages lost to a full queue are counted,
    and an unreachable peer is logged once. `name`: for log messages, and the first word of the output's counters.
    `local`: True if what the output receives reaches only the driver and this machine's journal. An output that is not
    local gets only what the privacy filter leaves.
    """

    name = "output"
    local = False
    _worker: Worker | None = None

    @property
    def failure(self) -> str | None:
        """Why this output's thread failed, or None. After a failure the daemon stops, and systemd starts it again."""
        return self._worker.failure if self._worker is not None else None

    def alert(self, alert: Message) -> None:
        """Take one alert (see `messages.envelope`). Each phase of an episode is delivered once."""

    def level(self, level: Level | None) -> None:
        """Take the worst active level when it changes (None: no alert). At a workplace only `local` outputs get it."""

    def state(self, state: Message) -> None:
        """Take the driver state; called several times a second."""

    def status(self, status: Message) -> None:
        """Take the status; called once a second, also when the camera shows nothing."""

    def counters(self) -> dict[str, int]:
        """Return the number of faults and losses since the start, for `status/`. Each key begins with `name`."""
        return {}

    def public(self, status: Message) -> Message:
        """Return `status` without what must not leave this machine. Only `Outputs` removes anything."""
        return status

    def close(self) -> None:
        """End within about a second: send what is queued, switch pins off, close sockets. May be called twice."""
