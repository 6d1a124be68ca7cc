"""The configuration: one pydantic model a section, each field with its bounds and its reason.

The file `config.yaml` at the top level is the reference for users and holds the same defaults; a test keeps them
together. Thresholds of the policy are not here: they stand in the profiles (`rules/profiles/`).
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from driver_monitor.config import resources, yaml_file

Pin = Annotated[int, Field(ge=0, le=27)]
"""A BCM number on a Raspberry Pi's 40-pin header."""
Folder = Annotated[Path | None, Field(strict=False), BeforeValidator(lambda value: None if value == "" else value)]
"""YAML has no paths; text becomes one, and `""` is as empty as nothing, not the folder one happens to be in."""


def _no_switch(value: object) -> object:
    """To Python false is 0; here it is not."""
    if isinstance(value, bool):
        raise ValueError(f"expected 0, 90, 180 or 270, found {str(value).lower()}")
    return value


Degrees = Annotated[Literal[0, 90, 180, 270], BeforeValidator(_no_switch)]


MAX_TEXT = 1000
"""Longer than any path or URL a person writes, well within what the system takes (PATH_MAX, 4096)."""
MAX_PORT = 65535
MAX_IPC_PATH = 107
"""Bytes of a Unix socket's path (sun_path of unix(7), without the closing zero)."""


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, nothing is converted, values cannot be changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        """Refuse text that no path, address or name can be; the system would stumble over it much later."""
        if isinstance(value, str) and _CONTROL.search(value):
            raise ValueError(f"a control character has no place here: {value[:60]!r}")
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise ValueError(f"{len(value)} characters are too many, {MAX_TEXT} at most")
        return value


class CameraConfig(Section):
    """Where pictures come from."""

    source: str = Field("0", min_length=1, description="Camera number or device, clip, folder of images, URL, or demo")
    width: int = Field(640, ge=160, le=4096, description="Requested width, pixels; a clip keeps its own")
    height: int = Field(480, ge=120, le=4096, description="Requested height, pixels")
    fps: float = Field(30.0, ge=1, le=120, description="Requested frame rate; the rate of a folder of images")
    pixel_format: Literal["auto", "MJPG", "YUYV", "GREY", "Y16"] = Field(
        "auto", description="V4L2 format; GREY or Y16 for most infrared cameras"
    )
    rotate: Degrees = Field(0, description="Turn the picture clockwise by so many degrees")
    driver_side: Literal["auto", "left", "right"] = Field(
        "auto", description="Half of the picture, as you see it, in which the driver sits; auto: learned"
    )
    lost_after_s: float = Field(0.5, ge=0.1, le=10, description="No frame for so long: the camera is lost")


class FaceConfig(Section):
    """How the face is found and followed."""

    detector: str = Field(
        "auto", description="auto: our own net, hog: dlib's HOG detector, or the path of a YuNet .onnx file"
    )
    search_hz: float = Field(10.0, ge=1, le=60, description="How often to search while there is no face")

    @field_validator("detector")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in ("auto", "hog") and not name.endswith(".onnx"):
            raise ValueError(f"expected auto, hog or the path of a YuNet .onnx file, found {name!r}")
        return name


class EmotionConfig(Section):
    """The expression classifier. The persons concerned must be told that it runs (EU AI Act, article 50(3))."""

    enabled: bool = Field(True, description="Off: no expression is computed at all")
    safety_purpose: Annotated[str, StringConstraints(strip_whitespace=True, min_length=20)] | None = Field(
        None,
        description="What it is for, in words; without it a profile for a workplace has no expression computed",
    )
    rate_hz: float = Field(4.0, ge=1, le=30, description="Looks at the face a second")


class ModelsConfig(Section):
    """Model files."""

    folder: Folder = Field(None, description="Folder with our models; empty: those that come with the program")
    threads: int = Field(1, ge=1, le=8, description="Threads a model may use")


class VehicleConfig(Section):
    """The vehicle the alerts are about."""

    id: str = Field("vehicle", min_length=1, max_length=64, pattern=r"^[\w.:-]+$", description="Name in every alert")
    steering_wheel: Literal["left", "right"] = Field(
        "left", description="Side of the car the driver sits on; tells which way the mirrors are"
    )
    input: str | None = Field(
        None,
        pattern=r"^(tcp://(127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d{1,5}|ipc://.+|can:[\w.-]+(:[\w.-]+)?)$",
        description="Where the speed comes from: ZeroMQ on this machine (tcp://127.0.0.1:5557, ipc://), or can:can0",
    )


class ZmqConfig(Section):
    """The ZeroMQ publisher."""

    enabled: bool = True
    bind: str = Field(
        "tcp://127.0.0.1:5556",
        pattern=r"^(tcp://(127\.\d+\.\d+\.\d+|localhost|\[::1\]):(\*|\d{1,5})|ipc://.+)$",
        description="tcp:// on loopback or ipc://; nothing else, because nobody is authenticated there",
    )
    state_hz: float = Field(5.0, ge=0.2, le=60, description="State messages a second")
    send_queue: int = Field(100, ge=10, le=10_000, description="Messages kept for a slow subscriber (SNDHWM)")

    @field_validator("bind")
    @classmethod
    def _can_be_bound(cls, address: str) -> str:
        scheme, _, rest = address.partition("://")
        if scheme == "ipc" and len(rest.encode()) > MAX_IPC_PATH:
            raise ValueError(f"the socket's path has {len(rest.encode())} bytes; the system takes {MAX_IPC_PATH}")
        host, _, port = rest.rpartition(":")
        if scheme == "tcp" and port != "*" and int(port) > MAX_PORT:
            raise ValueError(f"port {port} does not exist; ports go up to {MAX_PORT}")
        if host.startswith("127.") and any(int(part) > 255 for part in host.split(".")):
            raise ValueError(f"{host} is no address; its numbers go up to 255")
        return address


class GpioConfig(Section):
    """Buzzer and LED."""

    backend: Literal["auto", "gpiozero", "mock", "off"] = Field(
        "auto", description="auto: pins where there are any, else nothing, said once"
    )
    buzzer_pin: Pin | None = Field(17, description="BCM number, empty for none")
    led_pin: Pin | None = Field(27, description="BCM number, empty for none")
    button_pin: Pin | None = Field(None, description="BCM number of the driver's button to ground, empty for none")
    active_high: bool = Field(True, description="False for relays and LEDs that switch to ground")
    max_buzz_s: float = Field(30.0, ge=1, le=600, description="The buzzer is silent after so long in one go")

    @model_validator(mode="after")
    def _two_pins(self) -> GpioConfig:
        if self.buzzer_pin is not None and self.buzzer_pin == self.led_pin:
            raise ValueError(f"buzzer_pin and led_pin are both {self.led_pin}; one of them must be another pin")
        if self.button_pin is not None and self.button_pin in (self.buzzer_pin, self.led_pin):
            raise ValueError(f"button_pin {self.button_pin} is the buzzer's or the LED's; take another pin")
        return self


class ServiceConfig(Section):
    """The daemon itself."""

    state_dir: Folder = Field(
        None, description="Where the alert number is kept; empty: systemd's state directory, or the user's"
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class Config(Section):
    """The whole configuration."""

    profile: str = Field("default", min_length=1, description="A shipped profile's name, or the path of your own")
    camera: CameraConfig = CameraConfig()
    face: FaceConfig = FaceConfig()
    emotion: EmotionConfig = EmotionConfig()
    models: ModelsConfig = ModelsConfig()
    vehicle: VehicleConfig = VehicleConfig()
    zmq: ZmqConfig = ZmqConfig()
    gpio: GpioConfig = GpioConfig()
    service: ServiceConfig = ServiceConfig()

    @model_validator(mode="before")
    @classmethod
    def _no_profile(cls, given: object) -> object:
        if isinstance(given, dict) and "rules" in given:
            why = "they stand in a profile, and this is read as a configuration; name it with --profile"
            fault = InitErrorDetails(
                type=PydanticCustomError("value_error", "{why}", {"why": why}), loc=("rules",), input=None
            )
            raise ValidationError.from_exception_data("config", [fault])
        return given


def load(path: Path | None) -> Config:
    """Read the configuration from `path`, or the defaults that come with the program. Raises `ConfigError`."""
    return yaml_file.load(path or resources.path("config.yaml"), Config)


def digest(config: Config, profile_text: str) -> str:
    """Return a short hash of everything that decides which alerts are given, for the evidence in each alert."""
    text = json.dumps(config.model_dump(mode="json"), sort_keys=True) + profile_text
    return hashlib.sha256(text.encode()).hexdigest()[:16]
