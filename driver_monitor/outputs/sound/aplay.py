"""Plays sound files with `aplay` of alsa-utils, one child process for each call.

A child needs no sound library in this process, cannot hang its threads, and is silent as soon as it is killed.
`setpriv` makes the kernel kill it when this process dies, also by SIGKILL; in the service systemd does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from driver_monitor.config.sound_device import AUTO
from driver_monitor.errors import OutputError
from driver_monitor.threads.tied_child import tied_to_parent

LATE_S = 3.0
"""How much longer than its sound a child may run before it counts as hanging (ours). A sound card's buffer and the
start of the child take under 1 s; a Bluetooth loudspeaker may take 2 s to wake."""
KILL_S = 0.3
"""Longest wait for the end of a killed child (ours). Only a driver that hangs takes longer than milliseconds."""
MOST_TEXT = 4096
"""Bytes of a child's messages that are read."""
CARDS, STREAMS, OWN = Path("/proc/asound/cards"), Path("/proc/asound/pcm"), Path("/etc/asound.conf")
"""The sound cards, their devices, and the file in which an installer chooses ALSA's default device."""
_PLAYBACK = re.compile(r"^(\d+)-(\d+): (.*: playback \d.*)$", re.MULTILINE)
_CARD = re.compile(r"^ *(\d+) (\[.*)$", re.MULTILINE)


class Aplay:
    """Plays on `device`: the name of an ALSA device, or `AUTO`. At most one child runs."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._child: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._limit = 0.0
        self._where = device

    @property
    def running(self) -> bool:
        """Whether a child runs. A killed one runs until the kernel has ended it."""
        return self._child is not None

    def start(self, files: Sequence[Path], seconds: float, now: float) -> None:
        """Begin to play `files`, which take `seconds`. Call it only if no child runs.

        Raises `OutputError` if aplay or, with `AUTO`, every sound card is missing.
        """
        program = shutil.which("aplay")
        if program is None:
            raise OutputError("aplay is not installed; run `apt-get install alsa-utils`")
        self._where = choose(_text(STREAMS), _text(CARDS), OWN.exists()) if self._device == AUTO else self._device
        command = [*tied_to_parent(), program, "-q", "-D", self._where, *map(str, files)]
        try:
            # A session of its own: Ctrl-C in the terminal must not look like a fault of the device.
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, "LC_ALL": "C"},
                start_new_session=True,
            )
        except OSError as error:
            raise OutputError(f"aplay cannot be started: {error.strerror}; check memory and permissions") from None
        self._killed, self._limit = False, now + seconds + LATE_S

    def check(self, now: float) -> bool:
        """Return whether the child still plays at `now`. A child that hangs is killed.

        Raises `OutputError` if it hung, or ended with an error.
        """
        if self._child is None:
            return False
        code = self._child.poll()
        if code is None:
            if now >= self._limit and not self._killed:
                self.stop()
                raise OutputError(f"aplay hung on {self._where} and was killed; check the sound card and its cable")
            return True
        text, killed = _last_line(self._child), self._killed
        self._forget()
        if code != 0 and not killed:
            raise OutputError(
                f"aplay cannot play on {self._where} ({text or f'exit code {code}'}); `aplay -l` lists the devices, "
                "and the user must be in the group audio (for the service: systemd/sound.conf)"
            )
        return False

    def stop(self) -> None:
        """Kill the child, if there is one. It is silent at once."""
        if self._child is None:
            return
        self._killed = True
        self._child.kill()
        try:
            self._child.wait(KILL_S)
        except subprocess.TimeoutExpired:
            return
        self._forget()

    def _forget(self) -> None:
        if self._child is not None and self._child.stderr is not None:
            self._child.stderr.close()
        self._child = None


def choose(streams: str, cards: str, own_default: bool = False) -> str:
    """Return the device that `AUTO` means. `streams`, `cards`: the texts of /proc/asound/pcm and /proc/asound/cards.

    It is ALSA's default, which is the first card, unless that is an HDMI output: on a Raspberry Pi it is, and a car
    has no screen that plays it. Then it is the first device that is not HDMI, if there is one. `own_default`: an
    installer has chosen the default. Raises `OutputError` if no device can play.
    """
    names = dict(_CARD.findall(cards))
    playing = [(card, device, f"{name} {names.get(str(int(card)), '')}") for card, device, name in
               _PLAYBACK.findall(streams)]  # fmt: skip
    if own_default:
        return "default"
    if not playing:
        raise OutputError("auto: there is no sound card; plug one in, or set outputs.sound: null")
    others = [one for one in playing if "hdmi" not in one[2].casefold()]
    if not others or others[0] == playing[0]:
        return "default"
    return f"plughw:{int(others[0][0])},{int(others[0][1])}"


def _last_line(child: subprocess.Popen[bytes]) -> str:
    """Return the last line that the child wrote, without the names of its source files. Never waits."""
    if child.stderr is None:
        return ""
    os.set_blocking(child.stderr.fileno(), False)
    try:
        written = os.read(child.stderr.fileno(), MOST_TEXT).decode(errors="replace")
    except BlockingIOError:
        return ""
    lines = [" ".join(line.split()) for line in written.splitlines() if line.strip()]
    return re.sub(r"^aplay: \w+:\d+: ", "", lines[-1])[:160] if lines else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
