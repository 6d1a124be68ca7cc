"""Measure closed eyes on single stills, end to end, on people the nets have not learned from.

    python -m tools.eyes.stills --shared ../shared --folds ../tmp/folds

Each picture of `incar_stills` and of `eyes_wild.csv` goes through the pipeline as in `driver-monitor inspect`, with the
models of `<folds>/<k>`, where `k` is the fold of the person (`tools.training.people`). The near-infrared stills, from
which no net has learned, use the shipped models. Compared in the same run: the eye aspect ratio of MediaPipe's mesh,
and openpilot's blink. "ours" is the judgement of `state/eyes/eyelids.py`, "p_closed" the mean log odds of both eyes
alone. Intervals: 95 %, bootstrap over persons. Prints tables; `--json FILE` keeps all figures and answers.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from driver_monitor.app import build
from driver_monitor.app.build import Models, Plan
from driver_monitor.bench.score.intervals import Figure, bootstrap, bootstrap_ratio
from driver_monitor.bench.score.nets.eyes import Auc
from driver_monitor.capture.recordings.images import read_image
from driver_monitor.config import resources
from driver_monitor.data.observation import Box
from driver_monitor.imaging.frame import Frame
from tools import ROOT, SHARED
from tools.eyes.data import WILD_LABELS, places
from tools.training.mesh_teacher import MeshTeacher, eye_aspect_ratio, points70

Row = dict[str, Any]
Answer = Callable[[Row], "float | None"]
KINDS = ("open", "narrow", "lowered", "closed", "hidden")
GROUPS = {
    "incar_stills": ("skin", "eyewear", "light", "head", "mouth"),
    "nir": ("gender", "expression"),
    "eyes_wild": ("eyes",),
}
WEB_FACES = ("portraits/", "faces68/")
OPENPILOT_EYES, OPENPILOT_BLINKS = (21, 30), (31, 32)
OPENPILOT_FACE = 0.5
"""Width of the face over the width of openpilot's crop, as in the pictures from which openpilot's model learned."""


class Loaded:
    """The plan, and the models of each folder, loaded once."""

    def __init__(self) -> None:
        self._plan = build.load_plan(build.Request())
        self._models: dict[Path, Models] = {}

    def of(self, folder: Path) -> tuple[Plan, Models]:
        """Return the plan and the models in `folder`."""
        if folder not in self._models:
            models = self._plan.config.models.model_copy(update={"folder": folder})
            self._models[folder] = build.load_models(self._plan.config.model_copy(update={"models": models}))
        return self._plan, self._models[folder]


def labelled(data: Path, name: str) -> list[Row]:
    """Return the labels of a set, with `file` relative to the folder `data`."""
    path = data / "eyes_wild.csv" if name == "eyes_wild" else data / name / "labels.csv"
    with path.open(newline="") as lines:
        rows: list[Row] = [dict(row) for row in csv.DictReader(lines)]
    if name == "eyes_wild":
        return [row for row in rows if row["eyes"] in WILD_LABELS]
    return [{**row, "file": f"{name}/{row['file']}"} for row in rows]


def picture(data: Path, row: Row) -> NDArray[np.uint8]:
    """Return the picture of a row. A web face gets a border of a quarter: it fills its picture as no driver's does."""
    image = read_image(data / row["file"])
    border = max(image.shape[:2]) // 4 if row["file"].startswith(WEB_FACES) else 0
    return np.asarray(cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE), np.uint8)


def models_by_fold(name: str, folds: Path, shipped: Path, place: dict[str, int]) -> Callable[[Row], Path]:
    """Return which folder of models a row may use. Near-infrared stills use those in `shipped`."""
    return (lambda _: shipped) if name == "nir" else (lambda row: folds / str(place[row["person"]]))


def ours(rows: list[Row], folder: Path, models_of: Callable[[Row], Path]) -> None:
    """Write the answers of the pipeline into each row.

    `found`, `state`, `openness`, `reason`, `yaw`, `one_eye`, `p_closed` (of both eyes), and `views`: opening, p_closed
    and p_lowered of the left and the right eye.
    """
    loaded = Loaded()
    for row in rows:
        frame = Frame(picture(folder, row), 0.0, 0, row["file"])
        step = build.build_pipeline(*loaded.of(models_of(row)), still=True).step(frame)
        eyes, face = step.state.eyes, step.observation.face
        row.update(found=face is not None, state=eyes.state, openness=eyes.openness, reason=eyes.reason)
        row["yaw"] = None if face is None or face.head is None else round(face.head.yaw, 1)
        row["one_eye"] = (eyes.left is None) != (eyes.right is None)
        views = step.observation.eyes
        both = [] if views is None else [views.left, views.right]
        row["views"] = [(eye.opening, eye.p_closed, eye.p_lowered) for eye in both]
        odds = [_log_odds(eye.p_closed) for eye in both if eye.p_closed is not None]
        row["p_closed"] = 1 / (1 + math.exp(-sum(odds) / len(odds))) if odds else None


def _log_odds(p: float) -> float:
    return max(-5.0, min(5.0, math.log(max(p, 1e-9) / max(1 - p, 1e-9))))


def anchors(rows: list[Row], folder: Path, shared: Path) -> None:
    """Write into each row `mesh_ear`, `openpilot_blink` and `openpilot_eyes`; None where YuNet finds no face."""
    teacher = MeshTeacher(shared / "anchors")
    openpilot = onnxruntime.InferenceSession(str(shared / "anchors/openpilot_dmonitoring_0.8.9.onnx"))
    for row in rows:
        image = Frame(picture(folder, row), 0.0, 0, row["file"]).grey
        box = teacher.detect(image)
        mesh = None if box is None else teacher.find(image, box)
        row["mesh_ear"] = None if mesh is None else float(eye_aspect_ratio(points70(mesh[0])).mean())
        row["openpilot_blink"], row["openpilot_eyes"] = (
            (None, None) if box is None else _openpilot(openpilot, image, box)
        )


def _openpilot(net: onnxruntime.InferenceSession, grey: NDArray[np.uint8], box: Box) -> tuple[float, float]:
    wide = box.w / OPENPILOT_FACE
    scale = 320 / wide
    left, top = box.x + box.w / 2 - wide / 2, box.y + box.h / 2 - wide
    move = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    y = cv2.warpAffine(grey, move, (320, 640), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_CONSTANT)
    planes = [y[0::2, 0::2], y[1::2, 0::2], y[0::2, 1::2], y[1::2, 1::2]]
    x = np.stack([*planes, *[np.full_like(planes[0], 128)] * 2]).astype(np.float32)
    out = net.run(None, {net.get_inputs()[0].name: (x[None] - 128) / 128})[0].reshape(-1)
    return float(out[list(OPENPILOT_BLINKS)].mean()), float(out[list(OPENPILOT_EYES)].mean())


def auc(rows: list[Row], negatives: Iterable[str], closedness: Answer) -> Row:
    """Return the AUC of closed against `negatives` over the answered pictures, and how many these are."""
    asked = [row for row in rows if row["eyes"] in {"closed", *negatives}]
    used = [(row, value) for row in asked if (value := closedness(row)) is not None]
    figure = Figure(None)
    if used:
        names, who = np.unique([row["person"] for row, _ in used], return_inverse=True)
        area = Auc(np.array([value for _, value in used]), np.array([row["eyes"] == "closed" for row, _ in used]))
        figure = bootstrap(len(names), lambda times: area(times[who]))
    return {**asdict(figure), "answered": len(used), "of": len(asked)}


def share(rows: list[Row], of: Callable[[Row], bool]) -> Row:
    """Return the share of `rows` for which `of` holds, and the counts."""
    names, who = np.unique([row["person"] for row in rows], return_inverse=True)
    hits = np.array([float(of(row)) for row in rows])
    if not len(rows):
        return {**asdict(Figure(None)), "count": 0, "of": 0}
    figure = bootstrap_ratio(np.bincount(who, hits).astype(np.float64), np.bincount(who).astype(np.float64))
    return {**asdict(figure), "count": int(hits.sum()), "of": len(rows), "persons": len(names)}


def negative(key: str) -> Answer:
    """Return a function that gives the closedness by a measure that falls when eyes close."""
    return lambda row: None if row.get(key) is None else -row[key]


ANSWERS: dict[str, Answer] = {
    "ours": negative("openness"),
    "ours_unknown_as_open": lambda row: -1.0 if row["openness"] is None else -row["openness"],
    "p_closed": lambda row: row["p_closed"],
    "mesh_ear": negative("mesh_ear"),
    "openpilot_blink": lambda row: row["openpilot_blink"],
}
CLOSED: dict[str, Callable[[Row], bool]] = {
    "ours": lambda row: bool(row["state"] == "closed"),
    "p_closed > 0.5": lambda row: row["p_closed"] is not None and row["p_closed"] > 0.5,
    "p_closed > 0.8": lambda row: row["p_closed"] is not None and row["p_closed"] > 0.8,
    "mesh_ear < 0.20": lambda row: row["mesh_ear"] is not None and row["mesh_ear"] < 0.20,
    "mesh_ear < 0.15": lambda row: row["mesh_ear"] is not None and row["mesh_ear"] < 0.15,
    "openpilot_blink > 0.5": lambda row: row["openpilot_blink"] is not None and row["openpilot_blink"] > 0.5,
}


def figures(rows: list[Row], groups: Iterable[str]) -> Row:
    """Return all figures over `rows`."""
    kinds = {kind: [row for row in rows if row["eyes"] == kind] for kind in KINDS}
    opened = kinds["open"] + kinds["narrow"] + kinds["lowered"]
    return {
        "pictures": dict(Counter(row["eyes"] for row in rows)),
        "persons": len({row["person"] for row in rows}),
        "auc_against_open_and_lowered": {k: auc(rows, ("open", "narrow", "lowered"), of) for k, of in ANSWERS.items()},
        "auc_against_lowered": {k: auc(rows, ("lowered",), of) for k, of in ANSWERS.items()},
        "called_closed": {
            k: {kind: share(of, is_closed) for kind, of in kinds.items()} for k, is_closed in CLOSED.items()
        },
        "unknown": {kind: share(of, lambda row: bool(row["state"] == "unknown")) for kind, of in kinds.items()},
        "one_eye_only": {kind: share(of, lambda row: bool(row["one_eye"])) for kind, of in kinds.items()},
        "face_found": share(rows, lambda row: bool(row["found"])),
        "face_found_by_yunet": share(rows, lambda row: row["mesh_ear"] is not None),
        "reasons": _reasons(rows),
        "false_closures": {group: _by_group(opened, group) for group in groups},
    }


def _by_group(rows: list[Row], group: str) -> Row:
    values = sorted({row[group] for row in rows})
    return {value: share([r for r in rows if r[group] == value], CLOSED["ours"]) for value in values}


def _reasons(rows: list[Row]) -> Row:
    """Return how often each reason is given, by label, eyewear and light."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        key = " ".join(row[name] for name in ("eyes", "eyewear", "light") if name in row)
        if row.get("hair_or_scarf_over_eyes") == "1":
            key += " hair"
        counts.setdefault(key, Counter())[row["reason"] or row["state"]] += 1
    return {key: dict(count) for key, count in sorted(counts.items()) if set(count) - {"open", "closed"}}


def table(name: str, result: Row) -> str:
    """Return the figures as text."""
    lines = [f"{name}: {result['pictures']}, {result['persons']} persons"]
    for key in ("auc_against_open_and_lowered", "auc_against_lowered"):
        lines += [f"  {key:30} {who:24} {_text(f)}" for who, f in result[key].items()]
    for who, kinds in result["called_closed"].items():
        lines += [f"  {'called closed: ' + who:38} {kind:8} {_text(f, 100)}" for kind, f in kinds.items()]
    for key in ("unknown", "one_eye_only"):
        lines += [f"  {key:38} {kind:8} {_text(f, 100)}" for kind, f in result[key].items()]
    lines += [f"  {key:47} {_text(result[key], 100)}" for key in ("face_found", "face_found_by_yunet")]
    for group, values in result["false_closures"].items():
        lines += [f"  {'false closures by ' + group:30} {value:16} {_text(f, 100)}" for value, f in values.items()]
    lines += [f"  reasons, {key:32} {count}" for key, count in result["reasons"].items()]
    return "\n".join(lines)


def _text(figure: Row, factor: float = 1.0) -> str:
    if figure["value"] is None:
        return "-"
    digits = 1 if factor == 100 else 4
    low, high = ("-" if v is None else f"{v * factor:.{digits}f}" for v in (figure["low"], figure["high"]))
    counted = figure.get("count", figure.get("answered"))
    return f"{figure['value'] * factor:.{digits}f} ({low} to {high}), {counted} of {figure['of']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--folds", type=Path, default=ROOT.parent / "tmp/folds")
    parser.add_argument("--models", type=Path, default=resources.path("models"), help="for the near-infrared stills")
    parser.add_argument("--all-by", type=Path, help="a folder of models for all pictures, of tools.eyes.leave_source")
    parser.add_argument("--json", type=Path, help="file for all figures and all answers")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    data, kept = options.shared / "data", Row()
    place = places(data)
    for name, groups in GROUPS.items():
        rows = labelled(data, name)
        of = models_by_fold(name, options.folds, options.models, place)
        ours(rows, data, (lambda _: options.all_by) if options.all_by else of)
        anchors(rows, data, options.shared)
        result = figures(rows, groups)
        print(table(name, result), flush=True)
        kept[name] = {**result, "rows": rows}
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
