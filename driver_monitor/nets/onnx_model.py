"""Loads an ONNX model, checks its inputs and outputs by name, type and shape, and runs it. Every ONNX net uses it."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from driver_monitor.errors import ModelError

Shape = tuple[int | None, ...]
"""Expected size of each axis of a tensor. None: the model must leave this size free, such as the batch."""
Kind = Literal["float", "uint8"]
"""Numbers of a tensor, in the word of ONNX: 32-bit floats, or whole numbers from 0 to 255 (grey levels)."""

MAX_BYTES = 64_000_000
"""Largest model file that is read, bytes. The project's nets are under 2 MB. A huge file could fill the memory."""
_ADVICE = "reinstall driver-monitor, or point the configuration at the right file"


class OnnxModel:
    """Loads one ONNX model and runs it on the CPU. `sha256`: of the file, in hexadecimal, for alerts and `doctor`."""

    def __init__(
        self,
        path: Path,
        inputs: Mapping[str, Shape],
        outputs: Mapping[str, Shape],
        threads: int = 1,
        *,
        takes: Kind = "float",
    ) -> None:
        """Load `path`. The model must have exactly these `inputs`, and at least these float32 `outputs`.

        `inputs`, `outputs`: name to shape. `threads`: CPU threads of one inference; nets this small are fastest on one.
        `takes`: the numbers of all inputs. With "uint8" a net gets a crop as it was cut, and scales it itself. Raises
        `ModelError` with one line if the file is missing, damaged, too large or the wrong model.
        """
        data = read_model(path)
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._path = path
        self._outputs = list(outputs)
        self._session = _session(data, path, threads)
        _check(self._session.get_inputs(), inputs, "input", takes, path)
        _check(self._session.get_outputs(), outputs, "output", "float", path)
        surplus = {node.name for node in self._session.get_inputs()} - set(inputs)
        if surplus:
            raise ModelError(f"{path}: another model than expected: it has one more input, {min(surplus)!r}; {_ADVICE}")

    def run(self, feeds: Mapping[str, NDArray[np.float32] | NDArray[np.uint8]]) -> tuple[NDArray[np.float32], ...]:
        """Run the model once. `feeds`: input name to array. Return the outputs in the order given to the constructor.

        Raises `ModelError` if the model cannot compute on these arrays.
        """
        try:
            return tuple(self._session.run(self._outputs, dict(feeds)))
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise ModelError(f"{self._path}: the model failed to run; {_ADVICE}") from error


def read_model(path: Path) -> bytes:
    """Return the bytes of a model file. Raises `ModelError` if unreadable, not a regular file or over `MAX_BYTES`."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # reading a pipe would block
            raise ModelError(f"{path}: cannot read the model: not a regular file; {_ADVICE}")
        if found.st_size > MAX_BYTES:
            raise ModelError(f"{path}: {found.st_size} bytes is too large for a model of driver-monitor; {_ADVICE}")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model: {error.strerror}; {_ADVICE}") from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a model file in hexadecimal, without parsing it. Raises `ModelError` as `read_model`."""
    return hashlib.sha256(read_model(path)).hexdigest()


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
        # With its fallback, onnxruntime tries a damaged model twice and prints lines of its own on stdout.
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # onnxruntime has no common base class for its errors
        raise ModelError(f"{path}: not a readable ONNX model, damaged or cut short; {_ADVICE}") from error


_NUMBERS: dict[Kind, str] = {"float": "32-bit floats", "uint8": "bytes (0 to 255)"}


def _check(nodes: Sequence[Any], wanted: Mapping[str, Shape], kind: str, numbers: Kind, path: Path) -> None:
    found = {node.name: node for node in nodes}
    for name, shape in wanted.items():
        if name not in found:
            has = ", ".join(sorted(found)) or "none"
            raise ModelError(f"{path}: another model than expected: no {kind} {name!r} (it has {has}); {_ADVICE}")
        node = found[name]
        if node.type != f"tensor({numbers})" or not _fits(node.shape, shape):
            values = next((words for one, words in _NUMBERS.items() if node.type == f"tensor({one})"), "other values")
            fault = f"{kind} {name!r} has {values} {_shown(node.shape)}, expected {_NUMBERS[numbers]} {_shown(shape)}"
            raise ModelError(f"{path}: another model than expected: {fault}; {_ADVICE}")


def _fits(found: Sequence[object], wanted: Shape) -> bool:
    return len(found) == len(wanted) and all(
        (size == want) if want is not None else not isinstance(size, int)
        for size, want in zip(found, wanted, strict=True)
    )


def _shown(shape: Sequence[object]) -> str:
    return "[" + ", ".join(str(size) if isinstance(size, int) else "N" for size in shape) + "]"
