"""A training's life as a visitor meets it: launch, points, a zoom that stays, another beta, stop, reload, resume."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages.browsing import PATIENCE_MS, Server, Visit, mounted, needs_chromium, start_server, stop_server
from tests.pages.training_lab import TINY, prepare_data
from vaelab.config import replace
from vaelab.recipes import RECIPES
from vaelab.runs.store import RUNS_DIR, list_runs

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a small data set, whose trainings end with it."""
    folder = tmp_path_factory.mktemp("lab")
    prepare_data(folder)
    running = start_server(folder)
    yield running
    stop_server(running)
    runs = list_runs(folder / RUNS_DIR)
    for run in runs:
        if run.status.is_alive:
            run.request_cancel()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and any(run.status.is_alive for run in runs):
        time.sleep(0.1)
    assert "Traceback" not in (folder / "server.log").read_text()


def points(page: Page) -> int:
    """How many points the loss curves show."""
    return int(mounted(page, "plot").first.get_attribute("data-points") or 0)


def wait_for_more_points(page: Page, than: int) -> int:
    """The number of points, once it is larger."""
    for _ in range(round(PATIENCE_MS / 200)):
        if points(page) > than:
            return points(page)
        page.wait_for_timeout(200)
    pytest.fail(f"no more than {than} points")


def zoom_in(page: Page) -> str:
    """Drag across the first curve; the range that is shown then."""
    box = mounted(page, "plot").first.locator("canvas").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 60, steps=5)
    page.mouse.up()
    expect(mounted(page, "plot").first).to_have_attribute("data-zoom", re.compile(r"\d+ \d+"))
    return mounted(page, "plot").first.get_attribute("data-zoom") or ""


def test_a_trainings_life(lab_server: Server, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    page = visit.page
    monkeypatch.chdir(lab_server.folder)
    from vaelab import jobs

    run = jobs.start(replace(RECIPES["first-minute"], **TINY), name="life", root=RUNS_DIR)
    page.goto(f"{lab_server.address}/train?run=life")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    mounted(page, "plot").locator("canvas").first.wait_for(timeout=PATIENCE_MS)
    seen = wait_for_more_points(page, 4)
    zoomed = zoom_in(page)
    wait_for_more_points(page, seen)
    assert mounted(page, "plot").first.get_attribute("data-zoom") == zoomed

    page.get_by_role("button", name="Change settings").click()
    field = page.get_by_role("spinbutton", name="Beta")
    field.fill("2.5")
    field.press("Enter")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("beta 1 → 2.5").first).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Stop").click()
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_visible()
    assert run.status.state == "stopped"
    stopped_at = run.status.images_seen
    page.reload()
    resume.click(timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while run.status.images_seen <= stopped_at and time.monotonic() < deadline:
        page.wait_for_timeout(200)
    assert run.status.images_seen > stopped_at
    assert run.settings_now.loss.beta == 2.5
    page.get_by_role("button", name="Stop").click()
    expect(resume).to_be_visible()


@pytest.mark.thorough
def test_what_a_field_cannot_be_is_said_and_never_trained_with(lab_server: Server, visit: Visit) -> None:
    """A browser keeps back what lies outside a field's bounds, and reads 1e12 in a field of whole numbers as 1."""
    page, before = visit.page, len(list_runs(lab_server.folder / RUNS_DIR))
    page.goto(f"{lab_server.address}/train")
    page.get_by_text("how the weights move").click()
    page.get_by_role("spinbutton", name="Batch size").fill("999999")
    press_slowly(page, page.get_by_role("button", name="Train", exact=True))
    expect(page.get_by_text("Nothing was started")).to_be_visible()
    expect(page.get_by_text("expected 2 to 65536 images")).to_have_count(2)
    number = page.get_by_role("spinbutton", name="Num images")
    number.fill("1e12")
    number.press("Tab")
    expect(page.get_by_text("num_images is 1e+12 images")).to_have_count(2)
    number.fill("")
    number.press("Tab")
    recipe = RECIPES["first-minute"].optim.num_images
    expect(page.get_by_text(f"Num images is the recipe's again: {recipe:,}.")).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Num images")).to_have_value(str(recipe))
    expect(page.get_by_role("spinbutton", name="Batch size")).to_have_value("999999")
    assert len(list_runs(lab_server.folder / RUNS_DIR)) == before


def press_slowly(page: Page, button: Locator) -> None:
    """As a hand does that comes from a field: leaving it redraws the page before the button is let go."""
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(600)
    page.mouse.up()


@pytest.mark.thorough
def test_a_training_is_launched_from_the_form_and_leads_to_its_live_view(lab_server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{lab_server.address}/train")
    page.get_by_role("textbox", name="Name of the run").fill("mine")
    page.get_by_role("textbox", name="Name of the run").press("Enter")
    page.get_by_text("which network").click()
    page.get_by_role("button", name="Measure on this machine").click()
    expect(page.get_by_text("while nothing else runs")).to_be_visible()
    page.get_by_role("spinbutton", name="Width (channels)").fill("2")
    press_slowly(page, page.get_by_role("button", name="Train", exact=True))
    expect(page.get_by_role("heading", name="mine")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/train\?run=mine"))
    assert list_runs(lab_server.folder / RUNS_DIR)[-1].config.model.width == 2
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=2 * PATIENCE_MS)
