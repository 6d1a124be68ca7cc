"""Which clips a user means, and the folder of each one's results."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from driver_monitor.bench.batch.clip_list import NO_LIST, ClipList
from driver_monitor.bench.batch.find_clips import SUFFIXES, find_files, is_folder, only_pictures
from driver_monitor.bench.batch.shard import Shard
from driver_monitor.bench.replays.job import LINES_ONLY, ReplayJob, RunFiles
from driver_monitor.bench.runs.run_folder import choose
from driver_monitor.errors import UsageError
from driver_monitor.messages import trace


def name_of(clip: Path) -> Path:
    """Return the name of a clip's results: its own name without its suffix.

    A name of dots only (`...mp4`) is kept: it must not leave the folder. A trace with the name that replays give is
    named like its folder.
    """
    real = Path(os.path.realpath(clip))
    stem = real.name if is_folder(clip) else clip.stem
    if trace.is_trace(clip):
        # All replays write a trace of the same name, into a folder that is named like the trip.
        stem = real.parent.name if clip.name == trace.NAME else clip.name.removesuffix(trace.SUFFIX)
    return Path(stem if stem.strip(".") else clip.name)


def _name_below(clip: Path, folder: Path) -> Path:
    """Return `name_of` a clip that was found in `folder`, with its path below `folder`."""
    name = name_of(clip)
    # Beside a folder of this name, the results would lie among those of the clips in that folder.
    own = clip.name if clip.with_name(name.name).is_dir() else name.name
    return clip.relative_to(folder).with_name(own)


def jobs_of(
    clips: Sequence[Path],
    out: Path,
    every: int = 1,
    fps: float | None = None,
    files: RunFiles = LINES_ONLY,
    images: bool = False,
    listed: ClipList = NO_LIST,
    shard: Shard | None = None,
) -> tuple[list[ReplayJob], list[str]]:
    """Return one job for each different clip, and a line for each file or folder that cannot be used.

    A folder stands for the clips in it and in its subfolders. With `images`, or if it holds only pictures, it is one
    recording. `out`: parent of the jobs' folders. `files`: what each run has beside its lines. `listed`: more clips;
    those below the folder of their list keep their path below it. `shard`: only these; the folders are those of a batch
    of all clips. Raises `UsageError` for a folder of pictures without `fps`, or without clips.
    """
    places: list[tuple[Path, Path]] = []
    faults: list[str] = []
    for clip, base in [*((clip, None) for clip in clips), *((clip, listed.folder) for clip in listed.clips)]:
        below = base is not None and clip.is_relative_to(base) and ".." not in clip.relative_to(base).parts
        if not is_folder(clip):
            places.append((clip, _name_below(clip, base) if base is not None and below else name_of(clip)))
        elif images or only_pictures(clip):
            if fps is None:
                raise UsageError(f"{clip}: a folder of images has no frame rate of its own; give one with --fps")
            places.append((clip, _name_below(clip, base) if base is not None and below else name_of(clip)))
        else:
            found, wrong = find_files(clip, SUFFIXES)
            places += [(one, _name_below(one, base if base is not None and below else clip)) for one in found]
            faults += wrong
            if not found and not wrong:
                raise UsageError(f"{clip}: no clips in this folder; for a folder of images give --images and --fps")
    unique = {os.path.realpath(place[0]): place for place in reversed(places)}
    wished = dict(list(unique.values())[::-1])
    chosen = choose(wished.items(), out)
    mine = {clip: folder for clip, folder in chosen.items() if shard is None or shard.has(wished[clip])}
    return [ReplayJob(clip, folder, every, fps, files) for clip, folder in mine.items()], faults
