"""Encodes the signal to the car as the four bytes of its CAN frame. `dms.dbc` beside this file describes them.

The bytes are written here and not by cantools, which reads the .dbc file: the daemon then needs no further package.
Tests decode every frame with cantools and this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from driver_monitor.data.alert import Attention
from driver_monitor.data.driver_state import Degraded
from driver_monitor.messages.car import CarSignal, System

DBC = Path(__file__).with_name("dms.dbc")
"""The description of the frame for other programs."""
LAYOUT = 1
"""Number of this layout. It changes if a signal moves or a value gets another meaning."""
COUNTS = 16
"""The counter goes from 0 to 15, then begins again."""
SYSTEMS: Mapping[System, int] = {"off": 0, "starting": 1, "ok": 2, "limited": 3, "blind": 4, "stalled": 5}
ATTENTIONS: Mapping[Attention | None, int] = {
    None: 0,
    "unknown": 0,
    "attentive": 1,
    "distracted": 2,
    "drowsy": 3,
    "asleep": 4,
    "unresponsive": 5,
}
"""0 is unknown, so that bytes that nobody has set never mean "attentive"."""
REASONS: Mapping[Degraded | None, int] = {
    None: 0,
    "sunglasses": 1,
    "glare": 2,
    "pose": 3,
    "occluded": 4,
    "dark": 5,
    "blur": 6,
    "covered": 7,
    "frozen": 8,
    "turned": 9,
    "no_camera": 10,
    "no_face": 11,
    "turned_away": 12,
    "out_of_focus": 13,
    "vibrating": 14,
}

CRC_POLYNOMIAL, CRC_START, CRC_END = 0x1D, 0xFF, 0xFF
"""CRC-8 of SAE J1850, with the parameters of AUTOSAR's Specification of CRC Routines (CRC8). Told by others: the test
vectors are those that other programs give for that document. It finds each error of up to 8 neighbouring bits."""


def crc8(data: bytes) -> int:
    """Return the CRC-8 of SAE J1850 over `data`."""
    crc = CRC_START
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ CRC_POLYNOMIAL) & 0xFF if crc & 0x80 else crc << 1
    return crc ^ CRC_END


def encode(signal: CarSignal, counter: int) -> bytes:
    """Return the data of the frame. `counter`: from 0 to `COUNTS` - 1. The checksum is over the bytes after it."""
    body = bytes((
        counter | SYSTEMS[signal.system] << 4,
        ATTENTIONS[signal.attention] | ATTENTIONS[signal.warned] << 4,
        REASONS[signal.degraded] | LAYOUT << 4,
    ))  # fmt: skip
    return bytes((crc8(body), *body))
