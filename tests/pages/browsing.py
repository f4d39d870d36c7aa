"""The app as a visitor meets it: the real server and a real Chromium."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.pages.tiny_runs import make_run

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
START_TIMEOUT_SECONDS = 90.0
PATIENCE_MS = 60_000
"""Generous: the tests are about what happens, and may share a busy machine."""
expect.set_options(timeout=PATIENCE_MS)
FACE = ".current canvas"

COUNT_OBSERVERS = """
window.observers = new Set()
window.ResizeObserver = class extends ResizeObserver {
  observe(element, ...how) { if (element.matches("canvas")) observers.add(this); super.observe(element, ...how) }
  disconnect() { observers.delete(this); super.disconnect() }
}
"""
"""Keeps in `observers` those that watch the size of a canvas and were not told to stop."""

needs_chromium = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason="no chromium on this machine; install it to run these"
)


@dataclass
class Server:
    """A running app and the folder it runs in."""

    address: str
    folder: Path
    process: subprocess.Popen[bytes]


@dataclass
class Visit:
    """A page, and everything the browser asked for or complained about meanwhile."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def start_server(folder: Path) -> Server:
    """`streamlit run app.py` on a free port, answering."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=START_TIMEOUT_SECONDS):
                return Server(f"http://localhost:{port}", folder, process)
        except OSError:
            time.sleep(0.1)
    process.kill()
    pytest.fail(f"the server did not start:\n{(folder / 'server.log').read_text()}")


def stop_server(server: Server) -> int:
    """Ctrl-C; the exit status."""
    server.process.send_signal(signal.SIGINT)
    try:
        return server.process.wait(30)
    finally:
        server.process.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One app for all files that share a process, with the run `tiny`; a file takes back what it adds."""
    folder = tmp_path_factory.mktemp("lab")
    make_run(folder, "tiny", card="# tiny\nA card.\n")
    running = start_server(folder)
    warmed = f"{running.address}/faces/samples?model=tiny&from=prior&seeds=1"  # drawn once everything is imported
    urllib.request.urlopen(warmed, timeout=START_TIMEOUT_SECONDS).close()
    yield running
    stop_server(running)
    assert "Traceback" not in (folder / "server.log").read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """One for all visits of a file, so that the app's scripts are fetched and compiled once."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def visit(profile: BrowserContext) -> Iterator[Visit]:
    visited = Visit(profile.new_page())
    visited.page.on("request", lambda request: visited.requests.append(request.url))
    visited.page.on("pageerror", lambda error: visited.errors.append(str(error)))
    yield visited
    if visited.page.url.startswith("http"):
        visited.page.evaluate("localStorage.clear(); sessionStorage.clear()")
    visited.page.close()
    profile.clear_cookies()
    assert visited.errors == []


def mounted(page: Page, root: str) -> Locator:
    """A component by the class of its root, as a visitor sees it.

    Whenever a page puts another component into the place of one, the one before stays in the document for a moment,
    hidden.
    """
    return page.locator(f".{root}:visible")


READ_FACE = """canvas => {
  if (!canvas.width) return null
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
  return data[3] ? Array.from(data) : null
}"""
"""The bytes of a canvas; null until something is drawn on it."""


def face(page: Page, selector: str = FACE) -> np.ndarray:
    """Pixels (size, size, 3) of the face on screen, once there is one and it no longer changes."""
    before = None
    for _ in range(round(PATIENCE_MS / 150)):
        values = mounted(page, "panel").first.locator(selector).first.evaluate(READ_FACE)
        if values is not None and values == before:
            side = round((len(values) / 4) ** 0.5)
            return np.array(values, np.uint8).reshape(side, side, 4)[..., :3]
        before = values
        page.wait_for_timeout(150)
    pytest.fail(f"no face on {selector}")


def wait_for_another_face(page: Page, before: np.ndarray) -> np.ndarray:
    """Pixels of the current face, once they are not `before`."""
    for _ in range(round(PATIENCE_MS / 150)):
        shown = face(page)
        if shown.shape != before.shape or not np.array_equal(shown, before):
            return shown
        page.wait_for_timeout(150)
    pytest.fail("the face did not change")


def choose_family(page: Page, name: str) -> None:
    """Show the panel's attributes, principal components or raw latents."""
    page.get_by_role("tab", name=re.compile(f"^{name}")).click()


def slider(page: Page, key: str) -> Locator:
    """The panel's slider with this key; its family must be shown."""
    return mounted(page, "panel").locator(f'.row[data-key="{key}"] input[type=range]')
