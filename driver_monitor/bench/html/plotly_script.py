"""The library that draws (plotly), packed into a page: 1.9 MB instead of 4.8."""

from __future__ import annotations

import base64
import functools
import gzip
import importlib.util

from driver_monitor.errors import UsageError

MISSING = "the extra `report` is not installed; pip install 'driver-monitor[report]'"


def check_plotly() -> None:
    """Raise `UsageError` if plotly is not installed."""
    if importlib.util.find_spec("plotly") is None:
        raise UsageError(MISSING)


@functools.cache
def plotly_element() -> str:
    """Return the element that holds plotly, compressed. Put it in the body once. Raises `UsageError`: not installed."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise UsageError(MISSING) from None
    packed = base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()
    return f'<script type="text/plain" id="plotly">{packed}</script>'


LOAD = """
async function unpackText(id) {
  const text = atob(document.getElementById(id).textContent), packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")));
}
async function loadPlotly() {
  const script = document.createElement("script");
  script.textContent = await (await unpackText("plotly")).text();
  document.head.append(script);
}
"""
"""A script with the function `loadPlotly`; `Plotly` is there when its promise is kept. Browsers since 2023 can run it.

`unpackText(id)` gives the `Response` with what an element holds as base64 of gzip.
"""
