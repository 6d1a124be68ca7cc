"""The configuration: one pydantic model for each section, with the limits and the meaning of each field.

`config.yaml` at the top level is the reference for users and holds the same defaults (a test compares them). The limits
of the rules are in the profiles (`rules/profiles/`), not here.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from driver_monitor.config import pins, resources, yaml_file
from driver_monitor.config.addresses import (
    AUTO,
    bind_setting,
    is_beyond_this_machine,
    publish_address,
    signal_address,
    vehicle_address,
    vss_address,
)
from driver_monitor.config.camera_program import camera_source
from driver_monitor.config.sections.metrics import MetricsConfig
from driver_monitor.config.sections.section import Folder, Section
from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.config.sound_device import sound_device


def _pin(value: object, info: ValidationInfo) -> object:
    """Refuse what is no pin with the configured backend. The errors for numbers are those of other numbers."""
    backend = str(info.data.get("backend", "auto"))
    if value is None or (isinstance(value, str) and pins.takes_names(backend) and pins.is_line_name(value)):
        return value
    if isinstance(value, str) and pins.is_line_name(value):
        raise ValueError(f"a name of a line needs gpio.backend: gpiod, or auto on a Jetson, found '{value}'")
    if isinstance(value, str) and backend == "gpiod":
        found = f"found '{value:.60}'"
        raise ValueError(f"expected a whole number, without quotes, {found}; or the name of a line, such as PQ.05")
    return _number_up_to(pins.highest(backend)).validate_python(value)


@functools.cache
def _number_up_to(highest: int) -> TypeAdapter[int]:
    return TypeAdapter(Annotated[int, Field(strict=True, ge=0, le=highest)])


_Line = Annotated[int, Field(ge=0, le=pins.HIGHEST_OFFSET)] | Annotated[str, Field(max_length=pins.LONGEST_NAME)]
Pin = Annotated[_Line | None, BeforeValidator(_pin)]
"""A BCM number on a Raspberry Pi's 40-pin header, or offset or name of a line of a GPIO chip. None: no pin."""


def _not_bool(value: object) -> object:
    """Refuse false: in Python it equals 0."""
    if isinstance(value, bool):
        raise ValueError(f"expected 0, 90, 180 or 270, found {str(value).lower()}")
    return value


Degrees = Annotated[Literal[0, 90, 180, 270], BeforeValidator(_not_bool)]


class CameraConfig(Section):
    """Where pictures come from."""

    source: Annotated[str, AfterValidator(camera_source)] = Field(
        "0",
        min_length=1,
        description="Camera number or device, rpicam, nvargus, pipe:COMMAND, clip, folder of images, URL, or demo",
    )
    width: int = Field(640, ge=160, le=4096, description="Requested width, pixels; a clip keeps its own")
    height: int = Field(480, ge=120, le=4096, description="Requested height, pixels; a clip keeps its own")
    fps: float = Field(30.0, ge=1, le=120, description="Requested frames per second; the rate of a folder of images")
    track: int | None = Field(None, ge=1, le=64, description="Video track of a clip or URL, from 1; empty: the first")
    pixel_format: Literal["auto", "MJPG", "YUYV", "GREY", "Y16"] = Field(
        "auto", description="V4L2 format; GREY or Y16 for most infrared cameras"
    )
    exposure: Literal["auto", "fixed"] = Field("auto", description="auto: the camera chooses; fixed: exposure_ms")
    exposure_ms: float | None = Field(None, ge=0.05, le=500, description="Exposure with fixed, milliseconds")
    gain: float | None = Field(None, ge=0, le=1000, description="Gain with fixed; empty: the camera chooses")
    rotate: Degrees = Field(0, description="Degrees by which the picture is turned clockwise")
    driver_side: Literal["auto", "left", "right"] = Field("auto", description="Half of the picture; auto: learned")
    lost_after_s: float = Field(0.5, ge=0.1, le=5, description="Seconds without a frame until the camera is lost")

    @model_validator(mode="after")
    def _exposure_is_complete(self) -> CameraConfig:
        if self.exposure == "auto" and (self.exposure_ms, self.gain) != (None, None):
            raise ValueError("exposure_ms and gain need exposure: fixed; set it, or remove them")
        if self.exposure == "fixed" and self.exposure_ms is None:
            raise ValueError("exposure: fixed needs exposure_ms, such as 10")
        if self.exposure_ms is not None and self.exposure_ms > 1000 / self.fps:
            longest = f"{1000 / self.fps:.1f}"
            raise ValueError(
                f"exposure_ms is {self.exposure_ms:g}; at {self.fps:g} frames a second use at most {longest}"
            )
        return self


class FaceConfig(Section):
    """How the face is found and followed."""

    detector: str = Field("auto", description="auto: our net; hog: dlib's HOG detector; or a YuNet .onnx file")
    search_hz: float = Field(10.0, ge=1, le=60, description="Searches per second while there is no face")

    @field_validator("detector")
    @classmethod
    def _detector(cls, name: str) -> str:
        if name not in ("auto", "hog") and not name.endswith(".onnx"):
            raise ValueError(f"expected auto, hog or the path of a YuNet .onnx file, found '{name:.60}'")
        return name


class EmotionConfig(Section):
    """Settings of the expression net. Persons concerned must be informed that it runs (EU AI Act, article 50(3))."""

    enabled: bool = Field(True, description="False: no expression is computed at all")
    safety_purpose: Annotated[str, StringConstraints(strip_whitespace=True, min_length=20)] | None = Field(
        None, description="Its safety purpose, in words; without it a workplace profile computes no expression"
    )
    rate_hz: float = Field(4.0, ge=1, le=30, description="Most readings of the face per second, on average")


class ObjectsConfig(Section):
    """Settings of the objects net: telephone at the ear, hand on the face, object at the mouth, mask."""

    enabled: bool = Field(True, description="False: nobody looks for them, and they stay unknown")


class ModelsConfig(Section):
    """Model files."""

    folder: Folder = Field(None, description="Folder with our models; empty: those that come with the program")
    threads: int = Field(1, ge=1, le=8, description="Threads that one model may use")


class VehicleConfig(Section):
    """The vehicle that the alerts are about."""

    id: str = Field("vehicle", min_length=1, max_length=64, pattern=r"^[\w.:-]+$", description="Name in every alert")
    steering_wheel: Literal["left", "right"] = Field("left", description="Driver's side of the car; places the mirrors")
    input: Annotated[str | None, AfterValidator(vehicle_address)] = Field(
        None, description="Source of the speed: ZeroMQ on this machine (tcp://127.0.0.1:5557, ipc://), or can:can0"
    )


def _bind(bind: str, info: ValidationInfo) -> str:
    return bind_setting(bind, keys=info.data.get("keys") is not None)


class ZmqConfig(Section):
    """The ZeroMQ publisher."""

    enabled: bool = True
    # Before `bind`, whose check needs it.
    keys: Folder = Field(None, description="Folder of `driver-monitor keys`; only with a bind that others can reach")
    bind: Annotated[str, AfterValidator(_bind)] = Field(
        AUTO, description="auto, tcp:// on loopback or ipc://; with keys also an address that others can reach"
    )
    state_hz: float = Field(5.0, ge=0.2, le=60, description="State messages per second")
    send_queue: int = Field(100, ge=10, le=10_000, description="Messages kept for a slow subscriber")

    @property
    def beyond_this_machine(self) -> bool:
        """Whether other computers can receive messages: with keys, and at `bind`. The driver then counts as at work."""
        return self.enabled and is_beyond_this_machine(self.bind)

    @property
    def local_bind(self) -> str:
        """The address for programs on this machine: `bind`, unless that is the one for other computers."""
        return AUTO if is_beyond_this_machine(self.bind) else self.bind

    @model_validator(mode="after")
    def _keys_are_used(self) -> ZmqConfig:
        if self.keys is not None and not is_beyond_this_machine(self.bind):
            raise ValueError(
                f"keys are for a bind that other computers can reach, found {self.bind:.60}; "
                "set bind to tcp://0.0.0.0:5556, or remove keys"
            )
        return self


class GpioConfig(Section):
    """Buzzer, LED and button."""

    backend: Literal["auto", "gpiozero", "gpiod", "mock", "off"] = Field("auto", description="auto: pins if any")
    chip: str = Field(pins.CHIP, min_length=1, description="GPIO chip of gpiod: its device, or its label")
    buzzer_pin: Pin = Field(pins.BUZZER, description="BCM number, or with gpiod offset or name; empty for none")
    led_pin: Pin = Field(pins.LED, description="BCM number, or with gpiod offset or name; empty for none")
    button_pin: Pin = Field(None, description="As above, of the driver's button to ground; empty for none")
    active_high: bool = Field(True, description="False for relays and LEDs that switch to ground")
    max_buzz_s: float = Field(30.0, ge=1, le=600, description="Seconds after which a continuous buzzer is silenced")
    infrared_pin: Pin = Field(None, description="As above, of the switch of an infrared lamp; empty for none")

    @model_validator(mode="before")
    @classmethod
    def _no_default_lines(cls, values: object) -> object:
        if isinstance(values, dict):
            return {**pins.without_defaults(values.get("backend")), **values}
        return values

    @model_validator(mode="after")
    def _different_pins(self) -> GpioConfig:
        if self.buzzer_pin is not None and self.buzzer_pin == self.led_pin:
            raise ValueError(f"buzzer_pin and led_pin are both {self.led_pin}; choose another pin for one of them")
        if self.button_pin is not None and self.button_pin in (self.buzzer_pin, self.led_pin):
            raise ValueError(f"button_pin {self.button_pin} is the pin of the buzzer or the LED; choose another pin")
        return self

    @model_validator(mode="after")
    def _own_pin_for_the_lamp(self) -> GpioConfig:
        if self.infrared_pin is not None and self.infrared_pin in (self.buzzer_pin, self.led_pin, self.button_pin):
            raise ValueError(f"infrared_pin {self.infrared_pin} is the pin of another part; choose another pin")
        return self


class OutputsConfig(Section):
    """Further outputs: the signal to the car, and a loudspeaker."""

    vehicle: Annotated[str | None, AfterValidator(signal_address)] = Field(
        None, description="Where the car is told how the driver is: zmq (topic vehicle/dms), or can:can0 and zmq"
    )
    vss: Annotated[str | None, AfterValidator(vss_address)] = Field(
        None, description="Where other programs get VSS values: zmq (topic vehicle/vss), or kuksa://127.0.0.1:55555"
    )
    # 0 has the highest priority on the bus; from 0x700 on lie the identifiers of diagnostics (ISO 15765-4).
    can_id: int = Field(1488, ge=1, le=0x6FF, description="Identifier of its CAN frame, 11 bits, free on this bus")
    sound: Annotated[str | None, AfterValidator(sound_device)] = Field(
        None, description="Loudspeaker: auto, or an ALSA device such as plughw:1,0; empty: none"
    )
    sound_words: bool = Field(True, description="Words after the chime that tell the driver what to do; false: none")


class ServiceConfig(Section):
    """The daemon itself."""

    state_dir: Folder = Field(None, description="Folder for the last alert number; empty: systemd's, or the user's")
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class Config(Section):
    """The whole configuration."""

    locked: bool = Field(False, description="True, in the system-wide file only: no other setting is used")
    profile: str = Field("default", min_length=1, description="Name of a shipped profile, or path of your own")
    camera: CameraConfig = CameraConfig()
    face: FaceConfig = FaceConfig()
    emotion: EmotionConfig = EmotionConfig()
    objects: ObjectsConfig = ObjectsConfig()
    models: ModelsConfig = ModelsConfig()
    vehicle: VehicleConfig = VehicleConfig()
    zmq: ZmqConfig = ZmqConfig()
    gpio: GpioConfig = GpioConfig()
    outputs: OutputsConfig = OutputsConfig()
    uplink: UplinkConfig = UplinkConfig()
    metrics: MetricsConfig = MetricsConfig()
    service: ServiceConfig = ServiceConfig()

    @property
    def operator(self) -> str | None:
        """What connects this car to an operator, in words; None: nothing does. With an operator it is a workplace."""
        if self.uplink.enabled:
            return "uplink.brokers is set"
        return f"zmq.bind {self.zmq.bind} is for other computers" if self.zmq.beyond_this_machine else None

    @model_validator(mode="before")
    @classmethod
    def _not_a_profile(cls, values: object) -> object:
        if isinstance(values, dict) and "rules" in values:
            raise _fault("this file is a profile, not a configuration; use --profile", "rules")
        return values

    @model_validator(mode="after")
    def _not_its_own_publisher(self) -> Config:
        if self.zmq.enabled and self.vehicle.input == publish_address(self.zmq.local_bind):
            raise _fault("this is zmq.bind, where the daemon itself publishes; use another address", "vehicle", "input")
        return self

    @model_validator(mode="after")
    def _signal_has_a_way(self) -> Config:
        if self.outputs.vehicle == "zmq" and not self.zmq.enabled:
            raise _fault("zmq needs zmq.enabled: true; or use a CAN channel, such as can:can0", "outputs", "vehicle")
        if self.outputs.vss == "zmq" and not self.zmq.enabled:
            raise _fault("zmq needs zmq.enabled: true; or use kuksa://127.0.0.1:55555", "outputs", "vss")
        return self


def _fault(reason: str, *loc: str) -> ValidationError:
    """Return an error at the key `loc`, for checks that see the whole configuration."""
    error = PydanticCustomError("value_error", "{reason}", {"reason": reason})
    details = InitErrorDetails(type=error, loc=loc, input=None)
    return ValidationError.from_exception_data("config", [details])


def load(path: Path | None) -> Config:
    """Read the configuration from `path`; None: the defaults that come with the program. Raises `ConfigError`."""
    return yaml_file.load(path or resources.path("config.yaml"), Config)


def digest(config: Config, profile_text: str) -> str:
    """Return a short hash of configuration and profile text. Each alert message holds the hash as `config`."""
    text = json.dumps(config.model_dump(mode="json"), sort_keys=True) + profile_text
    return hashlib.sha256(text.encode()).hexdigest()[:16]
