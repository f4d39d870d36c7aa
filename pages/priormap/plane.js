// A plane through latent space: faces as dots, priors as contour lines, and a point that pointer or arrow keys move.
// Everything is drawn anew from `data`, which Streamlit does for another theme too; the point is the browser's own and
// kept beside the canvas. Python hears of it when it is let go.
const kept = new WeakMap()
const MARGIN = 26
const STEP = 0.1

function scales(canvas, data) {
  const side = canvas.clientWidth
  const inner = side - 2 * MARGIN
  const [low, high] = data.range
  return {
    side,
    x: (value) => MARGIN + ((value - low) / (high - low)) * inner,
    y: (value) => side - MARGIN - ((value - low) / (high - low)) * inner,
    back: (px, py) => [low + ((px - MARGIN) / inner) * (high - low), low + ((side - MARGIN - py) / inner) * (high - low)],
  }
}

// Line pieces along which a grid of values crosses `level`: marching squares, the saddle cut either way.
function contour(values, level) {
  const pieces = []
  for (let row = 0; row + 1 < values.length; row++) {
    for (let column = 0; column + 1 < values.length; column++) {
      const corners = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]]
      const crossings = []
      corners.forEach(([x, y], i) => {
        const [nextX, nextY] = corners[(i + 1) % 4]
        const here = values[y][x] - level
        const next = values[nextY][nextX] - level
        if (here > 0 !== next > 0) {
          const share = here / (here - next)
          crossings.push([x + share * (nextX - x), y + share * (nextY - y)])
        }
      })
      for (let i = 0; i + 1 < crossings.length; i += 2) pieces.push([crossings[i], crossings[i + 1]])
    }
  }
  return pieces
}

function drawAxes(pen, at, data, colour) {
  const [low, high] = data.range
  pen.fillStyle = pen.strokeStyle = colour
  pen.font = "11px sans-serif"
  pen.textAlign = "center"
  for (let tick = Math.ceil(low); tick <= high; tick++) {
    pen.globalAlpha = tick === 0 ? 0.3 : 0.1
    pen.beginPath()
    pen.moveTo(at.x(tick), at.y(low))
    pen.lineTo(at.x(tick), at.y(high))
    pen.moveTo(at.x(low), at.y(tick))
    pen.lineTo(at.x(high), at.y(tick))
    pen.stroke()
    pen.globalAlpha = 0.75
    if (tick % 2) continue
    const label = String(tick).replace("-", "−")
    pen.fillText(label, at.x(tick), at.side - 9)
    pen.fillText(label, MARGIN / 2, at.y(tick) + 4)
  }
}

function drawContours(pen, at, data, prior) {
  const [low, high] = data.range
  const cell = (high - low) / (prior.values.length - 1)
  pen.globalAlpha = 1
  pen.strokeStyle = prior.colour
  pen.lineWidth = 1.8
  pen.setLineDash(prior.dashed ? [6, 4] : [])
  for (const level of prior.levels) {
    pen.beginPath()
    for (const [from, to] of contour(prior.values, level)) {
      pen.moveTo(at.x(low + from[0] * cell), at.y(low + from[1] * cell))
      pen.lineTo(at.x(low + to[0] * cell), at.y(low + to[1] * cell))
    }
    pen.stroke()
  }
  pen.setLineDash([])
}

function draw(canvas, data, point) {
  const ratio = window.devicePixelRatio || 1
  const style = getComputedStyle(canvas)
  const colour = style.getPropertyValue("--st-text-color").trim() || "#444"
  const primary = style.getPropertyValue("--st-primary-color").trim() || "#0f6b66"
  const at = scales(canvas, data)
  if (!at.side) return // hidden, or the page is being left
  canvas.width = canvas.height = Math.round(at.side * ratio)
  const pen = canvas.getContext("2d")
  pen.scale(ratio, ratio)
  drawAxes(pen, at, data, colour)
  pen.globalAlpha = 0.35
  pen.fillStyle = colour
  for (let i = 0; i < data.dots.length; i += 2) {
    pen.fillRect(at.x(data.dots[i]) - 1, at.y(data.dots[i + 1]) - 1, 2, 2)
  }
  data.priors.forEach((prior) => drawContours(pen, at, data, prior))
  const radius = at.x(data.radius) - at.x(0)
  pen.lineWidth = 2.5
  for (const [stroke, extra] of [["#fff", 1.5], [primary, 0]]) {
    pen.strokeStyle = stroke
    pen.beginPath()
    pen.arc(at.x(point[0]), at.y(point[1]), radius + extra, 0, 2 * Math.PI)
    pen.moveTo(at.x(point[0]) - 3, at.y(point[1]))
    pen.lineTo(at.x(point[0]) + 3, at.y(point[1]))
    pen.stroke()
  }
  const place = point.map((value) => value.toFixed(1).replace("-", "−")).join(", ")
  canvas.setAttribute("aria-label", `${data.label} The point is at ${place}; arrow keys move it.`)
}

function showKey(root, data) {
  const entries = [["Stored faces", "var(--st-text-color)", "solid", "dot"]]
  data.priors.forEach((prior) => entries.push([prior.name, prior.colour, prior.dashed ? "dashed" : "solid", ""]))
  root.querySelector(".key").replaceChildren(...entries.map(([name, colour, line, kind]) => {
    const entry = document.createElement("span")
    entry.textContent = name
    entry.className = kind
    entry.style.setProperty("--colour", colour)
    entry.style.setProperty("--line", line)
    return entry
  }))
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".plane")
  const canvas = root.querySelector("canvas")
  let state = kept.get(canvas)
  if (!state) {
    state = { point: data.point }
    kept.set(canvas, state)
    canvas.setAttribute("role", "application")
    new ResizeObserver(() => state.redraw()).observe(canvas)
  }
  const [low, high] = data.range
  const inside = (value) => Math.round(Math.min(high, Math.max(low, value)) * 100) / 100
  state.redraw = () => draw(canvas, data, state.point)
  const move = (next) => {
    state.point = next.map(inside)
    state.redraw()
  }
  const tell = () => setStateValue("point", state.point)
  const under = (event) => {
    const box = canvas.getBoundingClientRect()
    return scales(canvas, data).back(event.clientX - box.left, event.clientY - box.top)
  }
  canvas.onpointerdown = (event) => {
    if (event.button) return
    canvas.setPointerCapture(event.pointerId)
    move(under(event))
  }
  canvas.onpointermove = (event) => { if (canvas.hasPointerCapture(event.pointerId)) move(under(event)) }
  canvas.onlostpointercapture = tell // let go, or taken over by the browser
  canvas.onkeydown = (event) => {
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key]
    if (!step) return
    event.preventDefault()
    const size = event.shiftKey ? 5 * STEP : STEP
    move([state.point[0] + step[0] * size, state.point[1] + step[1] * size])
  }
  canvas.onkeyup = (event) => { if (event.key.startsWith("Arrow")) tell() }
  showKey(root, data)
  state.redraw()
}
