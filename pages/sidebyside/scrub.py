"""Two models' faces under one slider: all frames are in the browser, so both change as it is dragged."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

STRIP_EVERY = 2
"""Every second frame is shown in the strips; the slider stops at all of them."""

HTML = """
<div class="scrub">
  <div class="faces"></div>
  <input type="range" min="0" step="1">
  <div class="ends"><span></span><output></output><span></span></div>
  <div class="strips"></div>
</div>
"""

CSS = """
.scrub { font: 0.9rem var(--st-font); color: var(--st-text-color); }
.faces { display: flex; gap: 1rem; justify-content: center; }
figure { margin: 0; flex: 0 1 300px; min-width: 0; }
.face { width: 100%; aspect-ratio: 1; border-radius: 12px; background-size: auto 100%; background-repeat: no-repeat; }
figcaption { margin-top: 0.35rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
figcaption b { display: block; }
figcaption span { opacity: 0.75; }
input { appearance: none; width: 100%; height: 1.8rem; margin: 0.7rem 0 0; background: none; cursor: ew-resize;
  touch-action: pan-y; box-sizing: border-box; }
input::-webkit-slider-runnable-track { height: 4px; border-radius: 2px; background: var(--st-border-color); }
input::-moz-range-track { height: 4px; border-radius: 2px; background: var(--st-border-color); }
input::-webkit-slider-thumb { appearance: none; width: 20px; height: 20px; margin-top: -8px; border-radius: 50%;
  background: var(--st-primary-color); }
input::-moz-range-thumb { width: 20px; height: 20px; border: 0; border-radius: 50%;
  background: var(--st-primary-color); }
input:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; border-radius: 6px; }
.ends { display: flex; justify-content: space-between; font-size: 0.82rem; font-variant-numeric: tabular-nums; }
.ends span { opacity: 0.7; }
.ends output { font-weight: 600; }
.strip { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; margin-top: 0.4rem; border-radius: 8px;
  overflow: hidden; cursor: pointer; }
.strip .face { border-radius: 0; }
.strip .here { box-shadow: inset 0 0 0 3px var(--st-primary-color), inset 0 0 0 4px #fff; }
.strips p { margin: 0.7rem 0 -0.2rem; font-size: 0.82rem; opacity: 0.75; }
"""

# A sheet holds all frames side by side; a frame is shown by moving the sheet behind a square window. The slider is
# the browser's own: pointer, touch and keyboard come with it. Python hears of a position only when it is let go.
JS = """
const window_ = (row, count) => {
  const face = document.createElement("div")
  face.className = "face"
  face.setAttribute("role", "img")
  face.style.backgroundImage = `url(${row.src})`
  face.style.backgroundSize = `${count * 100}% 100%`
  return face
}
const show = (face, frame, count) => { face.style.backgroundPosition = `${(frame / (count - 1)) * 100}% 0` }

function build(root, data) {
  const count = data.names.length
  const faces = root.querySelector(".faces")
  faces.replaceChildren(...data.rows.map((row) => {
    const figure = document.createElement("figure")
    const caption = document.createElement("figcaption")
    const name = document.createElement("b")
    name.textContent = row.name
    caption.append(name, document.createElement("span"))
    figure.append(window_(row, count), caption)
    return figure
  }))
  if (data.original) {
    const figure = document.createElement("figure")
    const caption = document.createElement("figcaption")
    const name = document.createElement("b")
    name.textContent = "The original"
    const face = window_({ src: data.original }, 1)
    face.setAttribute("aria-label", "The picture that both models encoded")
    caption.append(name)
    figure.append(face, caption)
    faces.prepend(figure)
  }
  root.querySelector(".strips").replaceChildren(...data.rows.flatMap((row) => {
    const label = document.createElement("p")
    label.textContent = row.name
    const strip = document.createElement("div")
    strip.className = "strip"
    for (let frame = 0; frame < count; frame += data.every) {
      const face = window_(row, count)
      show(face, frame, count)
      face.dataset.frame = frame
      face.setAttribute("aria-label", `${row.name} at ${data.names[frame]}`)
      strip.append(face)
    }
    return data.rows.length > 1 ? [label, strip] : [strip] // one row is named above already
  }))
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".scrub")
  const slider = root.querySelector("input")
  const count = data.names.length
  if (!root.dataset.built) {
    root.dataset.built = "yes"
    build(root, data)
    slider.max = count - 1
    slider.value = data.position
    slider.setAttribute("aria-label", data.label)
    const [low, high] = root.querySelectorAll(".ends span")
    low.textContent = data.names[0]
    high.textContent = data.names[count - 1]
  }
  const draw = () => {
    const frame = Number(slider.value)
    root.querySelector("output").textContent = data.names[frame]
    slider.setAttribute("aria-valuetext", data.names[frame])
    root.querySelectorAll("figure").forEach((figure, place) => {
      const row = data.rows[place - (data.original ? 1 : 0)]
      if (!row) return
      const face = figure.querySelector(".face")
      show(face, frame, count)
      face.setAttribute("aria-label", `${row.name} at ${data.names[frame]}. ${row.notes[frame]}`)
      figure.querySelector("span").textContent = row.notes[frame]
    })
    root.querySelectorAll(".strip .face").forEach((face) => {
      face.classList.toggle("here", Math.abs(Number(face.dataset.frame) - frame) < data.every / 2 + 0.01 &&
        Number(face.dataset.frame) <= frame)
    })
  }
  const tell = () => setStateValue("position", Number(slider.value))
  slider.oninput = draw
  slider.onchange = tell
  root.querySelector(".strips").onclick = (event) => {
    const frame = event.target.dataset.frame
    if (frame === undefined) return
    slider.value = frame
    draw()
    tell()
    slider.focus()
  }
  draw()
}
"""

_mount = st.components.v2.component("scrub_two", html=HTML, css=CSS, js=JS)


@dataclass(frozen=True)
class Row:
    """One model's frames: its name, all frames side by side as an address, and a note for each frame."""

    name: str
    source: str
    notes: Sequence[str]


def scrub(
    rows: Sequence[Row], names: Sequence[str], *, label: str, path: str, start: int, key: str, original: str = ""
) -> int:
    """Show the rows under one slider; returns the frame at which the visitor let it go last.

    Args:
        names: where each frame lies, for people; as many as each row has frames.
        label: what the slider moves.
        path: text that changes with the path; another one puts the slider back to `start`.
        original: address of the picture behind the starting face, where there is one.
    """
    key = f"{key}.{zlib.crc32(path.encode()):08x}"  # another path is another slider, at its own start
    data = {
        "rows": [{"name": row.name, "src": row.source, "notes": list(row.notes)} for row in rows],
        "names": list(names),
        "label": label,
        "position": start,
        "every": STRIP_EVERY,
        "original": original,
    }
    shown = _mount(key=key, data=data, default={"position": start}, on_position_change=lambda: None)
    frame = shown.position
    return frame if isinstance(frame, int) and 0 <= frame < len(names) else start
