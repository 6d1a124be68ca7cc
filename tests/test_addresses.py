"""The addresses in the configuration: the same ones are accepted as with the regular expressions used before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from driver_monitor.config.addresses import (
    bind_address,
    bind_setting,
    is_beyond_this_machine,
    tcp_port,
    vehicle_address,
)

INPUT_PATTERN = r"^(tcp://(127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d{1,5}|ipc://.+|can:[\w.-]+(:[\w.-]+)?)$"
BIND_PATTERN = r"^(tcp://(127\.\d+\.\d+\.\d+|localhost|\[::1\]):(\*|\d{1,5})|ipc://.+)$"
OLD_INPUT: TypeAdapter[str] = TypeAdapter(Annotated[str, Field(pattern=INPUT_PATTERN)])
OLD_BIND: TypeAdapter[str] = TypeAdapter(Annotated[str, Field(pattern=BIND_PATTERN)])


def matches(pattern: TypeAdapter[str], address: str) -> bool:
    try:
        pattern.validate_python(address)
    except ValidationError:
        return False
    return True


def old_bind(address: str) -> bool:
    """The check of `zmq.bind` as it was with a regular expression."""
    if not matches(OLD_BIND, address):
        return False
    scheme, _, rest = address.partition("://")
    host, _, port = rest.rpartition(":")
    too_long = scheme == "ipc" and len(rest.encode()) > 107
    no_port = scheme == "tcp" and port != "*" and int(port) > 65535
    # "ipc" was not excluded here: `ipc://127.x:1`, a path, was refused with a message of Python's.
    no_host = scheme == "tcp" and host.startswith("127.") and any(int(part) > 255 for part in host.split("."))
    return not (too_long or no_port or no_host)


def old_input(address: str) -> bool:
    """The check of `vehicle.input` as it was, without the addresses to which nothing can ever connect."""
    if not matches(OLD_INPUT, address):
        return False
    scheme, _, rest = address.partition("://")
    host, _, port = rest.rpartition(":")
    if scheme == "tcp":
        numbers = [int(part) for part in host.split(".")] if host.startswith("127.") else []
        return address.isascii() and 0 < int(port) <= 65535 and all(number <= 255 for number in numbers)
    return scheme != "ipc" or (len(rest.encode()) <= 107 and rest not in ("*", "@") and not rest.endswith("/"))


def accepts(check: Callable[[str], object], address: str) -> bool:
    try:
        check(address)
    except ValueError:
        return False
    return True


NUMBER = st.integers(0, 300).map(str) | st.sampled_from(["", "00", "007", "x", "٣", "1e1", "-1", "²"])
IPV4 = st.lists(NUMBER, min_size=2, max_size=5).map(lambda parts: ".".join(["127", *parts]))
HOST = IPV4 | st.sampled_from(["localhost", "[::1]", "::1", "0.0.0.0", "*", "[::]", "LOCALHOST", "a@127.0.0.1", ""])
PORT = st.integers(-1, 200_000).map(str) | st.sampled_from(["*", "", "٥٥٥", "05556", "1/", "1?x", " 1"])
NAME = st.text(max_size=6) | st.text("a9_.-: ", max_size=6)
ADDRESS = st.one_of(
    st.builds("{}://{}:{}".format, st.sampled_from(["tcp", "TCP", "udp", "ipc", ""]), HOST, PORT),
    NAME.map("ipc://{}".format),
    NAME.map("can:{}".format),
    st.builds("can:{}:{}".format, NAME, NAME),
    st.text(max_size=20),
)
# A surrogate or a control character is refused before the address is checked.
TEXT = ADDRESS.filter(lambda text: not any(c < " " or "\x7f" <= c < "\xa0" or "\ud800" <= c < "\ue000" for c in text))


@given(TEXT)
@example("ipc:///" + "a" * 106)
@example("ipc:///" + "a" * 107)
@example("tcp://127.0.0.1:65535")
@example("tcp://127.0.0.1:65536")
@example("tcp://127.0.0.256:1")
@example("tcp://127.0.0.1:*")
@example("tcp://[::1]:1")
@example("tcp://[0::1]:1")
@example("ipc://127.x:1")
def test_ok__bind_accepts_the_same_addresses_as_before(address: str) -> None:
    assert accepts(bind_address, address) == old_bind(address)


@given(TEXT)
@example("tcp://127.0.0.1:5557")
@example("tcp://127.0.0.1:*")
@example("tcp://127.0.0.999:5557")
@example("tcp://127.0.0.1:0")
@example("tcp://127.0.0.1:00000")
@example("tcp://127.0.0.1:65535")
@example("tcp://127.0.0.1:65536")
@example("tcp://127.0.0.1:99999")
@example("ipc://*")
@example("ipc:///run/car/")
@example("ipc:///" + "a" * 107)
@example("can:can0")
@example("can:virtual:a-b.c")
@example("can:ⓐ")
@example("can:")
@example("can::")
def test_ok__the_vehicle_input_accepts_every_address_as_before_that_something_can_connect_to(address: str) -> None:
    assert accepts(vehicle_address, address) == old_input(address)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("tcp://127.0.0.1:0", "tcp://127.0.0.1:0: nothing can be reached at port 0; use the publisher's port"),
        ("tcp://[::1]:000", "nothing can be reached at port 0"),
        ("tcp://127.0.0.1:99999", "port 99999 does not exist; use a port up to 65535"),
        ("tcp://localhost:65536", "port 65536 does not exist"),
        ("tcp://127.0.0.1:*", "has no valid port; use tcp://127.0.0.1:PORT, ipc:///path or can:can0"),
        ("tcp://127.0.0.256:5557", "127.0.0.256 is not an address: its numbers go up to 255"),
        ("tcp://127.0.0.1:٥٥٥", "write the numbers with the digits 0 to 9"),
        ("ipc://*", "is not the path of a socket"),
        ("ipc:///run/car/", "is not the path of a socket"),
        ("ipc:///" + "a" * 107, "the socket's path has 108 bytes; use at most 107"),
    ],
)
def test_fail__a_vehicle_input_to_which_nothing_can_connect_has_a_plain_reason(address: str, reason: str) -> None:
    with pytest.raises(ValueError, match="; use") as error:
        vehicle_address(address)
    assert reason in str(error.value)


def test_ok__without_a_vehicle_input_there_is_nothing_to_check() -> None:
    assert vehicle_address(None) is None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (
            "tcp://0.0.0.0:5556",
            (
                "tcp://0.0.0.0:5556 is reachable from the network and subscribers are not authenticated; "
                "use tcp://127.0.0.1:PORT or ipc:///path, or set zmq.keys (docs/fleet-curve.md)"
            ),
        ),
        ("tcp://*:5556", "is reachable from the network"),
        ("tcp://car.local:5556", "is reachable from the network"),
        ("tcp://[0::1]:5556", "write the host as 127.0.0.1, localhost or [::1]"),
        ("tcp://127.1:5556", "write the host as 127.0.0.1, localhost or [::1]"),
        ("tcp://127.0.0.1:http", "has no valid port; use tcp://127.0.0.1:PORT"),
        ("tcp://127.0.0.1", "' is not a complete tcp:// or ipc:// address"),
        ("http://127.0.0.1:80", "' is not a complete tcp:// or ipc:// address"),
        ("ipc://", "' is not a complete tcp:// or ipc:// address"),
    ],
)
def test_fail__a_refused_bind_address_has_a_plain_reason(address: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"; use|: write") as error:
        bind_address(address)
    assert reason in str(error.value)


REACHABLE = (
    "tcp://0.0.0.0:5556",
    "tcp://192.168.7.2:5556",
    "tcp://[::]:5556",
    "tcp://[fe80::1%eth0]:*",
    "tcp://10.8.0.2:*",
)


@pytest.mark.parametrize("address", REACHABLE)
def test_ok__with_keys_an_address_that_others_can_reach_is_accepted(address: str) -> None:
    assert bind_setting(address, keys=True) == address
    assert is_beyond_this_machine(address)
    with pytest.raises(ValueError, match=r"or set zmq\.keys"):
        bind_setting(address)


@pytest.mark.parametrize("address", ["auto", "tcp://127.0.0.1:5556", "tcp://[::1]:5556", "ipc:///run/a:b", "ipc://@a"])
def test_ok__an_address_of_this_machine_is_the_same_with_keys(address: str) -> None:
    assert bind_setting(address, keys=True) == address
    assert not is_beyond_this_machine(address)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("tcp://*:5556", "write the host as a number, not as a name; use tcp://0.0.0.0:PORT"),
        ("tcp://eth0:5556", "write the host as a number, not as a name"),
        ("tcp://van-12.depot:5556", "write the host as a number, not as a name"),
        ("tcp://:::5556", "write the host as a number"),
        ("tcp://[10.0.0.1]:5556", "write the host as a number"),
        ("tcp://١.1.1.1:5556", "write the host as a number"),
        ("tcp://224.0.0.1:5556", "is no address of an interface"),
        ("tcp://0.0.0.0:zmq", "has no valid port"),
        ("tcp://0.0.0.0:70000", "port 70000 does not exist"),
        ("udp://0.0.0.0:5556", "is not a complete tcp:// or ipc:// address"),
        ("tcp://0.0.0.0", "is not a complete tcp:// or ipc:// address"),
    ],
)
def test_fail__with_keys_what_is_no_address_of_an_interface_is_refused(address: str, reason: str) -> None:
    with pytest.raises(ValueError, match="use") as error:
        bind_setting(address, keys=True)
    assert reason in str(error.value)


@pytest.mark.parametrize("address", ["can:", "can:a/b", "can:a:b:c"])
def test_fail__a_refused_can_channel_has_a_plain_reason(address: str) -> None:
    with pytest.raises(ValueError, match=r"is not a CAN channel; use can:CHANNEL or can:INTERFACE:CHANNEL"):
        vehicle_address(address)


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("tcp://127.0.0.1:5556", 5556),
        ("tcp://[::1]:70000", 70000),
        ("tcp://127.0.0.1:*", None),
        ("tcp://5556", None),
        ("ipc:///a:5", None),
    ],
)
def test_ok__the_port_of_an_address(address: str, port: int | None) -> None:
    assert tcp_port(address) == port
