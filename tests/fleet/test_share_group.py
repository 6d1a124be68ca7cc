"""The group of the collectors: the same for all with one login, and not to be guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver_monitor.errors import ConfigError
from driver_monitor.mqtt.login import Login
from driver_monitor.mqtt.topics import GROUP, shared


def test_ok__collectors_with_one_key_share_a_group_that_others_do_not_know(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("key of the operator")
    (tmp_path / "other").write_text("key of a vehicle")
    first, second = Login(key=tmp_path / "key"), Login(key=tmp_path / "key", user="beside")
    assert first.share_group() == second.share_group()
    assert first.share_group() != Login(key=tmp_path / "other").share_group()
    assert shared("dm/1/+/status", first.share_group()).startswith(f"$share/{GROUP}-")
    assert not set("+#/") & set(first.share_group())


def test_ok__a_password_makes_a_group_and_without_a_login_there_is_nothing_to_hide(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    login = Login(user="operator", password_file=tmp_path / "password")
    assert login.share_group() not in (GROUP, Login().share_group())
    assert Login().share_group() == GROUP


def test_fail__a_key_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none: this key cannot be read"):
        Login(key=tmp_path / "none").share_group()
