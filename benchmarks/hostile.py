"""Five hundred hostile uploads to the page and to the API: `python -m benchmarks.hostile`.

The files of `tests.hostile`, and mutations of them and of sound pictures: cut, bytes changed, glued, renamed. Each has
to be answered: a picture in faces, anything else in words. Server logs may hold no traceback, and memory must not grow.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import FilePayload, sync_playwright

from benchmarks.browsing import CHROMIUM, PATIENCE_SECONDS, ROOT, app, lab, resident_mb
from tests.hostile import hostile_files, odd_files
from vaelab.rng import numpy_generator

RUN = "cnn"
AT_ONCE = 12
"""Files in one upload; the page looks at no more."""
SETTLED = 60
"""Uploads after which caches are full, and from which memory is compared."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=500, help="how many (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="file to keep the results in")
    arguments = parser.parse_args()
    files = mutated(arguments.files, seed=0)
    results: dict[str, Any] = {"files": len(files), "api": to_the_api(files)}
    if CHROMIUM is None:
        print("no chromium on this machine, so the page is not asked", file=sys.stderr)
    else:
        results["page"] = to_the_page(files)
    print(json.dumps(results, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


def mutated(count: int, seed: int) -> list[bytes]:
    """The known hostile files, then mutations of those and of unusual sound ones."""
    known = [*hostile_files().values(), *odd_files().values()]
    random = numpy_generator(seed, "hostile")
    files = known[:count]
    while len(files) < count:
        data = bytearray(known[int(random.integers(len(known)))])
        kind = int(random.integers(4))
        if kind == 0 and data:
            data = data[: int(random.integers(len(data)))]
        elif kind == 1:
            for place in random.integers(0, max(len(data), 1), 20):
                data[place : place + 1] = bytes([int(random.integers(256))])
        elif kind == 2 and len(data) > 40:  # headers: sizes, depths, chunk lengths
            for place in random.integers(4, 40, 3):
                data[place] = int(random.integers(256))
        else:
            data += known[int(random.integers(len(known)))]
        files.append(bytes(data))
    return files


def to_the_api(files: list[bytes]) -> dict[str, Any]:
    """What `/detect` of a real server answers, over HTTP as any client sends it."""
    answers: Counter[str] = Counter()
    with serving() as (address, process, log):
        settled = 0.0
        for number, data in enumerate(files):
            if number == min(SETTLED, len(files) - 1):
                settled = resident_mb(process)
            answers[_asked(address, base64.b64encode(data).decode())] += 1
        grown = resident_mb(process) - settled
        trouble = log.read_text().count("Traceback")
    return {"answers": dict(answers), "tracebacks": trouble, "memory_grown_mb": round(grown, 1)}


def _asked(address: str, photo: str) -> str:
    """`faces`, `words`, or what else came."""
    body = json.dumps({"data": [photo, [RUN], 1.0, 48.0]}).encode()
    ask = urllib.request.Request(
        f"{address}/gradio_api/call/detect", body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(ask, timeout=PATIENCE_SECONDS) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{address}/gradio_api/call/detect/{event}", timeout=PATIENCE_SECONDS) as stream:
        told = stream.read().decode()
    if "event: complete" in told:
        return "faces"
    said = told.partition("data: ")[2].strip()
    return "words" if "event: error" in told and len(said) > 20 else f"neither: {told[:80]!r}"


@contextlib.contextmanager
def serving() -> Iterator[tuple[str, int, Path]]:
    """`python -m vaelab serve`, once it answers: its address, process and log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "vaelab", "serve", "--port", str(port)], cwd=ROOT, stdout=file, stderr=file
            )
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/config", timeout=90).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}", process.pid, log
        finally:
            process.terminate()
            process.wait(30)


def to_the_page(files: list[bytes]) -> dict[str, Any]:
    """What the Detect page answers in a real browser, a dozen files at a time."""
    answers: Counter[str] = Counter()
    faults: list[str] = []
    with lab(RUN) as place, app(place) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(1e3 * PATIENCE_SECONDS)
        page.on("pageerror", lambda error: faults.append(str(error)))
        settled = 0.0
        for start in range(0, len(files), AT_ONCE):
            some = files[start : start + AT_ONCE]
            page.goto(f"{server.address}/detect")
            page.get_by_text("Choose one or more photos").wait_for()
            page.locator("input[type=file]").first.set_input_files(
                [
                    FilePayload(name=f"{place}.jpg", mimeType="image/jpeg", buffer=data)
                    for place, data in enumerate(some)
                ]
            )
            refused, found = _settled(page, len(some))
            answers["words"] += refused
            answers["faces"] += found
            answers["neither"] += len(some) - refused - found
            if page.get_by_test_id("stException").count():
                faults.append(f"an exception on the page after file {start}")
            if start <= SETTLED:
                settled = resident_mb(server.process)
        grown = resident_mb(server.process) - settled
        browser.close()
    return {"answers": dict(answers), "faults": faults, "memory_grown_mb": round(grown, 1)}


def _settled(page: Any, count: int) -> tuple[int, int]:
    """Files refused in words and photos looked through, once they are all of them or nothing changes any more."""
    deadline = time.monotonic() + 60
    refused = found = 0
    while time.monotonic() < deadline:
        page.wait_for_timeout(250)
        refused = page.get_by_test_id("stAlert").filter(has_text=".jpg:").count()
        text = page.get_by_test_id("stMain").inner_text()  # of one photo alone the name is not said
        found = len(re.findall(rf"\d+\.jpg: {RUN} sees", text)) or int(f"{RUN} sees" in text)
        if refused + found >= count:
            break
    return refused, found


if __name__ == "__main__":
    main()
