"""Twenty browsers on the live view of one run: does any of them fail, and does the server's memory stay flat?

Not part of `make bench`, for it takes as long as it watches: `python -m benchmarks.sessions --seconds 300`.
"""

from __future__ import annotations

import argparse
import time

from playwright.sync_api import Page, Response, sync_playwright

from benchmarks.browsing import CHROMIUM, app, lab, resident_mb, training
from benchmarks.watching import open_live


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=20, help="browsers (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=300.0, help="how long they watch (default: %(default)s)")
    arguments = parser.parse_args()
    if CHROMIUM is None:
        raise SystemExit("no chromium on this machine; .ci/run says how to install it")
    faults: list[str] = []
    with lab() as place, training(place) as run, app(place) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        pages = []
        for _ in range(arguments.sessions):
            pages.append(open_live(browser, server.address, run.id))
            listen(pages[-1], faults)
        begun = time.monotonic()
        print(f"{len(pages)} browsers watch; seconds, images seen, memory of the server in MB:", flush=True)
        while (passed := time.monotonic() - begun) < arguments.seconds:
            print(f"{passed:5.0f} {run.status.images_seen:9,} {resident_mb(server.process):7.1f}", flush=True)
            pages[0].wait_for_timeout(1e3 * min(30.0, arguments.seconds - passed))
        print(f"{arguments.seconds:5.0f} {run.status.images_seen:9,} {resident_mb(server.process):7.1f}")
        shown = [shown_images(page) for page in pages]
        faults += [f"a page shows {images:,} images" for images in shown if images < 0.9 * run.status.images_seen]
        browser.close()
    print("no error" if not faults else "\n".join(faults))


def listen(page: Page, faults: list[str]) -> None:
    """Note everything that goes wrong in a page."""
    page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
    page.on("websocket", lambda _: faults.append("a page lost its connection and opened another"))

    def refused(answer: Response) -> None:
        if answer.status >= 400:
            faults.append(f"{answer.status} {answer.url}")

    page.on("response", refused)


def shown_images(page: Page) -> int:
    """Images seen, as the live view says it; the sidebar's bar tells no count."""
    words = page.get_by_test_id("stProgress").filter(has_text=" of ").first.inner_text()
    return int("".join(filter(str.isdigit, words.split(" of ")[0])))


if __name__ == "__main__":
    main()
