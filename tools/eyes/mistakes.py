"""Draw the most confident mistakes of the eye nets on people they have not learned from, as one sheet to look at.

    python -m tools.eyes.mistakes --answers stills.json --out mistakes.png

`--answers`: the file that `tools.eyes.stills --json` wrote. A mistake is a closed eye that seems open, an open, narrow
or lowered one that seems closed, or a hidden one that is answered as either. Prints a line for each, the most confident
first. The sheet shows real people: keep it out of the repository.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tools import SHARED
from tools.eyes.stills import Row, picture
from tools.training.mesh_teacher import MeshTeacher, points70

COLUMNS, WIDE, HIGH, CAPTION = 4, 360, 190, 34
"""Pictures in a row of the sheet, and the size of one with its caption, pixels."""


def confidence(row: Row) -> float | None:
    """Return how sure a wrong answer is, 0.5 to 1. None: the answer is right or "unknown"."""
    p = row["p_closed"]
    if p is None:
        return None
    if row["eyes"] == "hidden":
        return float(max(p, 1 - p))
    wrong = 1 - p if row["eyes"] == "closed" else p
    return float(wrong) if wrong > 0.5 else None


def tile(row: Row, data: Path, teacher: MeshTeacher) -> NDArray[np.uint8]:
    """Return the eyes of a face with a caption, (HIGH + CAPTION, WIDE)."""
    image = picture(data, row)
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    found = teacher.find(np.asarray(grey, np.uint8))
    out = np.zeros((HIGH + CAPTION, WIDE), np.uint8)
    if found is not None:
        points = points70(found[0])
        middle, span = points[36:48].mean(axis=0), float(np.linalg.norm(points[36] - points[45])) * 1.5
        scale = WIDE / max(span, 4.0)
        move = np.array([[scale, 0, WIDE / 2 - middle[0] * scale], [0, scale, HIGH / 2 - middle[1] * scale]])
        out[:HIGH] = cv2.warpAffine(grey, move, (WIDE, HIGH), flags=cv2.INTER_CUBIC)
    lowered = [view[2] for view in row["views"] if view[2] is not None]
    text = f"{row['eyes']}: closed {row['p_closed']:.2f} lowered {np.mean(lowered):.2f} {row['state']}"
    cv2.putText(out, text, (4, HIGH + 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 255, 1, cv2.LINE_AA)
    cv2.putText(out, Path(row["file"]).name[:44], (4, HIGH + 29), cv2.FONT_HERSHEY_SIMPLEX, 0.36, 190, 1, cv2.LINE_AA)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--answers", type=Path, required=True, help="written by tools.eyes.stills --json")
    parser.add_argument("--out", type=Path, required=True, help="PNG file, outside the repository")
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--count", type=int, default=20)
    options = parser.parse_args()
    kept = json.loads(options.answers.read_text())
    wrong = [(sure, row) for of_set in kept.values() for row in of_set["rows"] if (sure := confidence(row)) is not None]
    wrong = sorted(wrong, key=lambda one: -one[0])[: options.count]
    teacher = MeshTeacher(options.shared / "anchors")
    tiles = [tile(row, options.shared / "data", teacher) for _, row in wrong]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    cv2.imwrite(str(options.out), np.vstack([np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]))
    for number, (sure, row) in enumerate(wrong, 1):
        print(f"{number:2} {sure:.3f} {row['eyes']:8} {row['state']:8} {row['person']} {row['file']}")


if __name__ == "__main__":
    main()
