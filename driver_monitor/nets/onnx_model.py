"""An ONNX model, loaded once, with its inputs and outputs checked by name and shape. Every net uses it."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from driver_monitor.errors import ModelError

Shape = tuple[int | None, ...]
"""Sizes of a float32 tensor; None is a size that must be free, such as the batch."""

MAX_BYTES = 64_000_000
"""Largest model file, bytes. The project's nets are under 2 MB. Reading a huge file could exhaust a small board."""
_ADVICE = "reinstall driver-monitor, or point the configuration at the right file"


class OnnxModel:
    """A loaded model. `sha256`: hex digest of the file, for alerts and `doctor`."""

    def __init__(self, path: Path, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape], threads: int = 1) -> None:
        """Load `path` and check that it has exactly these float32 `inputs` and (at least) these `outputs`.

        `threads`: CPU threads of one inference. Nets this small are fastest on one. Raises `ModelError` with one line
        if the file is missing, damaged or the wrong model.
        """
        data = read_model(path)
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._path = path
        self._outputs = list(outputs)
        self._session = _session(data, path, threads)
        _check(self._session.get_inputs(), inputs, "input", path)
        _check(self._session.get_outputs(), outputs, "output", path)
        surplus = {node.name for node in self._session.get_inputs()} - set(inputs)
        if surplus:
            raise ModelError(f"{path}: another model than expected: it has one more input, {min(surplus)!r}; {_ADVICE}")

    def run(self, feeds: Mapping[str, NDArray[np.float32]]) -> tuple[NDArray[np.float32], ...]:
        """Return the outputs, in the order in which the constructor was given them.

        Raises `ModelError` if the net cannot compute on these arrays.
        """
        try:
            return tuple(self._session.run(self._outputs, dict(feeds)))
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise ModelError(f"{self._path}: the model failed to run; {_ADVICE}") from error


def read_model(path: Path) -> bytes:
    """Return the bytes of a model file. Raises `ModelError` if it is missing, not a regular file or far too large."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # reading a pipe would block
            raise ModelError(f"{path}: cannot read the model: not a regular file; {_ADVICE}")
        if found.st_size > MAX_BYTES:
            raise ModelError(f"{path}: {found.st_size} bytes is too large for a model of driver-monitor; {_ADVICE}")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model: {error.strerror}; {_ADVICE}") from error


def _session(data: bytes, path: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    # A worker thread that spins between two frames uses a whole core.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Without it, int8 products overflow on x86 CPUs without VNNI, and the expression net answers wrongly.
    options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base class for its errors
        raise ModelError(f"{path}: not a readable ONNX model, damaged or cut short; {_ADVICE}") from error


def _check(nodes: Sequence[Any], wanted: Mapping[str, Shape], kind: str, path: Path) -> None:
    found = {node.name: node for node in nodes}
    for name, shape in wanted.items():
        if name not in found:
            has = ", ".join(sorted(found)) or "none"
            raise ModelError(f"{path}: another model than expected: no {kind} {name!r} (it has {has}); {_ADVICE}")
        node = found[name]
        if node.type != "tensor(float)" or not _fits(node.shape, shape):
            values = "32-bit floats" if node.type == "tensor(float)" else "other values"
            fault = f"{kind} {name!r} has {values} {_shown(node.shape)}, expected 32-bit floats {_shown(shape)}"
            raise ModelError(f"{path}: another model than expected: {fault}; {_ADVICE}")


def _fits(found: Sequence[object], wanted: Shape) -> bool:
    return len(found) == len(wanted) and all(
        (size == want) if want is not None else not isinstance(size, int)
        for size, want in zip(found, wanted, strict=True)
    )


def _shown(shape: Sequence[object]) -> str:
    return "[" + ", ".join(str(size) if isinstance(size, int) else "N" for size in shape) + "]"
