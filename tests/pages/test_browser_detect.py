"""Detect in a real Chromium: a photo is given, marked, looked at closely and taken away; no request leaves."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.hostile import encoded, hostile_files
from tests.pages.browsing import PATIENCE_MS, Server, Visit, needs_chromium
from tests.pages.tiny_runs import keep_photo_threshold, make_detector

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module", autouse=True)
def _detectors(server: Server) -> Iterator[None]:
    """One that sees a face in anything, and one that sees none."""
    runs = [make_detector(server.folder, "keen"), make_detector(server.folder, "blind", "dbvae")]
    for run, logit in zip(runs, (-1e6, 1e6), strict=True):
        keep_photo_threshold(run, logit)
    yield
    for run in runs:
        shutil.rmtree(run.dir)


def test_a_photo_is_marked_looked_at_and_taken_away(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/detect?with=keen~blind&alarms=1&smallest=48", timeout=PATIENCE_MS)
    upload = page.locator("input[type=file]")
    good = {"name": "group.png", "mimeType": "image/png", "buffer": encoded("PNG", (320, 240))}
    bad = {"name": "bad.png", "mimeType": "image/png", "buffer": hostile_files()["png bomb"]}
    upload.set_input_files([good, bad])  # type: ignore[list-item]
    marked = page.get_by_alt_text("group.png: keen sees")
    expect(marked).to_be_visible()
    assert marked.get_attribute("src", timeout=PATIENCE_MS).startswith("data:image/jpeg")  # type: ignore[union-attr]
    expect(page.get_by_text("too many pixels")).to_be_visible()
    expect(page.get_by_alt_text("What blind looks at in face 1")).to_be_visible()
    with page.expect_download() as told:
        page.get_by_text("All of it (JSON)").click()
    record = json.loads(told.value.path().read_bytes())
    assert record[0]["photo"] == "group.png"
    with page.expect_download() as drawn:
        page.get_by_text("Marked photo (PNG)").click()
    assert Image.open(io.BytesIO(drawn.value.path().read_bytes())).size == (320, 240)
    for _ in range(2):
        page.get_by_test_id("stFileChipDeleteBtn").get_by_role("button").first.click()
    expect(page.get_by_text("Choose one or more photos")).to_be_visible()
    assert all(url.startswith((server.address, "data:", "blob:", "ws")) for url in visit.requests)


def test_photos_are_there_again_after_another_page(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/detect?with=keen&alarms=1&smallest=48", timeout=PATIENCE_MS)
    photos = [
        {"name": f"{width}.png", "mimeType": "image/png", "buffer": encoded("PNG", (width, 96))} for width in (96, 128)
    ]
    page.locator("input[type=file]").set_input_files(photos[:1])  # type: ignore[arg-type]
    expect(page.get_by_alt_text("96.png: keen sees")).to_be_visible()
    page.locator("input[type=file]").set_input_files(photos[1:])  # type: ignore[arg-type]
    expect(page.get_by_alt_text("128.png: keen sees")).to_be_visible()
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_alt_text("128.png: keen sees")).to_have_count(0)
    page.get_by_role("link", name="Detect", exact=True).click()
    expect(page.get_by_alt_text("128.png: keen sees")).to_be_visible()
    page.get_by_role("button", name="Forget 128.png").click()
    expect(page.get_by_alt_text("96.png: keen sees")).to_be_visible()
    page.get_by_role("button", name="Forget 96.png").click()
    expect(page.get_by_text("Choose one or more photos")).to_be_visible()
