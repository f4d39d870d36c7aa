"""Training and watching beside each other: how fast pages answer, and how much the watching costs the training.

Response is the time from a slider's release to the address that Python writes for it (a rerun of the fragment, the
side effects measured anew), and from a click in the navigation to the other page's title. Idle and training take turns
on one server; so do a training alone and one with two browsers on its live view.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.browsing import CHROMIUM, app, lab, pause, training, unpause
from vaelab.runs.store import Run

MOVES, CHANGES = 24, 8
"""MOVES is even: each move ends where the last one did not, so each writes another address."""
TRAINED_SECONDS = 25.0


def measure(rounds: int) -> dict[str, Any]:
    """Response ratios and the share of its speed that a watched training keeps."""
    if CHROMIUM is None:
        return {"what": "training and watching", "refused": "no chromium on this machine"}
    moves: dict[str, list[float]] = {"idle": [], "training": []}
    changes: dict[str, list[float]] = {"idle": [], "training": []}
    speeds: dict[str, list[float]] = {"alone": [], "watched": []}
    with lab("face-vae") as place, app(place) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        explore = open_explore(browser, server.address)
        with training(place) as run:
            for _ in range(rounds):
                moves["training"] += slider_times(explore)
                changes["training"] += page_times(explore)
                pause(place, run)
                moves["idle"] += slider_times(explore)
                changes["idle"] += page_times(explore)
                unpause(place, run)
                speeds["alone"].append(images_per_second(run))
                watchers = [open_live(browser, server.address, run.id) for _ in range(2)]
                speeds["watched"].append(images_per_second(run))
                for watcher in watchers:
                    watcher.close()
        browser.close()
    return {
        "what": "training and watching beside each other",
        **p95("slider", moves),
        **p95("page_change", changes),
        "images_per_second_alone": float(np.median(speeds["alone"])),
        "watched_of_alone": float(np.median(speeds["watched"]) / np.median(speeds["alone"])),
        "rounds": rounds,
    }


def p95(what: str, times: dict[str, list[float]]) -> dict[str, float]:
    """95th percentiles, idle and with a training, in milliseconds, and their ratio."""
    idle, training = (1e3 * float(np.quantile(times[beside], 0.95)) for beside in ("idle", "training"))
    return {f"{what}_idle_p95_ms": idle, f"{what}_training_p95_ms": training, f"{what}_ratio": training / idle}


def images_per_second(run: Run) -> float:
    """Speed over about TRAINED_SECONDS, from the reports that fall into them."""
    since = run.status.images_seen
    time.sleep(TRAINED_SECONDS)
    rows = [row for row in run.metrics("train") if row["images_seen"] > since]
    return float(np.mean([row["images_per_second"] for row in rows]))


def open_explore(browser: Browser, address: str) -> Page:
    """Explore with its panel drawn."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{address}/?model=face-vae&from=prior&seed=3")
    page.wait_for_selector(".panel .row input[type=range]", timeout=90_000)
    page.wait_for_timeout(3_000)
    return page


def open_live(browser: Browser, address: str, run_id: str) -> Page:
    """The live view of a run, in a browser of its own."""
    page = browser.new_context().new_page()
    page.goto(f"{address}/train?run={run_id}")
    page.wait_for_selector("h1", timeout=90_000)
    page.wait_for_timeout(3_000)
    return page


def slider_times(page: Page) -> list[float]:
    """Seconds from a release to the new address, MOVES times."""
    slider = page.locator(".panel .row input[type=range]").first
    box = slider.bounding_box()
    assert box is not None
    times = []
    for move in range(MOVES):
        page.mouse.move(box["x"] + box["width"] * (0.3 if move % 2 else 0.7), box["y"] + box["height"] / 2)
        page.mouse.down()
        before, begun = page.url, time.perf_counter()
        page.mouse.up()
        page.wait_for_function("before => location.href !== before", arg=before, polling=5)
        times.append(time.perf_counter() - begun)
        page.wait_for_timeout(250)
    return times


def page_times(page: Page) -> list[float]:
    """Seconds from a click in the navigation to the other page's title, CHANGES times there; back at the end."""
    times = []
    for _ in range(CHANGES):
        for name, title in (("Models", "Models"), ("Explore", "One face, many dimensions")):
            begun = time.perf_counter()
            page.get_by_role("link", name=name, exact=True).first.click()
            expect(page.locator("h1")).to_have_text(title, timeout=60_000)
            times.append(time.perf_counter() - begun)
            page.wait_for_timeout(300)
    page.wait_for_selector(".panel .row input[type=range]", timeout=90_000)
    page.wait_for_timeout(1_000)
    return times
