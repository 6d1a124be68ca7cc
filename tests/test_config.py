"""A user writes a configuration, and a wrong one is told with file, line, key and reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor import config, resources, yamlfile
from driver_monitor.config import Config
from driver_monitor.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "my.yaml"
    path.write_text(text)
    return path


def fault(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config.load(written(folder, text))
    return str(caught.value).replace(str(folder) + "/", "")


def test_ok__the_shipped_file_holds_every_key_with_its_default() -> None:
    import yaml

    shipped = yaml.safe_load(resources.path("config.yaml").read_text())
    assert shipped == Config().model_dump(mode="json")


def test_ok__every_key_of_the_shipped_file_has_a_comment_above_it_or_its_neighbour() -> None:
    lines = resources.path("config.yaml").read_text().splitlines()
    sections = {name for name, field in Config.model_fields.items() if name != "profile"}
    for section in sections:
        start = lines.index(f"{section}:")
        assert any(line.strip().startswith("#") for line in lines[start : start + 4]), section


def test_ok__a_file_holds_only_what_differs(tmp_path: Path) -> None:
    loaded = config.load(written(tmp_path, "camera:\n  source: trip.mp4\n"))
    assert loaded.camera.source == "trip.mp4"
    assert loaded.zmq == Config().zmq


def test_ok__an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert config.load(written(tmp_path, "# nothing yet\n")) == Config()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("camera:\n  sorce: 0\n", "my.yaml:2: camera.sorce: unknown key"),
        ("zmq:\n  state_hz: fast\n", "my.yaml:2: zmq.state_hz: input should be a valid number"),
        ("camera:\n  width: -5\n", "my.yaml:2: camera.width: input should be greater than or equal to 160, found -5"),
        ("camera:\n  fps: .nan\n", "my.yaml:2: camera.fps: "),
        ("gpio:\n\n  led_pin: 99\n", "my.yaml:3: gpio.led_pin: input should be less than or equal to 27, found 99"),
        ("zmq:\n  bind: tcp://0.0.0.0:5556\n", "my.yaml:2: zmq.bind: "),
        ("gpio:\n  led_pin: 17\n", "my.yaml:1: gpio: buzzer_pin and led_pin are both 17"),
        ("camera: 5\n", "my.yaml:1: camera: "),
        ("- a\n- b\n", "my.yaml:1: expected `key: value` lines, found a list"),
        ("camera:\n  source: [\n", "not valid YAML"),
        ("camera:\n\tsource: 0\n", "my.yaml:2: not valid YAML"),
        ("profile: a\nprofile: b\n", "my.yaml:2: profile: stands twice"),
        ("camera: &x {}\nface: *x\n", "aliases (*name) are not supported"),
        ("a: " + "[" * 50 + "]" * 50, "nested deeper than 30 levels"),
        ("profile: !!python/object:os.system x\n", "my.yaml:1: profile: could not determine a constructor"),
        ("emotion:\n  enabled: 2024-99-99\n", "my.yaml:2: emotion.enabled: "),
    ],
)
def test_fault__is_told_with_file_line_key_and_reason(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in fault(tmp_path, text)


def test_fault__several_are_told_at_once_a_line_each(tmp_path: Path) -> None:
    told = fault(tmp_path, "camera:\n  sorce: 0\n  fps: 0\nvehicle:\n  id: my car\n").splitlines()
    assert [line.split(":")[1] for line in told] == ["3", "2", "5"]


def test_fault__files_that_are_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read it"):
        config.load(tmp_path / "missing.yaml")
    with pytest.raises(ConfigError, match="cannot read it"):
        config.load(tmp_path)
    (tmp_path / "clip.mp4").write_bytes(bytes(range(256)) * 8)
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        config.load(tmp_path / "clip.mp4")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (yamlfile.MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="too large"):
        config.load(tmp_path / "huge.yaml")


@given(st.text())
def test_fault__rubbish_is_either_a_configuration_or_one_clear_error(text: str) -> None:
    told = "rubbish.yaml:"
    try:
        yamlfile.parse(text, "rubbish.yaml", Config)
    except ConfigError as error:
        told = str(error)
    assert told.startswith("rubbish.yaml:")


def test_ok__the_hash_changes_with_a_value_and_with_the_profile_and_with_nothing_else() -> None:
    plain = config.digest(Config(), "rules: []")
    assert plain == config.digest(Config(), "rules: []")
    assert plain != config.digest(Config(profile="other"), "rules: []")
    assert plain != config.digest(Config(), "rules: [] # changed")
