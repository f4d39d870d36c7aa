"""The map in a real Chromium: pressed, selected and walked by pointer and keyboard; faces on hover and close by."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages.browsing import COUNT_OBSERVERS, PATIENCE_MS, Server, Visit, mounted, needs_chromium
from tests.pages.tiny_runs import STORED, make_run
from vaelab.evaluation.facemap import FaceMap
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.projection import MapSettings
from vaelab.runs.store import Run

pytestmark = [pytest.mark.browser, needs_chromium]
COLOURS = """canvas => new Set(new Uint32Array(
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""


@pytest.fixture
def second(server: Server) -> Iterator[str]:
    """Another model of the same faces, for as long as a test lasts."""
    run = make_run(server.folder, "second-model")
    yield run.id
    shutil.rmtree(run.dir)


def open_map(server: Server, page: Page, query: str = "") -> Locator:
    page.goto(f"{server.address}/map?model=tiny&map=pca{query}")
    canvas = mounted(page, "scene").locator("canvas")
    expect(canvas).to_be_visible()
    canvas.scroll_into_view_if_needed()
    return canvas


def at(canvas: Locator, x: float, y: float) -> dict[str, float]:
    """Where a place of the whole map is on the canvas, in pixels."""
    box = canvas.bounding_box()
    assert box is not None
    scale = min(box["width"], box["height"]) / 2.15
    return {"x": box["width"] / 2 + x * scale, "y": box["height"] / 2 - y * scale}


def drag(
    page: Page, canvas: Locator, *places: tuple[float, float], meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Press at the first place and move over the others to the last; `meanwhile` happens at the second."""
    box = canvas.bounding_box()
    assert box is not None
    for step, place in enumerate(places):
        point = at(canvas, *place)
        page.mouse.move(box["x"] + point["x"], box["y"] + point["y"], steps=4)
        if step == 0:
            page.mouse.down()
        elif step == 1:
            meanwhile()
    page.mouse.up()


def test_a_press_decodes_and_the_link_keeps_it(server: Server, visit: Visit) -> None:
    page = visit.page
    canvas = open_map(server, page)
    assert canvas.evaluate(COLOURS) > 10
    canvas.click(position=at(canvas, 1.02, -1.0))
    expect(page.get_by_text("Drawn at")).to_be_visible()
    expect(page).to_have_url(re.compile(r"at=1\.0\d+%7E-(1|0\.99)|at=1\.0\d+~-(1|0\.99)"))
    canvas.press("ArrowLeft")
    canvas.press("Shift+ArrowUp")
    before = page.url
    canvas.press("Enter")
    expect(page).not_to_have_url(before)


@pytest.mark.thorough
def test_a_face_is_hovered_pressed_and_taken_to_explore(server: Server, visit: Visit) -> None:
    run = Run.open(server.folder / "checkpoints" / "tiny")
    places = FaceMap.of(StoredLatents.read(run), MapSettings("pca")).places
    page = visit.page
    canvas = open_map(server, page)
    lonely = int(places[:, 0].argmax())
    spot = at(canvas, float(places[lonely, 0]), float(places[lonely, 1]))
    canvas.hover(position=spot)
    expect(mounted(page, "scene").locator(".tip")).to_be_visible()
    expect(mounted(page, "scene").locator(".tip .face")).to_have_attribute("style", re.compile(r"rows=\d+"))
    canvas.click(position=spot)
    expect(page.get_by_text("Stored face,")).to_be_visible()
    page.get_by_role("button", name="Open in Explore").click()
    expect(page).to_have_title("Explore · vaelab")
    expect(page).to_have_url(re.compile(f"face=train%2F{lonely}|face=train/{lonely}"))


def test_box_and_lasso_select_and_the_counts_agree(server: Server, visit: Visit) -> None:
    page = visit.page
    canvas = open_map(server, page)
    page.get_by_role("button", name="Box", exact=True).click()
    drag(page, canvas, (-1.05, -1.02), (1.05, 1.02))
    chosen = page.get_by_text(re.compile(rf"of {STORED} faces are selected"))
    expect(chosen).to_be_visible()
    everyone = int(chosen.inner_text().split()[0])
    assert everyone > STORED * 0.9
    page.get_by_role("button", name="Lasso", exact=True).click()
    drag(page, canvas, (0.0, -1.0), (1.0, -1.0), (1.0, 1.0), (0.0, 1.0))
    expect(chosen).not_to_have_text(re.compile(rf"^{everyone} of"))
    fewer = int(chosen.inner_text().split()[0])
    assert 0 < fewer < everyone
    with page.expect_download() as download:
        page.get_by_role("button", name=f"{fewer} faces (CSV)").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].endswith("x,y")
    assert len(lines) == 1 + fewer


def test_only_the_first_button_presses(server: Server, visit: Visit) -> None:
    page = visit.page
    canvas = open_map(server, page)
    canvas.click(position=at(canvas, 0.5, 0.5), button="right")
    page.get_by_role("button", name="Box", exact=True).click()
    drag(page, canvas, (-1.0, -1.0), (1.0, 1.0))
    expect(page).to_have_url(re.compile("area="))
    assert not re.search("[?&]at=", page.url)


def test_a_box_outlives_an_answer_and_answers_leave_no_observers(server: Server, visit: Visit) -> None:
    page = visit.page
    page.add_init_script(COUNT_OBSERVERS)
    canvas = open_map(server, page)
    canvas.click(position=at(canvas, 1.02, -1.0))
    expect(page).to_have_url(re.compile("at="))
    assert page.evaluate("observers.size") == 1
    page.get_by_role("button", name="Box", exact=True).click()

    def answer() -> None:
        page.go_back()
        expect(page.get_by_text("Press anywhere on the map")).to_be_visible()
        page.wait_for_timeout(300)  # until the map has it too

    drag(page, canvas, (-1.0, -1.0), (-0.8, -0.8), (1.0, 1.0), meanwhile=answer)
    expect(page).to_have_url(re.compile("area="))
    assert page.evaluate("observers.size") == 1


def test_a_path_is_walked_by_keyboard(server: Server, visit: Visit) -> None:
    page = visit.page
    canvas = open_map(server, page)
    page.get_by_role("button", name="Path", exact=True).click()
    canvas.press("Enter")
    canvas.press("Shift+ArrowRight")
    canvas.press("Enter")
    page.get_by_role("tab", name="Path").click()
    expect(mounted(page, "scrub").locator("input[type=range]")).to_be_visible()
    expect(page.get_by_text("frame 1 of 11")).to_be_visible()
    canvas.press("Backspace")
    expect(page.get_by_text("press two to six places")).to_be_visible()


@pytest.mark.thorough
def test_close_by_the_points_are_faces(server: Server, visit: Visit) -> None:
    page = visit.page
    canvas = open_map(server, page)
    for _ in range(4):
        page.get_by_role("button", name="Zoom in").click()
    page.wait_for_function(
        "() => performance.getEntriesByType('resource').some(entry => /faces.stored.*rows=.*~/.test(entry.name))",
        timeout=PATIENCE_MS,
    )
    assert canvas.evaluate(COLOURS) > 10


@pytest.mark.thorough
def test_a_selection_on_either_map_is_lit_on_both(server: Server, visit: Visit, second: str) -> None:
    page = visit.page
    page.goto(f"{server.address}/map?model=tiny&map=pca&beside={second}")
    maps = mounted(page, "scene").locator("canvas")
    expect(maps).to_have_count(2)
    boxes = page.get_by_role("button", name="Box", exact=True)
    chosen = page.get_by_text(re.compile(rf"of {STORED} faces are selected"))
    counts = []
    for place in (0, 1):
        maps.nth(place).scroll_into_view_if_needed()
        boxes.nth(place).click()
        before = [maps.nth(number).evaluate(COLOURS) for number in (0, 1)]
        drag(page, maps.nth(place), (-1.0, -1.0 + place), (1.0, 0.0 + place))
        expect(page).to_have_url(re.compile("on=beside" if place else "area="))
        expect(chosen).to_be_visible()
        expect(page.get_by_text("are among its nearest there")).to_be_visible()
        page.wait_for_timeout(300)
        assert [maps.nth(number).evaluate(COLOURS) for number in (0, 1)] != before
        counts.append(int(chosen.inner_text().split()[0]))
    assert counts[0] != counts[1]
    expect(page.get_by_role("button", name="Path", exact=True)).to_have_count(1)


@pytest.mark.thorough
def test_on_three_axes_a_face_is_pressed_and_redrawn(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/map?model=tiny&map=pca&dims=3")
    space = mounted(page, "solid").locator(".space")
    expect(space).to_have_attribute("aria-label", re.compile(f"Map of {STORED} faces"))
    expect(space.locator("canvas").or_(space.locator("p")).first).to_be_visible()
    if space.locator("p").count():
        expect(space).to_contain_text("WebGL")
        pytest.skip("this browser draws no WebGL")
    graph = space.locator(".js-plotly-plot")
    graph.evaluate("""graph => {
      graph.mark = "turned"
      graph.emit("plotly_click", { points: [{ curveNumber: 0, pointNumber: 17 }] })
    }""")
    expect(page.get_by_text("Stored face,")).to_be_visible()
    page.wait_for_function("() => document.querySelector('.js-plotly-plot')?.data.length > 1", timeout=PATIENCE_MS)
    assert graph.evaluate("graph => graph.mark") == "turned", "the same scene, with its camera"
    assert not [address for address in visit.requests if not address.startswith((server.address, "blob:", "data:"))]
    page.get_by_text("2-D", exact=True).click()
    expect(mounted(page, "scene").locator("canvas")).to_be_visible()
