"""Writes files into a ZIP archive: the same files give the same bytes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The earliest date of a ZIP file. A real one would tell when somebody sat in the car."""
FOLDER = "bug-report"
"""All files lie in this folder of the archive, so that they do not mix with others when it is unpacked."""
READABLE = 0o644


def pack(files: Iterable[Path], target: Path) -> None:
    """Write `files` into the new archive `target`, by their names alone, without dates and owners."""
    with zipfile.ZipFile(target, "x") as archive:
        for path in files:
            info = zipfile.ZipInfo(f"{FOLDER}/{path.name}", BEGINNING)
            info.external_attr = READABLE << 16
            # A trace is packed already.
            info.compress_type = zipfile.ZIP_STORED if path.suffix == ".gz" else zipfile.ZIP_DEFLATED
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as packed:
                while block := source.read(1 << 20):
                    packed.write(block)
