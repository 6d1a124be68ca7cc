"""The arithmetic of the load run."""

from __future__ import annotations

import os
import time

from tools.fleet.load import Sample, cpu_s, figures


def test_ok__figures_are_differences_of_two_samples() -> None:
    first = Sample(10.0, {"broker": 1.0, "collector": 2.0, "vehicles": 0.0}, messages=500, alerts=100)
    last = Sample(20.0, {"broker": 1.3, "collector": 3.0, "vehicles": 5.0}, messages=3500, alerts=1100)
    found = figures(first, last)
    assert (found["alerts_per_s"], found["messages_per_s"]) == (100.0, 300.0)
    assert found["broker_us_per_message"] == 100  # 0.3 s for 3,000 messages
    assert found["collector_us_per_message"] == 500  # 1 s for 2,000: the other 1,000 are its own answers
    assert found["share_of_a_core"] == {"broker": 0.03, "collector": 0.1, "vehicles": 0.5}
    assert found["database_us_per_message"] is None


def test_ok__the_cpu_time_of_a_process_is_that_of_its_clock() -> None:
    before, own = cpu_s(os.getpid()), time.process_time()
    while time.process_time() - own < 0.2:
        pass
    assert 0.1 < cpu_s(os.getpid()) - before < 0.5
