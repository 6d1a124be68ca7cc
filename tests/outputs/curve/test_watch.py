"""`driver-monitor watch` at the encrypted address of another vehicle, as a person reads it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from driver_monitor.cli.commands import app
from driver_monitor.cli.curve import connection as connection_module
from driver_monitor.cli.curve.connection import ClientKeys, load_keys
from driver_monitor.cli.curve.key_files import new_client
from driver_monitor.config.schema import ZmqConfig
from driver_monitor.errors import DriverMonitorError, KeysError, UsageError
from driver_monitor.keys.certificate import parse
from driver_monitor.keys.key_folder import KeyFolder, new_pair
from driver_monitor.outputs.curve.publisher import CurvePublisher
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from tests.test_watch import STATUS, alert, watching

PAGE = Path(__file__).parents[3] / "docs" / "fleet-curve.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    new_client(tmp_path / "keys", "screen", tmp_path / "screen.key_secret")
    return tmp_path


@pytest.fixture
def publisher(folder: Path) -> Iterator[CurvePublisher]:
    output = CurvePublisher(ZmqConfig(bind="tcp://0.0.0.0:*", keys=folder / "keys"))
    output.alert(alert("a"))
    output.status(STATUS)
    yield output
    output.close()


def address(publisher: CurvePublisher) -> str:
    return publisher.endpoint.replace("0.0.0.0", "127.0.0.1")


def keys_of(folder: Path) -> ClientKeys:
    return load_keys(folder / "screen.key_secret", None)


def test_ok__the_file_of_keys_new_is_all_that_a_client_needs(folder: Path, publisher: CurvePublisher) -> None:
    with watching(address(publisher), keys=keys_of(folder)) as screen:
        screen.wait_for("WARNING  microsleep raised: Eyes closed for 1 s")
        screen.wait_for("status: camera ok, light day")


def test_ok__a_key_that_is_revoked_and_given_back_is_told_and_used(
    folder: Path, publisher: CurvePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "AGAIN_S", 0.1)
    keys = keys_of(folder)
    with watching(address(publisher), keys=keys) as screen:
        screen.wait_for("status: camera ok")
        KeyFolder(folder / "keys").revoke("screen")
        told = f"{address(publisher)}: the key in {keys.file} is not on the list of this vehicle, or was revoked; "
        screen.wait_for(f"{told}ask for a new file (`driver-monitor keys new`)")
        KeyFolder(folder / "keys").add("screen", keys.public)
        screen.wait_for(f"messages from {address(publisher)} arrive again")
        assert screen.getvalue().count(told) == 1
        assert "no message for 3 s" not in screen.getvalue()


def test_fail__a_wrong_server_key_is_told(folder: Path, publisher: CurvePublisher) -> None:
    with watching(address(publisher), keys=keys_of(folder)._replace(server=new_pair().public)) as screen:
        screen.wait_for(
            "ends each handshake: the server key is not that of this vehicle (compare `driver-monitor keys server`), "
            "or its daemon lets nobody in now"
        )


def test_fail__a_vehicle_that_wants_a_key_is_told_and_so_is_one_that_wants_none(
    folder: Path, publisher: CurvePublisher
) -> None:
    with watching(address(publisher)) as screen:
        screen.wait_for("add --key FILE")
    local = ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*"))
    with watching(local.endpoint, keys=keys_of(folder)) as screen:
        screen.wait_for("leave out --key")
    local.close()


def test_ok__a_client_with_its_own_pair_names_the_key_of_the_vehicle(folder: Path) -> None:
    pair = parse((folder / "screen.key_secret").read_bytes())
    own, server = folder / "own.key_secret", folder / "vehicle.key"
    own.write_text(f'curve\n    public-key = "{pair.public}"\n    secret-key = "{pair.secret}"\n')
    own.chmod(0o600)
    server.write_text(f'curve\n    public-key = "{pair.server}"\n')
    expected = ClientKeys(pair.public, str(pair.secret), str(pair.server), own)
    assert load_keys(own, pair.server) == load_keys(own, str(server)) == expected
    with pytest.raises(UsageError, match="it holds no server-key; add --server-key with what `driver-monitor keys "):
        load_keys(own, None)
    with pytest.raises(UsageError, match=r"--server-key: 'abc' is neither a public key of 40 characters nor a file"):
        load_keys(own, "abc")


def test_fail__a_file_that_is_no_key_or_that_others_may_read_is_refused(folder: Path) -> None:
    secret, public = folder / "screen.key_secret", folder / "keys" / "clients" / "screen.key"
    with pytest.raises(UsageError, match="it holds no secret-key; give the file"):
        load_keys(public, None)
    with pytest.raises(UsageError, match="there is no such file; give the file of `keys new`"):
        load_keys(folder / "nothing", None)
    secret.chmod(0o644)
    with pytest.raises(KeysError, match=f"{secret}: other users may read it; run `chmod 600 {secret}`"):
        load_keys(secret, None)
    secret.chmod(0o600)
    secret.write_text("nonsense")
    with pytest.raises(UsageError, match="it holds no public-key; give the file of `driver-monitor keys new`"):
        load_keys(secret, None)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--key", "a"], "--key needs --connect tcp://HOST:PORT, the address of the vehicle"),
        (["--connect", "ipc:///a", "--key", "a"], "--key needs --connect tcp://HOST:PORT"),
        (["--connect", "tcp://van:1", "--server-key", "a"], "--server-key needs --key FILE"),
    ],
)
def test_fail__options_that_do_not_belong_together_are_told(options: list[str], reason: str) -> None:
    result = CliRunner().invoke(app, ["watch", *options])
    assert isinstance(result.exception, DriverMonitorError)
    assert reason in str(result.exception)


def test_ok__the_program_of_the_guide_prints_an_alert(folder: Path, publisher: CurvePublisher) -> None:
    (program,) = re.findall(r"(?s)```python\n(.*?)```", PAGE.read_text())
    for written, real in (("tcp://van-12.depot:5556", address(publisher)), ("depot-screen", "screen")):
        assert written in program
        program = program.replace(written, real)
    publisher.alert({**alert("b"), "vehicle": "van-12"})
    started = subprocess.Popen([sys.executable, "-u", "-c", program], cwd=folder, stdout=subprocess.PIPE, text=True)
    with started:
        assert started.stdout is not None
        assert started.stdout.readline() == "van-12 warning raised microsleep Eyes closed for 1 s\n"
        started.kill()
