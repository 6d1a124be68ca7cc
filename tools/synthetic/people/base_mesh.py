"""Read MakeHuman's base mesh and its shape targets, and keep what is seen around the eyes.

Coordinates are the base mesh's: decimetres, x to the person's left, y up, z out of the face.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.synthetic.people.subdivision import subdivide

LOWEST, HIGHEST, HINDMOST = 6.55, 8.15, -0.35
"""Kept are faces between these heights and in front of this depth: from the nose's base to the forehead, with temples.
A strip of eyes with the nose bent down 25 degrees shows no more."""
MACROS = ("african", "asian", "caucasian", "universal")
DETAILS = ("head", "nose", "cheek", "eyes", "eyebrows", "forehead")
"""Folders of targets that change what is kept."""
UNITS = (
    "browDown", "browOuterUp", "browInnerUp", "cheekSquint", "eyeBlink", "eyeSquint", "eyeWide", "jawOpen",
    "mouthSmile", "noseSneer",
)  # fmt: skip
"""Face units that move what is kept. The others move the mouth alone."""


def build(data: Path, out: Path) -> None:
    """Write the head `out` (.npz) from `data`, the folder with `mpfb2` and `faceunits01`.

    Fields: `base` (n, 3) and its quads `coarse`; `middle` and `quads`: (m, 4) after one and two subdivisions; `data`,
    `indices`, `indptr`, `shape`: the sparse matrix from base vertices to subdivided ones; `eye_left`, `eye_right`:
    which base vertices are the eyeballs; `names`, `starts`, `index`, `delta`: target i moves the vertices
    `index[starts[i]:starts[i + 1]]` by `delta`; `old`: the vertices' numbers in the whole base mesh.
    """
    points, groups = read_obj(data / "mpfb2/3dobjs/base.obj")
    faces = groups["body"]
    y, z = points[faces][..., 1], points[faces][..., 2]
    faces = faces[((y > LOWEST) & (y < HIGHEST) & (z > HINDMOST)).all(1)]
    old, quads = np.unique(faces, return_inverse=True)
    coarse = quads.reshape(-1, 4)
    first, middle = subdivide(coarse, len(old))
    second, quads = subdivide(middle, first.shape[0])
    matrix = (second @ first).tocsr()
    eyes = {side: np.unique(groups[f"helper-{side}-eye"]) for side in "lr"}
    kept = np.concatenate([old, eyes["l"], eyes["r"]])
    store: dict[str, Any] = {
        "base": points[kept], "old": old, "coarse": coarse, "middle": middle, "quads": quads.astype(np.int32),
        "data": matrix.data.astype(np.float32), "indices": matrix.indices, "indptr": matrix.indptr,
        "shape": np.array(matrix.shape), "eye_left": len(old) + np.arange(len(eyes["l"])),
        "eye_right": len(old) + len(eyes["l"]) + np.arange(len(eyes["r"])),
    }  # fmt: skip
    names, index, delta = [], [], []
    for name, path in targets(data):
        moved = read_target(path, len(points))[kept]
        rows = np.flatnonzero(np.abs(moved).max(1) > 0)
        if len(rows):
            names.append(name)
            index.append(rows)
            delta.append(moved[rows])
    starts = np.cumsum([0, *(len(rows) for rows in index)])
    store.update(names=np.array(names), starts=starts, index=np.concatenate(index), delta=np.concatenate(delta))
    np.savez_compressed(out, **store)


def targets(data: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and file of each target: `macro/...`, `detail/...` or `unit/...`."""
    folder = data / "mpfb2/targets"
    for path in sorted((folder / "macrodetails").glob("*.target.gz")):
        name = path.name.removesuffix(".target.gz")
        grown = "-baby" not in name and "-child" not in name
        if grown and name.startswith(MACROS) and ("universal" not in name or "averagemuscle" in name):
            yield f"macro/{name}", path
    for detail in DETAILS:
        for path in sorted((folder / detail).glob("*.target.gz")):
            yield f"detail/{detail}/{path.name.removesuffix('.target.gz')}", path
    for path in sorted((data / "faceunits01/targets/faceunits").glob("*.target")):
        if path.name.startswith(UNITS):
            yield f"unit/{path.stem}", path


def read_obj(path: Path) -> tuple[NDArray[np.float64], dict[str, NDArray[np.int64]]]:
    """Return the vertices (n, 3) and the quads (m, 4) of each group of a Wavefront OBJ file."""
    points: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    group = ""
    with path.open() as lines:
        for kind, *words in (line.split() for line in lines if line.strip()):
            if kind == "v":
                points.append([float(word) for word in words])
            elif kind == "g":
                group = words[0]
            elif kind == "f":
                groups.setdefault(group, []).append([int(word.split("/")[0]) - 1 for word in words])
    return np.array(points), {name: np.array(faces) for name, faces in groups.items()}


def read_target(path: Path, count: int) -> NDArray[np.float64]:
    """Return how far a target moves each of `count` vertices, (count, 3)."""
    moved = np.zeros((count, 3))
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            number, *delta = line.split()
            moved[int(number)] = [float(x) for x in delta[:3]]
    return moved
