"""What the benchmarks in a real browser share: the app on a free port, and a training as the app starts one."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vaelab.runs.store import Run

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
    """The app on a free port, started in `folder`, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=90).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
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
        wait_for_state(run, "cancelled")


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
