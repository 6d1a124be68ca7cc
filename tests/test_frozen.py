"""`fast_dataclass` behaves as a frozen dataclass. That nothing changes one is checked by mypy, not at run time."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from driver_monitor.data.driver_state import Held
from driver_monitor.frozen import fast_dataclass


@dataclass(frozen=True, slots=True)
class Slow:
    x: float
    y: float | None = None


@fast_dataclass(frozen=True, slots=True)
class Fast:
    x: float
    y: float | None = None


def test_ok__a_fast_one_compares_hashes_and_copies_as_pythons_own() -> None:
    for one, same, other in ((cls(1.0), cls(1.0), cls(1.0, 2.0)) for cls in (Slow, Fast)):
        assert one == same
        assert one != other
        assert hash(one) == hash(same) == hash((1.0, None))
        assert replace(one, y=2.0) == other
        assert [field.name for field in fields(one)] == ["x", "y"]
    assert pickle.loads(pickle.dumps(Held(1.0))) == Held(1.0)


def test_ok__without_eq_each_one_is_only_itself() -> None:
    @fast_dataclass(frozen=True, slots=True, eq=False)
    class Lone:
        x: float

    one: Any = Lone(1.0)
    assert one != Lone(1.0)
    assert len({one, one, Lone(1.0)}) == 2


def test_fail__a_class_that_mypy_would_let_change_is_refused() -> None:
    decorator: Any = fast_dataclass
    with pytest.raises(AssertionError):
        decorator(frozen=False)
