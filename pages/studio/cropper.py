"""A square on a photo that is dragged, resized and turned until it holds the face."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from pages.shell.pictures import data_address
from vaelab.photos import MIN_SIDE, FaceBox

PREVIEW_SIDE = 900
"""Longest side of the picture that is sent to the browser, pixels; the box is reported in pixels of the photo."""

HTML = """
<div class="stage" role="group">
  <div class="frame"><img alt="" draggable="false"><div class="shade"></div></div>
  <div class="faces"></div>
  <div class="box" tabindex="0" role="group" aria-roledescription="crop square" aria-describedby="keys">
    <span class="stem"></span><span class="turn" title="Turn"></span>
    <span class="corner" title="Resize"></span><span class="corner left" title="Resize"></span>
    <span class="corner top" title="Resize"></span><span class="corner left top" title="Resize"></span>
  </div>
</div>
<output class="unseen" aria-live="polite"></output>
<p class="keys" id="keys">Drag the square, a corner or the round handle. <span>Keys: arrows move, + and &minus; resize,
  [ and ] turn; Shift makes larger steps.</span></p>
"""

CSS = """
.stage { position: relative; overflow: clip; overflow-clip-margin: 13px; user-select: none;
  -webkit-user-select: none; } /* the handles of a square at the edge of the photo stay whole */
.frame { position: absolute; inset: 0; overflow: hidden; border-radius: 8px;
  background: var(--st-secondary-background-color); }
.stage img { display: block; width: 100%; height: 100%; pointer-events: none; }
.faces button { all: unset; position: absolute; box-sizing: border-box; aspect-ratio: 1; cursor: pointer;
  border: 2px dashed #fff; border-radius: 4px; box-shadow: 0 0 0 1px rgb(0 0 0 / 0.5); }
.faces button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
.shade { position: absolute; aspect-ratio: 1; box-shadow: 0 0 0 4000px rgb(0 0 0 / 0.45); pointer-events: none; }
.box { position: absolute; box-sizing: border-box; aspect-ratio: 1; cursor: move; touch-action: none;
  border: 2px solid #fff; box-shadow: 0 0 0 1px rgb(0 0 0 / 0.6); outline: none; }
.box:focus-visible { border-color: var(--st-primary-color); outline: 2px solid #fff; outline-offset: 1px; }
.turn, .corner, .stem { position: absolute; }
.turn, .corner { width: 18px; height: 18px; margin: -9px 0 0 -9px; box-sizing: border-box;
  background: var(--st-primary-color); border: 2px solid #fff; touch-action: none; }
.turn::after, .corner::after { content: ""; position: absolute; inset: -13px; }
.turn { border-radius: 50%; cursor: grab; }
.corner { border-radius: 4px; cursor: nwse-resize; }
.corner.left:not(.top), .corner.top:not(.left) { cursor: nesw-resize; }
.stem { left: 50%; top: 0; height: 12%; border-left: 2px solid #fff; margin-left: -1px; }
.keys { margin: 1.1rem 0 0; font: 0.8rem var(--st-font); color: var(--st-text-color); opacity: 0.7; }
@media (pointer: coarse) { .keys span { display: none; } }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""

# The browser's own square wins until another photo comes: an answer to an earlier report must not move it back under
# the visitor's hand. Key presses are reported when they pause.
JS = """
const squares = new WeakMap()
const PAUSE = 250

export default function ({ data, parentElement, setStateValue }) {
  const find = (selector) => parentElement.querySelector(selector)
  const [stage, img, shade, faces, box, spoken] = [".stage", "img", ".shade", ".faces", ".box", "output"].map(find)
  const kept = squares.get(parentElement)
  const state = kept && kept.photo === data.photo ? kept : { photo: data.photo, ...data.box }
  squares.set(parentElement, state)

  stage.style.aspectRatio = `${data.width} / ${data.height}`
  stage.style.width = `min(100%, ${Math.round(data.tallest * data.width / data.height)}px)`
  if (img.getAttribute("src") !== data.src) img.src = data.src
  img.alt = data.alt

  const place = (element, square) => {
    element.style.left = `${100 * square.x / data.width}%`
    element.style.top = `${100 * square.y / data.height}%`
    element.style.width = `${100 * square.side / data.width}%`
    element.style.transform = `translate(-50%, -50%) rotate(${square.angle}deg)`
  }
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value))
  const rotated = (x, y, degrees) => {
    const [cos, sin] = [Math.cos, Math.sin].map((part) => part(degrees * Math.PI / 180))
    return [x * cos - y * sin, x * sin + y * cos]
  }
  // A handle of a square that reaches beyond the photo lies at the nearest place on the photo, where a hand gets at it.
  const hold = (handle, { x, y, side, angle }) => {
    const across = handle.matches(".turn") ? 0 : handle.matches(".left") ? -0.5 : 0.5
    const along = handle.matches(".turn, .top") ? -0.5 : 0.5
    const [right, down] = rotated(across * side, along * side, angle)
    const [left, top] = rotated(clamp(x + right, 0, data.width) - x, clamp(y + down, 0, data.height) - y, -angle)
    handle.style.left = `${50 + 100 * left / side}%`
    handle.style.top = `${50 + 100 * top / side}%`
  }
  const set = (change) => {
    Object.assign(state, change)
    state.x = clamp(state.x, 0, data.width)
    state.y = clamp(state.y, 0, data.height)
    state.side = clamp(state.side, data.smallest, data.largest)
    state.angle = ((state.angle + 540) % 360) - 180
    place(box, state)
    place(shade, state)
    for (const handle of box.querySelectorAll(".turn, .corner")) hold(handle, state)
    const said = [state.x, state.y, state.side, state.angle].map(Math.round)
    box.setAttribute("aria-label",
      `Square around the face: centre ${said[0]}, ${said[1]}, ${said[2]} pixels wide, turned ${said[3]} degrees`)
  }
  const report = () => {
    clearTimeout(state.timer)
    spoken.textContent = box.getAttribute("aria-label")
    const { x, y, side, angle } = state
    setStateValue("box", { x, y, side, angle })
  }
  set({})

  faces.replaceChildren(...data.faces.map((face, i) => {
    const button = document.createElement("button")
    place(button, face)
    button.setAttribute("aria-label", `Take face ${i + 1} of ${data.faces.length}`)
    button.title = `Face ${i + 1} of ${data.faces.length}`
    button.onclick = () => { set(face); report(); box.focus() }
    return button
  }))

  const point = (event) => {
    const frame = stage.getBoundingClientRect()
    return { x: (event.clientX - frame.left) / frame.width * data.width,
             y: (event.clientY - frame.top) / frame.height * data.height }
  }
  box.onpointerdown = (event) => {
    if (event.button !== 0) return
    event.preventDefault()
    box.focus({ focusVisible: false })
    box.setPointerCapture(event.pointerId)
    const from = point(event)
    const { x, y, side, angle } = state
    const around = (spot) => ({ far: Math.max(1, Math.hypot(spot.x - x, spot.y - y)),
                                turn: Math.atan2(spot.x - x, y - spot.y) * 180 / Math.PI })
    const start = around(from)
    const part = event.target.classList[0]
    let moved = false
    box.onpointermove = (next) => {
      const to = point(next)
      const now = around(to)
      moved = true
      if (part === "corner") set({ side: side * now.far / start.far })
      else if (part === "turn") set({ angle: angle + now.turn - start.turn })
      else set({ x: x + to.x - from.x, y: y + to.y - from.y })
    }
    box.onpointerup = box.onpointercancel = () => {
      box.onpointermove = box.onpointerup = box.onpointercancel = null
      if (moved) report()
    }
  }
  box.ondblclick = () => { if (data.faces.length) { set(data.faces[0]); report() } }
  box.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const pace = event.shiftKey ? 5 : 1
    const step = pace * state.side / 50
    const key = { "{": "[", "}": "]", "=": "+", "_": "-" }[event.key] ?? event.key
    const change = {
      ArrowLeft: { x: state.x - step }, ArrowRight: { x: state.x + step },
      ArrowUp: { y: state.y - step }, ArrowDown: { y: state.y + step },
      "+": { side: state.side * 1.02 ** pace }, "-": { side: state.side / 1.02 ** pace },
      "[": { angle: state.angle - pace }, "]": { angle: state.angle + pace },
    }[key]
    if (!change) return
    event.preventDefault()
    event.stopPropagation()
    set(change)
    clearTimeout(state.timer)
    state.timer = setTimeout(report, PAUSE)
  }
}
"""

TALLEST = 420
"""Height of the picture on the page, CSS pixels."""

_mount = st.components.v2.component("photo_cropper", html=HTML, css=CSS, js=JS)


def cropper(
    photo: NDArray[np.uint8], preview: str, boxes: Sequence[FaceBox], chosen: FaceBox, *, key: str
) -> FaceBox | None:
    """Show the photo under its square; the square as the visitor left it, None while they have not touched it.

    Args:
        photo: (height, width, 3).
        preview: `preview_address(photo)`, made once per photo.
        boxes: the faces that were found, each to be picked with a press.
        chosen: where the square begins.
        key: another one for another photo.
    """
    height, width = photo.shape[:2]
    data = {
        "photo": key,
        "src": preview,
        "alt": "Your photo",
        "width": width,
        "height": height,
        "tallest": TALLEST,
        "smallest": MIN_SIDE,
        "largest": 2 * max(width, height),
        "box": _square(chosen),
        "faces": [_square(box) for box in boxes],
    }
    reported = _mount(key=key, data=data, on_box_change=lambda: None)
    return read_box(reported.get("box"), width, height)


def read_box(reported: Any, width: int, height: int) -> FaceBox | None:
    """The box that a browser reported, within a photo of `width` x `height`; None where it reported none."""
    if not isinstance(reported, Mapping):
        return None
    values = [reported.get(name) for name in ("x", "y", "side", "angle")]
    numbers = [float(value) for value in values if isinstance(value, int | float) and math.isfinite(value)]
    if len(numbers) != len(values):
        return None
    x, y, side, angle = numbers
    return FaceBox(
        x=min(max(x, 0.0), float(width)),
        y=min(max(y, 0.0), float(height)),
        side=min(max(side, float(MIN_SIDE)), 2.0 * max(width, height)),
        angle=(angle + 180.0) % 360.0 - 180.0,
    )


def preview_address(photo: NDArray[np.uint8]) -> str:
    """The photo as an address that holds the picture itself, at most `PREVIEW_SIDE` pixels wide or high."""
    image = Image.fromarray(photo)
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return data_address(buffer.getvalue(), "jpeg")


def _square(box: FaceBox) -> dict[str, float]:
    return {name: value for name, value in asdict(box).items() if name != "score"}
