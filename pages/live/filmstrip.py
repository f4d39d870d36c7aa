"""A training as a film to scrub: the same held-out faces and the same noise, from its first validation to now."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.live.routes import preview_addresses
from vaelab.runs.store import Run

HTML = """
<div class="film">
  <div class="strips"></div>
  <div class="bar"><input type="range" min="0" step="1"><output></output>
    <button type="button" class="play">Play</button></div>
</div>
"""

CSS = """
.film { font: 0.85rem var(--st-font); color: var(--st-text-color); }
.strips { display: grid; gap: 0.55rem; }
figure { margin: 0; }
figcaption { margin-bottom: 0.2rem; opacity: 0.8; }
img { display: block; width: 100%; max-width: 760px; border-radius: 8px; image-rendering: auto;
  background: var(--st-secondary-background-color); min-height: 34px; }
.bar { display: flex; gap: 0.8rem; align-items: center; margin-top: 0.6rem; max-width: 760px; flex-wrap: wrap; }
.bar input { flex: 1 1 180px; accent-color: var(--st-primary-color); min-height: 1.8rem; }
.bar output { font-variant-numeric: tabular-nums; min-width: 12ch; }
.bar button { font: inherit; color: inherit; background: none; border: 1px solid var(--st-border-color);
  border-radius: var(--st-button-radius, 8px); padding: 0.2rem 0.8rem; cursor: pointer; }
:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
"""

# At the right end the strip follows the training; anywhere else it stays where the visitor put it. A sheet that is
# loading keeps the one before it on screen.
JS = """
const kept = new WeakMap()
const NAMES = { originals: "Held-out pictures", recon: "As the model sees them", samples: "New faces, same noise" }

function show(state) {
  const { root, frames } = state
  const frame = frames[state.place]
  const slider = root.querySelector("input")
  slider.max = frames.length - 1
  slider.value = state.place
  const text = `${frame.at.toLocaleString("en-GB")} images`
  root.querySelector("output").textContent = text
  slider.setAttribute("aria-valuetext", text)
  for (const kind of ["recon", "samples"]) {
    const figure = root.querySelector(`figure[data-kind=${kind}]`)
    if (!figure) continue
    const earlier = frames.slice(0, state.place + 1).reverse().find((one) => one[kind])
    if (!earlier) continue
    const picture = figure.querySelector("img")
    if (picture.getAttribute("src") !== earlier[kind]) picture.src = earlier[kind]
    picture.alt = `${NAMES[kind]} after ${earlier.at.toLocaleString("en-GB")} images`
  }
}

function play(state) {
  const button = state.root.querySelector(".play")
  if (state.timer) { clearInterval(state.timer); state.timer = 0; button.textContent = "Play"; return }
  if (state.place === state.frames.length - 1) state.place = 0
  button.textContent = "Stop"
  state.timer = setInterval(() => {
    if (!state.root.isConnected) { clearInterval(state.timer); return }
    state.place = Math.min(state.place + 1, state.frames.length - 1)
    show(state)
    if (state.place === state.frames.length - 1) play(state)
  }, 180)
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".film")
  let state = kept.get(root)
  if (!state) { state = { root, place: -1, frames: [], timer: 0, shape: "" }; kept.set(root, state) }
  const kinds = Object.keys(NAMES).filter((kind) => kind === "originals" ? data.originals :
    data.frames.some((frame) => frame[kind]))
  if (kinds.join() !== state.shape) {
    state.shape = kinds.join()
    root.querySelector(".strips").replaceChildren(...kinds.map((kind) => {
      const figure = document.createElement("figure")
      figure.dataset.kind = kind
      const caption = document.createElement("figcaption")
      caption.textContent = NAMES[kind]
      const picture = document.createElement("img")
      if (kind === "originals") { picture.src = data.originals; picture.alt = NAMES[kind] }
      figure.append(caption, picture)
      return figure
    }))
  }
  const follows = state.place < 0 || (state.place === state.frames.length - 1 && !state.timer)
  state.frames = data.frames
  state.place = follows ? data.frames.length - 1 : Math.min(state.place, data.frames.length - 1)
  const slider = root.querySelector("input")
  slider.setAttribute("aria-label", "Images seen by the training")
  slider.oninput = () => { state.place = Number(slider.value); show(state) }
  root.querySelector(".play").onclick = () => play(state)
  root.querySelector(".bar").style.display = data.frames.length > 1 ? "" : "none"
  show(state)
}
"""

_mount = st.components.v2.component("film_strip", html=HTML, css=CSS, js=JS)


def filmstrip(run: Run, key: str) -> bool:
    """Show the run's film; False, and nothing on screen, while there is no frame of it."""
    frames = film(run)
    if not frames:
        return False
    originals = preview_addresses(run, "originals")
    _mount(key=key, data={"originals": next(iter(originals.values()), ""), "frames": frames})
    return True


def film(run: Run) -> list[dict[str, Any]]:
    """One entry per clock at which the run left pictures: `at`, and addresses under `recon` and `samples`."""
    kinds = {kind: preview_addresses(run, kind) for kind in ("recon", "samples")}
    clocks = sorted({at for found in kinds.values() for at in found})
    return [{"at": at, **{kind: found.get(at, "") for kind, found in kinds.items()}} for at in clocks]
