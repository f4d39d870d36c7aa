"""What the benchmarks in a real browser share: the app on a free port, and a training as the app starts one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaelab.runs.store import Run

if TYPE_CHECKING:
    from playwright.async_api import Page

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE_SECONDS = 180


@dataclass(frozen=True)
class App:
    """The app while it runs: where it answers, and which process it is."""

    address: str
    process: int


@contextlib.contextmanager
def app(folder: Path) -> Iterator[App]:
    """The app on a free port, started in `folder`, once it answers; its bytecode is kept, as Python does by itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=90).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        yield App(f"http://localhost:{port}", process.pid)
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def lab(*shipped: str) -> Iterator[Path]:
    """A folder to start the app in: this machine's data, copies of some shipped models, nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "checkpoints").mkdir()
        for name in shipped:
            shutil.copytree(ROOT / "checkpoints" / name, place / "checkpoints" / name)
        (place / "data").symlink_to(ROOT / "data")
        yield place


def resident_mb(process: int) -> float:
    """Memory of a process that is not shared away, in MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def pulled(page: Page, places: Iterable[tuple[float, float]], seconds: float) -> np.ndarray:
    """Move the pressed mouse through places of the page, then let go; (n, 2) what the page kept in `window.drawn`.

    Moves go to the browser's own input pipeline as a mouse sends them, one every `seconds`, whether or not the page has
    answered the last one.
    """
    await page.evaluate("() => { window.drawn.length = 0 }")
    session = await page.context.new_cdp_session(page)
    moves = []
    for x, y in places:
        event = {"type": "mouseMoved", "x": x, "y": y, "button": "left", "buttons": 1}
        moves.append(asyncio.ensure_future(session.send("Input.dispatchMouseEvent", event)))
        await asyncio.sleep(seconds)
    await asyncio.gather(*moves)
    kept = np.array(await page.evaluate("() => window.drawn"), dtype=float)
    await page.mouse.up()
    await session.detach()
    await page.wait_for_timeout(500)
    return kept


@contextlib.contextmanager
def training(place: Path) -> Iterator[Run]:
    """A training without end on drawn faces, as polite as the app's; warm when the block begins."""
    vaelab(place, "train", "--recipe", "first-minute", "--num-images", "10000000", "--name", "beside", "--background")
    run = Run.open(place / "checkpoints" / "beside")
    try:
        wait_for_images(run, 1)
        yield run
    finally:
        vaelab(place, "stop", run.id)
        wait_for_state(run, "stopped")


def pause(place: Path, run: Run) -> None:
    """Let the training wait; returns once it does."""
    vaelab(place, "pause", run.id)
    wait_for_state(run, "paused")


def unpause(place: Path, run: Run) -> None:
    """Let it go on; returns once it does."""
    vaelab(place, "unpause", run.id)
    wait_for_state(run, "running")


def vaelab(folder: Path, *words: str) -> None:
    """One command in `folder`; an error of it is an error here."""
    command = [sys.executable, "-m", "vaelab", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=environment)


def wait_for_state(run: Run, state: str) -> None:
    """Return once the run says so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while run.status.state != state:
        if time.monotonic() > deadline:
            raise RuntimeError(f"run {run.id} is {run.status.state} after {PATIENCE_SECONDS} seconds, expected {state}")
        time.sleep(0.2)


def wait_for_images(run: Run, images: int) -> None:
    """Return once the training has seen so many images."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while run.status.images_seen < images:
        if time.monotonic() > deadline:
            raise RuntimeError(f"run {run.id} has seen {run.status.images_seen} images in {PATIENCE_SECONDS} seconds")
        time.sleep(0.2)
