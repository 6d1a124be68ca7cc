"""The nets of this process: loaded for the first clip, used for all later ones."""

from __future__ import annotations

from driver_monitor.app import build
from driver_monitor.app.build import Models
from driver_monitor.config.schema import Config

_kept: Models | None = None


def kept_models(config: Config) -> Models:
    """Return the models of `config`. Their files are hashed each time, and loaded again only if something changed.

    Nets keep nothing from one picture to the next, so a run does not depend on the runs before it. Not for two threads
    at once. Raises `ModelError`.
    """
    global _kept  # noqa: PLW0603
    _kept = build.load_models(config, _kept)
    return _kept
