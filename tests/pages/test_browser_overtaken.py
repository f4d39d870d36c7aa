"""Components in a real Chromium whose calls overtake each other while something loads.

Streamlit loads a component's script anew for each call. A call that a newer one overtook meanwhile is made all the same
and ended at once, before or after the newer one is made, in the same element.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from pages.latentmap import solid
from pages.studio import panel
from tests.pages.browsing import Server, Visit, face, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]

MOUNT = """async ([html, script]) => {
  window.place = document.createElement("div")
  place.innerHTML = html
  document.body.append(place)
  const component = await import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })))
  window.call = (data) => component.default({ data, parentElement: place, setStateValue() {}, setTriggerValue() {} })
  window.settled = () => new Promise((resolve) => setTimeout(resolve, 50))
}"""

PLOTLY = """
HTMLCanvasElement.prototype.getContext = () => ({ getExtension: () => null })
window.Plotly = {
  react: async (graph) => { graph.on = () => {}; graph.textContent = "drawn" },
  purge: () => { purged += 1 },
}
window.purged = 0
"""

DECODERS = """
const picture = (z) => Uint8ClampedArray.from({ length: 2 * 2 * 4 }, (_, i) => (i % 4 === 3 ? 255 : z[0]))
window.fetch = async (url, { body }) => {
  const z = body.slice()
  if (window.holds) await new Promise((release) => held.push(release))
  return new Response(picture(z))
}
window.Worker = class {
  postMessage({ open, id, z }) {
    if (window.holds) return
    setTimeout(() => this.onmessage({ data: open ? { opened: true } : { id, pixels: new Uint8Array(picture(z)) } }))
  }
  terminate() { ended += 1 }
}
window.shown = (of) => place.querySelector(of).getContext("2d").getImageData(0, 0, 1, 1).data[0]
window.held = []
window.ended = 0
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


def mount(page: Page, folder: Any, html: str, *scripts: str) -> None:
    """A component of this markup and these scripts in an empty page, to be called as `call(data)`."""
    read = [path.read_text(encoding="utf-8") for path in (folder / name for name in (html, *scripts))]
    page.evaluate(MOUNT, [read[0], "\n".join(read[1:])])


def packed(values: list[float], kind: str) -> str:
    return base64.b64encode(np.array(values, kind).tobytes()).decode()


def faces(start: float, moved: float, revision: int) -> list[dict[str, Any]]:
    """The panel's data for a model of two latents whose pictures are as grey as the first of them."""
    row = {"key": "d0", "name": "z 0", "family": "raw", "low": -9, "high": 9, "detail": "", "dead": False}
    base = "http://localhost/decoder/runtime/decoder.js"
    return [
        {
            "model": {"modelId": "m", "fingerprint": "f", "size": 2, "latent": 2, "base": base},
            "start": packed([start, 0], "<f4"), "words": "", "drawn": None, "photo": None,
            "families": [{"key": "raw", "name": "Raw latents"}],
            "sliders": [{**row, "vector": None, "walk": [-9, 9], "strip": ""}],
            "strips": False, "values": {"d0": moved}, "revision": revision, "hold": [], "probes": None, "effects": None,
        }
    ]  # fmt: skip


def test_a_panel_outlives_a_call_that_was_overtaken_and_ends_with_its_element(page: Page) -> None:
    page.evaluate(DECODERS)
    mount(page, panel.HERE, "panel.html", "../shell/decoder/decoder.js", "panel.js")
    value = page.evaluate(
        """async ([first, second, third]) => {
          const end = call(first)
          window.last = call(second)
          end()
          await settled()
          window.last = call(third)
          await settled()
          return place.querySelector("input[type=range]").value
        }""",
        [faces(100, 1, 1), faces(100, 2, 2), faces(100, 3, 3)],
    )
    assert value == "3"
    assert page.evaluate("shown('.current canvas')") == 103
    assert page.evaluate("ended") == 0
    page.evaluate("async () => { place.remove(); last(); await settled() }")
    assert page.evaluate("ended") == 1


def test_a_start_that_is_drawn_late_does_not_replace_a_newer_one(page: Page) -> None:
    page.evaluate(DECODERS)
    mount(page, panel.HERE, "panel.html", "../shell/decoder/decoder.js", "panel.js")
    page.evaluate(
        """async ([first, second]) => {
          window.holds = true
          call(first)
          await settled()
          call(second)
          await settled()
          for (const release of held.splice(0).reverse()) { release(); await settled() }
          while (held.length) { held.pop()(); await settled() }
        }""",
        [faces(100, 0, 1), faces(200, 0, 2)],
    )
    assert page.evaluate("shown('.start canvas')") == 200


def test_a_map_of_three_axes_outlives_a_call_that_was_overtaken(page: Page) -> None:
    page.evaluate(PLOTLY)
    mount(page, solid.HERE, "solid.html", "points.js", "legend.js", "solid.js")
    data = {
        "places": packed([0, 30_000, 60_000], "<u2"), "limit": 1.0, "inks": packed([0], "u1"), "palette": ["#112233"],
        "key": {"ramp": None, "names": []}, "words": [""], "labels": [], "marks": [], "point": None,
        "label": "Map", "library": "",
    }  # fmt: skip
    page.evaluate(
        """async (data) => {
          const end = call(structuredClone(data))
          window.last = call(data)
          await settled()
          end()
        }""",
        data,
    )
    assert page.evaluate("place.querySelector('.space').textContent") == "drawn"
    assert page.evaluate("purged") == 0
    page.evaluate("() => { place.remove(); last() }")
    assert page.evaluate("purged") == 1


def test_leaving_the_page_ends_its_decoder(server: Server, visit: Visit) -> None:
    page = visit.page
    with page.expect_worker() as worker:
        page.goto(f"{server.address}/?model=tiny&seed=4")
    face(page)
    with worker.value.expect_event("close"):
        page.get_by_role("link", name="Models").click()
