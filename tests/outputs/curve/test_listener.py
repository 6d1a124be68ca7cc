"""The listening socket for other computers."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import subprocess
import sys

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
    where = ("127.0.0.1", port_of(listener))
    with accepting, socket.create_connection(where) as first, contextlib.ExitStack() as waiting:
        inside, _ = accepting.accept()
        listener.shut(True)
        listener.shut(True)
        many = [waiting.enter_context(socket.socket()) for _ in range(10)]
        for one in many:
            one.setblocking(False)
            one.connect_ex(where)
        accepting.setblocking(False)
        with inside:
            first.sendall(b"still here")
            assert inside.recv(100) == b"still here"
        with pytest.raises(BlockingIOError):
            accepting.accept()
        known = [one for one in many if select.select([], [one], [], 0)[1]]
        assert len(known) <= 1, "the kernel answers one, and drops the packets of the others"
        listener.shut(False)
        for one in known:  # it comes again
            one.settimeout(5)
            assert one.recv(1) == b""
        accepting.settimeout(5)
        with socket.create_connection(where):
            accepting.accept()[0].close()
    listener.close()


def test_ok__a_daemon_without_privileges_can_shut_it() -> None:
    program = """
import os
from driver_monitor.outputs.curve.listener import CurveListener
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for bind in ("tcp://0.0.0.0:*", "tcp://[::]:*", "tcp://192.0.2.7:*"):
    listener = CurveListener(bind)
    listener.shut(True)
    listener.shut(False)
    listener.close()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


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
