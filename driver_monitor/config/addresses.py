"""Checks the addresses in the configuration. Only text is checked: nothing is resolved, bound or opened.

It also knows the two addresses at which a daemon publishes by default, for the daemon and for `watch`.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

AUTO = "auto"
"""The value of `zmq.bind` that means `SERVICE_BIND` in the service and `LAPTOP_BIND` elsewhere."""
LAPTOP_BIND = "tcp://127.0.0.1:5556"
SOCKET_NAME = "alerts.sock"
SERVICE_SOCKET = f"/run/driver-monitor/{SOCKET_NAME}"
"""Where the service publishes: in the runtime directory of the unit."""
SERVICE_BIND = f"ipc://{SERVICE_SOCKET}"
SERVICE_FOLDER = Path(SERVICE_SOCKET).parent
AIM_SOCKET_NAME = "aim.sock"
"""The socket in the runtime folder that exists only while `driver-monitor aim` runs."""
MAX_PORT = 65535
MAX_IPC_PATH = 107
"""Bytes of a Unix socket's path (`sun_path` in unix(7), without the final zero). The @ of an abstract name counts."""
_CAN: TypeAdapter[str] = TypeAdapter(Annotated[str, Field(pattern=r"^can:[\w.-]+(:[\w.-]+)?$")])


def tcp_port(address: str) -> int | None:
    """Return the port of `tcp://host:port`, of any size. None: another kind of address, or the port is not a number."""
    port = address.rpartition(":")[2]
    return int(port) if address.startswith("tcp://") and port.isdecimal() else None


def publish_address(bind: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the address of `zmq.bind`: `bind` unless it is `AUTO`. `environment`: systemd sets RUNTIME_DIRECTORY."""
    if bind != AUTO:
        return bind
    folder = environment.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return f"ipc://{folder}/{SOCKET_NAME}" if folder else LAPTOP_BIND


def runtime_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder for sockets of this run: the unit's, or one in the user's runtime folder. None: there is none.

    `environment`: systemd sets RUNTIME_DIRECTORY for a service, and XDG_RUNTIME_DIR for a user who has logged in.
    """
    if folder := environment.get("RUNTIME_DIRECTORY", "").split(":")[0]:
        return Path(folder)
    users = environment.get("XDG_RUNTIME_DIR")
    return Path(users) / SERVICE_FOLDER.name if users else None


def bind_setting(text: str, *, keys: bool = False) -> str:
    """Return `text` if it is `AUTO` or an address that `bind_address` accepts. Else raises `ValueError`.

    `keys`: subscribers are authenticated (`zmq.keys`), so other computers may reach the address.
    """
    if keys and is_beyond_this_machine(text):
        _check_reachable(text)
        return text
    return text if text == AUTO else bind_address(text)


def bind_address(address: str) -> str:
    """Return `address` if it is ipc://, or tcp:// on loopback with a port or * (any free). Else raises `ValueError`."""
    advice = "use tcp://127.0.0.1:PORT or ipc:///path, or set zmq.keys (docs/fleet-curve.md)"
    _check_local(address, "subscribers", advice, any_port=True)
    return address


def is_beyond_this_machine(bind: str) -> bool:
    """Return whether `bind` is an address of TCP that other computers may reach. What is no address is none of them."""
    scheme, _, rest = bind.partition("://")
    host = rest.rpartition(":")[0]
    return scheme == "tcp" and bool(host) and not _is_loopback(host)


def _check_reachable(address: str) -> None:
    """Raise `ValueError` unless `address` is tcp:// with the IP address of an interface, or of all, and a port or *."""
    advice = "use tcp://0.0.0.0:PORT, tcp://[::]:PORT, or the address of one interface"
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    _check_port(address, port, advice, any_port=True)
    try:
        if not address.isascii() or (":" in host) != (host.startswith("[") and host.endswith("]")):
            raise ValueError("not written as libzmq reads it")
        number = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise ValueError(f"{address:.60}: write the host as a number, not as a name; {advice}") from None
    if number.is_multicast:
        raise ValueError(f"{address:.60} is no address of an interface; {advice}")


def vehicle_address(address: str | None) -> str | None:
    """Return `address` if it is None, ipc://, tcp:// on loopback or a CAN channel. Raises `ValueError` otherwise."""
    if address is not None and address.startswith("can:"):
        try:
            _CAN.validate_python(address)
        except ValidationError:
            raise ValueError(f"{address:.60} is not a CAN channel; use can:CHANNEL or can:INTERFACE:CHANNEL") from None
    elif address is not None:
        advice = "use tcp://127.0.0.1:PORT, ipc:///path or can:can0"
        _check_local(address, "publishers", advice, any_port=False)
        # libzmq accepts these and never connects: the speed would stay unknown. Other digits than 0 to 9 end the start.
        if address.startswith("tcp:") and not address.isascii():
            raise ValueError(f"{address:.60}: write the numbers with the digits 0 to 9; {advice}")
        if tcp_port(address) == 0:
            raise ValueError(f"{address:.60}: nothing can be reached at port 0; use the publisher's port")
        if address in ("ipc://*", "ipc://@") or (address.startswith("ipc://") and address.endswith("/")):
            raise ValueError(f"{address:.60} is not the path of a socket; {advice}")
    return address


def signal_address(address: str | None) -> str | None:
    """Return `address` if it is None, `zmq` or a CAN channel. Raises `ValueError` otherwise."""
    if address is not None and address != "zmq":
        try:
            _CAN.validate_python(address)
        except ValidationError:
            raise ValueError(f"'{address:.60}' is not a way to the car; use zmq, can:can0 or null") from None
    return address


def vss_address(text: str | None) -> str | None:
    """Return `text` if it is None, `zmq`, or kuksa:// with a loopback address. Raises `ValueError` otherwise."""
    if text is None or text == "zmq":
        return text
    scheme, _, address = text.partition("://")
    if scheme != "kuksa" or not address:
        raise ValueError(f"'{text:.60}' is no way for VSS; use zmq, kuksa://127.0.0.1:55555 or null")
    if loopback_address(address)[1] == 0:
        raise ValueError(f"'{text:.60}': nothing can be reached at port 0; use the databroker's port")
    return text


def loopback_address(text: str) -> tuple[str, int]:
    """Return host and port of `text`, such as 127.0.0.1:9464, localhost:9464 or [::1]:9464. Port 0: any that is free.

    Raises `ValueError` if it is something else: only programs on this machine may connect.
    """
    advice = "use 127.0.0.1:PORT"
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise ValueError(f"'{text:.60}' is not a host with a port; {advice}")
    _check_port(text, port, advice, any_port=False)
    try:
        here = "127.0.0.1" if host == "localhost" else str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        raise ValueError(f"'{text:.60}': write the host as 127.0.0.1, localhost or [::1]") from None
    if not ipaddress.ip_address(here).is_loopback:
        raise ValueError(f"{text:.60} is reachable from the network, and whoever asks is not authenticated; {advice}")
    return here, int(port)


def _check_local(address: str, peers: str, advice: str, *, any_port: bool) -> None:
    """Raise `ValueError` unless `address` is ipc://, or tcp:// with loopback host and port. `any_port`: also port *."""
    scheme, _, rest = address.partition("://")
    host, _, port = rest.rpartition(":")
    if scheme == "ipc" and rest:
        if len(rest.encode()) > MAX_IPC_PATH:
            raise ValueError(f"the socket's path has {len(rest.encode())} bytes; use at most {MAX_IPC_PATH}")
        return
    if scheme != "tcp" or not host:
        raise ValueError(f"'{address:.60}' is not a complete tcp:// or ipc:// address; {advice}")
    if not _is_loopback(host):
        raise ValueError(f"{address:.60} is reachable from the network and {peers} are not authenticated; {advice}")
    _check_port(address, port, advice, any_port=any_port)
    numbers = host.split(".")
    is_ipv4 = numbers[0] == "127" and len(numbers) == 4 and all(number.isdecimal() for number in numbers)
    if not is_ipv4 and host not in ("localhost", "[::1]"):
        raise ValueError(f"{address:.60}: write the host as 127.0.0.1, localhost or [::1]")
    if is_ipv4 and any(int(number) > 255 for number in numbers):
        raise ValueError(f"{host:.60} is not an address: its numbers go up to 255; {advice}")


def _check_port(address: str, port: str, advice: str, *, any_port: bool) -> None:
    if any_port and port == "*":
        return
    if not port.isdecimal() or len(port) > len(str(MAX_PORT)):
        raise ValueError(f"{address:.60} has no valid port; {advice}")
    if int(port) > MAX_PORT:
        raise ValueError(f"port {port} does not exist; use a port up to {MAX_PORT}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith("127.")
