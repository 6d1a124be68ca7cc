"""aplay as a child process: real processes, which make no sound."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from driver_monitor.errors import OutputError
from driver_monitor.outputs.sound import sounds
from driver_monitor.outputs.sound.aplay import Aplay, choose
from driver_monitor.threads.tied_child import tied_to_parent
from tests.outputs.sound.fake_aplay import FakeAplay, await_end

HDMI = "00-00: MAI PCM i2s-hifi-0 : MAI PCM i2s-hifi-0 : playback 1"
HEADPHONES = "02-00: bcm2835 Headphones : bcm2835 Headphones : playback 8"
USB = "01-00: USB Audio : USB Audio : playback 1 : capture 1"
MICROPHONE = "00-00: USB Audio : USB Audio : capture 1"
PC = "00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1\n00-03: HDMI 0 : HDMI 0 : playback 1"
CARDS = """ 0 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0
                      vc4-hdmi-0
 1 [Device         ]: USB-Audio - USB Audio Device
                      Generic USB Audio Device at usb-0000:01:00.0-1.2, full speed
 2 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones
                      bcm2835 Headphones
"""


@pytest.mark.parametrize(
    ("streams", "device"),
    [
        (f"{HDMI}\n{USB}\n{HEADPHONES}\n", "plughw:1,0"),
        (f"{HDMI}\n{HEADPHONES}\n", "plughw:2,0"),
        (HDMI, "default"),
        (PC, "default"),
        (f"{HEADPHONES}\n{HDMI}", "default"),
    ],
)
def test_ok__auto_is_the_default_device_unless_that_is_a_screen(streams: str, device: str) -> None:
    assert choose(streams, CARDS) == device


@pytest.mark.parametrize("streams", ["", MICROPHONE])
def test_fail__without_a_device_that_plays_auto_says_what_to_do(streams: str) -> None:
    with pytest.raises(OutputError, match=r"there is no sound card; plug one in, or set outputs\.sound: null"):
        choose(streams, CARDS)


def test_ok__what_an_installer_has_chosen_is_the_default() -> None:
    assert choose(f"{HDMI}\n{USB}\n", CARDS, own_default=True) == "default"


def test_ok__it_is_called_with_device_and_files_and_killed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, player = FakeAplay(tmp_path, monkeypatch, "plays"), Aplay("plughw:1,0")
    player.start((sounds.SILENCE, sounds.words_file("sleep")), 1.0, now=5.0)
    process, arguments = fake.call()
    assert arguments == ["-q", "-D", "plughw:1,0", "silence.wav", "words-sleep.wav"]
    assert player.check(5.5)
    player.stop()
    assert not player.running
    await_end(process)
    player.stop()


def test_ok__ctrl_c_in_the_terminal_does_not_reach_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, player = FakeAplay(tmp_path, monkeypatch, "plays"), Aplay("default")
    player.start((sounds.SILENCE,), 1.0, now=0.0)
    process, _ = fake.call()
    assert os.getpgid(process) != os.getpgid(0)
    player.stop()


def finished(player: Aplay, now: float = 0.0) -> None:
    """Wait for the end of the child, and check it."""
    child = player._child
    assert child is not None
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not player.check(now)


def test_fail__a_device_that_does_not_open_is_one_line_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeAplay(tmp_path, monkeypatch, "fails")
    player = Aplay("plughw:7,0")
    player.start((sounds.SILENCE,), 0.1, now=0.0)
    with pytest.raises(OutputError) as error:
        finished(player)
    assert str(error.value) == (
        "aplay cannot play on plughw:7,0 (audio open error: No such file or directory); `aplay -l` lists the devices, "
        "and the user must be in the group audio (for the service: systemd/sound.conf)"
    )
    assert not player.running


def test_fail__one_that_hangs_is_killed_three_seconds_after_its_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, player = FakeAplay(tmp_path, monkeypatch, "plays"), Aplay("default")
    player.start((sounds.SILENCE,), 2.0, now=10.0)
    process, _ = fake.call()
    assert player.check(14.9)
    with pytest.raises(OutputError, match="aplay hung on default and was killed"):
        player.check(15.0)
    await_end(process)
    assert not player.running


def test_fail__without_aplay_the_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutputError, match="aplay is not installed; run `apt-get install alsa-utils`"):
        Aplay("default").start((sounds.SILENCE,), 0.1, now=0.0)


def test_ok__without_setpriv_it_plays_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, which = FakeAplay(tmp_path, monkeypatch), shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "setpriv" else which(name))
    player = Aplay("default")
    player.start((sounds.SILENCE,), 0.1, now=0.0)
    assert fake.sounds() == ["silence.wav"]
    finished(player)


def test_ok__where_the_system_forbids_setpriv_it_plays_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the service: its unit forbids capset(2), which setpriv calls."""
    fake, player = FakeAplay(tmp_path, monkeypatch), Aplay("default")
    program = fake.folder / "setpriv"
    program.write_text("#!/bin/sh\necho 'activate capabilities: Operation not permitted' >&2\nexit 127\n")
    program.chmod(0o755)
    player.start((sounds.SILENCE,), 0.1, now=0.0)
    assert fake.sounds() == ["silence.wav"]
    finished(player)


def test_ok__it_dies_with_a_daemon_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not tied_to_parent():
        pytest.skip("setpriv (util-linux) is not installed: nothing ends aplay after a SIGKILL outside of systemd")
    fake = FakeAplay(tmp_path, monkeypatch, "plays")
    program = (
        "import threading\n"
        "from driver_monitor.outputs.sound import sounds\n"
        "from driver_monitor.outputs.sound.aplay import Aplay\n"
        "Aplay('default').start((sounds.SILENCE,), 600.0, 0.0)\n"
        "threading.Event().wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as daemon:
        process, _ = fake.call()
        daemon.send_signal(signal.SIGKILL)
    await_end(process)


@pytest.mark.parametrize("path", sorted(sounds.FOLDER.iterdir()), ids=lambda path: path.stem)
def test_ok__the_real_aplay_plays_every_file_into_the_void(path: Path) -> None:
    if shutil.which("aplay") is None:
        pytest.skip("aplay (alsa-utils) is not installed: no sound file is played")
    player = Aplay("null")
    player.start((path,), sounds.seconds(path), now=0.0)
    finished(player)


def test_fail__the_real_aplay_names_a_device_that_is_not_there() -> None:
    if shutil.which("aplay") is None:
        pytest.skip("aplay (alsa-utils) is not installed: no sound file is played")
    player = Aplay("plughw:31,0")
    player.start((sounds.SILENCE,), 0.1, now=0.0)
    with pytest.raises(OutputError, match=r"aplay cannot play on plughw:31,0 \(audio open error: No such .*\); `aplay"):
        finished(player)
