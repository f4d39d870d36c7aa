"""Dragging a slider in a real browser: pictures per second, and the time from a pointer move to the changed face.

The page reports each face it has painted with the time stamp of the input event that asked for it. Moves are sent to
the browser's own input pipeline as a mouse sends them, whether or not the page has answered the last one.
"""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from playwright.async_api import Browser, Page, async_playwright

from benchmarks.browsing import CHROMIUM, app, lab, pause, pulled, training, unpause

TIERS = ("browser", "server")
MOVES = 400
MOVE_SECONDS = 0.016
"""Between two moves: a mouse reports 60 to 125 times a second."""
LISTEN = """() => {
  window.drawn = []
  addEventListener("vaelab-drawn", (event) => window.drawn.push([event.detail.asked, event.detail.drawn]))
}"""


def measure(run_id: str, rounds: int) -> list[dict[str, Any]]:
    """Both ways to decode, idle and with a training beside it, in turns within one run of the server."""
    if CHROMIUM is None:
        return [{"what": "dragging in a browser", "refused": "no chromium on this machine"}]
    found = asyncio.run(_drags(run_id, rounds))
    return [
        {"what": f"dragging {run_id}, drawn by the {tier}, {beside}"} | summary(parts)
        for (tier, beside), parts in found.items()
    ]


def summary(parts: list[np.ndarray]) -> dict[str, Any]:
    """Figures of several drags, each (pictures, 2): when asked and when drawn, milliseconds."""
    latency = np.concatenate([part[:, 1] - part[:, 0] for part in parts])
    rates = [1e3 * (len(part) - 1) / (part[-1, 1] - part[0, 1]) for part in parts]
    return {
        "pictures_per_second": float(np.median(rates)),
        "move_to_picture_ms": float(np.median(latency)),
        "move_to_picture_p95_ms": float(np.quantile(latency, 0.95)),
        "num_pictures": len(latency),
        "rounds": len(parts),
    }


async def _drags(run_id: str, rounds: int) -> dict[tuple[str, str], list[np.ndarray]]:
    """Drags by who draws and what runs beside it."""
    found: dict[tuple[str, str], list[np.ndarray]] = {}
    with lab(run_id) as place, app(place) as server, training(place) as beside:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            address = f"{server.address}/?model={run_id}&from=prior&seed=3"
            pages = {tier: await open_page(browser, address, tier) for tier in TIERS}
            for _ in range(rounds):
                for tier, page in pages.items():
                    found.setdefault((tier, "training"), []).append(await drag(page))
                pause(place, beside)
                for tier, page in pages.items():
                    found.setdefault((tier, "idle"), []).append(await drag(page))
                unpause(place, beside)
            await browser.close()
    return found


async def open_page(browser: Browser, address: str, tier: str) -> Page:
    """Explore, its panel drawing by `tier`; without the runtime the panel stays with the server."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    if tier == "server":
        await page.route("**/decoder/runtime/**", lambda route: route.abort())
    await page.add_init_script(f"({LISTEN})()")
    await page.goto(address)
    await page.wait_for_selector(".panel input[type=range]", timeout=90_000)
    if tier == "browser":
        await page.wait_for_selector('.panel[data-tier="browser"]', timeout=90_000)
    await page.wait_for_timeout(2_000)
    return page


async def drag(page: Page) -> np.ndarray:
    """(pictures, 2) times of one drag, back and forth: asked and drawn, milliseconds."""
    await page.bring_to_front()
    box = await page.locator(".panel input[type=range]").first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    await page.mouse.move(box["x"] + box["width"] / 2, middle)
    await page.mouse.down()
    turns = 2 * np.pi * np.arange(MOVES) / 80
    places = [(box["x"] + box["width"] * (0.5 + 0.45 * float(np.sin(turn))), middle) for turn in turns]
    return await pulled(page, places, MOVE_SECONDS)
