"""Studio in a real Chromium: laying faces down, scrubbing between them, every section, files and links."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from pages.atelier.bench import Bench, read_link, to_link
from tests.pages.browsing import PATIENCE_MS, Server, Visit, face, mounted, needs_chromium
from vaelab.editing.paths import arithmetic, path_through
from vaelab.editing.recipe import FaceRecipe, kept_latent, read_record
from vaelab.editing.sliders import edited_latent
from vaelab.inference import FaceModel
from vaelab.runs.store import Run

pytestmark = [pytest.mark.browser, needs_chromium]

FACES = tuple(FaceRecipe("tiny", start="stored", face=f"train/{index}") for index in (3, 60, 101))


def model_of(server: Server) -> FaceModel:
    return FaceModel.load(Run.open(server.folder / "checkpoints" / "tiny"))


def open_studio(server: Server, page: Page, now: Bench) -> None:
    page.goto(f"{server.address}/studio?{urlencode(to_link(now), doseq=True)}")
    expect(tray(page)).to_have_count(len(now.faces))


def tray(page: Page) -> Locator:
    """The pictures in the tray."""
    return page.locator(".st-key-bench-tray img")


def link(page: Page) -> Bench:
    """What the address bar says lies on the bench."""
    return read_link(parse_qs(urlsplit(page.url).query), "")[0]


def download(page: Page, name: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return Path(download.value.path()).read_bytes()


def test_faces_are_laid_down_and_the_way_between_them_is_scrubbed_and_kept(server: Server, visit: Visit) -> None:
    page, model = visit.page, model_of(server)
    page.goto(f"{server.address}/studio?model=tiny")
    expect(tray(page)).to_have_count(3)
    page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Clear").click()
    expect(page.get_by_text("A way needs two faces")).to_be_visible()
    page.get_by_role("button", name="Random face").click()
    expect(tray(page)).to_have_count(1)
    page.get_by_role("button", name="Stored face").click()
    expect(tray(page)).to_have_count(2)
    page.get_by_text("Straight", exact=True).click()
    page.wait_for_url(re.compile("way=linear"))

    here, where = mounted(page, "scrub").locator(".faces .face"), mounted(page, "scrub").locator("output")
    expect(where).to_have_text("face 1")
    before = here.evaluate("face => face.style.backgroundPosition")
    mounted(page, "scrub").locator("input").scroll_into_view_if_needed()
    box = mounted(page, "scrub").locator("input").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    expect(where).to_have_text("50% of the way from face 1 to face 2")
    assert here.evaluate("face => face.style.backgroundPosition") != before, "it moves while it is held"
    page.mouse.up()
    expect(page.get_by_role("button", name="Open in Explore: 50% of the way")).to_be_visible()

    page.get_by_role("button", name="Keep this way").click()
    recipe = json.loads(download(page, "Recipe (JSON)"))
    points = np.stack([kept_latent(record) for record in recipe["faces"]])
    assert np.array_equal(points, np.stack([edited_latent(model, kept) for kept in link(page).faces]))
    replayed = model.decode(path_through(model, points, recipe["path"], recipe["frames"], loop=False))
    strip = Image.open(io.BytesIO(download(page, "Strip (PNG)")))
    assert "trainedAlgorithmicMedia" in strip.info["XML:com.adobe.xmp"]
    assert np.array_equal(np.asarray(strip)[: model.size, : model.size], replayed[0])
    with av.open(io.BytesIO(download(page, "Film (MP4)"))) as film:
        assert len(list(film.decode(video=0))) == len(replayed)
        assert "vaelab" in str(film.metadata)
    assert Image.open(io.BytesIO(download(page, "GIF"))).n_frames == len(replayed)  # type: ignore[attr-defined]


@pytest.mark.thorough
def test_a_sum_of_faces(server: Server, visit: Visit) -> None:
    page, model = visit.page, model_of(server)
    open_studio(server, page, Bench("tiny", FACES))
    page.get_by_text("Arithmetic", exact=True).click()
    result = page.locator(".st-key-bench-equation img").last
    first = result.get_attribute("src")
    page.locator(".st-key-bench-equation [data-testid=stSelectbox]").first.click()
    page.get_by_role("option", name="Face 3").click()
    expect(result).not_to_have_attribute("src", str(first))
    page.wait_for_url(re.compile("terms=2~1~2"))
    page.locator("[data-testid=stMain] [data-testid=stSlider] input[type=range]").press("ArrowLeft")
    page.wait_for_url(re.compile("w=0.95"))
    record = json.loads(Image.open(io.BytesIO(download(page, "PNG (512 px)"))).info["vaelab"])
    latents = [edited_latent(model, FACES[term]) for term in (2, 1, 2)]
    assert np.abs(np.array(record["z"]) - arithmetic(*latents, 0.95)).max() < 0.01
    page.get_by_role("button", name="Lay it into the tray").click()
    expect(tray(page)).to_have_count(4)


@pytest.mark.thorough
def test_a_face_of_the_grid_opens_in_explore(server: Server, visit: Visit) -> None:
    page = visit.page
    open_studio(server, page, Bench("tiny", FACES[:1], "grid", across="d5", down="a.age", count=3))
    page.get_by_role("button", name=re.compile("Open in Explore: Latent 5 .*Age")).first.click()
    page.wait_for_url(re.compile(r"/\?.*e=.*d5_"))
    assert face(page).any()


@pytest.mark.thorough
def test_doubts_and_neighbours_of_a_face_join_the_tray(server: Server, visit: Visit) -> None:
    page = visit.page
    open_studio(server, page, Bench("tiny", FACES[:2], "doubt"))
    expect(page.locator(".js-plotly-plot .heatmaplayer image")).to_be_visible()
    page.get_by_role("button", name="Lay sample 3 into the tray").click()
    expect(tray(page)).to_have_count(3)
    page.get_by_text("Neighbours", exact=True).click()
    page.wait_for_url(re.compile("do=near"))
    page.get_by_role("button", name=re.compile("^Lay into the tray: ")).nth(1).click()
    expect(tray(page)).to_have_count(4)
    page.wait_for_url(lambda address: len(parse_qs(urlsplit(address).query)["face"]) == 4)
    assert link(page).faces[2].start == "latent"
    assert link(page).faces[3].start == "stored"


def test_a_link_reopens_the_bench(server: Server, visit: Visit, browser: Browser) -> None:
    page = visit.page
    open_studio(server, page, Bench("tiny", FACES, ending="loop", frames=4, path="spherical"))
    page.get_by_role("button", name="Take out of the tray: face 2").click()
    expect(tray(page)).to_have_count(2)
    page.wait_for_url(lambda address: "60" not in urlsplit(address).query)
    assert link(page).faces == (FACES[0], FACES[2])
    other = browser.new_page()
    other.goto(page.url, timeout=PATIENCE_MS)
    expect(tray(other)).to_have_count(2)
    shown = [tray(seen).evaluate_all("images => images.map(image => image.alt)") for seen in (page, other)]
    assert shown[0] == shown[1]
    expect(mounted(other, "scrub").locator("output")).to_have_text("face 1")
    other.close()


@pytest.mark.thorough
def test_a_kept_recipe_is_laid_down(server: Server, visit: Visit) -> None:
    page, model = visit.page, model_of(server)
    open_studio(server, page, Bench("tiny", FACES[:1], "sum"))
    page.get_by_role("button", name="Random face").click()
    expect(tray(page)).to_have_count(2)
    kept = Image.open(io.BytesIO(download(page, "PNG (512 px)"))).info["vaelab"]
    page.get_by_text("A recipe", exact=True).click()
    upload = {"name": "face.json", "mimeType": "application/json", "buffer": kept.encode()}
    page.locator("input[type=file]").set_input_files(upload)  # type: ignore[arg-type]
    expect(tray(page)).to_have_count(3)
    recipe, record = read_record(kept.encode())
    assert np.array_equal(edited_latent(model, recipe), np.array(record["z"], np.float32))
