"""OpenCV uses one thread, unless the user wants more, and programs that the daemon starts do not inherit that."""

from __future__ import annotations

import os
from collections.abc import Iterator

import cv2
import pytest

from driver_monitor.app import build
from driver_monitor.app.build import OPENCV_THREADS, Request


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    yield
    cv2.setNumThreads(before)


@pytest.mark.parametrize(("variable", "threads"), [(None, 1), ("2", 2)])
def test_ok__perception_uses_one_thread_of_opencv_or_as_many_as_the_user_wants(
    variable: str | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(OPENCV_THREADS, raising=False)
    if variable is not None:
        monkeypatch.setenv(OPENCV_THREADS, variable)
    plan = build.load_plan(Request())
    build.build_perception(plan.config, build.load_models(plan.config))
    assert cv2.getNumThreads() == threads
    assert os.environ.get(OPENCV_THREADS) == variable
