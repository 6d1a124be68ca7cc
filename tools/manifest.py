"""Write `manifest.yaml` for the model files in a folder. Run it after a model file has changed (`make manifest`).

    python -m tools.manifest [models]

A file that has not changed keeps its date. The licence of a listed file is always kept.
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
# The model files. The program checks them when it starts. Written by `make manifest`.
# date: the day on which this version of the file was added. card: its training data, its accuracy and its limits.
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
        print(f"{error}\nThe manifest is written again from the files.")
        before = None
    files = sorted(folder.glob("*.onnx"))
    known = before.models if before else {}
    found = Manifest(models={path.name: entry(path, known.get(path.name)) for path in files})
    text = yaml.safe_dump(found.model_dump(), sort_keys=False, width=120)
    (folder / manifest.NAME).write_text(HEADER + text, encoding="utf-8")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("models"), help="folder with the models")
    folder = parser.parse_args().folder
    found = write(folder).models
    for name, one in found.items():
        print(f"{one.sha256[:12]}  {one.bytes:9,} bytes  {name}" + ("" if one.card else "  (no model card)"))
    print(f"{sum(one.bytes for one in found.values()):,} bytes in all, listed in {folder / manifest.NAME}")


if __name__ == "__main__":
    main()
