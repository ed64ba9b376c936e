"""Debian's Chromium, and pages that tell whatever went wrong in them."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
MISSING = f"{CHROMIUM} is not there: apt-get install chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
WAIT_MILLISECONDS = 20_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window; the test is skipped where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(MISSING)
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'"
    )
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched_page(
    browser: Browser,
    url: str,
    *,
    allowed: tuple[str, ...] = (),
    start: str = "/",
    **context: Any,  # noqa: ANN401  as Playwright has them
) -> Iterator[Page]:
    """A page at `start` below `url`; at the end, nothing may have gone wrong in it.

    That is: no error in its console or of its scripts, but for those that hold one of the
    `allowed` texts, and no request to anybody else.
    """
    wrong: list[str] = []
    opened = browser.new_context(base_url=url, **context)
    opened.set_default_timeout(WAIT_MILLISECONDS)
    page = opened.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("request", lambda asked: None if _is_own(asked.url, url) else wrong.append(asked.url))
    try:
        page.goto(start)
        yield page
    finally:
        opened.close()
    assert [text for text in wrong if not any(part in text for part in allowed)] == []


def violations(page: Page) -> list[tuple[str, str]]:
    """Rules of axe that the page breaks as it is now, each with the first element that does."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    results = axe.run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in results]


def _is_own(url: str, base: str) -> bool:
    return url.startswith((base, f"blob:{base}", "data:"))
