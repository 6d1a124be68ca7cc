"""Batches of small clips, and what a batch leaves on the disk."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tests.conftest import demo_frames, write_clip
from tools.batch.measure import runs

__all__ = ["FRAMES", "contents", "make_clips", "runs"]

FRAMES = 5


def make_clips(folder: Path, number: int) -> list[Path]:
    """Write `number` different clips of `FRAMES` small frames into two subfolders."""
    pictures = [cv2.resize(picture, (320, 240), interpolation=cv2.INTER_AREA) for picture in demo_frames(0, 40)]
    clips = [folder / f"day{index % 2}" / f"clip{index:02}.mp4" for index in range(number)]
    for index, clip in enumerate(clips):
        clip.parent.mkdir(parents=True, exist_ok=True)
        darker = [(picture * (1 - index / 100)).astype(np.uint8) for picture in pictures[index : index + FRAMES]]
        write_clip(clip, darker)
    return clips


def contents(out: Path) -> dict[str, bytes]:
    """Return name -> bytes of all files below `out`, without the manifest of the batch."""
    files = (path for path in out.rglob("*") if path.is_file() and not path.name.startswith("batch"))
    return {str(path.relative_to(out)): path.read_bytes() for path in files}
