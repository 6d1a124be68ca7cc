"""The configuration: defaults, and errors with file, line, key and reason."""

from __future__ import annotations

import itertools
import os
import socket
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.config import resources, yaml_file
from driver_monitor.config import schema as config
from driver_monitor.config.schema import Config
from driver_monitor.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "my.yaml"
    path.write_text(text)
    return path


def fault(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as error:
        config.load(written(folder, text))
    return str(error.value).replace(str(folder) + "/", "")


def test_ok__the_shipped_file_holds_every_key_with_its_default() -> None:
    import yaml

    shipped = yaml.safe_load(resources.path("config.yaml").read_text())
    assert shipped == Config().model_dump(mode="json")


def test_ok__every_key_of_the_shipped_file_has_a_comment_above_it_or_its_neighbour() -> None:
    lines = resources.path("config.yaml").read_text().splitlines()
    sections = {name for name in Config.model_fields if name not in ("locked", "profile")}
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
        ("zmq:\n  state_hz: fast\n", "my.yaml:2: zmq.state_hz: expected a number, without quotes"),
        ("camera:\n  width: -5\n", "my.yaml:2: camera.width: must be at least 160, found -5"),
        ("camera:\n  lost_after_s: 5.1\n", "my.yaml:2: camera.lost_after_s: must be at most 5, found 5.1"),
        ("camera:\n  lost_after_s: 3600\n", "my.yaml:2: camera.lost_after_s: must be at most 5, found 3600"),
        ("camera:\n  fps: .nan\n", "my.yaml:2: camera.fps: "),
        ("gpio:\n\n  led_pin: 99\n", "my.yaml:3: gpio.led_pin: must be at most 27, found 99"),
        ("zmq:\n  bind: tcp://0.0.0.0:5556\n", "my.yaml:2: zmq.bind: "),
        ("gpio:\n  led_pin: 17\n", "my.yaml:1: gpio: buzzer_pin and led_pin are both 17"),
        ("camera: 5\n", "my.yaml:1: camera: "),
        ("- a\n- b\n", "my.yaml:1: expected `key: value` lines, found a list"),
        ("camera:\n  source: [\n", "not valid YAML"),
        ("camera:\n\tsource: 0\n", "my.yaml:2: not valid YAML"),
        ("profile: a\nprofile: b\n", "my.yaml:2: profile: appears twice; remove one"),
        ("camera: &x {}\nface: *x\n", "aliases (*name) are not supported"),
        ("a: " + "[" * 50 + "]" * 50, "nested deeper than 30 levels"),
        (
            "profile: !!python/object:os.system x\n",
            "my.yaml:1: not valid YAML: tags (tag:yaml.org,2002:python/object:os.system) are",
        ),
        ("emotion:\n  enabled: 2024-99-99\n", "my.yaml:2: emotion.enabled: "),
        (
            "camera:\n  fps: !!bool foo\n",
            "my.yaml:2: not valid YAML: tags (tag:yaml.org,2002:bool) are not supported; remove",
        ),
        ("camera:\n  fps: !!timestamp foo\n", "my.yaml:2: not valid YAML: tags"),
        ("camera:\n  fps: !foo 30\n", "my.yaml:2: not valid YAML: tags"),
    ],
)
def test_fault__has_a_message_with_file_line_key_and_reason(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in fault(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "gpio:\n  buzzer_pin: true\n",
            "my.yaml:2: gpio.buzzer_pin: expected a whole number, without quotes, found true",
        ),
        (
            "gpio:\n  buzzer_pin: 017\n",
            "my.yaml:2: gpio.buzzer_pin: expected a whole number, without quotes, found '017'",
        ),
        (
            "gpio:\n  buzzer_pin: '17'\n",
            "my.yaml:2: gpio.buzzer_pin: expected a whole number, without quotes, found '17'",
        ),
        (
            "gpio:\n  active_high: yes\n",
            "gpio.active_high: expected true or false, without quotes, found 'yes'",
        ),
        ("gpio:\n  active_high: 1\n", "my.yaml:2: gpio.active_high: expected true or false, without quotes, found 1"),
        ("camera:\n  fps: true\n", "my.yaml:2: camera.fps: expected a number, without quotes, found true"),
        ("camera:\n  fps: 1:30\n", "my.yaml:2: camera.fps: expected a number, without quotes, found '1:30'"),
        ("camera:\n  fps: '30'\n", "my.yaml:2: camera.fps: expected a number, without quotes, found '30'"),
        ("camera:\n  rotate: false\n", "my.yaml:2: camera.rotate: expected 0, 90, 180 or 270, found false"),
        (
            "camera:\n  width: 0x280\n",
            "my.yaml:2: camera.width: expected a whole number, without quotes, found '0x280'",
        ),
        ("camera:\n  width: 1" + "0" * 500, "my.yaml:2: camera.width: expected a whole number, without quotes"),
    ],
)
def test_fault__a_value_of_another_type_is_never_converted(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in fault(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('profile: "a\\0b.yaml"\n', "my.yaml:1: profile: a control character"),
        ('models:\n  folder: "a\\0b"\n', "my.yaml:2: models.folder: a control character"),
        ('service:\n  state_dir: "a\\0b"\n', "my.yaml:2: service.state_dir: a control character"),
        ('camera:\n  source: "a\\0b"\n', "my.yaml:2: camera.source: a control character"),
        ('camera:\n  source: "\\ud800"\n', "my.yaml:2: not valid YAML: found invalid Unicode character escape"),
        (f"profile: {'a' * 5000}\n", "my.yaml:1: profile: 5000 characters are too many"),
        (f"zmq:\n  bind: ipc:///{'a' * 107}\n", "my.yaml:2: zmq.bind: the socket's path has 108 bytes"),
        (f"zmq:\n  bind: ipc:///{'ä' * 60}\n", "my.yaml:2: zmq.bind: the socket's path has 121 bytes"),
        ("zmq:\n  bind: tcp://127.0.0.1:99999\n", "my.yaml:2: zmq.bind: port 99999 does not exist"),
        (
            "zmq:\n  bind: tcp://127.0.0.300:5556\n",
            "my.yaml:2: zmq.bind: 127.0.0.300 is not an address: its numbers go up to 255",
        ),
    ],
)
def test_fault__what_the_system_would_refuse_later_is_refused_at_once(tmp_path: Path, text: str, expected: str) -> None:
    message = fault(tmp_path, text)
    assert expected in message
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize(
    "bind", ["auto", "tcp://127.0.0.1:65535", "tcp://127.0.0.1:*", "tcp://[::1]:5556", "ipc:///" + "a" * 106]
)
def test_ok__addresses_at_the_limits_are_accepted(tmp_path: Path, bind: str) -> None:
    assert config.load(written(tmp_path, f"zmq:\n  bind: '{bind}'\n")).zmq.bind == bind


def test_ok__a_whole_number_may_stand_for_a_float_and_text_for_a_path(tmp_path: Path) -> None:
    loaded = config.load(
        written(tmp_path, "camera: {fps: 15, rotate: 90}\nmodels: {folder: nets}\ngpio: {led_pin: }\n")
    )
    assert (loaded.camera.fps, loaded.camera.rotate, loaded.gpio.led_pin) == (15.0, 90, None)
    assert loaded.models.folder == Path("nets")


def test_fault__a_key_of_several_lines_is_reported_in_one_line(tmp_path: Path) -> None:
    message = fault(tmp_path, '"a\\nb": 1\n')
    assert message == "my.yaml:1: a\\nb: unknown key; check its spelling"


def test_fault__pipes_sockets_and_devices_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.yaml"))
        for path, kind in (
            (tmp_path / "pipe.yaml", "a pipe"),
            (tmp_path / "s.yaml", "a socket"),
            (Path("/dev/zero"), "a device"),
        ):
            with pytest.raises(ConfigError, match=f"{path.name}: cannot read it: {kind}, not a regular file"):
                config.load(path)


def test_fault__a_path_that_cannot_exist(tmp_path: Path) -> None:
    for name in ("a\0b.yaml", "a" * 5000):
        with pytest.raises(ConfigError, match="cannot read it") as error:
            config.load(tmp_path / name)
        assert "\n" not in str(error.value)


def test_fault__several_faults_are_reported_in_one_line_each(tmp_path: Path) -> None:
    message = fault(tmp_path, "camera:\n  sorce: 0\n  fps: 0\nvehicle:\n  id: my car\n").splitlines()
    assert [line.split(":")[1] for line in message] == ["3", "2", "5"]


def test_fault__files_that_are_not_a_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read it"):
        config.load(tmp_path / "missing.yaml")
    with pytest.raises(ConfigError, match="cannot read it"):
        config.load(tmp_path)
    (tmp_path / "clip.mp4").write_bytes(bytes(range(256)) * 8)
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        config.load(tmp_path / "clip.mp4")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (yaml_file.MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="too large"):
        config.load(tmp_path / "huge.yaml")


HEAVY = {
    "many keys": "".join(f"k{number}: 1\n" for number in range(6500)),
    "a long list": f"a: [{'1,' * 32_000}]",
    "a long flow mapping": "{" + ",".join(f"a{number}" for number in range(9000)) + "}",
    "brackets": "[" * 64_000,
    "braces": "{a: " * 16_000,
    "dashes": "- " * 32_000,
    "question marks": "? " * 32_000,
    "anchors that multiply": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in itertools.pairwise("abcdefghi")),
    "anchors that nobody uses": "".join(f"- &a{number} x\n" for number in range(6000)),
    "a mapping merged into itself": "a: &a\n  <<: *a\n",
    "one key again and again": "a: 1\n" * 12_800,
    "one long word": f"a: {'x' * 64_000}",
    "escapes": 'a: "' + "\\n" * 31_000 + '"',
    "line breaks": "a: |\n" + "\n" * 64_000 + " x",
}


@pytest.mark.parametrize("text", HEAVY.values(), ids=HEAVY.keys())
def test_fault__a_file_made_to_be_slow_is_refused_soon_and_in_few_lines(tmp_path: Path, text: str) -> None:
    assert len(text) <= yaml_file.MAX_BYTES
    started = time.process_time()
    message = fault(tmp_path, text)
    assert time.process_time() - started < 1.5  # 0.3 s on one core of 2024
    assert len(message.splitlines()) <= yaml_file.MAX_FAULTS + 1
    assert len(message) < 5000


def test_fault__of_many_faults_the_first_are_named_and_the_others_counted(tmp_path: Path) -> None:
    lines = fault(tmp_path, "".join(f"k{number}: 1\n" for number in range(2000))).splitlines()
    assert lines[0] == "my.yaml:1: k0: unknown key; check its spelling"
    assert lines[-1] == "my.yaml: and 1980 more faults"


@pytest.mark.parametrize("kind", ["many keys", "a long list", "a long flow mapping", "one key again and again"])
def test_fault__more_values_than_any_configuration_has_are_refused_before_they_are_read(
    tmp_path: Path, kind: str
) -> None:
    assert fault(tmp_path, HEAVY[kind]).endswith("more than 10000 keys and values; check that it is the right file")


@pytest.mark.parametrize("size", [yaml_file.MAX_BYTES + 1, 250_000, 5_000_000])
def test_fault__a_file_over_64_kb_is_one_line_and_is_not_parsed(tmp_path: Path, size: int) -> None:
    started = time.process_time()
    assert fault(tmp_path, ("a: [x]\n" * (size // 7 + 1))[:size]) == (
        "my.yaml: too large: more than 65536 bytes; check that it is the right file"
    )
    assert time.process_time() - started < 0.2


def test_ok__a_file_of_64_kb_is_read(tmp_path: Path) -> None:
    text = "vehicle: {id: van-12}\n"
    assert config.load(written(tmp_path, text + "#" * (yaml_file.MAX_BYTES - len(text)))).vehicle.id == "van-12"


@given(st.text())
def test_fault__rubbish_is_either_a_configuration_or_one_clear_error(text: str) -> None:
    message = "rubbish.yaml:"
    try:
        yaml_file.parse(text, "rubbish.yaml", Config)
    except ConfigError as error:
        message = str(error)
    assert message.startswith("rubbish.yaml:")


def test_ok__the_hash_changes_with_a_value_and_with_the_profile_and_with_nothing_else() -> None:
    plain = config.digest(Config(), "rules: []")
    assert plain == config.digest(Config(), "rules: []")
    assert plain != config.digest(Config(profile="other"), "rules: []")
    assert plain != config.digest(Config(), "rules: [] # changed")


def test_ok__empty_text_for_a_folder_is_none_and_not_the_current_folder(tmp_path: Path) -> None:
    loaded = config.load(written(tmp_path, 'models: {folder: ""}\nservice: {state_dir: ""}\n'))
    assert (loaded.models.folder, loaded.service.state_dir) == (None, None)


def test_fail__a_profile_in_place_of_the_configuration_is_recognised(tmp_path: Path) -> None:
    error = fault(tmp_path, "name: ours\nrules: []\n")
    assert error == "my.yaml:2: rules: this file is a profile, not a configuration; use --profile"


def test_fail__the_daemon_does_not_listen_to_itself(tmp_path: Path) -> None:
    own = "vehicle: {input: 'tcp://127.0.0.1:5556'}\n"
    error = fault(tmp_path, f"# a car\n{own}")
    assert error == "my.yaml:2: vehicle.input: this is zmq.bind, where the daemon itself publishes; use another address"
    assert "vehicle.input" in fault(tmp_path, "zmq: {bind: 'ipc:///run/a'}\nvehicle: {input: 'ipc:///run/a'}\n")


def test_ok__with_keys_the_address_for_other_computers_is_not_the_one_of_this_machine(tmp_path: Path) -> None:
    zmq = config.load(written(tmp_path, "zmq: {bind: 'tcp://0.0.0.0:5600', keys: /etc/k}\n")).zmq
    assert (zmq.beyond_this_machine, zmq.local_bind) == (True, "auto")
    assert not config.load(
        written(tmp_path, "zmq: {enabled: false, bind: 'tcp://[::]:1', keys: k}")
    ).zmq.beyond_this_machine
    local = Config().zmq
    assert (local.beyond_this_machine, local.local_bind) == (False, "auto")


def test_fail__keys_that_nothing_uses_are_refused(tmp_path: Path) -> None:
    error = fault(tmp_path, "zmq:\n  keys: /etc/driver-monitor/keys\n")
    assert error == (
        "my.yaml:1: zmq: keys are for a bind that other computers can reach, found auto; "
        "set bind to tcp://0.0.0.0:5556, or remove keys"
    )
    assert "found tcp://127.0.0.1:7" in fault(tmp_path, "zmq: {bind: 'tcp://127.0.0.1:7', keys: /etc/k}\n")


def test_ok__a_daemon_that_does_not_publish_may_listen_at_its_usual_address(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text("zmq: {enabled: false}\nvehicle: {input: 'tcp://127.0.0.1:5556'}\n")
    assert config.load(path).vehicle.input == "tcp://127.0.0.1:5556"


@pytest.mark.parametrize(
    "device", ["auto", "default", "plughw:1,0", "sysdefault:CARD=Device", "null", "bluealsa:DEV=0"]
)
def test_ok__a_loudspeaker_is_auto_or_any_device_of_alsa(tmp_path: Path, device: str) -> None:
    assert config.load(written(tmp_path, f"outputs:\n  sound: '{device}'\n")).outputs.sound == device


@pytest.mark.parametrize("value", ["off", "no", "on", "'False'", "'-'", "'--help'", "'a b'", "''", "'plug:$(id)'"])
def test_fail__what_cannot_be_a_loudspeaker_is_refused_with_what_to_write(tmp_path: Path, value: str) -> None:
    error = fault(tmp_path, f"outputs:\n  sound: {value}\n")
    assert error.startswith("my.yaml:2: outputs.sound: ")
    assert "is not a sound device; use auto, the name of an ALSA device such as plughw:1,0, or null" in error


def test_fail__true_is_no_loudspeaker(tmp_path: Path) -> None:
    assert "my.yaml:2: outputs.sound: " in fault(tmp_path, "outputs:\n  sound: true\n")
    assert "my.yaml:2: outputs.sound_words: " in fault(tmp_path, "outputs:\n  sound_words: 1\n")
