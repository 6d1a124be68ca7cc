"""Write a complete folder of models in which one net is new: for `models.folder` of the configuration."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from driver_monitor.app import build
from driver_monitor.errors import OutputError, UsageError
from tools import manifest


def check_free(out: Path) -> None:
    """Raise `UsageError` if something is at `out` already: models in use are never overwritten."""
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out}: exists already; name a new folder with --out, or delete this one")


def write_folder(start: Path, out: Path, write_net: Callable[[Path], None], card: str) -> None:
    """Write the folder `out`: the files beside `start`, and instead of `start` the net that `write_net` writes.

    `card`: the new text of its model card; the card of `start` is added below it. The manifest is written, and all nets
    are loaded as the daemon loads them, before the folder gets its name. Raises `DriverMonitorError`.
    """
    check_free(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise OutputError(
            f"{out.parent}: cannot write here: {error.strerror}; name another folder with --out"
        ) from error
    try:
        for path in sorted(start.parent.iterdir()):
            if path.suffix in (".onnx", ".md", ".yaml") and path.name != start.name and path.is_file():
                shutil.copyfile(path, beside / path.name)
        write_net(beside / start.name)
        old = start.with_suffix(".md")
        below = old.read_text(encoding="utf-8") if old.is_file() else "(no card beside it)\n"
        text = f"{card.rstrip()}\n\n# The card of the net it started from\n\n{_deeper(below)}"
        (beside / old.name).write_text(text, encoding="utf-8")
        manifest.write(beside)
        _check(beside)
        beside.chmod(0o755)
        beside.rename(out)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror or error}; name another folder") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _deeper(text: str) -> str:
    """Return a card as a part of another card: its headings are one level lower."""
    return "".join(f"#{line}" if line.startswith("#") else line for line in text.splitlines(keepends=True))


def _check(folder: Path) -> None:
    config = build.load_plan(build.Request()).config
    config = config.model_copy(update={"models": config.models.model_copy(update={"folder": folder})})
    build.load_models(config)
    build.load_expression_net(config)
