"""A browser for the HTML reports: the one that is installed. Nothing is downloaded, and only loopback is reached."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

from browser import Watched

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(
            "no chromium is installed, which shows the HTML reports (Debian: apt-get install chromium)"
        )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=found,
            args=["--no-sandbox", "--disable-gpu", "--font-render-hinting=none", "--disable-dev-shm-usage"],
        )
        yield started
        started.close()


@contextmanager
def _watched(browser: Browser, scheme: str, width: int, height: int) -> Iterator[Watched]:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
        service_workers="block",
    )
    yield Watched(context.new_page())
    context.close()


@pytest.fixture
def desktop(browser: Browser) -> Iterator[Watched]:
    with _watched(browser, "light", 1280, 900) as watched:
        yield watched


@pytest.fixture
def phone(browser: Browser) -> Iterator[Watched]:
    with _watched(browser, "dark", 390, 844) as watched:
        yield watched
