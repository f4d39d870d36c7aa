"""The page about priors in a real Chromium: the plane is drawn, and a press or a key decodes another face."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.pages.browsing import COUNT_OBSERVERS, Server, Visit, mounted, needs_chromium
from tests.pages.tiny_runs import write_priors
from vaelab.runs.store import Run

pytestmark = [pytest.mark.browser, needs_chromium]
TEXT_COLOUR = "canvas => getComputedStyle(canvas).getPropertyValue('--st-text-color')"


@pytest.fixture(scope="module", autouse=True)
def _priors(server: Server) -> Iterator[None]:
    """Fitted priors for the model that every server has."""
    run = Run.open(server.folder / "checkpoints" / "tiny")
    write_priors(run)
    yield
    run.priors_path.unlink()


def test_pressing_a_place_decodes_the_face_there(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/prior?model=tiny")
    canvas = mounted(page, "plane").locator("canvas")
    expect(page.get_by_text("Drawn at 0.00, 0.00")).to_be_visible()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    canvas.click(position={"x": box["width"] * 0.75, "y": box["height"] / 2})
    shown = page.get_by_test_id("stCaptionContainer").filter(has_text="Drawn at")
    expect(shown).to_have_count(1)
    expect(shown).not_to_have_text("Drawn at 0.00, 0.00")
    across, up = (float(value) for value in shown.inner_text().removeprefix("Drawn at ").split(", "))
    assert across == pytest.approx(4.5 * 0.5 * box["width"] / (box["width"] - 52), abs=0.1)
    assert up == pytest.approx(0.0, abs=0.1)
    canvas.press("Shift+ArrowUp")
    expect(shown).to_have_text(f"Drawn at {across:.2f}, {up + 0.5:.2f}".replace("-", "−"))


def test_another_theme_and_another_button_leave_the_point_where_it_is(server: Server, visit: Visit) -> None:
    page = visit.page
    page.emulate_media(color_scheme="light")
    page.add_init_script(COUNT_OBSERVERS)
    page.goto(f"{server.address}/prior?model=tiny")
    canvas = mounted(page, "plane").locator("canvas")
    expect(page.get_by_text("Drawn at 0.00, 0.00")).to_be_visible()
    canvas.scroll_into_view_if_needed()
    canvas.press("Shift+ArrowRight")
    expect(page.get_by_text("Drawn at 0.50, 0.00")).to_be_visible()
    text = canvas.evaluate(TEXT_COLOUR)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"([canvas, text]) => ({TEXT_COLOUR})(canvas) !== text", arg=[canvas.element_handle(), text])
    expect(canvas).to_have_attribute("aria-label", re.compile("The point is at 0.5, 0.0;"))
    canvas.click(button="right", position={"x": 40, "y": 40})
    expect(canvas).to_have_attribute("aria-label", re.compile("The point is at 0.5, 0.0;"))
    assert page.evaluate("observers.size") == 1


@pytest.mark.thorough
def test_a_face_of_the_grid_goes_to_explore(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/prior?model=tiny")
    page.get_by_role("button", name="Take seed 102 of the mixture prior to Explore").click()
    expect(page).to_have_title("Explore · vaelab")
    expect(page.get_by_role("spinbutton", name="Seed")).to_have_value("102")
