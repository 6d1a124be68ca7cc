"""Receives the signal to the car on a CAN bus and prints each change: an example for another system in the car.

A system that acts on this signal needs all of these checks. `Receiver` has them in one place and reads no clock.

Run: python -m tools.car.receiver can0
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import can
from cantools.database.can import Database

from driver_monitor.outputs.car.frame import COUNTS, DBC, LAYOUT, crc8
from driver_monitor.vehicle.can_bus import described

MISSING_S = 0.4
"""Time without a valid frame after which nothing is known: three heartbeats are lost, and the fourth does not come."""
POLL_S = 0.05
"""Longest wait for a frame. A missing heartbeat is noticed after `MISSING_S` + `POLL_S`, less than 0.5 s."""
TRUSTED = ("ok", "limited")
"""The values of `System` with which `Attention` says something of the driver."""


@dataclass(frozen=True, slots=True)
class Received:
    """What the car knows of the driver.

    `system`: as in the frame, or "missing": no valid frame came for `MISSING_S`. `attention`: "unknown" unless the
    system sees the driver. `warned`: the worst that active alerts warn of, or "none"; "none" too while missing.
    """

    system: str = "missing"
    attention: str = "unknown"
    warned: str = "none"


class Receiver:
    """Checks each frame, and notices when none comes. `refused`: number of frames that are wrong or old."""

    def __init__(self) -> None:
        self.refused = 0
        described = Database()
        described.add_dbc_file(str(DBC))
        self._frame = described.get_message_by_name("DMS_Driver")
        self._heard_t: float | None = None
        self._counter: int | None = None
        self._last = Received()

    def take(self, message: can.Message, t: float) -> None:
        """Take a frame that came at `t`, monotonic seconds. Frames of others are ignored."""
        if message.arbitration_id != self._frame.frame_id or message.is_extended_id:
            return
        data = bytes(message.data)
        if message.is_error_frame or message.is_remote_frame or not self._valid(data):
            self.refused += 1
            return
        # Words that this .dbc file does not have stay numbers: they are not "attentive".
        values = {name: str(value) for name, value in self._frame.decode_simple(data).items()}
        system = values["System"]
        attention = values["Attention"] if system in TRUSTED else "unknown"
        self._heard_t, self._last = t, Received(system, attention, values["Warned"])

    def at(self, t: float) -> Received:
        """Return what is known at `t`, monotonic seconds."""
        if self._heard_t is None or t - self._heard_t >= MISSING_S:
            self._last = Received()
        return self._last

    def _valid(self, data: bytes) -> bool:
        """Return whether the frame is whole, of this layout, and newer than the last one. Keeps its counter.

        A daemon that starts again may begin with the last counter: then its second frame is the first valid one.
        """
        if len(data) != self._frame.length or crc8(data[1:]) != data[0] or data[3] >> 4 != LAYOUT:
            return False
        counter, last = data[1] & (COUNTS - 1), self._counter
        self._counter = counter
        return counter != last


def main() -> None:
    """Print what is known whenever it changes, until Ctrl-C. A fault of the bus ends it with one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("channel", help="CAN interface, such as can0")
    parser.add_argument("--interface", default="socketcan", help="interface of python-can")
    options = parser.parse_args()
    try:
        with can.Bus(interface=options.interface, channel=options.channel) as bus:
            _print_changes(bus)
    except KeyboardInterrupt:
        pass
    except Exception as error:  # python-can's backends raise different exceptions
        parser.exit(2, f"{options.channel}: {described(error, 'the channel')[1]}\n")


def _print_changes(bus: can.BusABC) -> None:
    receiver, shown = Receiver(), None
    while True:
        message = bus.recv(POLL_S)
        now = time.monotonic()
        if message is not None:
            receiver.take(message, now)
        if (known := receiver.at(now)) != shown:
            shown = known
            print(f"{now:.3f} {known.system}: {known.attention}; warned of: {known.warned}", flush=True)


if __name__ == "__main__":
    main()
