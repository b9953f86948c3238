"""Debian's Chromium, driven by Playwright: a new profile for every page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

DESKTOP = (1440, 900)
PHONE = (390, 844)

_FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No GPU on a test machine: WebGL is drawn by the processor.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


@contextmanager
def run_browser() -> Iterator[Browser]:
    """A browser; fails the test where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.fail("Chromium is not installed: `apt-get install chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_context(
    browser: Browser, size: tuple[int, int] = DESKTOP, is_touch: bool = False
) -> Iterator[BrowserContext]:
    """A profile of its own: no cookie, no store of another test."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        has_touch=is_touch,
        is_mobile=is_touch,
        locale="en-GB",
        timezone_id="UTC",
    )
    context.set_default_timeout(30_000)
    try:
        yield context
    finally:
        context.close()


def sign_in(page: Page, url: str, user: str, password: str) -> None:
    """Open the application and sign in by its form; returns when the worklist is there."""
    page.goto(url)
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.locator("ov-worklist").wait_for()


def save_picture(page: Page, folder: Path, name: str) -> Path:
    """A screenshot, for people to look at."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    page.screenshot(path=str(path))
    return path
