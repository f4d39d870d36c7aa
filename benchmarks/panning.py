"""Panning the map of many faces in a real browser: frames per second, and what one frame costs the page.

`python -m benchmarks.panning --faces 5000 50000 --json FILE`: the faces are drawn, as in `benchmarks.mapping`, and laid
out by principal components. Moves are sent as a mouse sends them, whether or not the page has drawn the last one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Page, async_playwright

from benchmarks.browsing import CHROMIUM, app, lab, pulled
from benchmarks.machine import machine
from benchmarks.mapping import drawn_latents
from vaelab.evaluation.latents import StoredLatents
from vaelab.inference import FaceModel
from vaelab.runs.store import Run

MODEL = "face-vae"
MOVES, MOVE_SECONDS = 300, 0.016
WATCH = """() => {
  window.drawn = []
  const ask = window.requestAnimationFrame.bind(window)
  window.requestAnimationFrame = (work) => ask((now) => {
    const begun = performance.now()
    work(now)
    window.drawn.push([begun, performance.now() - begun])
  })
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Frames per second while the map of many faces is panned.")
    parser.add_argument("--faces", type=int, nargs="+", default=[5_000, 50_000], help="sizes (default: 5000 50000)")
    parser.add_argument("--rounds", type=int, default=3, help="pans of each size, in turns (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="file to keep the results in")
    arguments = parser.parse_args()
    if CHROMIUM is None:
        raise SystemExit("no chromium on this machine; `.ci/run` installs Debian's")
    results = {"machine": machine(), "results": asyncio.run(measure(arguments.faces, arguments.rounds))}
    print(json.dumps(results, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


async def measure(sizes: list[int], rounds: int) -> list[dict[str, Any]]:
    """A row for each size."""
    parts: dict[int, list[np.ndarray]] = {size: [] for size in sizes}
    with lab(MODEL) as place:
        for size in sizes:
            write_faces(place, f"of-{size}", size)
        with app(place) as server:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                pages = {}
                for size in sizes:
                    pages[size] = await browser.new_page(viewport={"width": 1280, "height": 900})
                    await pages[size].add_init_script(f"({WATCH})()")
                    await pages[size].goto(f"{server.address}/map?model=of-{size}&map=pca")
                    await pages[size].wait_for_selector(".scene canvas", timeout=180_000)
                    await pages[size].wait_for_timeout(5_000)
                for _ in range(rounds):
                    for size, page in pages.items():
                        parts[size].append(await pan(page))
                await browser.close()
    return [summary(size, found) for size, found in parts.items()]


def write_faces(place: Path, name: str, count: int) -> None:
    """A copy of the shipped model under another name that stores `count` drawn faces."""
    shipped = Run.open(place / "checkpoints" / MODEL)
    run = Run.create(shipped.config, place / "checkpoints", name, {})
    run.weights_path.write_bytes(shipped.weights_path.read_bytes())
    run.replace_status(shipped.status)
    model = FaceModel.load(run, with_latents=False)
    drawn = drawn_latents(count)
    labels = drawn.labels.assign(gender=np.where(np.arange(count) % 2, "Male", "Female"))
    std = np.broadcast_to(drawn.posterior_std, drawn.mu.shape)
    StoredLatents.fit(drawn.mu, std, labels, np.arange(count), model.weights_fingerprint).write(run)


async def pan(page: Page) -> np.ndarray:
    """(frames, 2) of one pan round and round: when each frame was begun and how long it took the page, milliseconds."""
    await page.bring_to_front()
    canvas = page.locator(".scene canvas")
    await canvas.scroll_into_view_if_needed()
    box = await canvas.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(middle[0] + 3, middle[1] + 3)
    await page.mouse.down()
    turns = 2 * np.pi * np.arange(MOVES) / 100
    places = zip(middle[0] + 120 * np.sin(turns), middle[1] + 80 * np.cos(turns), strict=True)
    return await pulled(page, [(float(x), float(y)) for x, y in places], MOVE_SECONDS)


def summary(faces: int, pans: list[np.ndarray]) -> dict[str, Any]:
    """Figures of several pans."""
    rates = [1e3 * (len(frames) - 1) / (frames[-1, 0] - frames[0, 0]) for frames in pans]
    between = np.concatenate([np.diff(frames[:, 0]) for frames in pans])
    cost = np.concatenate([frames[:, 1] for frames in pans])
    return {
        "what": "panning the map of drawn faces",
        "faces": faces,
        "frames_per_second": float(np.median(rates)),
        "frame_to_frame_p95_ms": float(np.quantile(between, 0.95)),
        "page_ms_per_frame": float(np.median(cost)),
        "page_ms_per_frame_p95": float(np.quantile(cost, 0.95)),
        "moves_per_second": 1 / MOVE_SECONDS,
        "frames": len(cost),
        "rounds": len(pans),
    }


if __name__ == "__main__":
    main()
