"""Memory of the app: when nobody is there, once a visitor has opened pages, and while browsers watch a training."""

from __future__ import annotations

import time

from playwright.sync_api import Browser, sync_playwright

from benchmarks.browsing import CHROMIUM, app, lab, resident_mb, training
from benchmarks.kept import Row
from benchmarks.watching import open_live

PAGES = ("", "studio", "compare", "map", "prior", "recipes", "train", "runs", "data", "models")
WATCHERS = 5
SETTLED_MB, SETTLED_SECONDS = 2.0, 3.0
"""Memory that moves by less than the first within the second has settled."""


def measure() -> Row:
    """Megabytes of the server at rest and under load, and of the training that runs beside it."""
    if CHROMIUM is None:
        return {"what": "memory of the app", "refused": "no chromium on this machine"}
    found: Row = {"what": "memory of the app"}
    with lab("face-vae", "cnn") as place, app(place) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        found["at_rest_mb"] = settled(server.process)
        visit(browser, server.address)
        found["one_visitor_on_ten_pages_mb"] = settled(server.process)
        with training(place) as run:
            watchers = [open_live(browser, server.address, run.id) for _ in range(WATCHERS)]
            watchers[0].wait_for_timeout(20_000)
            found["watched_by_five_browsers_mb"] = resident_mb(server.process)
            found["the_training_itself_mb"] = resident_mb(run.status.pid)
        browser.close()
    return found


def visit(browser: Browser, address: str) -> None:
    """One browser on each page in turn, until it has drawn it."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    for name in PAGES:
        page.goto(f"{address}/{name}")
        page.wait_for_selector("h1", timeout=180_000)
        page.wait_for_selector("[data-testid=stStatusWidget]", state="detached", timeout=180_000)
        page.wait_for_timeout(1_500)
    page.close()


def settled(process: int) -> float:
    """Memory of a process once it does not move any more, MB."""
    before, now = float("-inf"), resident_mb(process)
    while abs(now - before) > SETTLED_MB:
        time.sleep(SETTLED_SECONDS)
        before, now = now, resident_mb(process)
    return now
