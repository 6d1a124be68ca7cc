"""Runs in a new process: starts as the daemon does, replays some frames, and prints times and memory as JSON.

    python -m driver_monitor.bench.speed.start_probe '{"clip": ...}'

Nothing is imported before the memory of Python alone is measured.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from typing import Any


def probe(request: dict[str, Any]) -> dict[str, Any]:
    """Return monotonic times in `at` and memory in `rss_mb`, after each step; `models`: MB that each net adds."""
    from driver_monitor.bench.speed.computer import rss_mb

    at, rss, nets = {}, {"start": rss_mb()}, dict[str, float]()
    gc.disable()  # as the verb `run` does
    import driver_monitor.app.run  # noqa: F401 - the daemon, with all that it imports
    from driver_monitor.app import build
    from driver_monitor.app.build import Request
    from driver_monitor.bench.replays.job import ReplayJob
    from driver_monitor.bench.replays.recording import opened
    from driver_monitor.bench.replays.replay import replayed

    gc.freeze()
    gc.enable()
    at["imports"], rss["imports"] = time.monotonic(), rss_mb()
    config = request["config"]
    plan = build.load_plan(Request(None if config is None else Path(config), None, request["profile"]))
    last = [rss_mb() or 0.0]

    def loaded(name: str) -> None:
        now = rss_mb() or 0.0
        nets[name] = round(now - last[0], 1)
        last[0] = now

    models = build.load_models(plan.config, on_load=loaded)
    at["models"], rss["models"] = time.monotonic(), rss_mb()
    job = ReplayJob(Path(request["clip"]), Path("none"), fps=request["fps"])
    with opened(job, plan, models, "") as recording:
        for number, _ in enumerate(replayed(recording, plan), 1):
            if number == 1:
                at["first_frame"] = time.monotonic()
            if number == request["frames"]:
                break
    return {"at": at, "rss_mb": {**rss, "peak": rss_mb("VmHWM")}, "models": nets}


if __name__ == "__main__":
    print(json.dumps(probe(json.loads(sys.argv[1]))))
