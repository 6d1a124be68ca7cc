"""Writes values to a KUKSA databroker on this machine, in a thread of its own: a databroker that hangs delays nothing.

The extra `vss` installs kuksa-client. Nothing is read from the databroker.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from typing import Any

from driver_monitor.config.addresses import loopback_address
from driver_monitor.errors import OutputError
from driver_monitor.messages.vss import PATHS, Value
from driver_monitor.threads.worker import QueueWorker
from driver_monitor.vehicle.faults import FaultLog

SCHEME = "kuksa://"
CALL_S = 0.5
"""Longest wait for one answer (ours). On this machine it takes milliseconds."""
RETRY_S = 2.0
"""Shortest time between two attempts to connect (ours)."""
ADVICE = "check that a databroker with VSS runs there; tried again every {:g} s"


class Databroker:
    """The databroker at `address`, such as kuksa://127.0.0.1:55555. `faults`: number of failed attempts to write.

    `clock`: monotonic seconds. Raises `OutputError` without kuksa-client.
    """

    def __init__(self, address: str, clock: Callable[[], float] = time.monotonic) -> None:
        try:
            from kuksa_client import grpc
        except ModuleNotFoundError:
            install = "install it with: pip install 'driver-monitor[vss]'"
            raise OutputError(f"outputs.vss: kuksa-client is missing; {install}") from None
        self.faults = 0
        self._grpc: Any = grpc
        self._host, self._port = loopback_address(address.removeprefix(SCHEME))
        self._clock, self._retry_t = clock, 0.0
        self._client: Any = None
        self._log = FaultLog(f"outputs.vss: {address}")
        # A proxy of the environment would lead the connection off this machine. Only gRPC reads this variable.
        os.environ["no_grpc_proxy"] = self._host  # noqa: SIM112
        self._worker: QueueWorker[dict[str, Value]] = QueueWorker("vss", self._write, limit=1, ended=self._disconnect)
        self._worker.start()

    @property
    def failure(self) -> str | None:
        """Why the thread failed, else None."""
        return self._worker.failure

    def put(self, values: dict[str, Value]) -> None:
        """Write `values`; of the other `PATHS` write that there is none. Never waits; only the newest count."""
        self._worker.put(values)

    def close(self) -> None:
        """Write what is queued and disconnect, in at most a second."""
        self._worker.close()

    def _write(self, values: dict[str, Value]) -> None:
        now = self._clock()
        if self._client is None and now < self._retry_t:
            return
        try:
            client = self._client or self._connect()
            # A datapoint without a value: the databroker then says that none is available.
            points = {path: self._grpc.Datapoint(values.get(path)) for path in PATHS}
            client.set_current_values(points, timeout=CALL_S)
        except Exception as error:  # gRPC and its client raise different ones
            self.faults += 1
            self._retry_t = now + RETRY_S
            self._log.report(now, type(error).__name__, f"{_reason(error)}; {ADVICE.format(RETRY_S)}")
            self._disconnect()

    def _connect(self) -> Any:
        host = f"[{self._host}]" if ":" in self._host else self._host
        # Without the first question, which has no time limit.
        self._client = self._grpc.VSSClient(host, self._port, ensure_startup_connection=False)
        self._client.connect()
        return self._client

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                client.disconnect()


def _reason(error: Exception) -> str:
    """Return the databroker's own words, in one line. `VSSClientError` has them in a dictionary."""
    told = getattr(error, "error", None)
    text = told.get("message") or told.get("reason") if isinstance(told, dict) else None
    return " ".join(str(text or error or type(error).__name__).split())[:200]
