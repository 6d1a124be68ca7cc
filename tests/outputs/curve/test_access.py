"""The answers to libzmq's requests for access."""

from __future__ import annotations

import logging

import pytest
from zmq.utils import z85

from driver_monitor.keys.key_folder import new_pair
from driver_monitor.outputs.curve.access import DOMAIN, LOG_S, AccessList

GOOD, STRANGER = new_pair().public, new_pair().public


def request(key: str, **changed: bytes) -> list[bytes]:
    parts = {"version": b"1.0", "number": b"7", "domain": DOMAIN, "address": b"10.0.0.9", "identity": b""}
    parts |= {"mechanism": b"CURVE", "key": z85.decode(key)}
    return list({**parts, **changed}.values())


@pytest.fixture
def access() -> AccessList:
    access = AccessList()
    access.replace({GOOD: "depot-screen"})
    return access


def test_ok__a_key_on_the_list_gets_in_and_its_messages_carry_it(access: AccessList) -> None:
    assert access.answer(request(GOOD), 0.0) == [b"1.0", b"7", b"200", b"OK", GOOD.encode(), b""]
    assert access.refused == 0


def test_fail__a_strangers_key_is_refused_for_good(access: AccessList) -> None:
    assert access.answer(request(STRANGER), 0.0)[2:5] == [b"400", b"this key is not on the list", b""]
    assert access.refused == 1


def test_fail__while_the_list_cannot_be_read_everybody_must_try_again(access: AccessList) -> None:
    assert AccessList().answer(request(GOOD), 0.0)[2] == b"300", "before the list was read"
    assert access.replace(None)
    assert [access.answer(request(key), 0.0)[2] for key in (GOOD, STRANGER)] == [b"300", b"300"]
    assert not access.replace({GOOD: "depot-screen"})
    assert access.answer(request(GOOD), 0.0)[2] == b"200"


def test_ok__only_a_key_that_goes_ends_connections(access: AccessList) -> None:
    assert not access.replace({GOOD: "depot-screen", STRANGER: "new"})
    assert not access.replace({GOOD: "other-name", STRANGER: "new"})
    assert access.replace({STRANGER: "new"})
    assert access.replace({})


@pytest.mark.parametrize(
    "changed",
    [
        {"version": b"2.0"},
        {"domain": b""},
        {"domain": b"other"},
        {"mechanism": b"NULL"},
        {"mechanism": b"PLAIN"},
        {"more": b"credential"},
    ],
)
def test_fail__a_request_of_another_kind_is_an_error_that_ends_the_thread(
    access: AccessList, changed: dict[str, bytes]
) -> None:
    with pytest.raises(ValueError, match="in a way that is not known"):
        access.answer(request(GOOD, **changed), 0.0)


def test_ok__the_journal_has_one_line_a_minute_for_each_client_and_for_all_strangers(
    access: AccessList, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for second in range(20):
        access.answer(request(GOOD), second)
        access.answer(request(new_pair().public), second)
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    assert caplog.messages[0] == "zmq: the client depot-screen has connected from 10.0.0.9"
    assert "a client at 10.0.0.9 is refused: its key " in caplog.messages[1]
    access.answer(request(STRANGER), LOG_S)
    assert len(caplog.records) == 3
