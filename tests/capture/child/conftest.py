"""The stand-in for `rpicam-vid` on the PATH, and the pictures that it gives."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from driver_monitor import demo
from driver_monitor.capture.child.pipe_camera import PipeCamera
from driver_monitor.capture.open_source import open_camera
from driver_monitor.config.schema import CameraConfig
from driver_monitor.imaging.frame import Image
from tests.capture.child import fake_rpicam_vid

PICTURES = 12


@pytest.fixture(scope="session")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw 640x480 yuv420 pictures of the bundled clip, with levels 0 to 255."""
    path = tmp_path_factory.mktemp("frames") / "demo.yuv"
    with av.open(str(demo.CLIP)) as clip, path.open("wb") as file:
        for number, frame in enumerate(clip.decode(video=0)):
            if number == PICTURES:
                break
            file.write(frame.reformat(640, 480, "yuvj420p").to_ndarray().tobytes())
    return path


class Board:
    """A Raspberry Pi with the stand-in as its camera program."""

    def __init__(self, folder: Path, frames: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._frames, self._patch = folder, frames, monkeypatch
        self.log = folder / "starts.jsonl"
        self.programs = folder / "bin"
        self.programs.mkdir()
        monkeypatch.setenv("PATH", f"{self.programs}:{os.defpath}")
        monkeypatch.setenv("FAKE_FRAMES", str(frames))
        monkeypatch.setenv("FAKE_LOG", str(self.log))
        self.install("rpicam-vid")

    def install(self, name: str) -> None:
        for program in self.programs.iterdir():
            program.unlink()
        program = self.programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {fake_rpicam_vid.__file__} "$@"\n')
        program.chmod(0o755)

    def faults(self, **faults: object) -> None:
        self._patch.setenv("FAKE_FAULTS", json.dumps(faults))

    @property
    def starts(self) -> list[list[str]]:
        """The arguments of each start."""
        return [json.loads(line)[1:] for line in self.log.read_text().splitlines()]

    @property
    def pids(self) -> list[int]:
        return [json.loads(line)[0] for line in self.log.read_text().splitlines()]

    def grey(self, number: int) -> Image:
        """The grey picture that the stand-in gives as number `number`."""
        raw: Image = np.fromfile(self._frames, np.uint8).reshape(PICTURES, -1)[number % PICTURES]
        return np.asarray(raw[: 640 * 480].reshape(480, 640), np.uint8)

    @contextmanager
    def camera(self, source: str = "rpicam", **config: object) -> Iterator[PipeCamera]:
        with open_camera(CameraConfig.model_validate(config), source, real_time=True) as camera:
            assert isinstance(camera, PipeCamera)
            yield camera


@pytest.fixture
def board(tmp_path: Path, frames: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    return Board(tmp_path, frames, monkeypatch)
