"""A car with an operator is a workplace: the one place that decides it, and the lines that say what follows from it.

Drivers whose alerts somebody else reads are taken for drivers at work, where emotions must not be inferred except for
medical or safety reasons (EU AI Act, article 5(1)(f), as reported; docs/clauses.md). A profile cannot take that back.
"""

from __future__ import annotations

from pydantic import ValidationError

from driver_monitor.config.schema import Config
from driver_monitor.errors import ConfigError
from driver_monitor.rules.profile import Profile

CLOSED_LOOP = ("EU 2023/2590", "EU 2021/1341")
"""Regulations that are for a closed loop: nothing is recorded and nothing is sent (as reported)."""


def at_work(profile: Profile, config: Config) -> Profile:
    """Return `profile`, with `workplace: true` if the car has an operator. It is checked again: more is forbidden then.

    Raises `ConfigError` for what a profile of a workplace may not have.
    """
    if profile.workplace or config.operator is None:
        return profile
    try:
        return Profile.model_validate({**dict(profile), "workplace": True}, context={"whole": True})
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise ConfigError(f"profile {profile.name}: {config.operator}, so the driver is at work: {reason}") from None


def operator_line(config: Config) -> str | None:
    """Return what an operator means for this car; None: it has none."""
    if config.operator is None:
        return None
    return f"{config.operator}: the car has an operator and is a workplace, whatever the profile says"


def cautions(config: Config, profile: Profile) -> tuple[str, ...]:
    """Return what is allowed with an operator, but should not go unseen; without one, nothing.

    `profile`: as `at_work` returns it.
    """
    if config.operator is None:
        return ()
    found = []
    cited = [name for name in CLOSED_LOOP if any(name in rule.clause for rule in profile.rules)]
    if cited:
        found.append(
            f"profile {profile.name} follows the numbers of {' and '.join(cited)}, which are for a closed loop: nothing"
            f" is recorded or sent (as reported); here {config.operator}. Use another profile, or no operator"
        )
    if config.emotion.enabled:
        rules = ", ".join(sorted(profile.local_rules))
        alerts = f", and so do the alerts that rest on them ({rules})" if rules else ""
        found.append(
            f"expressions are read for the safety purpose; they stay in the car{alerts}: buzzer, LED, loudspeaker and"
            " the local journal. Tell the driver that they are read, and see to it that the operator cannot read the"
            " journal"
        )
    if config.uplink.enabled and config.uplink.sent_days == 0:
        found.append(
            "uplink.sent_days is 0: drivers cannot see in the car what was sent about them (`driver-monitor sent`);"
            " set it to 30, or show it to them in another way"
        )
    return tuple(found)
