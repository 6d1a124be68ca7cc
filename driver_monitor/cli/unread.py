"""Tells which rules read a signal that the configuration has switched off. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from driver_monitor.config.schema import Config
from driver_monitor.rules.profile import Profile
from driver_monitor.signals.table import needs_objects


def unread(config: Config, profile: Profile) -> Iterator[str]:
    """Yield a line for each rule of `profile` that reads signals of the objects net while it is switched off."""
    if config.objects.enabled:
        return
    for rule in profile.rules:
        names = sorted(filter(needs_objects, set(rule.compared())))
        if names:
            yield f"rule {rule.id} reads {', '.join(names)}: unknown all the time, because objects.enabled is false"
