"""The section `uplink`: the brokers of a fleet's operator, and how long the car keeps what it sends."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from driver_monitor.config.sections.section import Folder, Section
from driver_monitor.mqtt.broker import Broker, parse_broker


def _broker(address: str) -> str:
    parse_broker(address)
    return address


class UplinkConfig(Section):
    """The connection to the operator. Without `brokers` there is none, and no spool."""

    brokers: tuple[Annotated[str, AfterValidator(_broker)], ...] = Field(
        (), strict=False, max_length=16, description="Brokers, tried in this order, such as mqtts://broker.example"
    )
    ca: Folder = Field(None, description="Certificates that may sign the broker's one; empty: those of the system")
    certificate: Folder = Field(None, description="Certificate of this vehicle, PEM")
    key: Folder = Field(None, description="Its key, PEM")
    user: str | None = Field(None, min_length=1, max_length=256, description="User, for brokers with passwords")
    password_file: Folder = Field(None, description="File with its password, in one line")
    spool_mb: int = Field(64, ge=1, le=10_000, description="Most megabytes on disk")
    spool_days: float = Field(60.0, ge=0.1, le=3650, description="Days after which an alert nobody took is dropped")
    sent_days: float = Field(30.0, ge=0, le=3650, description="Days for which the driver can see what was sent")

    @property
    def enabled(self) -> bool:
        """Whether there is an operator."""
        return bool(self.brokers)

    def parsed_brokers(self) -> tuple[Broker, ...]:
        """Return the brokers, in the order in which they are tried."""
        return tuple(map(parse_broker, self.brokers))

    @model_validator(mode="after")
    def _complete(self) -> UplinkConfig:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together; set both, or remove both")
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file belong together; set both, or remove both")
        return self
