"""A visitor's photo in a real Chromium: the face found and corrected by hand, and the camera."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import ExifTags, Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.pages.browsing import (
    CHROMIUM,
    PATIENCE_MS,
    Server,
    Visit,
    face,
    mounted,
    needs_chromium,
    wait_for_another_face,
)
from tests.pages.test_studio_photo import keep_familiarity
from tests.test_photos import encoded, needs_face, photo_with_face
from vaelab.runs.store import Run

pytestmark = [pytest.mark.browser, needs_chromium]

PHOTO = ".panel .photo img"
FAKE_CAMERA = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
"""Chromium plays a test pattern to the page and lets it look without asking."""
CENTRE, SIDE = (640, 150), 220
"""Of the face on a photo of 800 x 600: in its upper right corner."""


@pytest.fixture(scope="module", autouse=True)
def _ranks(server: Server) -> Iterator[None]:
    """Held-out faces to rank a photo among, so that there is a badge."""
    run = Run.open(server.folder / "checkpoints" / "tiny")
    keep_familiarity(run)
    yield
    run.familiarity_path.unlink()


def choose_photo(page: Page, server: Server) -> np.ndarray:
    """Open Explore and ask for a photo; pixels of the face that was there before."""
    page.goto(f"{server.address}/?model=tiny&seed=3", timeout=PATIENCE_MS)
    before = face(page)
    page.get_by_text("Your photo", exact=True).first.click()
    return before


def give(page: Page, data: bytes, name: str = "me.jpg") -> None:
    upload = {"name": name, "mimeType": "image/jpeg", "buffer": data}
    page.locator("input[type=file]").set_input_files(upload)  # type: ignore[arg-type]


def square(page: Page) -> tuple[int, int, int, int]:
    """Centre, side and angle of the square on the photo, in pixels of the photo and degrees."""
    box = mounted(page, "stage").locator(".box")
    expect(box).to_have_attribute("aria-label", re.compile("Square around the face"))
    x, y, side, angle = map(int, re.findall(r"-?\d+", box.get_attribute("aria-label") or ""))
    return x, y, side, angle


def middle(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@needs_face
@pytest.mark.parametrize(
    "kind",
    [
        "turned by EXIF",
        pytest.param("upright", marks=pytest.mark.thorough),
        pytest.param("grey", marks=pytest.mark.thorough),
    ],
)
def test_a_face_in_a_corner_is_found_and_put_on_the_table(server: Server, visit: Visit, kind: str) -> None:
    page = visit.page
    before = choose_photo(page, server)
    picture, options = photo_with_face((800, 600), CENTRE, SIDE), {}
    if kind == "grey":
        picture = picture.convert("L")
    elif kind == "turned by EXIF":
        picture = picture.transpose(Image.Transpose.ROTATE_90)
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        options = {"exif": exif}
    give(page, encoded(picture, **options))
    x, y, side, angle = square(page)
    assert abs(x - CENTRE[0]) + abs(y - CENTRE[1]) < 0.1 * SIDE
    assert 0.88 < side / SIDE < 1.12
    assert abs(angle) < 5
    wait_for_another_face(page, before)
    expect(page.locator(PHOTO)).to_be_visible()
    page.wait_for_url(re.compile("from=latent&z="))
    expect(page.locator("[data-testid=stMarkdownBadge], .stMarkdownBadge").first).to_be_visible()


@pytest.mark.thorough
@needs_face
def test_the_square_is_dragged_resized_and_turned(server: Server, visit: Visit) -> None:
    page = visit.page
    choose_photo(page, server)
    give(page, encoded(photo_with_face((800, 600), CENTRE, SIDE)))
    began = square(page)
    before = face(page)
    moves = {".box": (-60, 40), ".box .corner:not(.left):not(.top)": (25, 25), ".box .turn": (50, 10)}
    for handle, shift in moves.items():
        mounted(page, "stage").locator(handle).scroll_into_view_if_needed()
        x, y = middle(mounted(page, "stage").locator(handle))
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + shift[0], y + shift[1], steps=4)
        page.mouse.up()
    left = square(page)
    assert left[0] < began[0]
    assert left[1] > began[1]
    assert left[2] > began[2]
    assert left[3] > began[3] + 5
    changed = wait_for_another_face(page, before)
    mounted(page, "stage").locator(".box").dblclick()
    assert square(page) == began
    wait_for_another_face(page, changed)


@needs_face
def test_handles_of_a_square_that_reaches_below_the_photo_are_at_hand(server: Server, visit: Visit) -> None:
    page = visit.page
    choose_photo(page, server)
    give(page, encoded(photo_with_face((800, 600), (400, 520), SIDE)))
    began, stage = square(page), mounted(page, "stage")
    assert began[1] + began[2] / 2 > 600, "it reaches beyond"
    photo = stage.bounding_box()
    assert photo is not None
    for handle in stage.locator(".turn, .corner").all():
        x, y = middle(handle)
        assert -1 <= x - photo["x"] <= photo["width"] + 1
        assert -1 <= y - photo["y"] <= photo["height"] + 1
    stage.locator(".corner:not(.left):not(.top)").scroll_into_view_if_needed()
    x, y = middle(stage.locator(".corner:not(.left):not(.top)"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 1, y)
    assert abs(square(page)[2] - began[2]) < 0.05 * began[2], "it does not jump when it is taken"
    page.mouse.move(x + 25, y, steps=4)
    page.mouse.up()
    assert square(page)[2] > 1.05 * began[2]


@pytest.mark.thorough
def test_a_picture_of_the_camera_is_taken(server: Server, browser: Browser) -> None:
    """The test pattern has no face, so the square waits for the visitor."""
    looking = browser.browser_type.launch(executable_path=CHROMIUM, args=FAKE_CAMERA)
    page = looking.new_page()
    before = choose_photo(page, server)
    page.get_by_text("Use the camera").click()
    taking = page.get_by_role("button", name="Take Photo")
    expect(taking).to_be_visible()
    page.wait_for_timeout(2_500)  # until the camera has sent its first picture: before it there is nothing to take
    taking.click()
    square(page)
    mounted(page, "stage").locator(".box").press("ArrowDown")
    wait_for_another_face(page, before)
    expect(page.locator(PHOTO)).to_be_visible()
    page.get_by_role("button", name="Forget this photo").click()
    expect(page.locator(PHOTO)).not_to_be_visible()
    looking.close()
