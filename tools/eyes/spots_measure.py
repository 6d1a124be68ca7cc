"""Measure what bright reflections on the lenses do to closed and open eyes, on people the nets have not learned from.

    python -m tools.eyes.spots_measure --shared ../shared --folds ../tmp/folds

Paints lamps, rows of lamps, crosses, tubes, rings and windows over the eyes of closed and open stills, and sends each
picture through the pipeline as `tools.eyes.stills` does. The painter is not that of the training
(`tools.eyes.painting.spots`): it draws other shapes, at other places and sizes, with code of its own.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.app import build
from driver_monitor.config import resources
from driver_monitor.imaging.frame import Frame
from driver_monitor.imaging.ibug import EYES
from tools import ROOT, SHARED
from tools.eyes.data import places
from tools.eyes.stills import Loaded, Row, labelled, models_by_fold, picture, share

Grey = NDArray[np.uint8]
FINE = 4
"""Reflections are drawn this much larger than the picture."""
LEAST, MOST = 0.03, 0.5
"""Smallest and largest size of a reflection, in widths of the eye. Three quarters are below `LAMP`."""
LAMP = 0.16
VISIBLE = 0.3
"""The lid line is visible while less than this share of it is covered, mean of both eyes."""
KINDS = ("disc", "ring", "cross", "tube", "leds", "window")


def drawn(kind: str, size: float, rng: np.random.Generator) -> Grey:
    """Return one reflection of `size` pixels as a fine mask, white where it is."""
    side = round(size * FINE * 2.5) + 4 * FINE
    mask, half, at = np.zeros((side, side), np.uint8), size * FINE / 2, side // 2
    if kind == "disc":
        cv2.circle(mask, (at, at), max(1, round(half)), 255, -1)
    elif kind == "ring":
        cv2.circle(mask, (at, at), max(1, round(half)), 255, max(2, round(half * 0.5)))
    elif kind == "cross":
        for turn in (0, 45, 90, 135):
            long = half * (1.6 if turn % 90 == 0 else 0.8)
            move = (round(long * np.cos(np.radians(turn))), round(long * np.sin(np.radians(turn))))
            cv2.line(mask, (at - move[0], at - move[1]), (at + move[0], at + move[1]), 255, max(2, round(half * 0.35)))
    elif kind == "tube":
        cv2.ellipse(mask, (at, at), (round(half * 1.9), max(2, round(half * 0.4))), 0, 0, 360, 255, -1)
    elif kind == "leds":
        for column in range(3):
            for line in range(2):
                middle = (round(at + (column - 1) * half * 1.1), round(at + (line - 0.5) * half * 1.1))
                cv2.circle(mask, middle, max(2, round(half * 0.35)), 255, -1)
    else:
        corners = np.array([[-1.2, -0.8], [1.0, -1.0], [1.2, 0.9], [-1.0, 0.8]]) * half + at
        cv2.fillConvexPoly(mask, corners.round().astype(np.int32), 255)
        cv2.line(mask, (at, 0), (at, side), 0, max(2, round(half * 0.15)))
    matrix = cv2.getRotationMatrix2D((at, at), float(rng.uniform(-40, 40)), 1.0)
    return np.asarray(cv2.GaussianBlur(cv2.warpAffine(mask, matrix, (side, side)), (0, 0), FINE * 0.45), np.uint8)


def painted(grey: Grey, points: NDArray[np.float32], rng: np.random.Generator) -> tuple[Grey, float]:
    """Return `grey` with reflections on both lenses, and the share of the lid lines that they cover.

    `points` (70, 2) in `grey`. The places are the same for both eyes, mirrored, or of their own.
    """
    alpha = np.zeros(grey.shape, np.float32)
    kind, count = str(rng.choice(KINDS)), int(rng.integers(1, 4))
    share_of = rng.uniform(LEAST, LAMP) if rng.random() < 0.75 else rng.uniform(LAMP, MOST)
    places_of = rng.uniform([-0.55, -0.32], [0.55, 0.32], (count, 2))
    way = rng.choice(["same", "mirrored", "own"], p=[0.5, 0.25, 0.25])
    for side in ("right", "left"):
        eye = points[list(EYES[side])]
        width, middle = float(np.linalg.norm(eye[3] - eye[0])), (eye[0] + eye[3]) / 2
        own = rng.uniform([-0.55, -0.32], [0.55, 0.32], (count, 2)) if way == "own" else places_of.copy()
        if way == "mirrored" and side == "left":
            own[:, 0] *= -1
        for place in own:
            _lay(alpha, drawn(kind, max(width * share_of, 1.0), rng), middle + place * width)
    covered = float(np.mean([_line_covered(alpha, points[list(EYES[side])]) for side in ("right", "left")]))
    dim = rng.uniform(0.35, 1.0)
    out = grey * dim * (1 - alpha) + alpha * rng.uniform(225, 255)
    return np.asarray(out.clip(0, 255).round(), np.uint8), covered


def _lay(alpha: NDArray[np.float32], mask: Grey, at: NDArray[np.float32]) -> None:
    """Lay the fine `mask` on `alpha`, in place, with its middle at `at`."""
    scale, half = 1 / FINE, mask.shape[0] / 2
    move = np.array([[scale, 0, at[0] - half * scale], [0, scale, at[1] - half * scale]])
    smaller = cv2.warpAffine(
        cv2.blur(mask, (FINE, FINE)), move, alpha.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    np.maximum(alpha, smaller.astype(np.float32) / 255, out=alpha)


def _line_covered(alpha: NDArray[np.float32], eye: NDArray[np.float32]) -> float:
    """Return the share of an eye's columns in which the middle of its lids is covered. `eye` (6, 2)."""
    width, middle = float(np.linalg.norm(eye[3] - eye[0])), eye.mean(axis=0)
    reach = max(1, round(width * 0.06))
    columns = np.linspace(middle[0] - width * 0.42, middle[0] + width * 0.42, 25).round().astype(int)
    rows = np.arange(round(float(middle[1])) - reach, round(float(middle[1])) + reach + 1)
    rows, columns = rows.clip(0, alpha.shape[0] - 1), columns.clip(0, alpha.shape[1] - 1)
    return float((alpha[rows][:, columns].max(axis=0) > 0.3).mean())


def measure(rows: list[Row], folder: Path, models_of: Callable[[Row], Path], variants: int) -> list[Row]:
    """Return a row for each painted variant: `person`, `eyes`, `state` and `covered`; and `before`, unpainted."""
    loaded, out = Loaded(), []
    for number, row in enumerate(rows):
        image = picture(folder, row)
        plan, models = loaded.of(models_of(row))
        clean = build.build_pipeline(plan, models, still=True).step(Frame(image, 0.0, 0, row["file"]))
        if clean.observation.face is None:
            continue
        rng = np.random.default_rng([number, 5])
        for _ in range(variants):
            grey, covered = painted(Frame(image, 0.0, 0, "").grey, clean.observation.face.points, rng)
            step = build.build_pipeline(plan, models, still=True).step(Frame(grey, 0.0, 0, row["file"]))
            answer = {"before": clean.state.eyes.state, "state": step.state.eyes.state, "covered": covered}
            out.append({"person": row["person"], "eyes": row["eyes"], **answer})
    return out


def table(name: str, rows: list[Row]) -> Row:
    """Print and return the shares of the answers for closed and for open eyes."""
    figures: dict[str, Row] = defaultdict(dict)
    for kind in sorted({row["eyes"] for row in rows}):
        own = [row for row in rows if row["eyes"] == kind]
        groups = {
            "all": own,
            "lid line visible": [row for row in own if row["covered"] < VISIBLE],
            "lid line covered": [row for row in own if row["covered"] >= VISIBLE],
        }
        for group, some in groups.items():
            for state in ("open", "closed", "unknown"):
                figures[kind][f"{group}: {state}"] = share(some, lambda row, state=state: row["state"] == state)  # type: ignore[misc]
        figures[kind]["unpainted: unknown"] = share(own, lambda row: row["before"] == "unknown")
        for what, figure in figures[kind].items():
            if figure["value"] is not None:
                low, high = ((value or 0) * 100 for value in (figure["low"], figure["high"]))
                value = f"{figure['value'] * 100:5.1f} % ({low:.1f} to {high:.1f}), {figure['count']} of {figure['of']}"
                print(f"{name:13} {kind:8} {what:28} {value}", flush=True)
    return dict(figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--folds", type=Path, default=ROOT.parent / "tmp/folds")
    parser.add_argument("--models", type=Path, default=resources.path("models"), help="for the near-infrared stills")
    parser.add_argument("--variants", type=int, default=8, help="painted variants of each closed still")
    parser.add_argument("--json", type=Path, help="file for all figures")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    data = options.shared / "data"
    place, kept = places(data), {}
    for name in ("incar_stills", "nir"):
        rows, models_of = labelled(data, name), models_by_fold(name, options.folds, options.models, place)
        answers = measure([r for r in rows if r["eyes"] == "closed"], data, models_of, options.variants)
        answers += measure([r for r in rows if r["eyes"] == "open"], data, models_of, 1)
        kept[name] = table(name, answers)
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
