"""Synthetic drivers' eyes: pictures made by code from CC0 parts, with exact labels, and a measurement of what they add.

They may import `tools.eyes`, `tools.training` and `driver_monitor`. Only a maintainer runs them. `people` makes a
person, `pictures` takes a picture.
"""

from __future__ import annotations

from tools import ROOT

CACHE = ROOT.parent / "tmp/synthetic"
"""Where `fetch` puts the head and `eyes` its pictures. Not part of the project."""
