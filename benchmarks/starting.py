"""Starting: seconds to import the command line, and from starting the app to the first face on the screen."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import BrowserContext, ViewportSize, sync_playwright

from benchmarks.browsing import CHROMIUM, ROOT, app, lab

FACE = ".panel .current canvas"
WATCHED = f"""
for (const way of ["drawImage", "putImageData"]) {{
  const draws = CanvasRenderingContext2D.prototype[way];
  CanvasRenderingContext2D.prototype[way] = function (...words) {{
    draws.apply(this, words);
    if (!window.firstFace && this.canvas.matches("{FACE}"))
      requestAnimationFrame(() => setTimeout(() => {{ window.firstFace ??= Date.now() / 1000 }}));
  }};
}}"""
"""Has the page itself keep when the frame with the first face was over: whoever asks it from outside is answered late,
while it is busy with the rest."""
VIEWPORT: ViewportSize = {"width": 1280, "height": 900}
PATIENCE_MS = 180_000
SAMPLES = "model=face-vae&from=prior&seeds=1"
DECODER_KEPT = "decoder-*.onnx"
PARSING = "from vaelab.cli import build_parser; build_parser({!r})"


def measure(rounds: int) -> list[dict[str, Any]]:
    """The import in fresh processes, less what Python itself takes, and the app in fresh servers and browsers."""
    return [importing(rounds), first_face(rounds)]


def importing(rounds: int) -> dict[str, Any]:
    """Seconds until `runs`, `train` and the help of all commands can be parsed, and what the last one imports."""
    parsing = {name: PARSING.format(name) for name in ("runs", "train", "")} | {"nothing": "pass"}
    found: dict[str, list[float]] = {name: [] for name in parsing}
    for _ in range(rounds + 1):
        for name, code in parsing.items():
            started = time.perf_counter()
            _python("-c", code)
            found[name].append(time.perf_counter() - started)
    seconds = {name: median(times[1:]) - median(found["nothing"][1:]) for name, times in found.items()}
    total, packages = _packages(_python("-X", "importtime", "-c", parsing[""]))
    heaviest = sorted(packages.items(), key=lambda item: -item[1])[:4]
    return {
        "what": "importing the command line",
        "runs_seconds": seconds["runs"],
        "train_seconds": seconds["train"],
        "seconds": seconds[""],
        "heaviest": ", ".join(f"{name} {100 * microseconds / total:.0f} %" for name, microseconds in heaviest),
        "rounds": rounds,
    }


def first_face(rounds: int) -> dict[str, Any]:
    """Seconds from the command that starts the app to its first answer, and to a face drawn in a browser.

    The first start is one that nothing was kept for but what ships; the others find what it kept.
    """
    if CHROMIUM is None:
        return {"what": "from starting the app to the first face", "refused": "no chromium on this machine"}
    answers, faces, reloads = [], [], []
    with lab("face-vae") as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        run = place / "checkpoints" / "face-vae"
        for kept in run.glob(DECODER_KEPT):
            kept.unlink()
        for _ in range(1 + rounds):
            started = time.time()
            with app(place) as server:
                answers.append(time.time() - started)
                with browser.new_context(viewport=VIEWPORT) as visitor:
                    faces.append(_first_face(visitor, server.address) - started)
                    _wait_until_warm(server.address)
                    _wait_for_file(run, DECODER_KEPT)
                with browser.new_context(viewport=VIEWPORT) as visitor:
                    again = time.time()
                    reloads.append(_first_face(visitor, server.address) - again)
        browser.close()
    return {
        "what": "from starting the app to the first face",
        "server_answers_seconds": median(answers),
        "first_face_seconds": median(faces[1:]),
        "first_face_range": [min(faces[1:]), max(faces[1:])],
        "first_face_of_the_first_start_seconds": faces[0],
        "visitor_of_a_warm_server_seconds": median(reloads),
        "rounds": rounds,
    }


def _first_face(visitor: BrowserContext, address: str) -> float:
    """When a browser that was never here has Explore's face on the screen, in seconds since the epoch."""
    page = visitor.new_page()
    page.add_init_script(WATCHED)
    page.goto(address, timeout=PATIENCE_MS)
    return float(page.wait_for_function("window.firstFace", timeout=PATIENCE_MS).json_value())


def _wait_until_warm(address: str) -> None:
    """Until the server has imported everything: faces drawn by itself wait for that."""
    urllib.request.urlopen(f"{address}/faces/samples?{SAMPLES}", timeout=PATIENCE_MS / 1000).read()


def _wait_for_file(folder: Path, pattern: str) -> None:
    """Until the server has kept what the next one starts with."""
    patience = time.monotonic() + PATIENCE_MS / 1000
    while not any(folder.glob(pattern)) and time.monotonic() < patience:
        time.sleep(0.1)


def _python(*words: str) -> str:
    """What a fresh Python says on standard error."""
    return subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True, text=True).stderr


def _packages(report: str) -> tuple[int, dict[str, int]]:
    """Microseconds of all imports and of each top package's own modules, from what `-X importtime` writes."""
    packages: dict[str, int] = {}
    for line in report.splitlines():
        own, _, module = line.removeprefix("import time:").split("|")
        if own.strip().isdigit():
            name = module.strip().split(".")[0]
            packages[name] = packages.get(name, 0) + int(own)
    return sum(packages.values()), packages
