"""Writes `manifest.yaml` for the models in a folder; run it whenever one of them was exchanged (`make manifest`).

    write_manifest.py [models]

What stands in the present manifest of a file that is still the same is kept, its licence in any case.
"""

from __future__ import annotations

import argparse
import hashlib
from datetime import datetime, timezone
from pathlib import Path

import yaml

from driver_monitor.errors import ModelError
from driver_monitor.nets import manifest
from driver_monitor.nets.manifest import Entry, Manifest

HEADER = """\
# The model files: checked when the program starts. Written by tools/write_manifest.py (make manifest).
# date: since when the file has been this one. card: what it learned from, how good it is, where it fails.
"""
LICENCE = "Apache-2.0; trained on data for research, see the card"


def entry(path: Path, before: Entry | None) -> Entry:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    same = before is not None and before.sha256 == digest
    card = f"{path.stem}.md"
    return Entry(
        sha256=digest,
        bytes=path.stat().st_size,
        date=before.date if before and same else datetime.now(timezone.utc).date().isoformat(),
        licence=before.licence if before else LICENCE,
        card=card if (path.parent / card).exists() else None,
    )


def write(folder: Path) -> Manifest:
    try:
        before = manifest.load_manifest(folder)
    except ModelError as error:
        print(f"{error}\nwriting it anew")
        before = None
    files = sorted(folder.glob("*.onnx"))
    known = before.models if before else {}
    found = Manifest(models={path.name: entry(path, known.get(path.name)) for path in files})
    text = yaml.safe_dump(found.model_dump(), sort_keys=False, width=120)
    (folder / manifest.NAME).write_text(HEADER + text, encoding="utf-8")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("models"))
    folder = parser.parse_args().folder
    found = write(folder).models
    for name, one in found.items():
        print(f"{one.sha256[:12]}  {one.bytes:9,} bytes  {name}" + ("" if one.card else "  (no card yet)"))
    print(f"{sum(one.bytes for one in found.values()):,} bytes together, in {folder / manifest.NAME}")


if __name__ == "__main__":
    main()
