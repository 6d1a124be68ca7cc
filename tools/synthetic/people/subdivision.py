"""Catmull-Clark subdivision of quads as one sparse matrix (Catmull and Clark, Computer-Aided Design 10, 1978)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Quads = NDArray[np.int64]


def subdivide(quads: Quads, count: int) -> tuple[Any, Quads]:
    """Return the sparse matrix (new vertices, `count`) and the four times as many new quads (m, 4).

    The first `count` new vertices are the old ones, moved. A vertex at the border of the mesh stays on the border.
    """
    faces = len(quads)
    ends = np.sort(np.stack([quads, np.roll(quads, -1, 1)], -1).reshape(-1, 2), 1)
    edges, of_side, uses = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    of_side = of_side.reshape(faces, 4)
    middle_of_face = _average(np.arange(faces).repeat(4), quads.ravel(), (faces, count))
    middle_of_edge = _average(np.arange(len(edges)).repeat(2), edges.ravel(), (len(edges), count))
    near = _average(of_side.ravel(), np.arange(faces).repeat(4), (len(edges), faces)) @ middle_of_face
    border = uses == 1
    of_edges = _rows(~border) @ (middle_of_edge + near) / 2 + _rows(border) @ middle_of_edge
    of_old = _old_vertices(quads, count, edges, border, middle_of_face, middle_of_edge)
    sides, faces_at = count + of_side, count + len(edges) + np.arange(faces)
    parts = [np.stack([quads[:, i], sides[:, i], faces_at, sides[:, i - 1]], 1) for i in range(4)]
    return sparse.vstack([of_old, of_edges, middle_of_face]).tocsr(), np.stack(parts, 1).reshape(-1, 4)


def _old_vertices(
    quads: Quads, count: int, edges: Quads, border: NDArray[np.bool_], middle_of_face: Any, middle_of_edge: Any
) -> Any:
    valence = np.maximum(np.bincount(edges.ravel(), minlength=count), 1)
    faces = _average(quads.ravel(), np.arange(len(quads)).repeat(4), (count, len(quads))) @ middle_of_face
    sides = _average(edges.ravel(), np.arange(len(edges)).repeat(2), (count, len(edges))) @ middle_of_edge
    same = sparse.identity(count, format="csr")
    inner = sparse.diags(1 / valence) @ faces + sparse.diags(2 / valence) @ sides + sparse.diags(1 - 3 / valence) @ same
    rim = np.flatnonzero(border)
    along = _average(edges[rim].ravel(), rim.repeat(2), (count, len(edges))) @ middle_of_edge
    on_rim, used = np.zeros(count, bool), np.bincount(quads.ravel(), minlength=count) > 0
    on_rim[edges[rim]] = True
    return _rows(used & ~on_rim) @ inner + _rows(used & on_rim) @ (along + same) / 2 + _rows(~used) @ same


def _average(rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> Any:
    """Return the matrix whose rows average the given columns."""
    share = 1 / np.bincount(rows, minlength=shape[0])[rows]
    return sparse.csr_matrix((share, (rows, columns)), shape)


def _rows(chosen: NDArray[np.bool_]) -> Any:
    return sparse.diags(chosen.astype(np.float64))
