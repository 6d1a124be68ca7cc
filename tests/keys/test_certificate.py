"""The text of key files: libzmq's own tools read ours, we read theirs, and damage has a reason in words."""

from __future__ import annotations

from pathlib import Path

import pytest
import zmq
import zmq.auth

from driver_monitor.keys.certificate import Certificate, is_key, parse, text_of

SECRET = "0123456789" * 4
PUBLIC = zmq.curve_public(SECRET.encode()).decode()
SERVER = zmq.curve_public(("987654321" * 5)[:40].encode()).decode()


def test_ok__what_is_written_is_read_again() -> None:
    for certificate in (Certificate(PUBLIC), Certificate(PUBLIC, SECRET, SERVER, "2026-01-31T07:00:00Z")):
        assert parse(text_of(certificate)) == certificate


def test_ok__the_tools_of_pyzmq_read_our_file_and_we_read_theirs(tmp_path: Path) -> None:
    ours = tmp_path / "ours.key_secret"
    ours.write_bytes(text_of(Certificate(PUBLIC, SECRET, SERVER)))
    assert zmq.auth.load_certificate(ours) == (PUBLIC.encode(), SECRET.encode())
    public, secret = map(Path, zmq.auth.create_certificates(tmp_path, "theirs"))
    assert parse(public.read_bytes()).secret is None
    assert parse(secret.read_bytes())[:2] == tuple(key.decode() for key in zmq.auth.load_certificate(secret) if key)


def test_ok__the_equals_sign_is_a_character_of_a_key() -> None:
    key = "=" * 40
    assert parse(f'curve\n public-key = "{key}"\n'.encode()).public == key


@pytest.mark.parametrize(
    "text",
    ["", "a" * 39, "a" * 41, "0" * 40, "#" * 40, "ä" * 40, PUBLIC[:-1] + "\n", PUBLIC[:-1] + '"', f" {PUBLIC[1:]}"],
)
def test_fail__what_is_no_key_is_recognised(text: str) -> None:
    assert not is_key(text)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it holds no public-key"),
        (b"\xff\x00\x01", "it holds no public-key"),
        (b"curve\n# public-key = " + PUBLIC.encode(), "it holds no public-key"),
        (b"curve\n public-key = short", "its public-key is not 40 characters of Z85"),
        (f"public-key={PUBLIC}\nsecret-key={'0' * 40}".encode(), "its secret-key is not 40 characters of Z85"),
        (f"public-key={PUBLIC}\nserver-key={PUBLIC[:20]}".encode(), "its server-key is not 40 characters of Z85"),
    ],
)
def test_fail__a_damaged_file_has_a_reason_in_words(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(data)
