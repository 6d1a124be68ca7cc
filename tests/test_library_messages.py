"""What C libraries print on stderr never reaches a user; what the program and Python print does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from driver_monitor.imaging.library_messages import collect_decoder_messages, damage, hide_library_messages
from tests.conftest import PROGRAM

CHATTER = b"Corrupt JPEG data: 3 extraneous bytes before marker 0xd9\n"


def jpeg(damaged: bool) -> NDArray[np.uint8]:
    noise = np.random.default_rng(1).integers(0, 255, (64, 96, 3), np.uint8)
    data: NDArray[np.uint8] = np.array(cv2.imencode(".jpg", noise)[1], np.uint8).ravel()
    if damaged:
        data[len(data) // 2 : len(data) // 2 + 20] = [255, 211] * 10
    return data


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


HIDE = "import os, sys\nfrom driver_monitor.imaging.library_messages import *\n"


def test_ok__a_library_is_not_heard_and_python_is() -> None:
    code = HIDE + "with hide_library_messages():\n os.write(2, b'libjpeg\\n'); print('ours', file=sys.stderr)\n"
    done = python(code + "print('after', file=sys.stderr); os.write(2, b'raw\\n')")
    assert (done.returncode, done.stderr) == (0, "ours\nafter\nraw\n")


def test_ok__an_hour_of_chatter_neither_stops_the_program_nor_grows() -> None:
    code = HIDE + "with hide_library_messages():\n for _ in range(108_000):\n  try: os.write(2, b'Corrupt JPEG' * 6)\n"
    done = python(code + "  except BlockingIOError: pass\n print('ours', file=sys.stderr)")
    assert (done.returncode, done.stderr) == (0, "ours\n")


def test_ok__a_process_without_stderr_runs() -> None:
    code = HIDE + "os.close(2)\nwith hide_library_messages(), collect_decoder_messages() as said: print('runs', said)"
    assert python(code).stdout == "runs []\n"


def test_ok__a_crash_in_a_library_still_says_where() -> None:
    done = python(HIDE + "with hide_library_messages():\n os.abort()")
    assert done.returncode < 0
    assert "Aborted" in done.stderr


def test_ok__messages_of_one_picture_are_collected_while_all_are_hidden(capfd: pytest.CaptureFixture[str]) -> None:
    with hide_library_messages():
        os.write(2, CHATTER)
        with collect_decoder_messages() as clean:
            pass
        with collect_decoder_messages() as messages:
            cv2.imdecode(jpeg(damaged=True), cv2.IMREAD_COLOR)
        os.write(2, CHATTER)
    assert clean == []
    assert len(messages) == 1
    assert messages[0].startswith("Corrupt JPEG data")
    assert capfd.readouterr().err == ""


def test_ok__stray_bytes_of_a_common_webcam_are_no_damage() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 96, 3), np.uint8)
    data = np.array(cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_RST_INTERVAL, 8])[1], np.uint8).tobytes()
    marker = data.index(b"\xff\xd0", data.index(b"\xff\xda"))
    with collect_decoder_messages() as messages:
        cv2.imdecode(np.frombuffer(data[:marker] + b"\x12\x34" + data[marker:], np.uint8), cv2.IMREAD_COLOR)
    assert "extraneous bytes" in messages[0]
    assert damage(messages) is None
    assert damage([*messages, "Premature end of JPEG file"]) == "Premature end of JPEG file"


@pytest.mark.parametrize("jobs", [1, 2])
def test_ok__a_replay_of_damaged_pictures_says_its_own_lines_only(still: Path, tmp_path: Path, jobs: int) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        picture = cv2.imread(str(still))
        assert picture is not None
        data = bytearray(np.asarray(cv2.imencode(".jpg", picture)[1]).tobytes())
        (tmp_path / folder / "1.jpg").write_bytes(data)
        data[len(data) // 2 : len(data) // 2 + 20] = b"\xff\xd3" * 10
        (tmp_path / folder / "2.jpg").write_bytes(data)
    command = [*PROGRAM, "replay", "a", "b", "--fps", "10", "--jobs", str(jobs)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert all(line.endswith("; this picture is left out") for line in done.stderr.splitlines())
    assert sorted(line.split(" (")[0].split(" ", 2)[2] for line in done.stderr.splitlines()) == [
        f"WARNING {folder}/2.jpg: only partly readable" for folder in ("a", "b")
    ]
