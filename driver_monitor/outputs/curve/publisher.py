"""Publishes alerts, state and status for clients on other computers. `vehicle/dms` stays on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable

from driver_monitor.config.schema import ZmqConfig
from driver_monitor.errors import OutputError
from driver_monitor.keys.key_folder import KeyFolder
from driver_monitor.messages import wire
from driver_monitor.outputs.curve.server import CurveMessage, CurveServer
from driver_monitor.outputs.publisher import Publisher, PublishItem


class CurvePublisher(Publisher[CurveMessage]):
    """Publishes at `config.bind` for the clients in `config.keys`, in one thread. Raises `OutputError`.

    The same thread answers who may connect. So if it fails, `failure` says so, and the daemon ends; until then
    libzmq lets nobody new in. `clock`: monotonic seconds.
    """

    name = "curve"

    def __init__(self, config: ZmqConfig, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        if config.keys is None:
            raise OutputError("zmq.bind: an address that others can reach needs zmq.keys")
        self._server = CurveServer(config.bind, KeyFolder(config.keys), config.send_queue, clock)
        self._start(f"curve-publisher {self.endpoint}", self._server.wake, self._server.close, clock)

    @property
    def endpoint(self) -> str:
        """The bound address, with the port that is really used."""
        return self._server.endpoint

    def counters(self) -> dict[str, int]:
        """Return `curve_dropped_` and `curve_missed_` with each kind, `curve_refused`: the connections refused.

        And `curve_closed`, 1 while the keys cannot be used, so that nobody is let in.
        """
        missed = {f"curve_missed_{kind}": count for kind, count in self._server.missed.items()}
        own = {"curve_refused": self._server.refused, "curve_closed": int(self._server.closed)}
        return {**super().counters(), **missed, **own}

    def _serve(self) -> None:
        self._server.serve(self._last)

    def _encode(self, item: PublishItem) -> CurveMessage:
        return CurveMessage(item.kind, item.topic.encode(), wire.encode(item.message))

    def _transmit(self, encoded: CurveMessage) -> None:
        self._server.send(encoded)
