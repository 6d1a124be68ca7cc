"""Removes passwords from texts for people: addresses of cameras hold them, and logs are read by many."""

from __future__ import annotations

import re

HIDDEN = "***"
_USER = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*:/{1,2})[^\s'\"]*@")
"""All from a scheme to the last @ of the same word. A password may hold every character that an address may not."""
_NAMED = re.compile(r"(?i)\b(pass\w*|pwd|token|key|secret)=[^\s&'\";]*")
"""As in the path of recorders: rtsp://host/user=admin&password=secret&channel=1.sdp."""


def without_secrets(text: str) -> str:
    """Return `text` with users and passwords of addresses, and values of `password=` and the like, as `***`."""
    text = _USER.sub(rf"\g<scheme>{HIDDEN}@", text)
    return _NAMED.sub(rf"\1={HIDDEN}", text)
