"""The map over training in a real Chromium: scrubbed, played, and a face followed by keyboard alone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.pages.browsing import COUNT_OBSERVERS, Server, Visit, mounted, needs_chromium
from tests.pages.tiny_runs import FILMED, make_run, write_frames

pytestmark = [pytest.mark.browser, needs_chromium]
PICTURE = "canvas => canvas.toDataURL()"
COLOUR = "element => getComputedStyle(element).color"


@pytest.fixture
def filmed(server: Server) -> Iterator[str]:
    """A model that kept four frames of its training, for as long as a test lasts."""
    run = make_run(server.folder, "filmed-model")
    write_frames(run)
    yield run.id
    shutil.rmtree(run.dir)


def test_a_film_is_scrubbed_and_played_and_a_face_followed(server: Server, visit: Visit, filmed: str) -> None:
    page = visit.page
    page.add_init_script(COUNT_OBSERVERS)
    page.goto(f"{server.address}/map?model={filmed}&map=pca&view=film&by=gender")
    canvas, slider, clock = (mounted(page, "film").locator(f"{part}") for part in (".sheet canvas", "input", "output"))
    expect(clock).to_have_text("12,000 images")
    expect(canvas).to_have_attribute("aria-label", re.compile(f"Map of {FILMED} held-out faces"))
    expect(mounted(page, "film").locator(".strip button")).to_have_count(4)
    last = canvas.evaluate(PICTURE)
    chosen = page.get_by_role("radio", name="Over training")
    assert chosen.get_attribute("aria-checked") == "true"
    assert chosen.evaluate(COLOUR) == page.locator("h1").evaluate(COLOUR), "chosen words keep the contrast of text"

    slider.press("Home")
    expect(clock).to_have_text("3,000 images")
    expect(page).to_have_url(re.compile("seen=3000"))
    assert canvas.evaluate(PICTURE) != last, "the points have moved"

    runs = "() => performance.getEntriesByType('resource').length"
    asked = page.evaluate(runs)
    page.get_by_role("button", name="Play", exact=True).click()
    expect(clock).to_have_text("6,000 images")
    assert page.evaluate(runs) == asked, "no frame is asked of the server"
    expect(clock).to_have_text("12,000 images")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("seen=12000"))

    canvas.press("ArrowRight")
    canvas.press("Enter")
    expect(page.get_by_text("On its way it moved")).to_be_visible()
    expect(page).to_have_url(re.compile("face=val"))
    with_trail = canvas.evaluate(PICTURE)
    page.get_by_role("button", name="After 6,000 images").click()
    expect(clock).to_have_text("6,000 images")
    assert canvas.evaluate(PICTURE) != with_trail
    assert page.evaluate("observers.size") == 1
