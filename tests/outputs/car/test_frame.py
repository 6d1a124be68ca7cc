"""The CAN frame: what the shipped .dbc file reads out of it, for every signal that there can be."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from cantools.database.can import Database

from driver_monitor.data.alert import Attention
from driver_monitor.data.driver_state import Degraded
from driver_monitor.messages.car import BLIND, CarSignal, System
from driver_monitor.outputs.car.frame import COUNTS, DBC, LAYOUT, crc8, encode
from driver_monitor.outputs.car.sender import PERIOD_S

PAGE = Path(__file__).parents[3] / "docs" / "vehicle.md"
DATABASE = Database()
DATABASE.add_dbc_file(str(DBC))
FRAME = DATABASE.get_message_by_name("DMS_Driver")
WARNED: tuple[Attention | None, ...] = (None, "distracted", "drowsy", "asleep", "unresponsive")


def decoded(data: bytes) -> dict[str, Any]:
    return {name: str(value) for name, value in FRAME.decode_simple(data).items()}


def test_ok__the_dbc_file_reads_every_signal_as_it_was_sent() -> None:
    reasons = (None, *get_args(Degraded))
    signals = itertools.product(get_args(System), get_args(Attention), WARNED, reasons)
    for number, (system, attention, warned, reason) in enumerate(signals):
        counter = number % COUNTS
        data = encode(CarSignal(system, attention, warned, reason), counter)
        assert decoded(data) == {
            "Checksum": str(data[0]),
            "Counter": str(counter),
            "System": system,
            "Attention": attention,
            "Warned": warned or "none",
            "Degraded": reason or "none",
            "Layout": str(LAYOUT),
        }


def test_ok__the_dbc_file_says_how_often_it_comes() -> None:
    assert FRAME.cycle_time == PERIOD_S * 1000
    assert FRAME.frame_id == 1488
    assert len(encode(CarSignal("off"), 0)) == FRAME.length


def test_ok__bytes_that_nobody_has_set_are_never_attentive_and_are_no_valid_frame() -> None:
    assert decoded(bytes(4))["Attention"] == "unknown"
    assert decoded(bytes(4))["System"] == "off"
    assert crc8(bytes(3)) != 0


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        ("00000000", 0x59),
        ("F20183", 0x37),
        ("0FAA0055", 0x79),
        ("00FF5511", 0xB8),
        ("332255AABBCCDDEEFF", 0xCB),
        ("926B55", 0x8C),
        ("FFFFFFFF", 0x74),
    ],
)
def test_ok__the_checksum_is_that_of_the_test_vectors(data: str, crc: int) -> None:
    assert crc8(bytes.fromhex(data)) == crc


def test_fail__each_wrong_bit_and_each_pair_of_wrong_bits_is_noticed() -> None:
    data = encode(CarSignal("ok", "asleep", "asleep"), 7)
    for bits in itertools.chain(itertools.combinations(range(32), 1), itertools.combinations(range(32), 2)):
        wrong = int.from_bytes(data, "big")
        for bit in bits:
            wrong ^= 1 << bit
        other = wrong.to_bytes(4, "big")
        assert crc8(other[1:]) != other[0], bits


def test_ok__a_reason_is_blind_or_limited_and_none_is_both() -> None:
    assert set(get_args(Degraded)) >= BLIND


def test_ok__the_page_has_the_layout_and_the_values_of_the_dbc_file() -> None:
    rows = re.findall(r"(?m)^\| (\w+) \| (\d) \| (\d) to (\d) \| (.*?) \|", PAGE.read_text())
    page = {name: (int(byte), int(low), int(high), words) for name, byte, low, high, words in rows}
    assert set(page) == {signal.name for signal in FRAME.signals}
    for signal in FRAME.signals:
        byte, low, high, words = page[signal.name]
        assert (byte * 8 + low, high - low + 1) == (signal.start, signal.length), signal.name
        assert signal.byte_order == "little_endian"
        if signal.choices:
            assert re.findall(r"(\d+) `(\w+)`", words) == [(str(k), str(v)) for k, v in signal.choices.items()]
