"""Where the publisher binds: wrong addresses, old sockets, and who may connect."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver_monitor.config.schema import ZmqConfig
from driver_monitor.errors import OutputError
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from tests.outputs.listener import listening, status


@pytest.fixture
def publisher() -> Iterator[ZmqPublisher]:
    output = ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*"))
    yield output
    output.close()


def test_fail__a_port_in_use_is_one_line_with_the_address(publisher: ZmqPublisher) -> None:
    with pytest.raises(OutputError) as caught:
        ZmqPublisher(ZmqConfig(bind=publisher.endpoint))
    assert "\n" not in str(caught.value)
    assert f"{publisher.endpoint} is in use" in str(caught.value)
    assert "choose another port" in str(caught.value)


@pytest.mark.parametrize(
    ("bind", "reason"),
    [
        ("tcp://127.0.0.1:99999", "no port 99999"),
        ("tcp://127.0.0.999:5556", "not an address of this machine"),
        ("ipc:///no/such/folder/dm.sock", "no folder /no/such/folder"),
        ("ipc:///tmp/" + "a" * 200, "107 bytes"),
        ("ipc:///tmp/" + "a/" * 100 + "b", "107 bytes"),
        ("ipc://@" + "a" * 200, "107 bytes"),
        ("ipc://*", "give the path"),
        ("ipc:///etc/hostname", "is not a socket"),
        ("ipc:///tmp", "is not a socket"),
    ],
)
def test_fail__a_bad_endpoint_is_one_line_with_what_to_do(bind: str, reason: str) -> None:
    with pytest.raises(OutputError) as caught:
        ZmqPublisher(ZmqConfig().model_copy(update={"bind": bind}))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ok__a_local_socket_is_for_the_daemons_group_and_a_second_daemon_does_not_take_its_place(
    tmp_path: Path,
) -> None:
    path = tmp_path / "dm.sock"
    bind = f"ipc://{path}"
    output = ZmqPublisher(ZmqConfig(bind=bind))
    try:
        assert path.stat().st_mode & 0o777 == 0o660
        with pytest.raises(OutputError, match="is in use"):
            ZmqPublisher(ZmqConfig(bind=bind))
        output.status(status(3))
        with listening(output, "status/") as listener:
            assert listener.receive(1)[0][1]["frame"] == 3
    finally:
        output.close()
    path.touch()
    path.unlink()


def test_ok__the_socket_of_a_killed_daemon_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "dm.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    output = ZmqPublisher(ZmqConfig(bind=f"ipc://{path}"))
    output.close()
    assert output.failure is None


def test_ok__ipv6_loopback() -> None:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 on this machine")
    output = ZmqPublisher(ZmqConfig(bind="tcp://[::1]:*"))
    output.close()
    assert output.endpoint.startswith("tcp://[::1]:")


def test_ok__a_reload_may_bind_the_same_address_again_at_once() -> None:
    """Closing releases the port before it returns, also with a subscriber connected. The subscriber connects again."""
    first = ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*"))
    with listening(first, "status/") as listener:
        first.status(status(1))
        listener.receive(1)
        first.close()
        second = ZmqPublisher(ZmqConfig(bind=first.endpoint))
        try:
            second.status(status(2))
            assert listener.receive(1)[0][1]["frame"] == 2
        finally:
            second.close()
