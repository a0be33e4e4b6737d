"""Pages in a real browser: whatever a page writes to the console, throws, or asks the network for fails its test."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REQUIRED = "TACITURN_REQUIRE_BROWSER"  # set, a missing browser is a failure: CI does
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = "no Chromium or Chrome found"
MEND = "apt-get install chromium, or .venv/bin/playwright install chromium"
FLAGS = (
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--proxy-server=127.0.0.1:9",  # nobody listens there
)


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Chromium, started once; where there is none, the test is skipped."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path  # where Playwright's own would be
        path = next(filter(None, map(shutil.which, NAMES)), own if Path(own).exists() else None)
        if path is None:
            stop = pytest.fail if os.environ.get(REQUIRED) else pytest.skip
            stop(f"{MISSING}; {MEND}")
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    """A blank page of 1280 × 800 that is watched."""
    with watched(browser) as fresh:
        yield fresh


@contextmanager
def watched(browser: "Browser", **options: Any) -> "Iterator[Page]":
    """A fresh page, by the options of `new_context`; at the end, AssertionError if it said or asked for anything."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options})
    page, wrong = context.new_page(), []

    def asked(request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:", "about:")):
            wrong.append(f"asked the network for {request.url}")

    def said(message: Any) -> None:
        if message.type in ("error", "warning"):
            wrong.append(f"console {message.type}: {message.text}")

    page.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: wrong.append(f"threw {error}"))
    page.on("websocket", lambda socket: wrong.append(f"opened a socket to {socket.url}"))
    context.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
    try:
        yield page
        page.wait_for_timeout(0)  # what has happened is reported before the page is judged
    finally:
        context.close()
    assert not wrong, "\n".join(wrong)
