"""The tour from its first step to its last in a real Chromium, on trainings that take seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.pages.browsing import PATIENCE_MS, Server, Visit, mounted, needs_chromium, start_server, stop_server
from tests.pages.training_lab import TINY, prepare_data
from vaelab import jobs
from vaelab.config import replace
from vaelab.recipes import RECIPES
from vaelab.runs.store import RUNS_DIR, Run

pytestmark = [pytest.mark.browser, needs_chromium]
TRAINING_MS = 4 * PATIENCE_MS
"""Until a training has begun, on a machine that is busy with others."""
QUICK = {**TINY, "num_images": 1_600}


@pytest.fixture
def tour_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with a small data set."""
    monkeypatch.chdir(tmp_path)
    prepare_data(tmp_path)
    running = start_server(tmp_path)
    yield running
    stop_server(running)
    assert "Traceback" not in (tmp_path / "server.log").read_text()


def train(name: str, **changes: float) -> Run:
    """A training of the tour's recipe that takes seconds."""
    return jobs.start(replace(RECIPES["first-minute"], **QUICK, linear_path=False, **changes), name=name, root=RUNS_DIR)


def wait_done(page: Page, title: str) -> None:
    """Until the card says by itself that its step is done."""
    expect(page.get_by_role("status").filter(has_text=f"{title}: done")).to_be_visible(timeout=TRAINING_MS)


def go_on(page: Page, heading: str) -> None:
    """Press Next; the page of the next step opens."""
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.locator("h1")).to_have_text(heading)


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_the_whole_tour(tour_server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{tour_server.address}/recipes")
    page.get_by_role("button", name="VAE in ten minutes").click()
    train("first")
    wait_done(page, "Start a training")
    go_on(page, "Data")
    wait_done(page, "See what it learns from")
    go_on(page, "Train")
    wait_done(page, "Watch it learn")
    page.reload()
    wait_done(page, "Watch it learn")
    go_on(page, "One face, many dimensions")
    slider = mounted(page, "panel").locator(".row input[type=range]").first
    slider.focus()
    slider.press("PageUp")
    wait_done(page, "Move a slider")
    go_on(page, "One face, many dimensions")
    page.get_by_role("button", name="Another face").click()
    wait_done(page, "Draw from noise")
    go_on(page, "Recipes")
    page.get_by_role("button", name="Store its faces").click()
    wait_done(page, "Store its faces")
    go_on(page, "Train")
    page.get_by_role("button", name="Fill in beta 8").click()
    expect(page.get_by_test_id("stCode").first).to_contain_text("--beta 8")
    second = train("second", beta=8.0)
    wait_done(page, "Train again, with a larger beta")
    go_on(page, "Several faces at once")
    page.get_by_role("radio", name="Straight").click()
    wait_done(page, "Walk between faces")
    go_on(page, "Where new faces come from")
    wait_done(page, "Find the holes")
    go_on(page, "The map of faces")
    wait_done(page, "Look at all faces at once")
    go_on(page, "What would it take?")
    page.get_by_role("button", name="Drawn face").click()
    wait_done(page, "Ask a detector")
    go_on(page, "Who is seen in a photo?")
    wait_done(page, "Let it look at a photo")
    go_on(page, "Is it fairer?")
    wait_done(page, "Ask whether it is fairer")
    go_on(page, "Two models, one face")
    for _ in range(round(TRAINING_MS / 200)):
        if second.status.state == "done":
            break
        page.wait_for_timeout(200)
    page.get_by_role("button", name="Store the faces of both").click()
    wait_done(page, "Compare the two")
    expect(page.get_by_text("Model A")).to_be_visible()
    go_on(page, "Runs")
    page.get_by_role("button", name="Skip", exact=True).click()
    wait_done(page, "Read a model's card")
    page.get_by_role("button", name="Finish", exact=True).click()
    expect(page.get_by_text("VAE in ten minutes")).to_have_count(0)
    assert "tour=" not in page.url
