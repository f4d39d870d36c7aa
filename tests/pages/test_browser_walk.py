"""Counterfactual in a real Chromium: a face is moved until a detector no longer sees it; its files and links."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from pages.counterfactual.plan import Plan, read_plan
from tests.pages.browsing import PATIENCE_MS, Server, Visit, needs_chromium
from tests.pages.tiny_runs import make_detector
from vaelab.editing.recipe import FaceRecipe
from vaelab.editing.sliders import edited_latent, find_slider, step_vector
from vaelab.inference import FaceModel
from vaelab.runs.store import Run

pytestmark = [pytest.mark.browser, needs_chromium]

PLAN = Plan(FaceRecipe("tiny", start="stored", face="train/60"), along="d5", detectors=("wary", "keen"))


@pytest.fixture(scope="module", autouse=True)
def _detectors(server: Server) -> Iterator[None]:
    """One that sees a face in anything, and one whose threshold this walk crosses on its way."""
    keen = make_detector(server.folder, "keen", threshold=-1e6)
    wary, model = make_detector(server.folder, "wary"), model_of(server, "tiny")
    z = edited_latent(model, PLAN.recipe)
    step = step_vector(model, PLAN.recipe, find_slider(model, PLAN.recipe.method, PLAN.along))
    judge = FaceModel.load(wary, with_latents=False)
    low, high = judge.face_logit(model.decode(np.stack([z + 2 * step, z + 4 * step])))
    measured = {"threshold": float((low + high) / 2), "num_calibration": 10_000}
    wary.write_report("test", {"model": {"weights": judge.weights_fingerprint}, "detection": {"fpr_0.01": measured}})
    yield
    for run in (keen, wary):
        shutil.rmtree(run.dir)


def model_of(server: Server, name: str) -> FaceModel:
    return FaceModel.load(Run.open(server.folder / "checkpoints" / name))


def open_walk(server: Server, page: Page, plan: Plan) -> None:
    page.goto(f"{server.address}/counterfactual?{urlencode(plan.to_query())}", timeout=PATIENCE_MS)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()


def link(page: Page) -> Plan:
    return read_plan(dict(parse_qsl(urlsplit(page.url).query)), Plan(FaceRecipe("")))[0]


def traces(page: Page) -> list[dict[str, object]]:
    """What the figure on screen draws: the name, the symbol and the text of each trace."""
    found: list[dict[str, object]] = page.locator(".js-plotly-plot").first.evaluate(
        "plot => plot.data.map(t => ({name: t.name, symbol: t.marker?.symbol, text: t.text, hover: t.hovertext}))"
    )
    return found


def download(page: Page, name: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return Path(download.value.path()).read_bytes()


def test_the_place_where_a_detector_stops_seeing_a_face_is_marked_and_kept(server: Server, visit: Visit) -> None:
    page, model = visit.page, model_of(server, "tiny")
    open_walk(server, page, PLAN)
    sentence = page.get_by_text(re.compile(r"^wary (stops|begins|sees)")).first
    expect(sentence).to_be_visible()
    expect(page.get_by_text("keen sees a face along the whole walk, from −6.00 to +6.00.")).to_be_visible()
    record = json.loads(download(page, "Walk (JSON)"))
    crossings = record["detectors"][0]["crossings"]
    assert any(2 <= crossing["position"] <= 4 for crossing in crossings)
    assert record["detectors"][1]["crossings"] == []
    (marks,) = [trace for trace in traces(page) if trace["symbol"] == "x"]
    assert marks["text"] == [f"{crossing['position']:+.2f}".replace("-", "−") for crossing in crossings]
    assert f"wary {'stops seeing' if crossings[0]['is_loss'] else 'begins to see'} a face" in str(marks["hover"])
    caption = page.get_by_text(re.compile(r"^[+−]\d\.\d\d wary (stops seeing|begins to see)"))
    assert caption.count() >= 1, "the face at the crossing is among the large ones"

    table = list(csv.DictReader(io.StringIO(download(page, "Numbers (CSV)").decode())))
    assert len(table) == len(record["positions"]) == 41
    assert {row["wary sees"] for row in table} == {"True", "False"}
    strip = Image.open(io.BytesIO(download(page, "Faces (PNG)")))
    gap = (strip.width - 9 * model.size) // 8
    start = np.asarray(strip)[:, 4 * (model.size + gap) :][:, : model.size]
    assert np.array_equal(start, model.decode(edited_latent(model, PLAN.recipe)[None])[0])


def test_direction_reach_scale_and_holding_go_into_a_link_that_reopens_them(
    server: Server, visit: Visit, browser: Browser
) -> None:
    page = visit.page
    open_walk(server, page, PLAN)
    page.locator("[data-testid=stMain] [data-testid=stSelectbox]").nth(1).click()
    page.keyboard.type("Age")  # a long list renders only what is in view
    page.get_by_role("option", name=re.compile("^Age")).click()
    page.wait_for_url(re.compile(r"along=a\.age"))
    page.locator("[data-testid=stMain] [data-testid=stSlider] input[type=range]").press("ArrowRight")
    page.wait_for_url(re.compile("reach=7"))
    page.get_by_text("Log-odds", exact=True).click()
    page.wait_for_url(re.compile("y=odds"))
    page.locator("[data-testid=stMain] [data-testid=stMultiSelect]").first.click()
    page.get_by_role("option", name=re.compile("Gender: Male")).click()
    page.wait_for_url(re.compile("hold=gender-male"))
    page.keyboard.press("Escape")
    walked = page.get_by_text("keen sees a face along the whole walk, from −7.00 to +7.00.")
    expect(walked).to_be_visible()
    now = link(page)
    assert (now.along, now.reach, now.scale, now.recipe.hold) == ("a.age", 7.0, "odds", ("gender-male",))
    other = browser.new_page()
    other.goto(page.url, timeout=PATIENCE_MS)
    again = other.get_by_text("keen sees a face along the whole walk, from −7.00 to +7.00.")
    expect(again).to_be_visible()
    assert traces(other) == traces(page)
    assert link(other) == now
    other.close()


@pytest.mark.thorough
def test_a_detector_can_be_taken_out_and_the_face_be_another(server: Server, visit: Visit) -> None:
    page = visit.page
    open_walk(server, page, PLAN)
    page.locator("[data-testid=stMain] [data-testid=stMultiSelect]").last.get_by_role(
        "button", name=re.compile("keen")
    ).click()
    page.wait_for_url(lambda address: "keen" not in address)
    expect(page.get_by_text("keen sees a face along")).to_have_count(0)
    page.get_by_role("button", name="Drawn face").click()
    page.wait_for_url(re.compile("from=fitted|seed="))
    assert link(page).recipe.start == "fitted"
    assert link(page).detectors == ("wary",)


@pytest.mark.thorough
def test_many_faces_are_walked_and_counted(server: Server, visit: Visit) -> None:
    page = visit.page
    open_walk(server, page, PLAN)
    button, bar = page.get_by_role("button", name="Walk 200 faces"), page.get_by_text("Walking 200 faces")
    for _ in range(2):
        button.click()
        expect(bar).to_be_visible()
        expect(bar).to_have_count(0)
        expect(button).to_have_count(1)
        expect(page.get_by_text(re.compile("keen sees 100.0 % of the 200 faces at the start"))).to_be_visible()
        expect(page.locator(".js-plotly-plot")).to_have_count(2)


@pytest.mark.thorough
def test_nothing_is_cut_off_on_a_phone(server: Server, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    open_walk(server, page, PLAN)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    page.close()
