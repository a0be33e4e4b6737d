"""Pages in a real browser.

A test fails if its page writes a warning or an error to the console, throws, or requests anything from the network.
"""

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
    "--proxy-server=127.0.0.1:9",  # nothing listens there
)


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Chromium, started once; without Chromium the test is skipped."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path  # where Playwright's own would be
        path = next(filter(None, map(shutil.which, NAMES)), own if Path(own).exists() else None)
        if path is None:
            stop = pytest.fail if os.environ.get(REQUIRED) else pytest.skip
            stop(f"{MISSING}; {MEND}")
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    """A blank, watched page of 1280 × 800."""
    with watched(browser) as blank:
        yield blank


@contextmanager
def watched(browser: "Browser", **options: Any) -> "Iterator[Page]":
    """A blank page with the options of `new_context`; AssertionError at the end if it misbehaved.

    A page misbehaves if it writes a warning or an error to the console, throws, or requests anything from the network.
    """
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options})
    page, problems = context.new_page(), []

    def on_request(request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:", "about:")):
            problems.append(f"requested {request.url}")

    def on_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            problems.append(f"console {message.type}: {message.text}")

    page.on("request", on_request)
    page.on("console", on_console)
    page.on("pageerror", lambda error: problems.append(f"threw {error}"))
    page.on("websocket", lambda socket: problems.append(f"opened a socket to {socket.url}"))
    context.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
    try:
        yield page
        page.wait_for_timeout(0)  # lets pending events arrive
    finally:
        context.close()
    assert not problems, "\n".join(problems)
