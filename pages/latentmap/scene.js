// The visitor's hands on the map. View, tool and hover are the browser's own; a place, an area or a way that is
// finished goes to Python by a trigger, and comes back in `data`, whose `revision` says that Python changed them.
const kept = new WeakMap()
const TOOLS = { move: "Move and press", box: "Box", lasso: "Lasso", way: "Path" }
const HINTS = {
  move: "Drag to move, wheel to zoom (after a press, or with Ctrl), press a face or an empty place. Keys: arrows, Enter, + − 0.",
  second: "Press near a face: it is marked on both maps. Drag to move, wheel to zoom. Keys: arrows, Enter, + − 0.",
  box: "Drag a box around faces. Keys: arrows, Enter at two corners.",
  lasso: "Draw around faces. Keys: arrows, Enter at each corner, C closes.",
  way: "Press the places that the path visits, up to 6. Keys: arrows, Enter adds a place, Backspace takes the last one back.",
}
const WAY = "#b0582b"
const MOST_WAY = 6, MOST_CORNERS = 60, PRESS = 4, REACH = 8
const short = (value) => Math.round(value * 1e4) / 1e4

function scales(state) {
  const { canvas, view } = state, width = canvas.clientWidth, height = canvas.clientHeight
  const scale = Math.min(width, height) / 2.15 * view.zoom
  return {
    width, height, scale,
    x: (value) => width / 2 + (value - view.x) * scale,
    y: (value) => height / 2 - (value - view.y) * scale,
    back: (px, py) => [view.x + (px - width / 2) / scale, view.y - (py - height / 2) / scale],
  }
}

function radiusOf(state) {
  const base = state.points.count > 20000 ? 1 : state.points.count > 3000 ? 1.6 : 2.3
  return Math.min(6, base * Math.max(1, state.view.zoom ** 0.45))
}

function draw(state) {
  state.frame = 0
  const { canvas, points, data } = state, at = scales(state)
  const ratio = Math.min(2, window.devicePixelRatio || 1)
  const width = Math.round(at.width * ratio), height = Math.round(at.height * ratio)
  if (!width) return
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; state.image = null }
  const pen = canvas.getContext("2d"), style = getComputedStyle(canvas)
  state.image ??= pen.createImageData(width, height)
  const view = { scale: at.scale * ratio, left: at.x(0) * ratio, top: at.y(0) * ratio }
  splat(state.image, points, state.inks, state.palette, state.lit, view, radiusOf(state) * ratio, rgb(style.backgroundColor))
  pen.setTransform(1, 0, 0, 1, 0, 0)
  pen.putImageData(state.image, 0, 0)
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  const primary = style.getPropertyValue("--st-primary-color").trim() || "#0f6b66"
  const text = style.getPropertyValue("--st-text-color").trim() || "#444"
  if (state.contours) drawContours(pen, at, data.contours, text)
  if (state.pictures) {
    const rows = rowsToPicture(points, at, at.width, at.height, state.lit)
    for (const row of rows) if (state.faces.known.has(row)) drawFace(pen, at, points, row, state.faces.known.get(row))
    clearTimeout(state.rest)
    state.rest = setTimeout(() => state.faces.want(rows), 180)
  }
  const area = state.drawing.length ? state.drawing : state.area
  if (area.length > 1) { trace(pen, at, area, area === state.area); strokeTwice(pen, primary, 1.8) }
  drawWay(pen, at, state.way, WAY)
  if (state.hover >= 0) {
    pen.beginPath(); pen.arc(at.x(points.places[2 * state.hover]), at.y(points.places[2 * state.hover + 1]), radiusOf(state) + 4, 0, 7)
    strokeTwice(pen, text, 1.5)
  }
  if (state.point) cross(pen, at, state.point, primary, 10)
  for (const mark of data.marks) cross(pen, at, mark.place, MARK, 7)
  if (state.crosshair) {
    const [x, y] = [at.x(state.crosshair[0]), at.y(state.crosshair[1])]
    pen.beginPath(); pen.moveTo(x - 14, y); pen.lineTo(x + 14, y); pen.moveTo(x, y - 14); pen.lineTo(x, y + 14)
    strokeTwice(pen, text, 1.2)
  }
}

const redraw = (state) => { if (!state.frame) state.frame = requestAnimationFrame(() => draw(state)) }

function zoomBy(state, factor, px, py) {
  const before = scales(state).back(px, py)
  state.view.zoom = Math.min(400, Math.max(0.5, state.view.zoom * factor))
  const after = scales(state).back(px, py)
  state.view.x += before[0] - after[0]
  state.view.y += before[1] - after[1]
  redraw(state)
}

function showTip(state, row) {
  const at = scales(state), place = row < 0 ? [] : [at.x(state.points.places[2 * row]), at.y(state.points.places[2 * row + 1])]
  state.hover = row
  placeTip(state, row, place, at)
  redraw(state)
}

function tell(state, what, value) {
  state[what] = value
  if (what === "area") state.lit = litRows(state.points, value)
  state.setTriggerValue(what, value)
  redraw(state)
}

// A press, or Enter, at a place of the map.
function act(state, x, y, reach) {
  const row = nearestRow(state.points, x, y, reach)
  const place = (row < 0 ? [x, y] : [state.points.places[2 * row], state.points.places[2 * row + 1]]).map(short)
  if (state.tool === "way") { if (state.way.length < MOST_WAY) tell(state, "way", [...state.way, place]) }
  else tell(state, "point", place)
}

const boxOf = ([[a, b], [c, d]]) => [[a, b], [c, b], [c, d], [a, d]].map((corner) => corner.map(short))

function finishArea(state) {
  const drawn = state.drawing
  state.drawing = []
  const every = Math.ceil(drawn.length / MOST_CORNERS)
  const area = state.tool === "box" && drawn.length === 2 ? boxOf(drawn) : drawn.filter((_, i) => i % every === 0).map((corner) => corner.map(short))
  if (area.length >= 3) tell(state, "area", area)
  redraw(state)
}

function pointerEvents(state) {
  const { canvas } = state, held = new Map()
  const under = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top] }
  let start = null, moved = false, pinch = 0
  canvas.onpointerdown = (event) => {
    if (event.button) return
    canvas.setPointerCapture(event.pointerId)
    held.set(event.pointerId, under(event))
    start = under(event); moved = false; state.crosshair = null
    if (held.size === 1 && (state.tool === "box" || state.tool === "lasso")) state.drawing = [scales(state).back(...start)]
    showTip(state, -1)
  }
  canvas.onpointermove = (event) => {
    const [px, py] = under(event), at = scales(state)
    if (!held.has(event.pointerId)) {
      const row = nearestRow(state.points, ...at.back(px, py), (REACH + radiusOf(state)) / at.scale)
      if (row !== state.hover) showTip(state, row)
      return
    }
    const [beforeX, beforeY] = held.get(event.pointerId)
    held.set(event.pointerId, [px, py])
    moved ||= Math.hypot(px - start[0], py - start[1]) > PRESS
    if (held.size === 2) {
      const [[ax, ay], [bx, by]] = [...held.values()], apart = Math.hypot(ax - bx, ay - by)
      if (pinch) zoomBy(state, apart / pinch, (ax + bx) / 2, (ay + by) / 2)
      pinch = apart; state.drawing = []
    } else if (state.drawing.length) {
      const here = at.back(px, py)
      if (state.tool === "box") state.drawing = [state.drawing[0], here]; else state.drawing.push(here)
    } else if (moved && !state.drawing.length) {
      canvas.classList.add("moving")
      state.view.x -= (px - beforeX) / at.scale; state.view.y += (py - beforeY) / at.scale
    }
    redraw(state)
  }
  const end = (event) => {
    const was = held.size
    if (!held.delete(event.pointerId)) return
    pinch = 0
    canvas.classList.remove("moving")
    if (was !== 1 || event.type === "pointercancel") { state.drawing = []; return redraw(state) }
    const at = scales(state)
    if (state.drawing.length > 1 && moved) return finishArea(state)
    state.drawing = []
    if (!moved) act(state, ...at.back(...start), (REACH + radiusOf(state)) / at.scale)
  }
  canvas.onpointerup = canvas.onpointercancel = end
  canvas.onpointerleave = () => showTip(state, -1)
  canvas.addEventListener("wheel", (event) => {
    if (state.root.getRootNode().activeElement !== canvas && !event.ctrlKey && !event.metaKey) return
    event.preventDefault()
    zoomBy(state, Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), ...under(event))
  }, { passive: false })
}

function keyEvents(state) {
  state.canvas.onkeydown = (event) => {
    const at = scales(state), step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key]
    const here = state.crosshair ?? [state.view.x, state.view.y]
    if (step) {
      const size = (event.shiftKey ? 60 : 12) / at.scale
      state.crosshair = [here[0] + step[0] * size, here[1] + step[1] * size]
      const [px, py] = [at.x(state.crosshair[0]), at.y(state.crosshair[1])]
      if (px < 20 || py < 20 || px > at.width - 20 || py > at.height - 20) [state.view.x, state.view.y] = state.crosshair
      showTip(state, nearestRow(state.points, ...state.crosshair, 16 / at.scale))
      state.root.querySelector(".said").textContent = `${state.crosshair.map((value) => value.toFixed(2)).join(", ")}${state.hover < 0 ? "" : `, near ${inWords(state, state.hover)}`}`
    } else if (event.key === "Enter") {
      if (state.tool === "move" || state.tool === "way") act(state, ...here, 6 / at.scale)
      else { state.drawing.push(here); if (state.tool === "box" && state.drawing.length === 2) finishArea(state) }
    } else if (event.key.toLowerCase() === "c" && state.tool === "lasso" && state.drawing.length > 2) finishArea(state)
    else if (event.key === "Backspace" && state.tool === "way" && state.way.length) tell(state, "way", state.way.slice(0, -1))
    else if (event.key === "Escape") state.drawing = []
    else if (event.key === "+" || event.key === "=") zoomBy(state, 1.3, at.x(here[0]), at.y(here[1]))
    else if (event.key === "-") zoomBy(state, 1 / 1.3, at.x(here[0]), at.y(here[1]))
    else if (event.key === "0") state.view = { x: 0, y: 0, zoom: 1 }
    else return
    event.preventDefault()
    redraw(state)
  }
}

function showTools(state) {
  const button = (text, pressed, act) => {
    const made = document.createElement("button")
    made.textContent = text
    if (pressed !== null) made.setAttribute("aria-pressed", String(pressed))
    made.onclick = () => { act(); showTools(state); redraw(state) }
    return made
  }
  const middle = (factor) => () => zoomBy(state, factor, state.canvas.clientWidth / 2, state.canvas.clientHeight / 2)
  const name = (tool) => (tool === "move" && state.data.narrow ? "Move" : TOOLS[tool])
  const parts = state.data.tools.map((tool) => button(name(tool), state.tool === tool, () => { state.tool = tool; state.drawing = [] }))
  parts.push(document.createElement("i"))
  if (state.data.contours.length) parts.push(button("Density", state.contours, () => { state.contours = !state.contours }))
  parts.push(button("Faces", state.pictures, () => { state.pictures = !state.pictures }))
  const zooms = [["+", "Zoom in", middle(1.5)], ["−", "Zoom out", middle(1 / 1.5)], ["Whole", "The whole map", () => { state.view = { x: 0, y: 0, zoom: 1 } }]]
  for (const [sign, name, act] of zooms) { const made = button(sign, null, act); made.setAttribute("aria-label", name); made.title = name; parts.push(made) }
  const bar = state.root.querySelector(".tools"), index = [...bar.children].indexOf(state.root.getRootNode().activeElement)
  bar.replaceChildren(...parts)
  if (index >= 0) bar.children[index]?.focus()
  state.root.querySelector(".hint").textContent = state.tool === "move" && !state.data.tools.includes("way") ? HINTS.second : HINTS[state.tool]
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".scene")
  let state = kept.get(root)
  if (!state) {
    state = { root, canvas: root.querySelector("canvas"), tool: "move", view: { x: 0, y: 0, zoom: 1 }, drawing: [], hover: -1,
      contours: true, pictures: true, frame: 0 }
    kept.set(root, state)
    pointerEvents(state)
    keyEvents(state)
    new ResizeObserver(() => redraw(state)).observe(state.canvas)
  }
  Object.assign(state, { data, setTriggerValue })
  if (state.packed !== data.places) Object.assign(state, { packed: data.places, points: unpackPlaces(data), lit: null, drawing: [], revision: null })
  if (state.address !== data.faces) {
    state.address = data.faces
    state.faces = new Faces(data.faces, data.most, () => (state.hover < 0 ? redraw(state) : showTip(state, state.hover)))
  }
  data.labels.forEach((label) => { if (typeof label.codes === "string") label.codes = bytes(label.codes) })
  state.inks = bytes(data.inks)
  state.palette = Uint8Array.from(data.palette.flatMap(rgb))
  if (state.revision !== data.revision) {
    Object.assign(state, { revision: data.revision, point: data.point, area: data.area, way: data.way })
    state.lit = data.lit ? bytes(data.lit) : litRows(state.points, data.area)
  }
  state.canvas.setAttribute("aria-label", data.label)
  showTools(state)
  showKey(state)
  redraw(state)
}
