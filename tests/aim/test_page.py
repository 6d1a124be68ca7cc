"""The page in a real browser, on a laptop and on a phone: what an installer reads in each case."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.aim.live import LIMIT_S
from driver_monitor.config.schema import GpioConfig
from tests.aim.clips import clip
from tests.aim.stage import staged, watching_camera
from tests.conftest import PROGRAM
from tests.processes import PATIENCE_S, free_port

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra browser)")
LAPTOP, PHONE = (1280, 800), (390, 844)
LEAST_CONTRAST = 7.0
"""Ratio of the lightness of text and ground for good sight of everybody (WCAG 2.2, 1.4.6)."""


class Page:
    """An open page. `faults`: what its console says, and requests to other servers."""

    def __init__(self, browser: Any, address: str, size: tuple[int, int] = LAPTOP) -> None:
        self.faults: list[str] = []
        host = address.split("/")[2]
        self.tab = browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
        self.tab.on("console", lambda message: self.faults.append(message.text))
        self.tab.on("pageerror", lambda error: self.faults.append(str(error)))
        self.tab.on("request", lambda one: self.faults.extend([] if host in one.url else [one.url]))
        self.status = self.tab.goto(address, wait_until="load").status

    def until(self, selector: str, words: str) -> None:
        """Wait until the text of an element contains these words."""
        found = self.tab.locator(selector).filter(has_text=words)
        playwright.expect(found).to_be_visible(timeout=PATIENCE_S * 1000)

    def state(self, check: str) -> str:
        return str(self.tab.locator(f"li[data-name={check}]").get_attribute("data-state"))

    def words(self, check: str) -> str:
        return str(self.tab.inner_text(f"li[data-name={check}]"))

    def shoot(self, folder: Path, name: str) -> None:
        """Take a screenshot at both sizes. At each, nothing is wider than the screen, and the answer is in sight."""
        for kind, (width, height) in {"laptop": LAPTOP, "phone": PHONE}.items():
            self.tab.set_viewport_size({"width": width, "height": height})
            assert self.tab.evaluate("document.documentElement.scrollWidth") <= width
            answer = self.tab.locator("#headline").bounding_box()
            assert answer["y"] + answer["height"] <= height, "the answer is in sight without scrolling"
            assert self.contrast("#words") >= LEAST_CONTRAST
            assert self.contrast("#notice") >= LEAST_CONTRAST
            self.tab.screenshot(path=str(folder / f"{name}-{kind}.png"))

    def contrast(self, selector: str) -> float:
        colours = self.tab.eval_on_selector(
            selector,
            """element => {
                const text = getComputedStyle(element).color;
                let ground = "rgba(0, 0, 0, 0)";
                for (; ground === "rgba(0, 0, 0, 0)"; element = element.parentElement)
                    ground = getComputedStyle(element).backgroundColor;
                return [text, ground];
            }""",
        )
        lighter, darker = sorted(map(lightness, colours), reverse=True)
        return (lighter + 0.05) / (darker + 0.05)


def lightness(colour: str) -> float:
    """Return the relative luminance of `rgb(r, g, b)` (WCAG 2.2)."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@contextmanager
def opened(browser: Any, name: str, folder: Path, camera: str = "{}") -> Iterator[Page]:
    """A page with the clip of this name behind it. At its end the console has said nothing."""
    with staged(time.monotonic) as stage, watching_camera(stage, str(clip(name, folder)), folder, camera):
        page = Page(browser, stage.address)
        yield page
        page.tab.close()
        assert page.faults == []


def test_ok__good_is_said_in_words_and_green(browser: Any, tmp_path: Path) -> None:
    with opened(browser, "good", tmp_path) as page:
        page.until("#title", "Good")
        assert page.tab.get_attribute("#headline", "class") == "good"
        assert page.tab.inner_text("#title").startswith("✓"), "not by the colour alone"
        page.until("#time", "Ends in 14:")
        page.shoot(tmp_path, "good")
        assert "token" not in page.tab.url


def test_ok__a_driver_who_is_too_far_away_is_told_to_move_the_camera_closer(browser: Any, tmp_path: Path) -> None:
    with opened(browser, "too_far", tmp_path) as page:
        page.until("#title", "Distance")
        page.until("#words", "Move the camera closer")
        assert page.tab.inner_text("#title").startswith("✗")
        page.shoot(tmp_path, "too_far")


def test_ok__a_face_that_is_too_dark_asks_for_light(browser: Any, tmp_path: Path) -> None:
    with opened(browser, "too_dark", tmp_path) as page:
        page.until("#title", "Light")
        page.until("#words", "too dark")
        page.shoot(tmp_path, "too_dark")


def test_ok__a_camera_at_the_side_is_told_where_to_go(browser: Any, tmp_path: Path) -> None:
    with opened(browser, "turned", tmp_path) as page:
        page.until("#title", "Side")
        page.until("#words", "Move the camera to the driver's left")
        page.shoot(tmp_path, "turned")


def test_ok__a_camera_that_hangs_upside_down_is_told_with_its_setting(browser: Any, tmp_path: Path) -> None:
    with opened(browser, "upside_down", tmp_path) as page:
        page.until("#words", "camera.rotate: 180")
        page.shoot(tmp_path, "upside_down")


def test_ok__an_empty_seat_asks_for_the_driver(browser: Any, tmp_path: Path) -> None:
    with opened(browser, "no_face", tmp_path) as page:
        page.until("#title", "Face")
        page.until("#words", "No face is found")
        assert page.state("distance") == "unknown"
        page.shoot(tmp_path, "no_face")


def test_ok__two_faces_ask_for_the_drivers_half_and_once_it_is_set_all_is_good(browser: Any, tmp_path: Path) -> None:
    with opened(browser, "two_faces", tmp_path) as page:
        page.until("#title", "Driver's half")
        page.until("#words", "camera.driver_side: right")
        page.shoot(tmp_path, "two_faces")
    with opened(browser, "two_faces", tmp_path, "{driver_side: right}") as page:
        page.until("#title", "Good")
        assert "right half" in page.words("driver")


def test_ok__the_night_check_asks_for_darkness_by_day_and_finds_the_lamp_at_night(browser: Any, tmp_path: Path) -> None:
    with opened(browser, "good", tmp_path) as page:
        page.tab.click("#night")
        page.until("#words", "Make the car dark")
        page.tab.click("#night")
        page.until("#title", "Good")
    with opened(browser, "night", tmp_path) as page:
        page.tab.click("#night")
        page.until("#words", "lamp lights the face well")
        assert page.tab.get_attribute("#headline", "class") == "good"
        page.shoot(tmp_path, "night")


def test_ok__a_camera_that_is_lost_is_told_and_comes_again(browser: Any, tmp_path: Path) -> None:
    port = free_port()
    source = f"http://127.0.0.1:{port}/"
    with staged(time.monotonic) as stage, streaming(port), watching_camera(stage, source, tmp_path):
        page = Page(browser, stage.address)
        page.until("#title", "Good")
    with staged(time.monotonic) as stage, watching_camera(stage, source, tmp_path):
        page = Page(browser, stage.address)
        page.until("#title", "Picture")
        page.until("#words", "There is no picture from the camera")
        page.shoot(tmp_path, "camera_lost")
        with streaming(port):
            page.until("#title", "Good")
        page.until("#words", "There is no picture from the camera")
        assert page.faults == []


@contextmanager
def streaming(port: int) -> Iterator[None]:
    """A network camera as a program of its own; at the end it is unplugged."""
    camera = subprocess.Popen([sys.executable, "-m", "tools.system.mjpeg_camera", str(port)])
    try:
        end = time.monotonic() + PATIENCE_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < end
        yield
    finally:
        camera.kill()
        camera.wait()


def test_fail__a_wrong_token_is_a_plain_refusal(browser: Any, tmp_path: Path) -> None:
    with staged() as stage:
        for address in (f"http://{stage.host}/", f"http://{stage.host}/?token=wrong"):
            page = Page(browser, address)
            assert page.status == 403
            assert "No access" in page.tab.inner_text("body")
            page.tab.screenshot(path=str(tmp_path / "refused.png"))


def test_ok__the_page_ends_after_its_time_and_says_so(browser: Any, tmp_path: Path) -> None:
    with staged(time.monotonic) as stage, watching_camera(stage, str(clip("good", tmp_path)), tmp_path):
        running = threading.Thread(target=stage.server.run, args=(lambda: None, 0.01))
        running.start()
        page = Page(browser, stage.address)
        page.until("#title", "Good")
        stage.clock.skipped_s = LIMIT_S - 45
        page.until("#time", "soon")
        stage.clock.skipped_s = LIMIT_S
        page.until("#title", "Ended")
        page.until("#words", "The 15 minutes are over")
        page.until("#notice", "None was stored")
        running.join(PATIENCE_S)
        pixels = page.tab.evaluate("new Set(picture.getContext('2d').getImageData(0, 0, 640, 400).data).size")
        assert pixels == 2, "the last picture is gone"
        page.shoot(tmp_path, "ended")
        assert page.tab.is_disabled("#beep")


def test_ok__a_page_whose_server_was_killed_says_so(browser: Any, tmp_path: Path) -> None:
    command = [*PROGRAM, "aim", "--source", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        address = program.stdout.readline().split()[-1]
        page = Page(browser, address)
        page.until("#title", "Good")
        program.kill()
        page.until("#title", "No connection")
        assert page.tab.locator("#checks li").count() == 0, "nothing old looks good"
        page.shoot(tmp_path, "no_connection")


def test_ok__the_button_says_what_the_buzzer_does(browser: Any, tmp_path: Path) -> None:
    with staged(config=GpioConfig(backend="mock")) as stage:
        page = Page(browser, stage.address, PHONE)
        page.tab.click("#beep")
        page.until("#told", "The buzzer sounds three times")
    with staged() as stage:
        page = Page(browser, stage.address, PHONE)
        page.tab.click("#beep")
        page.until("#told", "No buzzer is used here")


def test_ok__all_can_be_used_by_touch_and_by_keyboard(browser: Any) -> None:
    with staged() as stage:
        page = Page(browser, stage.address, PHONE)
        for button in ("#night", "#beep"):
            box = page.tab.locator(button).bounding_box()
            assert min(box["width"], box["height"]) >= 44, "a finger hits it (WCAG 2.2, 2.5.5)"
        page.tab.keyboard.press("Tab")
        page.tab.keyboard.press("Enter")
        assert page.tab.get_attribute("#night", "aria-pressed") == "true"
