"""Dragging a slider in a real browser: pictures per second, and the time from a pointer move to the changed face.

The page reports each face it has painted with the time stamp of the input event that asked for it. The pointer is moved
by the browser's own input pipeline, a few hundred times a round, back and forth along one slider.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MOVES = 240
PAUSE_SECONDS = 0.012
"""Between two moves: a mouse reports 60 to 125 times a second."""
LISTEN = """() => {
  window.drawn = []
  addEventListener("vaelab-drawn", (event) => window.drawn.push([event.detail.asked, event.detail.drawn]))
}"""


def measure(run_id: str, rounds: int) -> list[dict[str, Any]]:
    """Both ways to decode, idle and with a training beside it, in turns within one run of the server."""
    if CHROMIUM is None:
        return [{"what": "dragging in a browser", "refused": "no chromium on this machine"}]
    found: dict[tuple[str, str], list[np.ndarray]] = {}
    with app() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        pages = {tier: open_page(browser, f"{address}/?model={run_id}&from=prior&seed=3", tier) for tier in TIERS}
        for _ in range(rounds):
            for beside, doing in (("idle", contextlib.nullcontext()), ("training", training())):
                with doing:
                    for tier, page in pages.items():
                        found.setdefault((tier, beside), []).append(drag(page))
        browser.close()
    return [
        {"what": f"dragging {run_id}, drawn by the {tier}, {beside}"} | summary(parts)
        for (tier, beside), parts in found.items()
    ]


TIERS = ("browser", "server")


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


@contextlib.contextmanager
def app(folder: Path = ROOT) -> Iterator[str]:
    """The app on a free port, started in `folder`; its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=90).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def training() -> Iterator[None]:
    """A training on drawn faces with all threads, warm before the block begins."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "vaelab", "train", "--recipe", "first-minute", "--num-images", "10000000"]
        command += ["--root", folder, "--name", "beside", "--report-every", "512"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        metrics = Path(folder) / "beside" / "metrics.jsonl"
        try:
            deadline = time.monotonic() + 120
            while not metrics.is_file() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.2)
            yield
            if process.poll() is not None:
                raise RuntimeError("the training beside it ended early; run it by hand to see why")
        finally:
            process.kill()
            process.wait()


def open_page(browser: Browser, address: str, tier: str) -> Page:
    """Explore, its panel drawing by `tier`; without the runtime the panel stays with the server."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    if tier == "server":
        page.route("**/decoder/runtime/**", lambda route: route.abort())
    page.add_init_script(f"({LISTEN})()")
    page.goto(address)
    page.wait_for_selector(".panel input[type=range]", timeout=60_000)
    if tier == "browser":
        page.wait_for_selector('.panel[data-tier="browser"]', timeout=60_000)
    page.wait_for_timeout(2_000)
    return page


def drag(page: Page) -> np.ndarray:
    """(pictures, 2) times of one drag, back and forth: asked and drawn, milliseconds."""
    slider = page.locator(".panel input[type=range]").first
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.evaluate("() => { window.drawn.length = 0 }")
    for step in range(MOVES):
        share = 0.5 + 0.45 * np.sin(2 * np.pi * step / 80)
        page.mouse.move(box["x"] + box["width"] * float(share), middle)
        time.sleep(PAUSE_SECONDS)
    times = np.array(page.evaluate("() => window.drawn"), dtype=float)
    page.mouse.up()
    page.wait_for_timeout(500)
    return times
