"""Write the recording that simulated vehicles repeat: the alerts of the bundled clip with the profile `fleet`.

    python -m tools.fleet.record

The clip goes through the rules of the daemon (`bench.replays`). Run it again when the rules or the clip change.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from driver_monitor import demo
from driver_monitor.app.build import Request, load_plan
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.replay import replay
from driver_monitor.fleet.simulate.recording import FILE

FIELDS = ("t", "rule", "level", "phase", "message", "evidence")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        done = replay(ReplayJob(demo.CLIP, Path(folder) / "run"), load_plan(Request(profile="fleet")))
    episodes: dict[str, int] = {}
    with FILE.open("w", encoding="utf-8") as out:
        for alert in done.alerts:
            number = episodes.setdefault(alert["episode"], len(episodes))
            step = {**{name: alert[name] for name in FIELDS}, "episode": number}
            out.write(json.dumps(step, ensure_ascii=False) + "\n")
    print(f"{FILE}: {len(done.alerts)} alerts in {len(episodes)} episodes")


if __name__ == "__main__":
    main()
