"""Compare in a real Chromium: the same face on the same path through two models, scrubbed, measured and linked."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from pages.sidebyside.pair import BETWEEN, Pair, read_pair
from pages.sidebyside.paths import NUM_FRAMES, drawn, start_frame
from tests.pages.browsing import PATIENCE_MS, Server, Visit, mounted, needs_chromium
from tests.pages.tiny_runs import make_detector
from vaelab.inference import FaceModel
from vaelab.runs.store import Run

pytestmark = [pytest.mark.browser, needs_chromium]

PAIR = Pair("tiny", "seeing", face="train/60", along="gender-male")
JPEG_LEVELS = 12.0
"""Mean grey levels that the compressed sheet of frames may differ from the pictures in it."""

READ_FRAME = """async face => {
  const image = new Image()
  image.src = getComputedStyle(face).backgroundImage.slice(5, -2)
  await image.decode()
  const side = image.height, count = Math.round(image.width / side)
  const frame = Math.round(parseFloat(face.style.backgroundPosition) / 100 * (count - 1))
  const canvas = document.createElement("canvas")
  canvas.width = canvas.height = side
  const context = canvas.getContext("2d")
  context.drawImage(image, -frame * side, 0)
  return Array.from(context.getImageData(0, 0, side, side).data)
}"""
"""The bytes of what a window shows of its sheet."""


@pytest.fixture(scope="module", autouse=True)
def _second(server: Server) -> Iterator[None]:
    """A dbvae that stores the same faces, beside the model that every server has."""
    run = make_detector(server.folder, "seeing", "dbvae")
    yield
    shutil.rmtree(run.dir)


def models_of(server: Server) -> tuple[FaceModel, FaceModel]:
    runs = server.folder / "checkpoints"
    return FaceModel.load(Run.open(runs / PAIR.first)), FaceModel.load(Run.open(runs / PAIR.second))


def open_compare(server: Server, page: Page, pair: Pair) -> None:
    page.goto(f"{server.address}/compare?{urlencode(pair.to_query())}", timeout=PATIENCE_MS)
    expect(mounted(page, "scrub").locator("figure")).to_have_count(2)


def link(page: Page) -> Pair:
    return read_pair(dict(parse_qsl(urlsplit(page.url).query)), Pair("", ""))


def shown(page: Page, place: int) -> np.ndarray:
    """Pixels of the face that is shown for the first or the second model."""
    values = mounted(page, "scrub").locator(".faces .face").nth(place).evaluate(READ_FRAME)
    side = round((len(values) / 4) ** 0.5)
    return np.array(values, float).reshape(side, side, 4)[..., :3]


def drag(page: Page, share: float) -> None:
    """Press the slider at its thumb in the middle and move it to `share` of its width, without letting go."""
    mounted(page, "scrub").locator("input").scroll_into_view_if_needed()
    box = mounted(page, "scrub").locator("input").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2, steps=5)


def test_both_faces_move_while_the_slider_is_held_and_the_release_is_measured(server: Server, visit: Visit) -> None:
    page, models = visit.page, models_of(server)
    open_compare(server, page, PAIR)
    ways = [drawn(model, models, PAIR) for model in models]
    assert mounted(page, "scrub").locator("figcaption b").all_inner_texts() == ["tiny", "seeing"]
    starts = [shown(page, place) for place in (0, 1)]
    drag(page, 1.0)
    expect(mounted(page, "scrub").locator("output")).to_have_text("+3.00")
    for place in (0, 1):
        assert np.abs(starts[place] - ways[place].pixels[start_frame(PAIR)]).mean() < JPEG_LEVELS
        assert np.abs(shown(page, place) - ways[place].pixels[NUM_FRAMES - 1]).mean() < JPEG_LEVELS
        assert not np.array_equal(shown(page, place), starts[place]), "it changes while it is held"
    assert ways[1].face_prob is not None
    spoken = f"sees a face with probability {ways[1].face_prob[-1]:.3f}"
    assert mounted(page, "scrub").locator("figcaption span").all_inner_texts() == [
        "draws only, detects nothing",
        spoken,
    ]
    expect(page.get_by_text("Let the slider go somewhere")).to_be_visible()
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"At \+3\.00: tiny"))).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_be_visible()


@pytest.mark.thorough
def test_keys_and_the_strip_move_both(server: Server, visit: Visit) -> None:
    page = visit.page
    open_compare(server, page, PAIR)
    mounted(page, "scrub").locator("input").press("ArrowRight")
    expect(mounted(page, "scrub").locator("output")).to_have_text("+0.25")
    mounted(page, "scrub").locator(".strip").last.locator(".face").first.click()
    expect(mounted(page, "scrub").locator("output")).to_have_text("−3.00")
    expect(page.get_by_text(re.compile("At −3.00: tiny"))).to_be_visible()


def test_a_link_reopens_the_faces_and_the_path(server: Server, visit: Visit, browser: Browser) -> None:
    page = visit.page
    open_compare(server, page, PAIR)
    page.locator("[data-testid=stMain] [data-testid=stSelectbox]").nth(2).click()
    page.get_by_role("option", name="To another face").click()
    page.get_by_role("button", name="Another end").click()
    expect(page.get_by_text("to the one labelled")).to_be_visible()
    expect(mounted(page, "scrub").locator("output")).to_have_text("0%")
    page.get_by_role("button", name="Another face").click()
    page.wait_for_url(lambda address: link(page).face not in ("", PAIR.face))
    assert (link(page).first, link(page).second, link(page).along) == ("tiny", "seeing", BETWEEN)
    expect(page.get_by_text("to the one labelled")).to_be_visible()
    other = browser.new_page()
    other.goto(page.url, timeout=PATIENCE_MS)
    expect(mounted(other, "scrub").locator("output")).to_have_text("0%")
    for seen in (page, other):
        mounted(seen, "scrub").locator("input").press("End")
    for place in (0, 1):
        assert np.array_equal(shown(other, place), shown(page, place))
    other.close()


@pytest.mark.thorough
def test_a_broken_link_says_what_it_could_not_find(server: Server, visit: Visit) -> None:
    page = visit.page
    open_compare(server, page, Pair("tiny", "nobody", face="train/999999", along="wings"))
    expect(page.get_by_text("A model asked for is not on this machine")).to_be_visible()
    expect(page.get_by_text("The face asked for is not stored by both models")).to_be_visible()
    expect(page.get_by_text("do not share the path asked for")).to_be_visible()


@pytest.mark.thorough
def test_nothing_is_cut_off_on_a_phone(server: Server, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    open_compare(server, page, PAIR)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    boxes = [mounted(page, "scrub").locator(".faces .face").nth(place).bounding_box() for place in (0, 1)]
    assert all(box is not None and box["width"] > 130 and box["x"] + box["width"] <= 390 for box in boxes)
    page.close()
