"""What labels say of the rules of a profile. run.json holds it, so that a run is scored without its profile."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from driver_monitor.bench.files import first_fault
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.runs.run_folder import RUN
from driver_monitor.errors import RunError
from driver_monitor.rules.profile import Condition, Profile, Rule
from driver_monitor.signals.table import held_rule
from driver_monitor.state.eyes.perclos import WINDOW_S as PERCLOS_S

KEY = "scored_rules"
"""The key in run.json."""
EYES, GAZE, LIDS = "eyes.closed_s", "gaze.away_s", "eyes.closed_or_lowered_s"
"""The signals whose quantity is labelled: closed eyes, gaze off the road, and closed or lowered eyes."""
PAST_YAWN = "eyes.closed_past_yawn_s"
"""Closed eyes as in `EYES`. A rule with it has no due time in a labelled yawn."""
GUARDS = ("eyes.p_closure", PAST_YAWN)
"""Signals in an `all` that only hold an alert back. So do the `held_s` of other rules."""
LABELLED, ABOVE = (EYES, GAZE, LIDS), ("above", "at_least")
UNLABELLED = "drowsiness"
"""The rule whose alerts all count as false: clips are too short for anybody to be labelled sleepy."""


class Cause(BaseModel):
    """A `signal` (None: never labelled) that leads to an alert, and after how many seconds the alert is due."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)

    signal: str | None
    due_s: float = Field(ge=0)

    @field_validator("signal")
    @classmethod
    def _is_labelled(cls, name: str | None) -> str | None:
        if name is not None and name not in LABELLED:
            raise ValueError(f"expected one of {', '.join(LABELLED)}")
        return name


class ScoredRule(BaseModel):
    """A rule whose alerts are compared with labels.

    `causes`: each of them is enough; none: only `distracted` is of use. `past_yawn`: no alert is due in a yawn.
    `held_back_by`: rules whose alert holds this one back and is as good. `distracted`: it implies this attention.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    id: str
    causes: tuple[Cause, ...] = Field(strict=False)
    past_yawn: bool
    held_back_by: tuple[str, ...] = Field(strict=False)
    distracted: bool


_RULES = TypeAdapter(tuple[ScoredRule, ...])


def scored_rules(profile: Profile) -> tuple[ScoredRule, ...]:
    """Return the rules of a profile that labels can judge: they have causes, or imply that the driver is distracted."""
    found = (scored_rule(rule) for rule in profile.rules if rule.id not in profile.local_rules)
    return tuple(rule for rule in found if rule.causes or rule.distracted)


def scored_rule(rule: Rule) -> ScoredRule:
    """Return what labels say of one rule."""
    leaves = rule.when.leaves()
    return ScoredRule(
        id=rule.id,
        causes=tuple(Cause(signal=signal, due_s=seconds) for signal, seconds in due_times(rule)),
        past_yawn=any(leaf.signal == PAST_YAWN for leaf in leaves),
        held_back_by=tuple(sorted({other for leaf in leaves if (other := held_rule(leaf.signal or "")) is not None})),
        distracted=rule.attention == "distracted",
    )


def due_times(rule: Rule) -> list[tuple[str | None, float]]:
    """Return causes: signal (None: never labelled), seconds until an alert is due. Empty: the rule is not scored."""
    branches = [[leaf for leaf in one.leaves() if not _guards(leaf)] for one in rule.when.any_ or (rule.when,)]
    leaves = [leaf for branch in branches for leaf in branch]
    single = all(len(branch) == 1 for branch in branches)
    labelled = single and all(leaf.signal in LABELLED and leaf.comparison in ABOVE for leaf in leaves)
    if rule.patience is None and labelled:
        due: dict[str | None, float] = {}
        for leaf in leaves:
            seconds = float(leaf.threshold or 0.0) + rule.for_s
            due[leaf.signal] = min(seconds, due.get(leaf.signal, seconds))
        return list(due.items())
    return [(None, PERCLOS_S)] if rule.id == UNLABELLED else []


def _guards(leaf: Condition) -> bool:
    return leaf.signal in GUARDS or held_rule(leaf.signal or "") is not None


def recorded(profile: Profile) -> dict[str, Any]:
    """Return what run.json holds of a profile: `KEY` and the rules."""
    return {KEY: [rule.model_dump(mode="json") for rule in scored_rules(profile)]}


def rules_of(run: Run) -> tuple[ScoredRule, ...]:
    """Return the scored rules of the profile that a run was made with. Raises `RunError`: they are not in run.json."""
    if KEY not in run.info:
        raise RunError(f"{run.folder / RUN}: no {KEY}: an older version wrote this run; replay the clip again")
    try:
        return _RULES.validate_python(run.info[KEY])
    except ValidationError as error:
        raise RunError(f"{run.folder / RUN}: {KEY}: {first_fault(error)}; replay the clip again") from None
