"""The share of a batch that one of several machines does."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Shard:
    """Share `number` of `count`, counted from 1. Each clip is in exactly one share, on every machine the same."""

    number: int
    count: int

    def has(self, name: Path) -> bool:
        """Return whether a clip is in this share. `name`: of its results below --out.

        By the name and not by the content: then no machine has to read the clips of the others. And not by the
        absolute path: machines may see the clips at different places.
        """
        digest = hashlib.sha256(os.fsencode(name)).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1
