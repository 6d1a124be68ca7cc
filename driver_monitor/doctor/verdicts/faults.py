"""The table of faults: what `doctor` can find, and what to do about each. `docs/doctor.md` shows it to people."""

from __future__ import annotations

from typing import Literal, NamedTuple

from driver_monitor.doctor.verdicts.uplink.faults import UPLINK_FAULTS

CHECKS = {
    "packages": "Python, the processor and the packages that the program needs",
    "configuration": "the configuration file, its profile and its lock",
    "service": "what systemd says of the service",
    "daemon": "whether a daemon runs and publishes, or could",
    "models": "the files of the nets and their hashes",
    "permissions": "devices, groups and users",
    "camera": "camera, format, size, and the frame rate that it reaches",
    "light": "what the camera sees: light, face, lens",
    "speed": "time of each net and of the whole loop on this computer",
    "pins": "buzzer and LED",
    "sound": "the loudspeaker",
    "clock": "the time of day",
    "heat": "temperature and supply voltage",
    "disk": "the folder for alert numbers: space, writable, kind of disk",
    "vehicle": "speed from the car, and the signal to the car",
    "uplink": "certificate and broker of the fleet's operator, and the alerts that wait for it",
}
"""The checks in the order of the report, and what each looks at."""


class Fault(NamedTuple):
    """A fault. `found`, `remedy`: texts with names in braces. "fault": the daemon cannot do its job until mended."""

    state: Literal["warning", "fault"]
    found: str
    remedy: str


FAULTS: dict[str, Fault] = {
    "packages.broken": Fault(
        "fault",
        "{package} cannot be imported: {reason}",
        "install driver-monitor again, as it was installed (docs/install.md)",
    ),
    "packages.processor": Fault(
        "fault",
        "{package} ends the program ({signal}) on this processor, {machine}",
        "use a 64-bit system on a processor that {package} supports (docs/install.md), and reinstall driver-monitor",
    ),
    "packages.python": Fault(
        "fault",
        "Python {version} is too old",
        "use Python 3.10 or newer: Debian 12, Ubuntu 22.04, Raspberry Pi OS bookworm, JetPack 6",
    ),
    "packages.bits": Fault(
        "fault",
        "Python is a 32-bit program ({machine})",
        "install a 64-bit system: the packages are not made for 32 bits",
    ),
    "configuration.wrong": Fault("fault", "{fault}", "{advice}; then `driver-monitor config check {file}`"),
    "configuration.other": Fault(
        "warning",
        "the running daemon uses another configuration than {file}",
        "`sudo systemctl reload driver-monitor`, or stop the daemon that was started by hand",
    ),
    "configuration.not_in_use": Fault(
        "fault",
        "the running daemon does not use the file: {fault}",
        "mend {file}, then `sudo systemctl reload driver-monitor`",
    ),
    "configuration.lock_open": Fault(
        "warning",
        "{path} is locked, but belongs to {owner} with mode {mode}: others than root can change it",
        "`sudo chown root:root {path}` and `sudo chmod {wanted} {path}`",
    ),
    "configuration.recording": Fault(
        "warning",
        "camera.source is {source}: a recording, so nobody is watched",
        "set camera.source to the camera; `driver-monitor cameras` lists them",
    ),
    "service.failed": Fault(
        "fault",
        "the service has failed: {result}",
        "`journalctl -u driver-monitor -n 30` says why; then `sudo systemctl restart driver-monitor`",
    ),
    "service.restarting": Fault(
        "fault",
        "the service ends and is started again, {restarts} times so far: {result}",
        "`journalctl -u driver-monitor -n 30` says why it ends",
    ),
    "service.restarted": Fault(
        "warning",
        "the service runs, but was started again {restarts} times since the computer started",
        "`journalctl -u driver-monitor` says why it ended; report it if it is no fault of the computer",
    ),
    "service.stopped": Fault(
        "warning",
        "the service is installed, but does not run",
        "`sudo systemctl start driver-monitor`",
    ),
    "service.disabled": Fault(
        "warning",
        "the service does not start with the computer ({enabled})",
        "`sudo systemctl enable driver-monitor`",
    ),
    "service.unit": Fault(
        "fault",
        "systemd cannot read the unit of the service ({load})",
        "install the unit again (docs/install.md), then `sudo systemctl daemon-reload`",
    ),
    "daemon.taken": Fault(
        "fault",
        "{address} is in use by another program, which is not a daemon",
        "stop that program, or set zmq.bind to another address",
    ),
    "daemon.cannot_bind": Fault("fault", "{fault}", "{advice}"),
    "daemon.keys": Fault(
        "warning",
        "the running daemon lets no client of another computer in: the folder zmq.keys cannot be used",
        "`sudo driver-monitor keys list` says why (docs/fleet-curve.md)",
    ),
    "daemon.silent": Fault(
        "fault",
        "the service runs, but sends no status at {address}",
        "`journalctl -u driver-monitor -n 30` says why; then `sudo systemctl restart driver-monitor`",
    ),
    "models.wrong": Fault("fault", "{fault}", "{advice}"),
    "models.no_objects": Fault(
        "warning",
        "{folder} has no objects.onnx: telephone, hand and mask stay unknown",
        "copy it from the models of driver-monitor, with its lines of manifest.yaml if there is one in this folder, or "
        "set objects.enabled: false",
    ),
    "permissions.device": Fault(
        "fault",
        "this user may not open {device}, which belongs to the group {group}",
        "`sudo usermod -aG {group} $USER`, then log in again",
    ),
    "permissions.log_in": Fault(
        "fault",
        "this user is in the group {group}, but was not yet when it logged in: it may not open {device}",
        "log out and in again, or restart the computer",
    ),
    "permissions.service": Fault(
        "fault",
        "the service may not open {device}: it belongs to {owner}:{group} with mode {mode}",
        "install systemd/driver-monitor.rules as /etc/udev/rules.d/60-driver-monitor.rules (docs/install.md), "
        "restart the computer",
    ),
    "permissions.user": Fault(
        "fault",
        "the service is installed, but its user {user} does not exist",
        "`sudo systemd-sysusers` (docs/install.md), then `sudo systemctl restart driver-monitor`",
    ),
    "camera.absent": Fault("fault", "{fault}", "{advice}; `driver-monitor cameras` lists the cameras"),
    "camera.no_pictures": Fault("fault", "{fault}", "{advice}; `driver-monitor cameras` lists the cameras"),
    "camera.ended": Fault(
        "fault",
        "{name} ended after {frames} pictures",
        "check the camera, its power and, of a stream, its sender",
    ),
    "camera.slow": Fault(
        "warning",
        "{name} gives {rate:.1f} pictures a second, {wanted:g} are asked for",
        "light the scene (many cameras expose longer in the dark), use a USB 3 port or pixel_format: MJPG, or lower "
        "camera.fps",
    ),
    "camera.too_slow": Fault(
        "fault",
        "{name} gives {rate:.1f} pictures a second; {least:g} are needed to judge closed eyes",
        "light the scene, use another USB port or cable, a smaller camera.width and camera.height, or another camera",
    ),
    "camera.damaged": Fault(
        "warning",
        "{damaged} of {frames} pictures of {name} are damaged",
        "use a shorter or better cable, another USB port, or a stronger power supply",
    ),
    "camera.lost": Fault(
        "fault",
        "the running daemon has lost {name}{why}",
        "{advice}; `driver-monitor cameras` lists the cameras",
    ),
    "light.bad": Fault("fault", "{fault}", "{advice}"),
    "light.poor": Fault("warning", "{fault}", "{advice}"),
    "speed.slow": Fault(
        "warning",
        "one frame takes {loop_ms:.1f} ms, {share:.0%} of the time between two frames at {fps:.3g} a second: "
        "frames are dropped",
        "set camera.fps to {possible:.0f}, stop other programs, or switch expressions off (emotion.enabled: false)",
    ),
    "speed.too_slow": Fault(
        "fault",
        "one frame takes {loop_ms:.1f} ms: only {possible:.1f} a second; {least:g} are needed to judge closed eyes",
        "stop other programs, cool the computer, or use a faster one (a Raspberry Pi 4 or better)",
    ),
    "speed.drops": Fault(
        "warning",
        "the running daemon drops {share:.0%} of the camera's pictures",
        "lower camera.fps, stop other programs, or switch expressions off (emotion.enabled: false)",
    ),
    "speed.failed": Fault("fault", "the nets cannot be run: {fault}", "{advice}"),
    "pins.cannot_open": Fault("fault", "{fault}", "{advice}"),
    "pins.busy": Fault(
        "fault",
        "{fault}",
        "stop the other program that uses the pin, or choose another pin under gpio",
    ),
    "pins.faults": Fault(
        "fault",
        "the running daemon could not set a pin {count} times",
        "check the wiring of buzzer and LED; `journalctl -u driver-monitor` has the first error",
    ),
    "pins.none": Fault(
        "warning",
        "no buzzer, no LED (gpio.backend: {backend}) and no loudspeaker: nothing warns the driver",
        "connect a buzzer and set gpio (docs/install.md), or set outputs.sound: auto",
    ),
    "sound.cannot_play": Fault("fault", "{fault}", "{advice}"),
    "sound.faults": Fault(
        "fault",
        "the running daemon could not play {count} sounds on {device}",
        "check the sound card and its cable; `journalctl -u driver-monitor` has the first error",
    ),
    "clock.year": Fault(
        "warning",
        "the clock says {time}: it was never set",
        "connect the computer to a network once, or fit a battery clock; alerts have wrong times until then",
    ),
    "clock.unsynchronised": Fault(
        "warning",
        "{time}; nothing has set the clock since the start",
        "connect the computer to a network once, or `sudo timedatectl set-ntp true`; alerts say that the time is "
        "unsure until then",
    ),
    "heat.hot": Fault(
        "warning",
        "{celsius:.0f} degrees Celsius: the processor is slowed down from about {limit:.0f}",
        "shade and ventilate the computer, or fit a heat sink or a fan",
    ),
    "heat.given_up": Fault(
        "warning",
        "the running daemon has given up {what}, because the computer is too hot or its supply too weak",
        "shade and ventilate the computer, or fit a heat sink or a fan, and check its power supply",
    ),
    "heat.throttled": Fault(
        "warning",
        "the processor is slowed down, because of heat or a weak supply",
        "shade and ventilate the computer, or fit a heat sink or a fan",
    ),
    "heat.voltage": Fault(
        "warning",
        "the supply voltage is too low",
        "use {supply}",
    ),
    "heat.voltage_before": Fault(
        "warning",
        "the supply voltage was too low since the computer started",
        "use {supply}",
    ),
    "disk.read_only": Fault(
        "warning",
        "{folder} is on a disk that is mounted read-only: alert numbers are not kept",
        "mount it for writing, or set service.state_dir to a folder on another disk; if it became read-only by itself, "
        "the SD card is failing: exchange it",
    ),
    "disk.full": Fault(
        "warning",
        "{folder}: the disk is full ({free}): alert numbers are not kept",
        "delete what is not needed, for example `sudo journalctl --vacuum-size=100M`",
    ),
    "disk.low": Fault(
        "warning",
        "{folder}: only {free} are free",
        "delete what is not needed, for example `sudo journalctl --vacuum-size=100M`",
    ),
    "disk.not_writable": Fault(
        "warning",
        "{folder} cannot be written: {reason}",
        "give the folder to the user of the daemon (`sudo chown -R driver-monitor: {folder}` for the service), or set "
        "service.state_dir",
    ),
    "disk.worn": Fault(
        "warning",
        "the flash memory of this computer reports the end of its life",
        "save the configuration and exchange the memory or the computer",
    ),
    "vehicle.no_interface": Fault(
        "warning",
        "{key}: there is no CAN interface {channel}",
        "check the CAN adapter and its driver; `ip link` lists the interfaces (docs/install.md, speed over CAN)",
    ),
    "vehicle.down": Fault(
        "warning",
        "{key}: the CAN interface {channel} is down",
        "`sudo ip link set {channel} up type can bitrate 500000`, or networkd (docs/install.md, speed over CAN)",
    ),
    "vehicle.no_package": Fault(
        "fault",
        "{key} needs the package python-can, which cannot be imported",
        "install the extra `can` (docs/install.md, speed over CAN)",
    ),
    "vehicle.silent": Fault(
        "warning",
        "{key}: no value has come from {address}",
        "start the program that sends the speed, or check that it publishes at {address}",
    ),
}
"""Each fault by its name: check, a dot, and a word. Names and states are for scripts: they stay."""

HANGS = Fault(
    "fault",
    "no answer within {limit:g} s",
    "restart the computer; if it hangs again, exchange the camera, disk or adapter that this check looks at",
)
"""Of any check whose device or program does not answer."""
BUG = Fault("fault", "the check failed: {error}", "this is a bug: please report it with this line")
"""Of any check that fails itself."""
FAULTS |= {name: Fault(*texts) for name, texts in UPLINK_FAULTS.items()}
FAULTS |= {f"{check}.{name}": fault for check in CHECKS for name, fault in (("hangs", HANGS), ("bug", BUG))}
