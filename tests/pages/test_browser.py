"""The app around its pages, in a real Chromium. Skipped, visibly, where there is none."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.pages.browsing import (
    PATIENCE_MS,
    Server,
    Visit,
    face,
    needs_chromium,
    start_server,
    stop_server,
    wait_for_another_face,
)
from tests.pages.tiny_runs import make_run

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.mark.parametrize(
    "path",
    [
        "/?seed=%3Cb%3E&e=nonsense",
        "/counterfactual",
        *(pytest.param(path, marks=pytest.mark.thorough) for path in ("/", "/models", "/compare")),
    ],
)
def test_no_request_leaves_this_machine(server: Server, visit: Visit, path: str) -> None:
    page = visit.page
    page.goto(server.address + path)
    page.wait_for_selector("h1")
    page.wait_for_timeout(2500)
    hosts = {urlsplit(request).hostname for request in visit.requests if request.startswith(("http", "ws"))}
    assert hosts == {"localhost"}


@pytest.mark.parametrize("name", ["Prior", "Map"])
def test_one_press_of_back_leaves_a_page_that_keeps_a_link(server: Server, visit: Visit, name: str) -> None:
    page = visit.page
    page.goto(f"{server.address}/recipes")
    page.get_by_role("link", name=name, exact=True).click()
    linked = re.compile(rf"/{name.lower()}\?.*model=")
    expect(page).to_have_url(linked)
    page.go_back()
    expect(page).to_have_url(f"{server.address}/recipes")
    expect(page.locator("h1")).to_have_text("Recipes")
    page.go_forward()
    expect(page).to_have_url(linked)
    expect(page.locator("h1")).not_to_have_text("Recipes")


def test_back_from_a_training_leads_to_a_new_one(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/recipes")
    page.get_by_role("link", name="Train", exact=True).click()
    page.get_by_role("combobox", name="Training").click()
    page.get_by_role("option", name="tiny").click()
    expect(page).to_have_url(f"{server.address}/train?run=tiny")
    page.go_back()
    expect(page).to_have_url(f"{server.address}/train")
    expect(page.get_by_text("Begin at a recipe")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_visitors_choice(server: Server, browser: Browser, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(server.address, timeout=PATIENCE_MS)
    face(page)
    colour = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    red = int(re.findall(r"\d+", colour)[0])
    assert red > 240 if scheme == "light" else red < 40
    page.close()


@pytest.mark.thorough
def test_a_deep_link_on_a_cold_server_has_frame_and_title(tmp_path: Path, visit: Visit) -> None:
    make_run(tmp_path, "tiny", card="# tiny\nA card.\n")
    cold = start_server(tmp_path)
    try:
        visit.page.goto(f"{cold.address}/models", timeout=PATIENCE_MS)
        expect(visit.page.locator("h1")).to_have_text("Models")
        expect(visit.page).to_have_title("Models · vaelab")
        expect(visit.page.get_by_role("link", name="Explore")).to_be_visible()
    finally:
        stop_server(cold)
    assert "Traceback" not in (tmp_path / "server.log").read_text()


def test_the_next_server_shows_the_kept_face_before_anything_can_draw(tmp_path: Path, visit: Visit) -> None:
    run = make_run(tmp_path, "tiny", card="# tiny\nA card.\n")
    first = start_server(tmp_path)
    try:
        visit.page.goto(first.address, timeout=PATIENCE_MS)
        drawn = face(visit.page)
        kept = waited_for(run.dir, "drawn-*.png")
        waited_for(run.dir, "decoder-*.onnx")
    finally:
        stop_server(first)
    assert np.abs(np.asarray(Image.open(kept)).astype(int) - drawn).max() <= 1
    marked = np.full((*drawn.shape[:2], 3), (200, 30, 30), np.uint8)
    Image.fromarray(marked).save(kept)
    second = start_server(tmp_path)
    try:
        visit.page.goto(second.address, timeout=PATIENCE_MS)
        shown = face(visit.page)
        assert np.array_equal(shown, marked)
        assert np.abs(wait_for_another_face(visit.page, shown).astype(int) - drawn).max() <= 1
        visit.page.get_by_text("Train a model").first.wait_for(state="attached", timeout=PATIENCE_MS)
    finally:
        stop_server(second)
    assert "Traceback" not in (tmp_path / "server.log").read_text()


def waited_for(folder: Path, pattern: str) -> Path:
    """The file, as soon as it is there."""
    patience = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < patience:
        if found := list(folder.glob(pattern)):
            return found[0]
        time.sleep(0.1)
    pytest.fail(f"there is no {pattern}")


@pytest.mark.thorough
def test_an_empty_page_fills_itself_when_a_model_appears(tmp_path: Path, visit: Visit) -> None:
    server = start_server(tmp_path)
    try:
        visit.page.goto(server.address, timeout=PATIENCE_MS)
        expect(visit.page.locator("h1")).to_have_text("No face to show yet")
        make_run(tmp_path, "newborn", state="running")
        assert face(visit.page).any()
        shutil.rmtree(tmp_path / "checkpoints" / "newborn")
        expect(visit.page.locator("h1")).to_have_text("No face to show yet")
    finally:
        stop_server(server)
    assert "Traceback" not in (tmp_path / "server.log").read_text()


@pytest.mark.parametrize(
    ("path", "leads_to", "title"),
    [("/explore", "/", "Explore · vaelab"), ("/walk", "/counterfactual", "Counterfactual · vaelab")],
)
def test_another_address_of_a_page_leads_there_with_its_query(
    server: Server, visit: Visit, path: str, leads_to: str, title: str
) -> None:
    page = visit.page
    page.goto(f"{server.address}{path}?model=tiny&seed=41&from=prior", timeout=PATIENCE_MS)
    expect(page).to_have_title(title)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    address = urlsplit(page.url)
    assert address.path == leads_to
    assert parse_qs(address.query)["seed"] == ["41"]
    expect(page.get_by_text("Page not found")).to_have_count(0)
