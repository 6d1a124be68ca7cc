"""Makes frozen dataclasses that are built fast: the type checker alone forbids to change them.

A frame builds about 25 of them. Python's own frozen dataclass stores each field through `object.__setattr__`, which
takes four times as long as a plain store: 8 % of the time of the driver state. mypy checks every line of the program,
so a check at run time adds little. Only the classes that each frame builds are made this way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeVar

Class = TypeVar("Class", bound=type)

if TYPE_CHECKING:  # mypy knows the dataclass by its own name, and checks `frozen=True`
    from dataclasses import dataclass as fast_dataclass
else:
    from dataclasses import dataclass

    def fast_dataclass(*, frozen: Literal[True], slots: bool = False, eq: bool = True) -> Callable[[Class], Class]:
        """Return the decorator of a dataclass that compares, hashes and copies as a frozen one does."""
        assert frozen
        return dataclass(slots=slots, eq=eq, unsafe_hash=eq)


__all__ = ["fast_dataclass"]
