"""The app as a visitor meets it: the real server and a real Chromium. Skipped, visibly, where there is no Chromium."""

from __future__ import annotations

import io
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.pages.tiny_runs import make_run

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
START_TIMEOUT_SECONDS = 90.0
PATIENCE_MS = 60_000
"""Generous: the tests are about what happens, and may share a busy machine."""
FACE = ".st-key-current img"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium on this machine; install it to run these"),
]


@dataclass
class Server:
    """A running app and the folder it runs in."""

    address: str
    folder: Path
    process: subprocess.Popen[bytes]


@dataclass
class Visit:
    """A page, and everything the browser asked for or complained about meanwhile."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def start_server(folder: Path) -> Server:
    """`streamlit run app.py` on a free port, answering."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=START_TIMEOUT_SECONDS):
                return Server(f"http://localhost:{port}", folder, process)
        except OSError:
            time.sleep(0.1)
    process.kill()
    pytest.fail(f"the server did not start:\n{(folder / 'server.log').read_text()}")


def stop_server(server: Server) -> int:
    """Ctrl-C; the exit status."""
    server.process.send_signal(signal.SIGINT)
    try:
        return server.process.wait(30)
    finally:
        server.process.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("lab")
    make_run(folder, "tiny", card="# tiny\nA card.\n")
    running = start_server(folder)
    yield running
    stop_server(running)
    assert "Traceback" not in (folder / "server.log").read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    visited = Visit(context.new_page())
    visited.page.on("request", lambda request: visited.requests.append(request.url))
    visited.page.on("pageerror", lambda error: visited.errors.append(str(error)))
    yield visited
    context.close()
    assert visited.errors == []


def face(page: Page) -> str:
    """Address of the current face's picture, once it is on screen; equal pictures have equal addresses."""
    page.wait_for_selector(FACE)
    page.wait_for_function(
        "s => { const i = document.querySelector(s); return i.complete && i.naturalWidth > 0 }", arg=FACE
    )
    return str(page.get_attribute(FACE, "src"))


def wait_for_another_face(page: Page, before: str) -> str:
    """Address of the current face, once it is not `before`."""
    page.wait_for_function("([s, b]) => document.querySelector(s)?.getAttribute('src') !== b", arg=[FACE, before])
    return face(page)


def press_slider(page: Page, dim: int, key: str = "ArrowRight") -> None:
    page.locator(f".st-key-dimension-{dim} [data-testid=stSlider] input[type=range]").press(key)


def test_a_slider_changes_the_face_the_link_and_nothing_else(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(server.address)
    before = face(page)
    expect(page.locator("h1")).to_have_text("One face, many dimensions", timeout=PATIENCE_MS)
    press_slider(page, 5)
    after = wait_for_another_face(page, before)
    assert page.get_attribute(".st-key-beginning img", "src") == before
    page.wait_for_url(re.compile("dims=5_"))
    page.locator(".st-key-dimension-5").get_by_role("button", name="Reset").click()
    assert wait_for_another_face(page, after) == before


def test_a_link_reopens_the_face_and_back_undoes(server: Server, visit: Visit, browser: Browser) -> None:
    page = visit.page
    page.goto(f"{server.address}/?model=tiny&from=prior&seed=11&t=1")
    first = face(page)
    press_slider(page, 5)
    changed = wait_for_another_face(page, first)
    page.wait_for_url(re.compile("dims=5_"))
    other = browser.new_page()
    other.goto(page.url, timeout=PATIENCE_MS)
    assert face(other) == changed
    other.close()
    page.go_back()
    assert wait_for_another_face(page, changed) == first


def test_a_strip_sets_its_dimension(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(server.address)
    before = face(page)
    step = page.locator(".st-key-dimension-5").get_by_role("button", name=re.compile("^Set dim 5 to −"))
    step.first.press("Enter")
    wait_for_another_face(page, before)
    page.wait_for_url(re.compile("dims=5_-"))


def test_stored_faces_and_samples_open_on_the_table(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(server.address)
    before = face(page)
    page.get_by_text("Stored faces", exact=True).click()
    stored = wait_for_another_face(page, before)
    assert "dims" not in page.url
    page.get_by_role("button", name="Open seed 101 of the standard prior").click()
    wait_for_another_face(page, stored)
    page.wait_for_url(re.compile("from=prior&seed=101"))
    assert "dims" not in page.url


def test_downloads_are_marked_and_redraw_the_face(server: Server, visit: Visit) -> None:
    page = visit.page
    page.goto(f"{server.address}/?model=tiny&seed=3&dims=5_1.5")
    face(page)
    page.get_by_text("Keep this face").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG, enlarged").click()
    kept = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert kept.size == (512, 512)
    assert json.loads(kept.info["vaelab"])["seed"] == 3
    with page.expect_download() as download:
        page.get_by_role("button", name="Recipe (JSON)").click()
    recipe = json.loads(Path(download.value.path()).read_text())
    assert recipe["z"][5] == 1.5
    assert recipe["edits"] == {"5": 1.5}


@pytest.mark.parametrize("path", ["/", "/models", "/?seed=%3Cb%3E&dims=nonsense"])
def test_no_request_leaves_this_machine(server: Server, visit: Visit, path: str) -> None:
    page = visit.page
    page.goto(server.address + path)
    page.wait_for_selector(FACE if "models" not in path else "h2")
    page.wait_for_timeout(1000)
    hosts = {urlsplit(request).hostname for request in visit.requests if request.startswith(("http", "ws"))}
    assert hosts == {"localhost"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_visitors_choice(server: Server, browser: Browser, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(server.address, timeout=PATIENCE_MS)
    face(page)
    colour = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    red = int(re.findall(r"\d+", colour)[0])
    assert red > 240 if scheme == "light" else red < 40
    page.close()


def test_nothing_is_cut_off_on_a_phone(server: Server, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(server.address, timeout=PATIENCE_MS)
    face(page)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    assert page.locator(FACE).bounding_box()["y"] < 700  # type: ignore[index]
    page.locator(".st-key-dimension-5").scroll_into_view_if_needed()
    box = page.locator(FACE).bounding_box()
    assert box is not None
    assert box["y"] + box["height"] > 60  # the face stays in view
    page.close()


def test_a_deep_link_on_a_cold_server_has_frame_and_title(tmp_path: Path, visit: Visit) -> None:
    make_run(tmp_path, "tiny", card="# tiny\nA card.\n")
    cold = start_server(tmp_path)
    try:
        visit.page.goto(f"{cold.address}/models", timeout=PATIENCE_MS)
        expect(visit.page.locator("h1")).to_have_text("Models", timeout=PATIENCE_MS)
        expect(visit.page).to_have_title("Models · vaelab", timeout=PATIENCE_MS)
        expect(visit.page.get_by_role("link", name="Explore")).to_be_visible(timeout=PATIENCE_MS)
    finally:
        stop_server(cold)
    assert "Traceback" not in (tmp_path / "server.log").read_text()


def test_an_empty_page_fills_itself_when_a_model_appears(tmp_path: Path, visit: Visit) -> None:
    server = start_server(tmp_path)
    try:
        visit.page.goto(server.address, timeout=PATIENCE_MS)
        expect(visit.page.locator("h1")).to_have_text("No face to show yet", timeout=PATIENCE_MS)
        make_run(tmp_path, "newborn", state="running")
        assert face(visit.page)
        shutil.rmtree(tmp_path / "checkpoints" / "newborn")
        expect(visit.page.locator("h1")).to_have_text("No face to show yet", timeout=PATIENCE_MS)
    finally:
        stop_server(server)
    assert "Traceback" not in (tmp_path / "server.log").read_text()


def test_the_picture_on_screen_is_the_models(server: Server, visit: Visit) -> None:
    from pages.shell.faces import current_latent, draw
    from pages.shell.recipe import FaceRecipe
    from vaelab.inference import FaceModel
    from vaelab.runs.store import Run

    model = FaceModel.load(Run.open(server.folder / "checkpoints" / "tiny"))
    visit.page.goto(f"{server.address}/?model=tiny&seed=21&dims=5_1.5")
    with urllib.request.urlopen(urljoin(server.address, face(visit.page))) as answer:
        shown = np.asarray(Image.open(io.BytesIO(answer.read())).convert("RGB"))
    recipe = FaceRecipe(model="tiny", seed=21).edited(5, 1.5)
    assert np.array_equal(shown, draw(model, current_latent(model, recipe)))
