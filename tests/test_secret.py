"""Passwords in addresses never reach a person or a log."""

from __future__ import annotations

import pytest

from driver_monitor.capture.url import without_password
from driver_monitor.config.secret import without_secrets
from driver_monitor.errors import SourceError

ADDRESSES = (
    "rtsp://admin:secret@10.0.0.2/s",
    "rtsp://admin:se/cret@10.0.0.2/s",
    "rtsp://admin:se#cret@10.0.0.2/s",
    "rtsp://admin:se?cret@10.0.0.2/s",
    "rtsp://admin:p@secret@10.0.0.2/s",
    "rtsp://:secret@10.0.0.2/s",
    "rtsp://10.0.0.2/user=admin&password=secret&channel=1.sdp",
    "http://10.0.0.2/video?pwd=secret",
    "rtsp://10.0.0.2/s?token=secret#secret",
)


def shows(text: str) -> bool:
    return "secret" in text or "cret" in text


@pytest.mark.parametrize("address", ADDRESSES)
def test_ok__the_name_of_a_source_shows_no_password(address: str) -> None:
    assert not shows(without_password(address))
    assert "10.0.0.2" in without_password(address)


@pytest.mark.parametrize("address", ADDRESSES)
def test_ok__an_error_that_quotes_an_address_shows_no_password(address: str) -> None:
    text = without_secrets(f"my.yaml:3: camera.source: cannot use '{address}'; check it")
    assert not shows(text)
    assert text.startswith("my.yaml:3: camera.source: cannot use '")
    assert text.endswith("check it")


def test_ok__other_texts_stay_as_they_are() -> None:
    for text in ("my.yaml:2: zmq.bind: port 99999 does not exist", "tcp://127.0.0.1:5556", "mail a@b.c", ""):
        assert without_secrets(text) == text


def test_fail__an_address_that_is_none_is_not_quoted() -> None:
    with pytest.raises(SourceError) as error:
        without_password("rtsp://u:secret@[::1/s")
    assert not shows(str(error.value))
