"""The section `metrics`: counters for Prometheus."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from driver_monitor.config.addresses import loopback_address
from driver_monitor.config.sections.section import Section


def _bind(address: str | None) -> str | None:
    if address is not None and loopback_address(address)[1] == 0:
        raise ValueError("port 0 is any free one, which Prometheus could not find; use 127.0.0.1:9464")
    return address


class MetricsConfig(Section):
    """Counters for Prometheus, on this machine only."""

    bind: Annotated[str | None, AfterValidator(_bind)] = Field(
        None, description="Address on loopback at which Prometheus gets counters, such as 127.0.0.1:9464; empty: none"
    )
