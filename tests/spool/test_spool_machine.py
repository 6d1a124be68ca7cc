"""Any order of puts, answers, reboots, kills and clocks: the spool against a plain list."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from driver_monitor.data.alert import LEVELS, Level
from driver_monitor.spool.clock import SETTLED_S
from driver_monitor.spool.entry import SpoolEntry, SpoolLimits
from tests.spool.cars import DAY_S, Clocks, alert, parked

YEARS_S = 10 * 365 * DAY_S
LIMITS = SpoolLimits(size=700_000, days=60, sent_days=30)
"""Room for some 100 alerts."""


class Car(RuleBasedStateMachine):
    """`model`: what waits, with the true time at which it was put. `last`: the last number that was given."""

    @initialize()
    def build(self) -> None:
        self.top = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.runs = 0
        self.clocks = Clocks()
        self.model: dict[int, tuple[SpoolEntry, float]] = {}
        self.skipped: set[int] = set()
        self.gone: set[int] = set()
        self.last = 0
        self.was_set = False
        self.spool = parked(self.folder, self.clocks, LIMITS)

    @property
    def folder(self) -> Path:
        return self.top / str(self.runs)

    @rule(count=st.integers(1, 40), level=st.sampled_from(LEVELS), size=st.integers(40, 6000))
    def put(self, count: int, level: Level, size: int) -> None:
        for _ in range(count):
            self.last += 1
            entry = alert(self.last, level, size)
            self.model[self.last] = (entry, self.clocks.true_s)
            kept = self.spool.put(entry)
            self.forget_what_went()
            assert kept == (self.last in self.model)

    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.sampled_from(sorted(self.model)), unique=True)) if self.model else []
        assert self.spool.confirm([*(self.model[seq][0].id for seq in chosen), "unknown"]) == len(chosen)
        for seq in chosen:
            del self.model[seq]

    @rule(limit=st.integers(0, 50), data=st.data())
    def ask(self, limit: int, data: st.DataObject) -> None:
        without = data.draw(st.sets(st.sampled_from(sorted(self.model)))) if self.model else set()
        found = self.spool.waiting(limit, {self.model[seq][0].id for seq in without})
        order = sorted(self.model, key=lambda seq: (-LEVELS.index(self.model[seq][0].level), seq))
        assert [entry.seq for entry in found] == [seq for seq in order if seq not in without][:limit]

    @rule(park_s=st.sampled_from([0.0, DAY_S, 50 * DAY_S]))
    def reboot(self, park_s: float) -> None:
        self.spool.close()
        self.start(park_s)

    @rule(park_s=st.sampled_from([0.0, DAY_S, 50 * DAY_S]), skip=st.integers(0, 16))
    def kill(self, park_s: float, skip: int) -> None:
        old = self.folder
        self.runs += 1
        shutil.copytree(old, self.folder)
        self.spool.close()
        self.skipped |= set(range(self.last + 1, self.last + skip + 1)) if self.last else set()
        self.last += skip
        self.start(park_s)

    def start(self, park_s: float) -> None:
        self.clocks.true_s += park_s
        if self.clocks.known:  # a clock that says it is set, and is wrong from the start, is beyond the spool
            self.clocks.error_s = 0
        self.was_set = self.clocks.known
        self.spool = parked(self.folder, self.clocks, LIMITS)
        self.forget_what_went()

    @rule(seconds=st.sampled_from([1.0, SETTLED_S, DAY_S, 30 * DAY_S]))
    def drive(self, seconds: float) -> None:
        self.clocks.true_s += seconds
        for _ in range(40):
            self.spool.waiting(1)
        self.forget_what_went()

    @rule(error_s=st.sampled_from([0.0, -YEARS_S, YEARS_S, -3600.0]))
    def jump(self, error_s: float) -> None:
        """The clock says that it is set only if it is right, or was right before in this run."""
        self.clocks.error_s = error_s
        self.clocks.known = self.was_set or error_s == 0
        self.was_set |= self.clocks.known
        self.spool.waiting(1)
        self.forget_what_went()

    @rule()
    def lose_the_clock(self) -> None:
        self.clocks.known = False

    def forget_what_went(self) -> None:
        """Take out of the model what the spool dropped, and judge whether it was the right one to go."""
        found = {entry.seq for entry in self.spool.waiting(10_000)}
        for seq in sorted(set(self.model) - found, key=lambda seq: (LEVELS.index(self.model[seq][0].level), seq)):
            entry, put_s = self.model.pop(seq)
            self.gone.add(seq)
            old = self.clocks.true_s - put_s >= LIMITS.days * DAY_S
            mildest = all(LEVELS.index(other.level) >= LEVELS.index(entry.level) for other, _ in self.model.values())
            assert old or mildest, f"{seq} is not too old, and not the mildest"
            rest = [other for other, (kept, _) in self.model.items() if kept.level == entry.level]
            assert old or all(seq < other for other in rest), f"{seq} is not the oldest of its level"

    @invariant()
    def it_tells_the_truth(self) -> None:
        if not hasattr(self, "spool"):
            return
        counts = self.spool.counts()
        assert (self.spool.fault, counts.waiting, counts.dropped) == (None, len(self.model), len(self.gone))
        assert counts.size <= LIMITS.size
        told = [(seq, reason) for first, last, reason in counts.absent for seq in range(first, last + 1)]
        dropped = {seq for seq, reason in told if reason != "power_cut"}
        assert dropped <= self.gone
        assert len(counts.absent) == 100 or dropped == self.gone
        assert {seq for seq, reason in told if reason == "power_cut"} <= self.skipped

    def teardown(self) -> None:
        if hasattr(self, "spool"):
            self.spool.close()
            shutil.rmtree(self.top)


TestCar = Car.TestCase
TestCar.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
