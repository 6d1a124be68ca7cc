"""What every output is: a sink that takes finished messages and never makes the pipeline wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, runtime_checkable

from driver_monitor.data.alert import Level
from driver_monitor.messages.wire import Message


class Output(Protocol):
    """A sink for what the daemon has to say.

    No method blocks or raises for what happens outside (a full queue is counted, a dead peer is logged once).
    `close` flushes what fits into half a second, leaves pins low and sockets closed, and may be called twice.
    `failure` is the reason this output can work no more (its thread died), else None; the service polls it and
    goes down with it, so that systemd starts it anew. One that reaches nobody but the driver and this machine's journal
    says so (`Local`); all others are taken to reach somebody else.
    """

    @property
    def failure(self) -> str | None:
        """Why this output can work no more, else None."""

    def alert(self, alert: Message) -> None:
        """One alert as in the envelope (`outputs.envelope`); each is delivered once per step of its life."""

    def level(self, level: Level | None) -> None:
        """The worst active level, or None; told on every change, at a workplace to a `Local` output only."""

    def state(self, state: Message) -> None:
        """The driver's state, a few times a second."""

    def status(self, status: Message) -> None:
        """The daemon's health, once a second, also when it is blind."""

    def close(self) -> None:
        """Flush and release; idempotent."""


@runtime_checkable
class Local(Protocol):
    """An output that reaches nobody but the driver and this machine's journal, and may know all (`privacy`)."""

    local: Literal[True]


@runtime_checkable
class Counting(Protocol):
    """An output that counts what went wrong without being its end, for `status/`."""

    def counters(self) -> Mapping[str, int]:
        """Return counts since the start, each under a name of its own that begins with the output's."""
