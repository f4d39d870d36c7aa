"""Rows of faces to press, a picture each with a button over every face: traversal strips, sample grids."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pages.shell.components import as_is

HTML = """
<div class="sheet" role="group"></div>
"""

CSS = """
.sheet { display: flex; flex-direction: column; gap: 3px; overflow-x: auto; }
.row { position: relative; border-radius: 6px; overflow: hidden; background: var(--st-secondary-background-color); }
.row.waiting { animation: breathe 1.4s ease-in-out infinite; }
@keyframes breathe { 50% { opacity: 0.55; } }
@media (prefers-reduced-motion: reduce) { .row.waiting { animation: none; } }
.row img { display: block; width: 100%; height: 100%; object-fit: fill; }
.row.waiting img { opacity: 0; }
.row.failed::after { content: "These faces could not be drawn."; position: absolute; inset: 0; display: grid;
  place-items: center; font: 0.8rem var(--st-font); color: var(--st-text-color); opacity: 0.7; }
.cells { position: absolute; inset: 0; display: grid; }
button { all: unset; cursor: pointer; box-sizing: border-box; border-radius: 5px; }
button:hover { box-shadow: inset 0 0 0 2px rgb(255 255 255 / 0.85); }
button[aria-pressed="true"] { box-shadow: inset 0 0 0 3px var(--st-primary-color), inset 0 0 0 4px #fff; }
button:focus-visible { box-shadow: inset 0 0 0 3px var(--st-primary-color), inset 0 0 0 5px #fff; }
"""

# One tab stop per sheet; arrow keys walk, Enter and Space press. Streamlit calls the default export again whenever
# data changes, so everything is set rather than added, and a row is rebuilt only if its picture is another one.
JS = """
function buildRow(row, picture, columns) {
  row.className = "row waiting"
  row.style.aspectRatio = `${columns} / 1`
  row.style.minWidth = `${columns * 40}px` // on a phone a long row scrolls rather than shrinks
  const img = document.createElement("img")
  const cells = document.createElement("div")
  cells.className = "cells"
  cells.style.gridTemplateColumns = `repeat(${columns}, 1fr)`
  for (let i = 0; i < columns; i++) cells.append(document.createElement("button"))
  row.replaceChildren(img, cells)
  img.onload = () => { row.className = "row" }
  img.onerror = () => { row.className = "row failed" }
}

export default function ({ data: [data], parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".sheet")
  root.setAttribute("aria-label", data.label)
  const shape = `${data.rows.length} ${data.columns}`
  if (root.dataset.shape !== shape) {
    root.dataset.shape = shape
    root.replaceChildren(...data.rows.map(() => document.createElement("div")))
    data.rows.forEach((picture, i) => buildRow(root.children[i], picture, data.columns))
  }
  data.rows.forEach((picture, i) => {
    const img = root.children[i].querySelector("img")
    if (img.getAttribute("src") !== picture.src) img.src = picture.src
    img.alt = picture.alt
  })
  const buttons = [...root.querySelectorAll("button")]
  const chosen = data.selected ?? -1
  const entry = chosen >= 0 ? chosen : 0
  buttons.forEach((button, i) => {
    button.title = data.names[i]
    button.setAttribute("aria-label", data.names[i])
    button.setAttribute("aria-pressed", String(i === chosen))
    button.tabIndex = i === entry ? 0 : -1
    button.onclick = () => setTriggerValue("pick", i)
    button.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: data.columns, ArrowUp: -data.columns }[event.key]
      if (step === undefined || !buttons[i + step]) return
      event.preventDefault()
      buttons.forEach((other) => { other.tabIndex = -1 })
      buttons[i + step].tabIndex = 0
      buttons[i + step].focus()
    }
  })
}
"""


_mount = st.components.v2.component("face_sheet", html=HTML, css=CSS, js=JS)


def face_sheet(
    rows: Sequence[tuple[str, str]],
    names: Sequence[str],
    *,
    label: str,
    key: str,
    on_pick: Callable[[int], None],
    selected: int | None = None,
) -> None:
    """Show rows of faces; `on_pick` gets the number of the one that was pressed, counted over all rows.

    Args:
        rows: (address, alternative text) of each row's picture: equally many square faces side by side.
        names: what pressing each face does, for tooltips and screen readers; as many per row in every row.
        label: what the whole sheet is.
        selected: number of the face that is marked.
    """

    def picked() -> None:
        index = st.session_state[key].pick
        if isinstance(index, int) and 0 <= index < len(names):
            on_pick(index)

    data = {
        "rows": [{"src": source, "alt": alt} for source, alt in rows],
        "columns": len(names) // len(rows),
        "names": list(names),
        "label": label,
        "selected": selected,
    }
    _mount(key=key, data=as_is(data), on_pick_change=picked)
