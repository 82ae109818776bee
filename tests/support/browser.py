"""A real browser: Chromium of the machine, driven by Playwright, which sees no host but the loopback's."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

# Each window would load the address bar's suggestions, two pages of Chromium's own that take more time than ours do.
SUGGESTIONS = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup")
# Of two such options the later one counts, so what Playwright turns off is turned off here as well.
PLAYWRIGHTS = (
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "LensOverlay", "MediaRouter"),
    *("HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "PaintHolding", "ThirdPartyStoragePartitioning"),
    *("AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled"),
    "PreconnectToSearch",
)
NAMES = ("chromium", "chromium-browser", "google-chrome")
# As root there is no sandbox; and whatever a browser asks for by itself would be taken for what the page asks for.
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
async def running_browser(*arguments: str) -> AsyncIterator[Browser]:
    """Run a browser, with more arguments where given. Without one on the machine a test is skipped, but where
    everything has to be checked it fails."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        reason = "no Chromium here: what a browser sees goes unchecked"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=(*ARGUMENTS, *arguments))
        try:
            yield browser
        finally:
            await browser.close()
