"""Opens a CAN bus with python-can (extra `can`), and opens it again when it comes late or fails."""

from __future__ import annotations

import contextlib
import errno
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from driver_monitor.errors import SourceError
from driver_monitor.threads.worker import Worker

RETRY_S = 5.0
"""Default of the shortest time between two attempts to open the bus (ours)."""
OPEN_S = 1.0
"""Default of the longest wait of the constructor. SocketCAN opens within milliseconds; a serial adapter in 2 s."""
STANDARD_MAX = 0x7FF
"""Largest identifier of 11 bits."""
ANSWERS_11_BIT = (0x7E8, 0x7F8)
ANSWERS_29_BIT = (0x18DAF100, 0x1FFFFF00)
"""CAN identifier and mask of answers to a tester (ISO 15765-4): 7E8 to 7EF, and 18DAF1 with the control unit's byte."""
FILTERS = [
    {"can_id": ANSWERS_11_BIT[0], "can_mask": ANSWERS_11_BIT[1], "extended": False},
    {"can_id": ANSWERS_29_BIT[0], "can_mask": ANSWERS_29_BIT[1], "extended": True},
]
ADVICE = {
    errno.EAFNOSUPPORT: "allow CAN sockets: a service needs the drop-in can.conf (docs/install.md)",
    errno.ENODEV: "connect the adapter, or correct {setting}",
    errno.ENETDOWN: "bring it up with the car's bit rate: ip link set CHANNEL up type can bitrate 500000",
    errno.ENOBUFS: "no device on the bus takes the frames: check the plug, the bit rate and the termination",
}
"""What to do about an error of SocketCAN, by its number."""


def described(error: Exception, setting: str) -> tuple[str, str]:
    """Return the kind of a fault of the bus, and its text with what to do. `setting`: the key that names the bus."""
    number = getattr(error, "errno", None) or getattr(error, "error_code", None)
    text = " ".join(str(error).split()) or type(error).__name__
    advice = f"; {ADVICE[number].format(setting=setting)}" if number in ADVICE else ""
    return f"{type(error).__name__} {number}", f"{text}{advice}"


class CanBus:
    """A python-can bus of an `interface` ("socketcan", in tests "virtual") at `channel`.

    It is opened in a thread, because some drivers wait. `setting`: the key that names the bus. `filters`: which frames
    the kernel lets pass. `retry_s`, `wait_s`: see `RETRY_S` and `OPEN_S`. Raises `SourceError` without python-can.
    """

    def __init__(
        self,
        interface: str,
        channel: str,
        setting: str = "vehicle.input",
        filters: Sequence[Mapping[str, Any]] = FILTERS,
        retry_s: float = RETRY_S,
        wait_s: float = OPEN_S,
    ) -> None:
        try:
            import can
        except ImportError:
            advice = "install it with: pip install 'driver-monitor[can]'"
            raise SourceError(f"{setting}: can: needs python-can; {advice}") from None
        options: dict[str, Any] = {"interface": interface, "channel": channel}
        if interface == "socketcan":
            # The kernel filters. Elsewhere python-can would, and its `recv` then returns None at each other frame.
            options |= {"can_filters": filters, "ignore_rx_error_frames": True}
        self._message = can.Message
        self._open: Callable[[], Any] = lambda: can.Bus(**options)
        self._bus: Any = None
        self._retry_s, self._tried_t = retry_s, -math.inf
        self._attempt: _Attempt | None = _Attempt(self._open)
        self._attempt.worker.thread.join(wait_s)

    def opened(self, t: float) -> Any:
        """Return the open bus, or None; at `t`, seconds, it is tried again if that is due. Never waits.

        Raises the error of a failed attempt once, of whatever type the driver uses.
        """
        if self._bus is None and self._attempt is None and t - self._tried_t >= self._retry_s:
            self._tried_t, self._attempt = t, _Attempt(self._open)
        elif self._attempt is not None and not self._attempt.worker.thread.is_alive():
            attempt, self._attempt = self._attempt, None
            if self._tried_t == -math.inf:  # that of the constructor, which does not know the time
                self._tried_t = t
            if attempt.error is not None:
                raise attempt.error
            self._bus = attempt.bus
        return self._bus

    def send(self, identifier: int, data: bytes) -> None:
        """Send a frame on the open bus, extended if `identifier` has more than 11 bits. Raises the driver's errors."""
        extended = identifier > STANDARD_MAX
        self._bus.send(self._message(arbitration_id=identifier, data=data, is_extended_id=extended), timeout=0)

    def close(self) -> None:
        """Close the bus; `opened` opens it again. May be called twice."""
        attempt, self._attempt = self._attempt, None
        bus, self._bus = self._bus, None
        if attempt is not None:
            bus = attempt.abandon()
        if bus is not None:
            with contextlib.suppress(Exception):
                bus.shutdown()


class _Attempt:
    """One attempt to open the bus, in a thread. `bus`, `error`: its result, one of them, when the thread has ended."""

    def __init__(self, open_bus: Callable[[], Any]) -> None:
        self.bus: Any = None
        self.error: Exception | None = None
        self._open_bus, self._abandoned, self._lock = open_bus, False, threading.Lock()
        self.worker = Worker("can", self._open)
        self.worker.start()

    def abandon(self) -> Any:
        """Return the bus if it is open already. A bus that opens later is closed at once."""
        with self._lock:
            self._abandoned = True
            return self.bus

    def _open(self) -> None:
        try:
            bus = self._open_bus()
        except Exception as error:  # python-can's backends raise different exceptions
            self.error = error
            return
        with self._lock:
            if not self._abandoned:
                self.bus = bus
                return
        bus.shutdown()
