"""`driver-monitor keys ...` as an installer types it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import zmq
import zmq.auth
from typer.testing import CliRunner

from driver_monitor.cli.commands import app
from driver_monitor.cli.curve.keys import keys_app
from driver_monitor.keys.certificate import parse
from driver_monitor.keys.key_folder import KeyFolder

MAKE_IT = "make it with `driver-monitor keys new NAME`"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "keys"


def said(folder: Path, *words: str) -> str:
    """Return what the command prints, or the line of its error."""
    result = CliRunner().invoke(keys_app, [*words, "--folder", str(folder)], env={"COLUMNS": "200"})
    return str(result.exception) if result.exception is not None else result.output


def test_ok__a_new_client_gets_one_private_file_with_all_that_it_needs(folder: Path) -> None:
    told = said(folder, "new", "depot-screen")
    file = folder.parent / "depot-screen.key_secret"
    assert file.stat().st_mode & 0o777 == 0o600
    carried, server = parse(file.read_bytes()), KeyFolder(folder).server()
    assert carried.server == server.public
    assert carried.secret is not None
    assert zmq.curve_public(carried.secret.encode()).decode() == carried.public
    assert [(client.name, client.public) for client in KeyFolder(folder).clients()] == [
        ("depot-screen", carried.public)
    ]
    assert "carry depot-screen.key_secret to the client" in told
    assert "watch --connect tcp://VEHICLE:5556 --key depot-screen.key_secret" in told
    assert f"zmq: {{bind: 'tcp://0.0.0.0:5556', keys: '{folder}'}}" in told
    held = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert carried.secret.encode() not in held, "the vehicle does not keep the client's secret"


def test_ok__the_setting_for_the_vehicle_names_the_whole_path_of_the_folder(folder: Path) -> None:
    assert f"keys: '{folder}'}}" in said(Path("keys"), "new", "depot-screen")


def test_ok__a_client_that_made_its_own_pair_keeps_its_secret(folder: Path) -> None:
    public, _ = zmq.auth.create_certificates(folder.parent, "screen")
    key = zmq.auth.load_certificate(public)[0].decode()
    told = said(folder, "new", "screen", "--public-key", public)
    assert f"--key FILE --server-key '{KeyFolder(folder).server().public}'" in told
    other = zmq.curve_keypair()[0].decode()
    said(folder, "new", "other", "--public-key", other)
    assert [client.public for client in KeyFolder(folder).clients()] == [other, key]
    assert sorted(path.name for path in folder.parent.glob("*.key_secret")) == ["screen.key_secret"]
    assert shlex.split(told.splitlines()[1])[-1] == KeyFolder(folder).server().public


def test_ok__the_list_and_the_key_of_the_vehicle_are_for_people_and_programs(folder: Path) -> None:
    server = said(folder, "server").strip()
    said(folder, "new", "b")
    said(folder, "new", "a")
    table = said(folder, "list")
    assert [name in table for name in ("a", "b", server, "20")] == [True] * 4
    listed = json.loads(said(folder, "list", "--json"))
    assert listed["server"] == server
    assert [set(client) for client in listed["clients"]] == [{"name", "public", "since"}] * 2
    assert "b is off the list; a running daemon ends its connection within two seconds" in said(folder, "revoke", "b")
    assert [client["name"] for client in json.loads(said(folder, "list", "--json"))["clients"]] == ["a"]


def test_ok__a_key_that_looks_like_markup_or_an_emoji_is_printed_as_it_is(folder: Path) -> None:
    said(folder, "server")
    assert "no client may connect yet; let one in with `driver-monitor keys new NAME`" in said(folder, "list")
    key = "a:x:a[b]aa[/b]:smile:a[red]aaaaaaaaaaaaaa"[:40]
    said(folder, "new", "odd", "--public-key", key)
    assert key in said(folder, "list")


def test_fail__what_cannot_be_done_has_one_line_and_leaves_nothing(folder: Path) -> None:
    assert "there is no such folder; make it with `driver-monitor keys new NAME`" in said(folder, "list")
    said(folder, "new", "a")
    assert "a.key_secret: it exists already; name another file with --out" in said(folder, "new", "a")
    assert "there is a client a already" in said(folder, "new", "a", "--out", "again")
    assert not (folder.parent / "again").exists()
    assert "nowhere/b: cannot be written: No such file" in said(folder, "new", "b", "--out", "nowhere/b")
    assert "'1234' is neither a public key of 40 characters nor a file" in said(
        folder, "new", "b", "--public-key", "1234"
    )
    assert "the client has its file already" in said(folder, "new", "b", "--public-key", "x", "--out", "y")
    assert "there is no client b" in said(folder, "revoke", "b")
    assert "cannot name a client" in said(folder, "new", "../b")
    assert [client.name for client in KeyFolder(folder).clients()] == ["a"]


def test_ok__config_check_says_who_may_connect_or_what_is_wrong(folder: Path) -> None:
    config = folder.parent / "my.yaml"
    config.write_text(f"zmq: {{bind: 'tcp://0.0.0.0:5556', keys: '{folder}'}}")

    def checked() -> str:
        result = CliRunner().invoke(app, ["config", "check", str(config)])
        assert result.exit_code == 0
        return result.output.splitlines()[-1]

    assert checked() == f"tcp://0.0.0.0:5556: {folder}: there is no such folder; {MAKE_IT}"
    said(folder, "server")
    assert checked() == "tcp://0.0.0.0:5556: only clients with keys: none yet"
    said(folder, "new", "b")
    said(folder, "new", "a")
    assert checked() == "tcp://0.0.0.0:5556: only clients with keys: a, b"
