"""Checks the loudspeaker in the configuration. Only text is checked: no device is looked for."""

from __future__ import annotations

import re

AUTO = "auto"
"""The value of `outputs.sound` that means ALSA's default device, or the first one that is not an HDMI output."""
_NAME = re.compile(r"[A-Za-z0-9_][\w:,.=+-]*", re.ASCII)
_WORDS = ("off", "no", "none", "false", "on", "yes", "true")


def sound_device(text: str | None) -> str | None:
    """Return `text` if it is None, `AUTO` or can name an ALSA device, such as plughw:1,0. Else raises `ValueError`."""
    advice = "use auto, the name of an ALSA device such as plughw:1,0, or null"
    if text is not None and (text.casefold() in _WORDS or not _NAME.fullmatch(text)):
        raise ValueError(f"'{text:.60}' is not a sound device; {advice}")
    return text
