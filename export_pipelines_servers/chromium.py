"""Debian's Chromium without a window, driven by Playwright."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

from export_pipelines_servers.packages import program

PATIENCE_MS = 60_000  # for what a page is expected to show, on a busy machine
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser: the program that CHROMIUM names, else Debian's, whose package is installed where it is missing. What is expected
    of its pages is waited for."""
    path = os.environ.get("CHROMIUM") or program("chromium", "chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()
