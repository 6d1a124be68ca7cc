"""The steps of `python -m tools.eyes.train --own DIR`: read, check, train, measure, write."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from driver_monitor import demo
from driver_monitor.app import build
from driver_monitor.app.build import Plan
from driver_monitor.bench.score.clip import ScoreJob
from driver_monitor.bench.score.clips import jobs_of
from driver_monitor.bench.score.labels import load_labels
from driver_monitor.errors import DriverMonitorError, LabelError
from driver_monitor.perception.eyes.eye_net import Answers as EyeAnswers
from tools.eyes.net import Answers, Net
from tools.eyes.own.card import Measured, Origin, card, faults_of
from tools.eyes.own.crops import crops_of
from tools.eyes.own.figures import of_net, of_parts
from tools.eyes.own.fine_tune import Views, fine_tuned, likelihood, views
from tools.eyes.own.read_back import Lines, read_back, write_back
from tools.eyes.own.stills import stills_of
from tools.eyes.own.table import EyeTable, check_enough, table_of
from tools.own.folder import check_free, write_folder

SEED = 1
NOT_BETTER = "nothing is written: keep the net you have. More closures of more persons may help"


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    `own`: folder with the clips. `labels`: folder with their labels. `start`: the net to start from. `out`: folder of
    models to write. `work`: folder for the crops. `shared`: folder with other data sets, if it is there. `command`: as
    the user typed it.
    """

    own: Path
    labels: Path
    start: Path
    out: Path
    work: Path
    shared: Path
    command: str


class TorchEyes:
    """A torch net that is read like the file it will become. `lines`: its calibration."""

    def __init__(self, net: Net, lines: Lines) -> None:
        self.module = Answers(net, lines).eval()

    @torch.no_grad()
    def read(self, patches: NDArray[np.uint8], bands: NDArray[np.uint8]) -> EyeAnswers:
        """Return the answers for n eyes: `patches` (n, 32, 48), `bands` (n, 32, 64)."""
        inputs = [torch.from_numpy(np.ascontiguousarray(one)).unsqueeze(1).float() / 255 for one in (patches, bands)]
        return EyeAnswers(*(answer.numpy() for answer in self.module(*inputs)))


def labels_folder(own: Path, labels: Path | None) -> Path:
    """Return the folder with the labels: the one that was named, else `own/labels`, else `own`."""
    if labels is not None:
        return labels
    return own / "labels" if (own / "labels").is_dir() else own


def run(request: Request, said: Callable[[str], None]) -> None:
    """Fine-tune the net, print the card, and write the folder of models. Raises `DriverMonitorError`."""
    began = time.monotonic()
    check_free(request.out)
    start, lines = read_back(request.start)
    plan = build.load_plan(build.Request())
    table = own_table(request, plan, said)
    check_enough(table)
    bundled = bundled_table(plan, request.work, said)
    said(f"learning from {len(table)} frames of {len(np.unique(table.person))} person(s)")
    parts = table.parts()
    known = views(start, bundled, np.full(len(bundled), 1 / len(bundled)), SEED)
    nets = [_learned(start, table.of(parts.part != k), known, SEED + 1 + k) for k in range(parts.count)]
    net = _learned(start, table, known, SEED)
    before, after = TorchEyes(start, lines), TorchEyes(net, lines)
    own = Measured("", of_net(before, table), of_parts([TorchEyes(one, lines) for one in nets], table, parts.part))
    others = [
        Measured(title, of_net(before, other), of_net(after, other))
        for title, other in [
            ("the bundled clip", bundled),
            *stills_of(request.shared / "data", request.work, plan, said),
        ]
    ]
    origin = Origin(
        request.start.name, hashlib.sha256(request.start.read_bytes()).hexdigest(), request.command,
        datetime.now(timezone.utc).date().isoformat(), SEED, time.monotonic() - began,
    )  # fmt: skip
    text = card(origin, table, parts, own, others)
    print(text, flush=True)
    if faults := faults_of(own, others[0]):
        raise DriverMonitorError("; ".join([*faults, NOT_BETTER]))
    write_folder(request.start, request.out, lambda path: write_back(net, request.start, path), text)


def _learned(start: Net, table: EyeTable, known: Views, seed: int) -> Net:
    return fine_tuned(start, table, views(start, table, likelihood(table), seed), known, seed)


def own_table(request: Request, plan: Plan, said: Callable[[str], None]) -> EyeTable:
    """Return the labelled eyes of a user. What is wrong with a clip or its labels is said in a line, and left out."""
    jobs, faults = jobs_of(request.own, request.labels, 1)
    clips = []
    for job in jobs:
        try:
            clips.append((job.clip.name, job.labels.person, crops_of(job, plan, request.work, said)))
        except LabelError as error:
            faults.append(str(error))
    for fault in faults:
        said(f"left out: {fault}")
    if not clips:
        raise LabelError(f"{request.own}: no clip with usable labels; label some with driver-monitor label")
    return table_of(clips)


def bundled_table(plan: Plan, work: Path, said: Callable[[str], None]) -> EyeTable:
    """Return the eyes of the bundled clip, day and infrared."""
    labels = load_labels(demo.TRUTH)
    crops = crops_of(ScoreJob(demo.CLIP, demo.TRUTH, labels), plan, work, said)
    return table_of([(demo.CLIP.name, labels.person, crops)])
