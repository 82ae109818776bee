"""A real browser, the machine's Chromium, which Playwright drives and which can reach loopback addresses only."""

import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

# Otherwise each window loads the address bar's suggestions, two Chromium pages that take longer than the tested ones.
SUGGESTIONS = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup")
# Chromium uses only the last such option, so this repeats what Playwright disables.
PLAYWRIGHTS = (
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "LensOverlay", "MediaRouter"),
    *("HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "PaintHolding", "ThirdPartyStoragePartitioning"),
    *("AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled"),
    "PreconnectToSearch",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Without what surrounds a page, it takes three quarters of the time. It restores no page that was left.
ANY_SHELL = ("chromium-headless-shell", *BROWSERS)
# There is no sandbox for root. Requests that the browser makes by itself would look like the page's.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join((*PLAYWRIGHTS, *SUGGESTIONS))}",
)


@asynccontextmanager
async def running_browser(
    *arguments: str, without: Sequence[str] = (), programs: Sequence[str] = ANY_SHELL
) -> AsyncIterator[Browser]:
    """Run the first of these programs that is installed, optionally with more arguments, and without some of
    Playwright's own. If there is none, skip the test, or fail it where nothing may be skipped."""
    program = next(filter(None, map(shutil.which, programs)), None)
    if program is None:
        reason = "no Chromium here: what a browser sees goes unchecked"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=(*ARGUMENTS, *arguments), ignore_default_args=[*without]
        )
        try:
            yield browser
        finally:
            await browser.close()
