"""The folder of keys as an installer uses it: new clients, the list, a revocation, and what must not happen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import zmq
import zmq.auth

from driver_monitor.errors import KeysError
from driver_monitor.keys import key_folder
from driver_monitor.keys.key_folder import KeyFolder, default_folder, new_pair


def some_key() -> str:
    return zmq.curve_keypair()[0].decode()


@pytest.fixture
def keys(tmp_path: Path) -> KeyFolder:
    folder = KeyFolder(tmp_path / "etc" / "keys")
    folder.make()
    return folder


def test_ok__the_vehicles_pair_is_made_once_and_every_file_is_private(keys: KeyFolder) -> None:
    pair = keys.make()
    assert pair == keys.make() == keys.server()
    assert pair.secret is not None
    assert zmq.curve_public(pair.secret.encode()).decode() == pair.public
    keys.add("depot-screen", some_key())
    modes = {path.name: path.stat().st_mode & 0o777 for path in (keys.path, *keys.path.rglob("*"))}
    assert modes == {"keys": 0o700, "clients": 0o700, "server.key_secret": 0o600, "depot-screen.key": 0o600}


def test_ok__clients_are_listed_by_name_until_they_are_revoked(keys: KeyFolder) -> None:
    names = {name: some_key() for name in ("b", "a.2", "Depot_1-x")}
    marks = {keys.marks()}
    for name, public in names.items():
        keys.add(name, public)
        marks.add(keys.marks())
    assert {client.name: client.public for client in keys.clients()} == names
    assert all(client.since.endswith("Z") for client in keys.clients())
    keys.revoke("b")
    assert [client.name for client in keys.clients()] == ["Depot_1-x", "a.2"]
    assert keys.marks() not in marks
    assert len(marks) == 4


def test_ok__a_file_of_pyzmq_put_there_by_hand_is_a_client(keys: KeyFolder, tmp_path: Path) -> None:
    public, _ = zmq.auth.create_certificates(tmp_path, "screen")
    file = keys.path / "clients" / "screen.key"
    file.write_bytes(Path(public).read_bytes())
    file.chmod(0o600)
    os.utime(file, (0, 0))
    assert [(client.name, client.since) for client in keys.clients()] == [("screen", "1970-01-01T00:00:00Z")]


def test_ok__a_draft_that_a_power_cut_left_is_no_client(keys: KeyFolder) -> None:
    (keys.path / "clients" / ".a.key.0011").write_bytes(b"half")
    assert keys.read() == (keys.server(), (), ())


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", ".a", "-a", "a b", "ä", "a\n", "a\0", "a" * 65])
def test_fail__a_name_that_is_no_file_name_is_refused(keys: KeyFolder, name: str) -> None:
    with pytest.raises(KeysError, match="cannot name a client; use up to 64 letters"):
        keys.add(name, some_key())
    with pytest.raises(KeysError, match="cannot name a client; use up to 64 letters"):
        keys.revoke(name)
    assert list((keys.path / "clients").iterdir()) == []


def test_fail__a_key_is_on_the_list_once_so_that_revoking_it_shuts_it_out(keys: KeyFolder) -> None:
    public = some_key()
    keys.add("a", public)
    with pytest.raises(KeysError, match="on the list already, as a; revoke that one first"):
        keys.add("b", public)
    with pytest.raises(KeysError, match="there is a client a already"):
        keys.add("a", some_key())
    with pytest.raises(KeysError, match="this is the key of this vehicle"):
        keys.add("b", keys.server().public)
    with pytest.raises(KeysError, match="is not a public key; give its 40 characters in single quotes"):
        keys.add("b", "abc")
    assert [client.public for client in keys.clients()] == [public]


def test_fail__a_client_that_is_not_there_cannot_be_revoked(keys: KeyFolder) -> None:
    with pytest.raises(KeysError, match="there is no client b; see `driver-monitor keys list`"):
        keys.revoke("b")


def test_fail__a_damaged_or_open_file_of_one_client_counts_as_a_fault_and_the_others_stay(keys: KeyFolder) -> None:
    for name in ("a", "b", "c"):
        keys.add(name, some_key())
    (keys.path / "clients" / "a.key").write_text("nonsense")
    (keys.path / "clients" / "c.key").chmod(0o644)
    read = keys.read()
    assert [client.name for client in read.clients] == ["b"]
    assert ["a.key: it holds no public-key; remove it" in read.faults[0], "chmod 600" in read.faults[1]] == [True, True]
    with pytest.raises(KeysError, match=r"a\.key: it holds no public-key"):
        keys.clients()
    keys.revoke("a")
    keys.revoke("c")
    assert [client.name for client in keys.clients()] == ["b"]


def test_fail__a_folder_or_a_pair_that_others_may_read_is_refused(keys: KeyFolder) -> None:
    for path in (keys.path, keys.path / "clients", keys.path / "server.key_secret"):
        before = path.stat().st_mode & 0o777
        path.chmod(before | 0o044)
        with pytest.raises(KeysError, match=f"{path.name}: other users may read it; run `chmod {before:o} "):
            keys.read()
        with pytest.raises(KeysError, match="other users may read it"):
            keys.add("a", some_key())
        path.chmod(before)


def test_fail__a_folder_without_a_usable_pair_says_what_to_do(keys: KeyFolder) -> None:
    file = keys.path / "server.key_secret"
    file.write_text(f'public-key = "{some_key()}"')
    with pytest.raises(KeysError, match="it holds no secret-key; remove it, and run `driver-monitor keys server`"):
        keys.server()
    file.unlink()
    with pytest.raises(KeysError, match="there is no such file; make it with `driver-monitor keys server`"):
        keys.read()


def test_fail__the_list_has_an_end(keys: KeyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_folder, "MAX_CLIENTS", 2)
    keys.add("a", some_key())
    keys.add("b", some_key())
    with pytest.raises(KeysError, match="the list has 2 clients"):
        keys.add("c", some_key())


def test_ok__root_uses_the_folder_of_the_service_and_a_user_one_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_folder() == Path("/etc/driver-monitor/keys")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "driver-monitor" / "keys"


def test_ok__what_root_makes_belongs_to_the_user_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, ...]] = []
    monkeypatch.setattr(key_folder, "_service_user", lambda: (990, 991))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda _, *owner, follow_symlinks: given.append(owner))
    monkeypatch.setattr(os, "fchown", lambda _, *owner: given.append(owner))
    keys = KeyFolder(tmp_path / "keys")
    monkeypatch.setattr(keys, "_owners", {0, os.getuid(), 990})
    monkeypatch.setattr(keys, "_owner", lambda: (990, 991))
    keys.make()
    keys.add("a", new_pair().public)
    assert given == [(990, 991)] * 4
