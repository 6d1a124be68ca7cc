"""Figures of the objects net, on groups that it has not learned from.

    python -m tools.objects.measure --shared ../shared

Each face is answered by the net of its fold, calibrated on the other folds, and its picture by YOLOX-nano in the same
run. A face counts if the program would see it (landmarks). Two truths: `labels.csv` (by eye, for each face), and the
index of `objects/` (others' labels of whole pictures, 2 to 15 % wrong: the surest face counts). Intervals: 95 %,
bootstrap over groups.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from driver_monitor.perception.face.landmarks import LandmarkNet, face_crop
from tools import ROOT, SHARED
from tools.measure.robustness import infrared
from tools.objects.anchor import Yolox
from tools.objects.calibrate import calibrated
from tools.objects.faces import FOLDS, HAND, MASK, MOUTH_HIDDEN, PHONE_LEFT, PHONE_RIGHT, UNKNOWN, Faces, load
from tools.objects.mix import SEEN
from tools.objects.net import ANSWERS, SIDE, Net
from tools.objects.scores import Array, Mask, Score, auc, figure, limit_at, recall_at
from tools.training.augment import Views, resample
from tools.training.columns import rows_of
from tools.training.pictures import read_grey

NAMES = ("telephone, left ear", "telephone, right ear", "hand", "at the mouth", "mask", "mouth hidden")
IN_OBJECTS = ("belt_phone_stock", "actions_web", "masks_web")
Crops = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or ""), formatter_class=argparse.RawDescriptionHelpFormatter, prog="tools.objects.measure"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "training/objects", help="folder of crops and nets")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with data/ and anchors/")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    faces = load(options.work)
    raw = fold_answers(faces, options.work, options.seed)
    logits = calibrated(raw, faces)
    console = Console(width=120)
    console.print(telephones(faces, logits, options.shared))
    console.print(each_answer(faces, logits))
    console.print(conditions(faces, raw, options.work, options.seed))
    console.print(limits(faces, logits))
    console.print(false_rates(faces, logits))
    console.print(left_out(faces, options.work, options.seed))


def seen(crops: Crops) -> torch.Tensor:
    """Return what the net sees of crops (n, 240, 240): (n, 1, 96, 96), 0 to 1."""
    n = len(crops)
    views = Views(torch.full((n, 2), 0.5), torch.full((n, 2), SEEN), torch.zeros(n), torch.zeros(n).bool())
    size = round(SIDE / SEEN)
    small = np.stack([cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA) for crop in crops])
    return (resample(torch.from_numpy(small)[:, None].float(), views, SIDE).round() / 255).clamp(0, 1)


@torch.no_grad()
def answers(net: Net, faces: torch.Tensor) -> Array:
    """Return logits (n, 6)."""
    return np.concatenate([net(part).double().numpy() for part in faces.split(256)])


def load_net(path: Path) -> Net:
    """Return the running mean that a training saved."""
    net = Net()
    net.load_state_dict(torch.load(path, weights_only=True)["mean"])
    net.eval()
    return net


def fold_answers(faces: Faces, work: Path, seed: int) -> Array:
    """Return logits (n, 6), each face by the net of its fold."""
    logits = np.full((len(faces), ANSWERS), np.nan)
    for fold in range(FOLDS):
        test = np.flatnonzero(faces.fold == fold)
        logits[test] = answers(load_net(work / f"net-{fold}-{seed}.pt"), seen(faces.crops[test]))
    return logits


def at_ear(faces: Faces) -> tuple[Mask, Mask]:
    """Return which faces have a telephone at an ear, and of which this is known."""
    of = faces.targets[:, [PHONE_LEFT, PHONE_RIGHT]]
    truth = (of == 1).any(1)
    return truth, truth | (of == 0).all(1)


def telephones(faces: Faces, logits: Array, shared: Path) -> Table:
    """Return the table of telephones at the ear, beside YOLOX-nano."""
    table = Table(
        "pictures", "with / all", "who", "AUC", "recall at 1 % false", "at 5 % false", title="Telephone at the ear"
    )
    truth, known = at_ear(faces)
    ours = logits[:, [PHONE_LEFT, PHONE_RIGHT]].max(1)
    counts = faces.landmarks & known & np.isin(faces.source, IN_OBJECTS)
    yolox = Yolox(shared / "anchors")
    of_file = {
        file: yolox.telephone(read_grey(shared / "data/objects" / file)) for file in sorted(set(faces.files[counts]))
    }
    whole, face = np.zeros(len(faces)), np.zeros(len(faces))
    for i in np.flatnonzero(counts):
        whole[i] = of_file[faces.files[i]]
        face[i] = yolox.telephone(inner(faces.crops[i]))
    by_eye = {
        "all, by eye": counts,
        "without mask pictures": counts & (faces.source != "masks_web"),
        "in and around cars": counts & (faces.source == "belt_phone_stock"),
        "web portraits": counts & (faces.source == "actions_web"),
    }
    for name, chosen in by_eye.items():
        for who, score in (("this net", ours), ("YOLOX-nano, face", face), ("YOLOX-nano, picture", whole)):
            table.add_row(name, *_row(who, score[chosen], truth[chosen], faces.groups[chosen]))
    label = index_labels(shared)
    files = np.array(sorted(of_file))
    by_index = np.array([any(part in label[file] for part in ("calling", "phone_at_ear")) for file in files])
    best = np.array([ours[counts & (faces.files == file)].max() for file in files])
    groups = np.array([faces.groups[faces.files == file][0] for file in files])
    table.add_row("all, by the index", *_row("this net", best, by_index, groups))
    table.add_row("", *_row("YOLOX-nano, picture", np.array([of_file[file] for file in files]), by_index, groups))
    return table


def inner(crop: Crops) -> Crops:
    """Return the part (147, 147) of a crop (240, 240) that the net sees."""
    half = round(len(crop) * SEEN / 2)
    middle = len(crop) // 2
    return crop[middle - half : middle + half, middle - half : middle + half]


def index_labels(shared: Path) -> dict[str, str]:
    """Return the label of each picture in `objects/index.csv`."""
    with (shared / "data/objects/index.csv").open(newline="") as file:
        return {row["file"]: row["label"] for row in csv.DictReader(file)}


def _row(who: str, score: Array, truth: Mask, groups: NDArray[np.str_]) -> list[str]:
    cells = [_cell(measure, score, truth, groups) for measure in (auc, recall_at(0.01), recall_at(0.05))]
    return [f"{truth.sum()} / {len(truth)}", who, *cells]


def _cell(measure: Score, score: Array, truth: Mask, groups: NDArray[np.str_]) -> str:
    found = figure(measure, score, truth, groups)
    return f"{found.value:.3f} ({found.low:.2f} to {found.high:.2f})"


def each_answer(faces: Faces, logits: Array) -> Table:
    """Return the table of all answers on `objects/`. The landmark net also tells whether the mouth is hidden."""
    title = "Each answer, faces of objects/"
    table = Table("answer", "with / all", "AUC", "recall at 1 % false", "accuracy", title=title)
    counts = faces.landmarks & np.isin(faces.source, IN_OBJECTS)
    for k, name in enumerate(NAMES):
        chosen = counts & (faces.targets[:, k] != UNKNOWN)
        truth, groups = faces.targets[chosen, k] == 1, faces.groups[chosen]
        table.add_row(name, f"{truth.sum()} / {len(truth)}", *_three(logits[chosen, k], truth, groups))
        if k == MASK:
            only = faces.source[chosen] == "masks_web"
            cells = _three(logits[chosen, k][only], truth[only], groups[only])
            table.add_row("the same, pictures of masks", f"{truth[only].sum()} / {only.sum()}", *cells)
        if k == MOUTH_HIDDEN:
            landmarks = _landmark_answers(faces, np.flatnonzero(chosen))
            table.add_row("the same, landmark net", "", *_three(landmarks, truth, groups))
    return table


def _three(score: Array, truth: Mask, groups: NDArray[np.str_]) -> list[str]:
    return [_cell(measure, score, truth, groups) for measure in (auc, recall_at(0.01), _accuracy)]


def _accuracy(score: Array, truth: Mask) -> float:
    return float(((score > 0) == truth).mean())


def _landmark_answers(faces: Faces, chosen: NDArray[np.int64]) -> Array:
    """Return the log odds (n,) of the landmark net that the mouth of each chosen face is hidden."""
    net = LandmarkNet(ROOT / "models/landmarks.onnx")
    found = []
    for i in chosen:
        crop = faces.crops[i]
        found.append(net.read(crop, face_crop(faces.points[i] * len(crop))).mouth_hidden)
    p = np.clip(np.array(found, np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)))


def conditions(faces: Faces, logits: Array, work: Path, seed: int) -> Table:
    """Return what light does to the telephone and to the mask, at limits chosen by day for 1 % false."""
    table = Table("light", "answer", "recall", "false", title="At the limit of 1 % false by day, faces of objects/")
    counts = faces.landmarks & np.isin(faces.source, IN_OBJECTS)
    numbers, faces, logits = np.flatnonzero(counts).tolist(), rows_of(faces, counts), logits[counts]
    truth, known = at_ear(faces)
    asked = [("telephone at the ear", [PHONE_LEFT, PHONE_RIGHT], truth, known)]
    for name, k in (("hand", HAND), ("mask", MASK)):
        asked.append((name, [k], faces.targets[:, k] == 1, faces.targets[:, k] != UNKNOWN))
    lights: dict[str, Callable[[Crops, int], Crops]] = {"infrared": infrared, "a sixteenth of the light": _dark}
    found = {"as it is": logits}
    for light, change in lights.items():
        crops = np.stack([change(crop, number) for number, crop in zip(numbers, faces.crops, strict=True)])
        found[light] = fold_answers(replace(faces, crops=crops), work, seed)
    for light, out in found.items():
        for name, columns, of, told in asked:
            with_it, limit = of[told], limit_at(logits[told][:, columns].max(1), of[told], 0.01)
            above = out[told][:, columns].max(1) > limit
            table.add_row(light, name, f"{above[with_it].mean():.3f}", f"{above[~with_it].mean():.4f}")
    return table


def left_out(faces: Faces, work: Path, seed: int) -> Table:
    """Return the table of nets that have seen no face of a source (`tools.objects.train --without`), on that source."""
    table = Table("left out", "with / all", "", "AUC", "recall at 1 % false", "at 5 % false", title="A source left out")
    truth, known = at_ear(faces)
    for source in IN_OBJECTS[:2]:
        path = work / f"net-{source}-{seed}.pt"
        if path.exists():
            chosen = np.flatnonzero(faces.landmarks & known & (faces.source == source))
            score = answers(load_net(path), seen(faces.crops[chosen]))[:, [PHONE_LEFT, PHONE_RIGHT]].max(1)
            table.add_row(source, *_row("telephone at the ear", score, truth[chosen], faces.groups[chosen]))
    return table


def _dark(grey: Crops, number: int) -> Crops:
    """Take a sixteenth of the light, and add the noise of a small sensor: sigma 2 grey levels."""
    noise = np.random.default_rng(number).normal(0, 2, grey.shape)
    return np.asarray(np.clip(np.rint(grey / 16 + noise), 0, 255), np.uint8)


def limits(faces: Faces, logits: Array) -> Table:
    """Return recall and false rates of the telephone at probabilities that could be the program's limit."""
    sources = ("actions_web", "belt_phone_stock", "incar_stills", "nir", "portraits")
    table = Table("probability", "recall, objects/", *(f"false, {source}" for source in sources), title="Limits")
    truth, known = at_ear(faces)
    known &= faces.landmarks
    p = 1 / (1 + np.exp(-logits[:, [PHONE_LEFT, PHONE_RIGHT]].max(1)))
    for limit in (0.5, 0.6, 0.7, 0.8, 0.9):
        false = [p[known & ~truth & (faces.source == source)] > limit for source in sources]
        recall = (p[known & truth & np.isin(faces.source, IN_OBJECTS)] > limit).mean()
        table.add_row(str(limit), f"{recall:.2f}", *(f"{int(each.sum())} of {len(each)}" for each in false))
    return table


def false_rates(faces: Faces, logits: Array) -> Table:
    """Return how often nets that have not learned from a person see what is not there."""
    table = Table("pictures", "faces", "telephone", "hand", "mask", title="Called present (even odds), nothing there")
    truth, known = at_ear(faces)
    for source in ("incar_stills", "nir", "portraits"):
        chosen = faces.landmarks & (faces.source == source)
        phone = chosen & known & ~truth
        hand, mask = (chosen & (faces.targets[:, k] == 0) for k in (HAND, MASK))
        cells = [f"{int((score[where] > 0).sum())} of {where.sum()}" for score, where in
                 ((logits[:, :2].max(1), phone), (logits[:, 2], hand), (logits[:, MASK], mask))]  # fmt: skip
        table.add_row(source, str(chosen.sum()), *cells)
    return table


if __name__ == "__main__":
    main()
