"""Writes ONNX models of one node byte by byte, so that tests need neither the onnx package nor a trained model."""

from __future__ import annotations

from collections.abc import Mapping

from driver_monitor.nets.onnx_model import Shape

FLOAT, UINT8, INT64 = 1, 2, 7


def copying_model(
    inputs: Mapping[str, Shape], outputs: Mapping[str, Shape], op: str = "Identity", element: int = FLOAT
) -> bytes:
    """Return a model whose every output is `op` of the first input; outputs whose shape differs cannot be run."""
    first = next(iter(inputs))
    nodes = b"".join(_field(1, _field(1, first) + _field(2, name) + _field(4, op)) for name in outputs)
    values = b"".join(_field(11, _value(name, shape, element)) for name, shape in inputs.items())
    values += b"".join(_field(12, _value(name, shape, element)) for name, shape in outputs.items())
    opset = _field(1, "") + _number(2, 13)
    return _number(1, 8) + _field(8, opset) + _field(7, nodes + _field(2, "tiny") + values)


def _value(name: str, shape: Shape, element: int) -> bytes:
    sizes = b"".join(_field(1, _field(2, f"{name}{i}") if n is None else _number(1, n)) for i, n in enumerate(shape))
    return _field(1, name) + _field(2, _field(1, _number(1, element) + _field(2, sizes)))


def _field(number: int, content: str | bytes) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
