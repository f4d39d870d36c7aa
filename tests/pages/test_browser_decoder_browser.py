"""decoder.js in a real Chromium: equal pictures, the faster tier, and an answer whatever breaks."""

from __future__ import annotations

import base64
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import streamlit as st
import uvicorn
from playwright.sync_api import Browser, Page, Route
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route as Address

from pages.shell.decoder.routes import ROUTES
from pages.shell.decoder.runtime import decoder_script_address
from pages.shell.loaders import find, load_model
from tests.pages.browsing import PATIENCE_MS, needs_chromium
from tests.pages.tiny_runs import make_run
from vaelab.inference import FaceModel

SLOW_SECONDS = 0.2
MOST_APART = 2

pytestmark = [pytest.mark.browser, needs_chromium]

PAGE = "<!doctype html><title>decoder</title><link rel=icon href='data:,'>"
OPEN = """async ([address, options]) => {
    Object.assign(window, await import(address), { changes: [] });
    window.decoder = createDecoder({ ...options, after: window.after, onTierChange: (change) => changes.push(change) });
}"""
DECODE = """async (rows) => {
    const pictures = await Promise.all(rows.map((row) => decoder.decode(Float32Array.from(row))));
    return pictures.map((pixels) => btoa(String.fromCharCode(...pixels)));
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with the decoder's routes, beside two models."""
    folder = tmp_path_factory.mktemp("lab")
    make_run(folder, "tiny", latents=False)
    make_run(folder, "another", latents=False)
    blank = Address("/", lambda _: HTMLResponse(PAGE))
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=[blank, *ROUTES]), log_level="warning", ws="none"))
    with pytest.MonkeyPatch.context() as patch, socket.socket() as listener:
        patch.chdir(folder)
        st.cache_resource.clear()
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def model(address: str) -> FaceModel:
    return load_model(find("tiny"))


@pytest.fixture
def page(address: str, browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    yield page
    context.close()
    assert errors == []


def open_decoder(page: Page, model: FaceModel, **options: Any) -> None:
    """`createDecoder` in the page, for `model`."""
    known = {
        "modelId": model.run_id,
        "fingerprint": model.weights_fingerprint,
        "size": model.size,
        "latent": model.latent_size,
    }
    page.evaluate(OPEN, [decoder_script_address(), known | options])


def ready(page: Page) -> dict[str, Any]:
    return dict(page.evaluate("decoder.ready"))


def tier(page: Page) -> str:
    return str(page.evaluate("decoder.tier"))


def decoded(page: Page, z: np.ndarray) -> np.ndarray:
    """What `decoder.decode` gives for all rows at once."""
    pictures = [np.frombuffer(base64.b64decode(text), np.uint8) for text in page.evaluate(DECODE, z.tolist())]
    return np.stack(pictures).reshape(len(z), 32, 32, 4)


def latents(model: FaceModel, count: int) -> np.ndarray:
    return np.random.default_rng(8).standard_normal((count, model.latent_size)).astype(np.float32)


def slow(page: Page, pattern: str, seconds: float = SLOW_SECONDS) -> None:
    """Every answer to `pattern` comes late."""

    def late(route: Route) -> None:
        time.sleep(seconds)
        route.continue_()

    page.route(pattern, late)


def too_heavy(page: Page) -> None:
    """The server gives no graph away, as of a model that a browser would be too slow for."""
    page.route("**/decoder/model*", lambda route: route.fulfill(status=400, json={"error": "too heavy for a browser"}))


def break_worker(page: Page) -> None:
    """The browser's decoder fails from now on, as where memory runs out."""
    page.add_init_script(
        """const send = Worker.prototype.postMessage;
        Worker.prototype.postMessage = function (message) {
            if (window.isBroken && !message.open) this.onerror({ message: "out of memory" });
            else send.call(this, message);
        };"""
    )
    page.reload()


def test_both_tiers_draw_what_the_model_draws(page: Page, model: FaceModel) -> None:
    z = latents(model, 100)
    pixels = model.decode(z).astype(int)
    slow(page, "**/decoder/pixels*")
    open_decoder(page, model)
    assert ready(page)["tier"] == tier(page) == "browser"
    in_browser = decoded(page, z)
    page.unroute("**/decoder/pixels*")
    too_heavy(page)
    open_decoder(page, model)
    by_server = decoded(page, z)
    assert tier(page) == "server"
    for rgba in (in_browser, by_server):
        assert np.abs(rgba[..., :3] - pixels).max() <= MOST_APART
        assert (rgba[..., 3] == 255).all()


def test_the_server_answers_until_the_browser_takes_over(page: Page, model: FaceModel) -> None:
    slow(page, "**/decoder/pixels*")
    slow(page, "**/decoder/model*", seconds=2.0)
    open_decoder(page, model)
    first = decoded(page, latents(model, 1))
    assert tier(page) == "server"
    assert np.array_equal(first[..., :3], model.decode(latents(model, 1)))
    chosen = ready(page)
    assert chosen["browserMs"] < chosen["serverMs"]
    assert chosen["serverMs"] >= 1000 * SLOW_SECONDS
    (change,) = page.evaluate("changes")
    assert change["tier"] == "browser"
    assert re.search(r"ms in the browser, .* ms by the server", change["reason"])
    assert page.evaluate("decoder.medianMs") < chosen["serverMs"]


def test_the_browser_draws_while_the_server_is_still_starting(page: Page, model: FaceModel) -> None:
    waiting: list[Route] = []
    is_starting = True

    def held(route: Route) -> None:
        if is_starting:
            waiting.append(route)
        else:
            route.continue_()

    page.route("**/decoder/pixels*", held)
    open_decoder(page, model)
    z = latents(model, 3)
    assert np.abs(decoded(page, z)[..., :3] - model.decode(z).astype(int)).max() <= MOST_APART
    assert tier(page) == "browser"
    assert page.evaluate("changes.map((change) => change.reason)") == ["it drew before the server did"]
    is_starting = False
    for route in waiting:
        route.continue_()
    assert " ms by the server" in ready(page)["reason"], "compared as soon as there is something to compare with"


@pytest.mark.thorough
def test_a_slow_browser_leaves_it_to_the_server(page: Page, model: FaceModel) -> None:
    page.add_init_script(
        """const send = Worker.prototype.postMessage;
        Worker.prototype.postMessage = function (message) { setTimeout(() => send.call(this, message), 300); };"""
    )
    page.reload()
    open_decoder(page, model)
    chosen = ready(page)
    assert chosen["tier"] == "server"
    assert chosen["browserMs"] > chosen["serverMs"]
    assert page.evaluate("changes") == []


@pytest.mark.thorough
@pytest.mark.parametrize("missing", ["*.wasm*", "*.mjs*", "decoder-worker.js*"])
def test_without_its_files_the_browser_leaves_it_to_the_server(page: Page, model: FaceModel, missing: str) -> None:
    page.route(f"**/decoder/runtime/{missing}", lambda route: route.fulfill(status=404, body="gone"))
    open_decoder(page, model)
    chosen = ready(page)
    assert chosen["tier"] == "server"
    assert chosen["browserMs"] is None
    assert "cannot decode" in chosen["reason"]
    z = latents(model, 3)
    assert np.abs(decoded(page, z)[..., :3] - model.decode(z).astype(int)).max() <= MOST_APART


@pytest.mark.thorough
def test_a_graph_that_draws_other_faces_is_not_used(page: Page, model: FaceModel, address: str) -> None:
    def swapped(route: Route) -> None:
        other = route.fetch(url=f"{address}/decoder/model?model=another")
        route.fulfill(response=other, headers={**other.headers, "x-weights": model.weights_fingerprint})

    page.route("**/decoder/model*", swapped)
    open_decoder(page, model)
    chosen = ready(page)
    assert chosen["tier"] == "server"
    assert "differs from the server's" in chosen["reason"]


def test_nothing_is_fetched_before_its_time(page: Page, model: FaceModel) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("() => { window.after = new Promise((_, reject) => { window.begin = reject }) }")
    open_decoder(page, model)
    page.evaluate("() => { window.early = decoder.decode(new Float32Array(8)) }")
    page.wait_for_timeout(300)
    assert not [url for url in asked if "worker" in url or "model" in url or "pixels" in url]
    page.evaluate("begin()")
    assert page.evaluate("early.then((pixels) => pixels.length)") == 4 * model.size**2
    assert ready(page)["tier"] in ("browser", "server")
    z = latents(model, 2)
    assert np.abs(decoded(page, z)[..., :3] - model.decode(z).astype(int)).max() <= MOST_APART


def test_when_the_network_goes_the_browser_draws_on(page: Page, model: FaceModel) -> None:
    page.add_init_script(
        """const send = Worker.prototype.postMessage;
        Worker.prototype.postMessage = function (message) { setTimeout(() => send.call(this, message), 300); };"""
    )
    page.reload()
    open_decoder(page, model)
    assert ready(page)["tier"] == "server"
    page.context.set_offline(True)
    z = latents(model, 3)
    assert np.abs(decoded(page, z)[..., :3] - model.decode(z).astype(int)).max() <= MOST_APART
    assert tier(page) == "browser"
    (change,) = page.evaluate("changes")
    assert "the server failed" in change["reason"]


def test_when_the_browser_fails_the_server_draws_on(page: Page, model: FaceModel) -> None:
    break_worker(page)
    slow(page, "**/decoder/pixels*")
    open_decoder(page, model)
    assert ready(page)["tier"] == "browser"
    page.evaluate("window.isBroken = true")
    z = latents(model, 3)
    assert np.abs(decoded(page, z)[..., :3] - model.decode(z).astype(int)).max() <= MOST_APART
    assert tier(page) == "server"
    assert page.evaluate("changes.map((change) => change.tier)") == ["browser", "server"]
    assert "out of memory" in page.evaluate("changes[1].reason")


@pytest.mark.thorough
def test_where_nothing_can_draw_the_caller_hears_why(page: Page, model: FaceModel) -> None:
    too_heavy(page)
    open_decoder(page, model)
    assert "too heavy" in ready(page)["reason"]
    page.context.set_offline(True)
    failure = page.evaluate("decoder.decode(new Float32Array(8)).catch((error) => error.name)")
    assert failure == "TypeError"
    wrong = page.evaluate("decoder.decode(new Float32Array(7)).catch((error) => error.message)")
    assert wrong == "a latent has 7 numbers; tiny takes 8"


def test_older_weights_are_refused_and_no_tier_hides_it(page: Page, model: FaceModel) -> None:
    open_decoder(page, model, fingerprint="0" * 16)
    refused = page.evaluate("decoder.decode(new Float32Array(8)).catch(({ name, status }) => [name, status])")
    assert refused == ["RefusedError", 409]
    assert "other weights" in ready(page)["reason"]


@pytest.mark.thorough
def test_a_closed_decoder_gives_its_worker_back(page: Page, model: FaceModel) -> None:
    slow(page, "**/decoder/pixels*")
    open_decoder(page, model)
    assert ready(page)["tier"] == "browser"
    assert len(page.workers) == 1
    with page.workers[0].expect_event("close"):
        page.evaluate("decoder.close()")
    assert page.workers == []


def test_only_the_newest_request_waits(page: Page, model: FaceModel) -> None:
    too_heavy(page)
    open_decoder(page, model)
    drawn = page.evaluate(
        """async () => {
            const asked = [];
            let release;
            const latest = createLatest((z) => {
                asked.push(z[0]);
                return new Promise((resolve) => { release = () => resolve(z[0]); });
            });
            const z = new Float32Array(8);
            const answers = [1, 2, 3, 4].map((value) => { z[0] = value; return latest(z); });
            release();
            await answers[0];
            await new Promise((done) => setTimeout(done));
            release();
            return { asked, answers: (await Promise.all(answers)).map((answer) => answer && answer.pixels) };
        }"""
    )
    assert drawn == {"asked": [1, 4], "answers": [1, None, None, 4]}


@pytest.mark.thorough
def test_after_a_failure_the_next_request_is_sent(page: Page, model: FaceModel) -> None:
    too_heavy(page)
    open_decoder(page, model)
    drawn = page.evaluate(
        """async () => {
            const latest = createLatest(async (z) => {
                if (z[0] === 1) throw new Error("no");
                return z[0];
            });
            const [first, second] = [latest([1]), latest([2])];
            return [await first.catch((error) => error.message), (await second).pixels];
        }"""
    )
    assert drawn == ["no", 2]
