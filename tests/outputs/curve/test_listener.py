"""The listening socket for other computers."""

from __future__ import annotations

import logging
import socket

import pytest

from driver_monitor.errors import OutputError
from driver_monitor.outputs.curve import listener as module
from driver_monitor.outputs.curve.listener import CurveListener


def port_of(listener: CurveListener) -> int:
    return int(listener.endpoint.rpartition(":")[2])


def test_ok__while_it_is_shut_nobody_new_comes_in_and_who_is_in_stays() -> None:
    listener = CurveListener("tcp://0.0.0.0:*")
    accepting = socket.socket(fileno=listener.descriptor())
    accepting.settimeout(5)
    with accepting, socket.create_connection(("127.0.0.1", port_of(listener))) as first:
        inside, _ = accepting.accept()
        listener.shut(True)
        listener.shut(True)
        with socket.socket() as second, inside:
            second.settimeout(0.2)
            with pytest.raises(TimeoutError):
                second.connect(("127.0.0.1", port_of(listener)))
            first.sendall(b"still here")
            assert inside.recv(100) == b"still here"
            listener.shut(False)
        with socket.create_connection(("127.0.0.1", port_of(listener))):
            accepting.accept()[0].close()
    listener.close()


def test_ok__all_interfaces_of_ipv6_are_those_of_ipv4_too() -> None:
    listener = CurveListener("tcp://[::]:*")
    assert listener.endpoint == f"tcp://[::]:{port_of(listener)}"
    socket.create_connection(("127.0.0.1", port_of(listener))).close()
    listener.close()


@pytest.mark.parametrize("host", ["192.0.2.7", "[2001:db8::7]"])
def test_ok__an_address_that_is_not_there_yet_is_waited_for(host: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    listener = CurveListener(f"tcp://{host}:*")
    assert f"this machine has no address {host.strip('[]')} yet; clients can connect when it has" in caplog.text
    listener.close()


def test_fail__a_port_in_use_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    first = CurveListener("tcp://0.0.0.0:*")
    with pytest.raises(OutputError, match=r"is in use; stop the other program \(`ss -ltnp` shows which\)"):
        CurveListener(first.endpoint)
    monkeypatch.setattr(module, "publish_address", lambda _: first.endpoint)
    with pytest.raises(OutputError, match=r"its port is that of .*; choose another port, such as 5557"):
        CurveListener(first.endpoint)
    first.close()
    CurveListener(first.endpoint).close()
