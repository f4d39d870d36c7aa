"""Python's part of a rerun: what each page computes anew when nothing, or one control, has changed.

The pages run through Streamlit's own test driver, without a browser or a socket, on the shipped models. Milliseconds
are those that the processor worked, so that other work on the machine hardly counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

from streamlit.testing.v1 import AppTest

from benchmarks.browsing import ROOT

PAGES = {"Explore": "", "Compare": "compare.py", "Map": "map.py", "Runs": "runs.py", "Recipes": "recipes.py"}
RERUNS = 30


def measure(reruns: int = RERUNS) -> list[dict[str, Any]]:
    """A row: milliseconds of each page's rerun, and on Explore of one with another face."""
    found: dict[str, Any] = {"what": "Python's part of a rerun"}
    for name, page in PAGES.items():
        app = opened(page)
        found |= timed(name.lower(), app.run, reruns)
    explore = opened("")
    found |= timed("explore_another_face", lambda: another_face(explore).run(), reruns)
    return [found | {"reruns": reruns}]


def opened(page: str) -> AppTest:
    """A page through the router, run until everything that is kept between reruns is there.

    Raises:
        RuntimeError: the page shows an exception.
    """
    app = AppTest.from_file(str(ROOT / "pages" / "shell" / "router.py"), default_timeout=180).run()
    if page:
        app.switch_page(str(ROOT / "pages" / page))
    for _ in range(3):
        app.run()
    settle()
    if app.exception:
        raise RuntimeError(f"{page or 'explore.py'} shows {app.exception[0].value}")
    return app


def settle() -> None:
    """Wait for what the first runs left to threads of their own."""
    worked = 1.0
    while worked > 0.02:
        before = time.process_time()
        time.sleep(0.5)
        worked = time.process_time() - before


def another_face(app: AppTest) -> AppTest:
    """The button that draws the next face, pressed."""
    next(button for button in app.button if "Another face" in button.label).click()
    return app


def timed(name: str, rerun: Callable[[], object], reruns: int) -> dict[str, float]:
    """Median and 95th percentile, ms."""
    milliseconds = []
    for _ in range(reruns):
        started = time.process_time()
        rerun()
        milliseconds.append(1e3 * (time.process_time() - started))
    return {f"{name}_ms": median(milliseconds), f"{name}_p95_ms": quantiles(milliseconds, n=20)[-1]}
