"""Explore in a real Chromium: dragging, holding fixed, uploads, exports and links. Skipped, visibly, without one."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.pages.browsing import (
    FACE,
    PATIENCE_MS,
    Server,
    Visit,
    choose_family,
    face,
    mounted,
    needs_chromium,
    slider,
    wait_for_another_face,
)
from vaelab.editing.recipe import FaceRecipe, read_query
from vaelab.editing.sliders import edited_latent
from vaelab.inference import FaceModel
from vaelab.rng import numpy_generator
from vaelab.runs.store import Run

pytestmark = [pytest.mark.browser, needs_chromium]

START_FACE = ".start canvas"
ONE_STEP = 1
"""Grey levels the browser's decoder may differ from the server's."""


def model_of(server: Server) -> FaceModel:
    return FaceModel.load(Run.open(server.folder / "checkpoints" / "tiny"))


def far_apart(shown: np.ndarray, expected: np.ndarray) -> int:
    return int(np.abs(shown.astype(int) - expected.astype(int)).max())


def drag(page: Page, key: str, share: float) -> None:
    """Press the slider at its middle and move the pointer to `share` of its width, without letting go."""
    slider(page, key).scroll_into_view_if_needed()
    box = slider(page, key).bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * share, middle, steps=5)


def link(page: Page) -> FaceRecipe:
    """The recipe in the address bar."""
    query = dict(re.findall(r"[?&]([^=]+)=([^&]*)", page.url))
    return read_query(query, FaceRecipe(model=""))[0]


def test_the_face_changes_while_the_slider_is_held_and_python_hears_of_the_release(
    server: Server, visit: Visit
) -> None:
    page = visit.page
    page.goto(f"{server.address}/?model=tiny&from=prior&seed=11&t=1")
    before = face(page)
    choose_family(page, "Raw")
    page.wait_for_url(re.compile("seed=11"))
    drag(page, "d5", 0.8)
    held = wait_for_another_face(page, before)
    assert "e=" not in page.url, "nothing is told before the release"
    assert np.array_equal(face(page, START_FACE), before)
    page.mouse.up()
    page.wait_for_url(re.compile("e=d5_"))
    model = model_of(server)
    expected = model.decode(edited_latent(model, link(page))[None])[0]
    assert far_apart(held, expected) <= ONE_STEP
    assert far_apart(face(page), expected) <= ONE_STEP


def test_keys_move_a_slider_and_a_double_click_resets_it(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/?model=tiny&seed=4")
    before = face(page)
    slider(page, "a.gender-male").focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    moved = wait_for_another_face(page, before)
    page.wait_for_url(re.compile(r"e=a\.gender-male_0\.3"))
    slider(page, "a.gender-male").dblclick()
    assert np.array_equal(wait_for_another_face(page, moved), before)
    page.wait_for_url(lambda address: "e=" not in address)
    slider(page, "a.gender-male").press("ArrowLeft")
    page.wait_for_url(re.compile("e=a.gender-male_-0.05"))
    slider(page, "a.gender-male").press("Delete")
    page.wait_for_url(lambda address: "e=" not in address)


def test_headings_rise_by_one_and_keys_choose_a_family(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/?model=tiny&seed=4&e=a.age_1")
    expect(page.get_by_role("heading", name="What moved")).to_be_visible()
    expect(page.get_by_role("heading", name="Faces nobody chose")).to_be_visible()
    shown = page.get_by_test_id("stMain").aria_snapshot()
    assert re.findall(r"- heading .*\[level=(\d)\]", shown) == ["1", "2", "2"]
    page.get_by_role("tab", name="Attributes").press("End")
    for key, name in (("Home", "Raw latents"), ("ArrowLeft", "Attributes"), ("ArrowRight", "Raw latents")):
        expect(page.get_by_role("tab", name=name, selected=True)).to_be_focused()
        expect(page.get_by_role("tabpanel", name=name)).to_be_visible()
        page.keyboard.press(key)
    expect(page.get_by_role("tab", name="Attributes", selected=True)).to_be_focused()


def test_the_same_move_counts_on_every_face(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/?model=tiny&from=prior&seed=4")
    strip = mounted(page, "panel").locator('.row[data-key="a.age"] .strip')
    before = face(page)
    for _ in range(2):
        strip.scroll_into_view_if_needed()
        box = strip.bounding_box()
        assert box is not None
        strip.click(position={"x": box["width"] - 3, "y": box["height"] / 2})
        page.wait_for_url(re.compile(r"e=a\.age_"))
        moved = wait_for_another_face(page, before)
        page.get_by_role("button", name="Another face").click()
        page.wait_for_url(lambda address: "e=" not in address)
        before = wait_for_another_face(page, moved)


@pytest.mark.thorough
def test_the_picture_is_the_models_on_a_hundred_latents(server: Server, visit: Visit) -> None:
    """Through both tiers: the page starts with the server's and ends with the browser's."""
    page, model = visit.page, model_of(server)
    page.goto(f"{server.address}/?model=tiny&seed=21&e=d5_1.5~a.age_-0.7&hold=gender-male")
    recipe = FaceRecipe(model="tiny", seed=21).edited("d5", 1.5).edited("a.age", -0.7).held(["gender-male"])
    assert far_apart(face(page), model.decode(edited_latent(model, recipe)[None])[0]) <= ONE_STEP
    latents = numpy_generator(0, "screen").standard_normal((100, model.latent_size)).astype(np.float32)
    shown = page.evaluate(
        """async ([latents, about]) => {
          const { createDecoder } = await import("/decoder/runtime/decoder.js")
          const decoder = createDecoder(about)
          const { tier, reason } = await decoder.ready
          const pictures = []
          for (const z of latents) pictures.push(Array.from(await decoder.decode(Float32Array.from(z))))
          decoder.close()
          return { tier, reason, pictures }
        }""",
        [
            latents.tolist(),
            {"modelId": "tiny", "fingerprint": model.weights_fingerprint, "size": model.size, "latent": 8},
        ],
    )
    pictures = np.array(shown["pictures"], np.uint8).reshape(100, model.size, model.size, 4)[..., :3]
    assert far_apart(pictures, model.decode(latents)) <= 2, shown["reason"]


def test_holding_fixed_changes_the_move(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/?model=tiny&seed=4&e=a.age_2")
    free = face(page)
    page.get_by_role("checkbox", name="Hold Gender: Male fixed").check()
    held = wait_for_another_face(page, free)
    page.wait_for_url(re.compile("hold=gender-male"))
    model = model_of(server)
    assert far_apart(held, model.decode(edited_latent(model, link(page))[None])[0]) <= ONE_STEP
    page.get_by_role("button", name="Let go of all").click()
    assert np.array_equal(wait_for_another_face(page, held), free)


def test_two_ticks_before_the_answer_hold_both(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/?model=tiny&seed=4&e=a.age_2")
    face(page)
    ticks = mounted(page, "panel").locator(".meter input")
    expect(ticks).to_have_count(2)
    ticks.evaluate_all("ticks => ticks.forEach((tick) => tick.click())")
    page.wait_for_url(lambda address: link(page).hold == ("age", "gender-male"))
    assert [tick.is_checked() for tick in ticks.all()] == [True, True]


def test_a_link_reopens_the_face_and_back_undoes(server: Server, visit: Visit, browser: Browser) -> None:
    page = visit.page
    page.goto(f"{server.address}/?model=tiny&from=prior&seed=11&t=1")
    first = face(page)
    slider(page, "a.age").focus()
    page.keyboard.press("PageUp")
    changed = wait_for_another_face(page, first)
    page.wait_for_url(re.compile(r"e=a\.age_"))
    other = browser.new_page()
    other.goto(page.url, timeout=PATIENCE_MS)
    assert far_apart(face(other), changed) <= ONE_STEP
    other.close()
    page.go_back()
    assert np.array_equal(wait_for_another_face(page, changed), first)


@pytest.mark.thorough
def test_stored_faces_and_samples_open_on_the_table(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(server.address)
    before = face(page)
    page.get_by_text("Stored faces", exact=True).click()
    stored = wait_for_another_face(page, before)
    page.get_by_role("button", name="Open seed 101 of the standard prior").click()
    wait_for_another_face(page, stored)
    page.wait_for_url(re.compile("from=prior&seed=101"))


def test_downloads_are_marked_and_replay_the_face(server: Server, visit: Visit) -> None:
    page, model = visit.page, model_of(server)
    page.goto(f"{server.address}/?model=tiny&seed=3&e=d5_1.5")
    shown = face(page)
    page.get_by_text("Keep this face").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("PNG, as drawn")).click()
    kept = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert "trainedAlgorithmicMedia" in kept.info["XML:com.adobe.xmp"]
    assert json.loads(kept.info["vaelab"])["link"]["seed"] == "3"
    assert far_apart(np.asarray(kept), shown) <= ONE_STEP
    with page.expect_download() as download:
        page.get_by_role("button", name="Recipe (JSON)").click()
    recipe = json.loads(Path(download.value.path()).read_text())
    z = np.array([recipe["z"]], np.float32)
    assert far_apart(model.decode(z)[0], shown) <= ONE_STEP
    page.keyboard.press("Escape")
    page.goto(f"{server.address}/?model=tiny&seed=9")
    another = face(page)
    page.get_by_text("Open a recipe").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "face.json", "mimeType": "application/json", "buffer": json.dumps(recipe).encode()}
    )
    assert far_apart(wait_for_another_face(page, another), shown) <= ONE_STEP


@pytest.mark.thorough
def test_a_photo_without_a_face_gets_a_sentence_and_a_square_to_place(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/?model=tiny&seed=3")
    before = face(page)
    page.get_by_text("Your photo", exact=True).first.click()
    flat = io.BytesIO()
    Image.new("RGB", (400, 300), (70, 120, 160)).save(flat, "PNG")
    page.locator("input[type=file]").set_input_files(
        {"name": "sky.png", "mimeType": "image/png", "buffer": flat.getvalue()}
    )
    expect(page.get_by_text(re.compile("No face was found"))).to_be_visible()
    mounted(page, "stage").locator(".box").press("ArrowRight")  # where the visitor puts the square, that is the face
    wait_for_another_face(page, before)
    page.wait_for_url(re.compile("from=latent&z="))
    forget = page.get_by_role("button", name="Forget this photo")
    forget.click()
    expect(forget).not_to_be_visible()
    page.locator("input[type=file]").set_input_files(
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"%PDF-1.7 not a picture"}
    )
    expect(page.get_by_text(re.compile("This is a PDF document"))).to_be_visible()


@pytest.mark.thorough
def test_a_renamed_slider_keeps_its_name(server: Server, visit: Visit, browser: Browser) -> None:
    page = visit.page
    page.goto(f"{server.address}/?model=tiny&seed=3")
    face(page)
    choose_family(page, "Principal")
    page.get_by_role("button", name="Rename Component 2").click()
    page.keyboard.type("turns the head")
    page.keyboard.press("Enter")
    expect(mounted(page, "panel").locator('.row[data-key="p1"] .name')).to_have_text("turns the head")
    other = browser.new_page()
    other.goto(server.address, timeout=PATIENCE_MS)
    face(other)
    choose_family(other, "Principal")
    expect(mounted(other, "panel").locator('.row[data-key="p1"] .name')).to_have_text("turns the head")
    other.close()


@pytest.mark.thorough
def test_plain_sliders_work_where_the_panel_does_not(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/?model=tiny&seed=3")
    face(page)
    page.get_by_role("button", name=re.compile("Sliders")).click()
    page.get_by_text("Plain sliders").click()
    picture = page.locator(".st-key-current img")
    before = picture.get_attribute("src")
    page.locator("[data-testid=stSlider] input[type=range]").last.press("ArrowRight")
    page.wait_for_url(re.compile("e="))
    expect(picture).not_to_have_attribute("src", str(before))


def test_nothing_is_cut_off_on_a_phone(server: Server, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    page.goto(server.address, timeout=PATIENCE_MS)
    face(page)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    slider(page, "a.age").scroll_into_view_if_needed()
    box = mounted(page, "panel").locator(FACE).bounding_box()
    assert box is not None
    assert box["y"] + box["height"] > 60, "the face stays in view"
    page.close()
