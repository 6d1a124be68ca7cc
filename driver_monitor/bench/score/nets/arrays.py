"""Read an .npz file of pictures and labels, and make the JSON object, for `score eyes` and `score emotion`."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.files import check_regular
from driver_monitor.bench.score.intervals import rounded
from driver_monitor.errors import LabelError
from driver_monitor.messages.envelope import SCHEMA

MAX_BYTES = 4_000_000_000
"""Largest unpacked array, in bytes; more would fill the memory of an ordinary machine."""
INTERVALS = "95 %; persons unknown: intervals by bootstrap over images, too narrow if several images show one person"


def load_arrays(path: Path, labels: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return `images`, uint8 (N, H, W), and the array with the name in `labels`, int64 (N,), from an .npz file.

    Raises `LabelError` if the file is unreadable, or if these arrays are missing or of other types or shapes.
    """
    images, numbers = _read(path, ("images", labels))
    if images.dtype != np.uint8 or images.ndim != 3 or 0 in images.shape:
        raise LabelError(f"{path}: images: expected uint8 (N, H, W), grey, found {_shape(images)}")
    whole = np.issubdtype(numbers.dtype, np.integer) or numbers.dtype == bool
    if not whole or numbers.shape != images.shape[:1] or (numbers > np.iinfo(np.int64).max).any():
        raise LabelError(
            f"{path}: {labels}: expected one whole number for each of {len(images)} images, found {_shape(numbers)}"
        )
    return images, numbers.astype(np.int64)


def _read(path: Path, names: tuple[str, ...]) -> list[NDArray[Any]]:
    try:
        check_regular(path, "an .npz file")
        with zipfile.ZipFile(path) as archive:
            size = {member.filename.removesuffix(".npy"): member.file_size for member in archive.infolist()}
        missing = [name for name in names if name not in size]
        if missing:
            raise LabelError(f"{path}: {missing[0]}: missing; the file holds {', '.join(sorted(size)) or 'nothing'}")
        large = [name for name in names if size[name] > MAX_BYTES]
        if large:
            raise LabelError(f"{path}: {large[0]}: {size[large[0]]} bytes are too many; give the file in parts")
        # No pickles: a label file must not be able to run code.
        with np.load(path, allow_pickle=False) as arrays:
            return [np.asarray(arrays[name]) for name in names]
    except LabelError:
        raise
    except OSError as error:
        reason = error.strerror or "cut off"
        raise LabelError(f"{path}: cannot read it: {reason}; check the path and its permissions") from error
    except MemoryError as error:
        raise LabelError(f"{path}: does not fit into memory; give the file in parts") from error
    except Exception as error:  # zipfile, its decompressors and numpy's header parser all raise their own errors
        fault = "damaged, cut short, or with values that are not numbers"
        raise LabelError(f"{path}: not a readable .npz file: {fault}; save it again") from error


def report(path: Path, model: str, figures: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON object of a net's score on the file `path`. `model`: the net's SHA-256. `figures` are rounded."""
    origin = {"schema": SCHEMA, "file": str(path), "model": model}
    return {**origin, **rounded(figures), "persons": None, "intervals": INTERVALS}


def _shape(array: NDArray[Any]) -> str:
    return f"{array.dtype} {array.shape}"
