// One drawing for every panel: lines over the images seen. Streamlit calls the default export again whenever data
// changes; everything the visitor did (zoom, smoothing, scales) is kept beside the element, so new points never undo it.
const kept = new WeakMap()
const INKS = ["#17867f", "#d1741f", "#7377c9", "#c2527f", "#7d9a3a", "#a5834b", "#808080", "#4a90c2"]
const DONE = "#c2527f"
const LEFT = 58, RIGHT = 10, TOP = 8, BOTTOM = 22

const short = (value) => {
  const size = Math.abs(value)
  const text = size >= 1e6 ? `${+(value / 1e6).toPrecision(4)}M` : size >= 1e4 ? `${+(value / 1e3).toPrecision(4)}k` :
    size !== 0 && size < 1e-3 ? value.toExponential(1) : `${+value.toPrecision(4)}`
  return text.replace("-", "−")
}
const exact = (value) => (+value.toPrecision(6)).toLocaleString("en-GB", { maximumFractionDigits: 8 }).replace("-", "−")

// Share `weight` of the average so far stays at each report; corrected for its start at nothing.
function smoothed(values, weight) {
  let average = 0, share = 0
  return values.map((value) => {
    average = weight * average + (1 - weight) * value
    share = weight * share + 1 - weight
    return average / share
  })
}

function ticks(low, high, most, isLog) {
  if (isLog) {
    const found = []
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
      for (const digit of [1, 2, 5]) {
        const value = digit * 10 ** power
        if (value >= low && value <= high) found.push(value)
      }
    const every = Math.ceil(found.length / most)
    if (found.length > 1) return found.filter((_, i) => i % every === 0)
  }
  const rough = (high - low) / most
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((digit) => digit * unit).find((value) => value >= rough)
  const found = []
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) found.push(value)
  return found
}

function extent(state) {
  let low = Infinity, high = -Infinity
  for (const panel of state.data.panels)
    for (const line of panel.lines)
      if (line.x.length) { low = Math.min(low, line.x[0]); high = Math.max(high, line.x.at(-1)) }
  if (!(low <= high)) return [0, 1]
  return low === high ? [low * 0.9, high * 1.1 || 1] : [low, high]
}

const shownRange = (state) => state.zoom || extent(state)
const ink = (line) => INKS[line.ink % INKS.length]
const stroke = (line) => (line.dashed ? "dashed" : "solid")
const values = (line, state) => (line.smooth && state.smoothing > 0 ? smoothed(line.y, state.smoothing) : line.y)

function scales(panel, state, width, height) {
  const [from, to] = shownRange(state)
  const isLogX = state.logImages && from > 0, isLogY = state.logValues && panel.positive
  let low = Infinity, high = -Infinity
  for (const line of panel.lines) {
    const y = values(line, state)
    for (let i = 0; i < y.length; i++) {
      if (line.x[i] < from || line.x[i] > to || (isLogY && y[i] <= 0)) continue
      low = Math.min(low, y[i]); high = Math.max(high, y[i])
    }
  }
  if (!(low <= high)) [low, high] = isLogY ? [0.1, 1] : [0, 1]
  if (low === high) { const half = Math.abs(low) * 0.05 || 0.5; low -= half; high += half }
  if (isLogY) { low = Math.max(low, high * 1e-9); low /= 1.05; high *= 1.05 }
  else { const room = (high - low) * 0.06; low -= room; high += room }
  const along = (value, a, b, isLog) => isLog ? Math.log(value / a) / Math.log(b / a) : (value - a) / (b - a)
  return {
    from, to, low, high, isLogX, isLogY,
    x: (value) => LEFT + along(value, from, to, isLogX) * (width - LEFT - RIGHT),
    y: (value) => height - BOTTOM - along(value, low, high, isLogY) * (height - TOP - BOTTOM),
    at: (pixel) => {
      const share = (pixel - LEFT) / (width - LEFT - RIGHT)
      return isLogX ? from * (to / from) ** share : from + share * (to - from)
    },
  }
}

function drawLine(pen, line, y, scale) {
  pen.beginPath()
  let open = false
  line.x.forEach((x, i) => {
    if (scale.isLogY && y[i] <= 0) { open = false; return }
    if (open) pen.lineTo(scale.x(x), scale.y(y[i])); else pen.moveTo(scale.x(x), scale.y(y[i]))
    open = true
  })
  pen.stroke()
}

function draw(canvas, panel, state) {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight
  if (!width) return
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio)
  }
  const style = getComputedStyle(canvas), pen = canvas.getContext("2d")
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, width, height)
  const scale = scales(panel, state, width, height)
  pen.font = `11px ${style.fontFamily}`
  pen.lineWidth = 1
  pen.strokeStyle = style.getPropertyValue("--grid")
  pen.fillStyle = style.color
  for (const value of ticks(scale.low, scale.high, 5, scale.isLogY)) {
    pen.beginPath(); pen.moveTo(LEFT, scale.y(value)); pen.lineTo(width - RIGHT, scale.y(value)); pen.stroke()
    pen.textAlign = "right"; pen.textBaseline = "middle"; pen.fillText(short(value), LEFT - 6, scale.y(value))
  }
  for (const value of ticks(scale.from, scale.to, Math.max(3, Math.floor(width / 75)), scale.isLogX)) {
    pen.textAlign = "center"; pen.textBaseline = "top"; pen.fillText(short(value), scale.x(value), height - BOTTOM + 6)
  }
  pen.save()
  pen.beginPath(); pen.rect(LEFT - 3, 0, width - LEFT - RIGHT + 6, height - BOTTOM + 1); pen.clip()  // 3: whole dots at both ends
  for (const mark of state.data.marks) {
    pen.strokeStyle = mark.strong ? DONE : style.getPropertyValue("--grid")
    pen.lineWidth = mark.strong ? 1.5 : 1
    pen.setLineDash(mark.strong ? [3, 3] : [1, 4])
    pen.beginPath(); pen.moveTo(scale.x(mark.x), TOP); pen.lineTo(scale.x(mark.x), height - BOTTOM); pen.stroke()
  }
  for (const line of panel.lines) {
    pen.strokeStyle = pen.fillStyle = ink(line)
    const isSmoothed = line.smooth && state.smoothing > 0
    pen.setLineDash([])
    if (isSmoothed) { pen.globalAlpha = 0.25; pen.lineWidth = 1; drawLine(pen, line, line.y, scale); pen.globalAlpha = 1 }
    pen.setLineDash(line.dashed ? [5, 4] : [])
    pen.lineWidth = 2
    const y = values(line, state)
    drawLine(pen, line, y, scale)
    if (line.x.length < 40) line.x.forEach((x, i) => {
      pen.beginPath(); pen.arc(scale.x(x), scale.y(y[i]), 2.5, 0, 7); pen.fill()
    })
  }
  pen.setLineDash([])
  if (state.cursor !== null) {
    pen.strokeStyle = style.color; pen.globalAlpha = 0.4; pen.lineWidth = 1
    pen.beginPath(); pen.moveTo(scale.x(state.cursor), TOP); pen.lineTo(scale.x(state.cursor), height - BOTTOM); pen.stroke()
  }
  if (state.brush) {
    pen.globalAlpha = 0.15; pen.fillStyle = style.color
    const [a, b] = state.brush.map(scale.x)
    pen.fillRect(Math.min(a, b), TOP, Math.abs(b - a), height - TOP - BOTTOM)
  }
  pen.restore()
}

// A short stroke as the line is drawn, and a word: names many lines at once, where names in full would fill a paragraph.
function key(text, colour, style) {
  const span = document.createElement("span")
  span.className = "key"
  span.textContent = text
  span.style.setProperty("--ink", colour)
  span.style.setProperty("--line", style)
  return span
}

function nearest(line, x) {
  let low = 0, high = line.x.length - 1
  while (high - low > 1) { const middle = (low + high) >> 1; if (line.x[middle] < x) low = middle; else high = middle }
  return Math.abs(line.x[low] - x) <= Math.abs(line.x[high] - x) ? low : high
}

function read(figure, panel, state) {
  const found = []
  const [from, to] = shownRange(state)
  const at = state.cursor === null ? to : state.cursor
  let where = null
  for (const line of panel.lines) {
    if (!line.x.length) continue
    const i = nearest(line, at)
    where = where === null ? line.x[i] : where
    found.push([line, exact(values(line, state)[i])])
  }
  const parts = found.map(([line, value]) => `${line.name} ${value}`)
  const close = state.data.marks.filter((mark) => mark.strong && Math.abs(mark.x - at) < (to - from) / 60)
  const marked = state.cursor === null ? [] : close.map((mark) => mark.text)
  const place = state.cursor === null || where === null ? "" : `at ${Math.round(where).toLocaleString("en-GB")}: `
  const output = figure.querySelector("output")
  if (found.length <= 2) output.textContent = place + [...parts, ...marked].join(" · ")
  else output.replaceChildren(place, ...found.map(([line, value]) => key(value, ink(line), stroke(line))), marked.join(" · "))
  const canvas = figure.querySelector("canvas")
  canvas.setAttribute("aria-label", `${panel.title}. ${[...parts, ...marked].join(", ")}. Arrow keys move, plus and minus zoom, 0 shows all.`)
}

function redraw(state) {
  if (state.waiting) return
  state.waiting = true
  requestAnimationFrame(() => {
    state.waiting = false
    state.data.panels.forEach((panel, i) => {
      const figure = state.root.querySelector(".panels").children[i]
      if (!figure) return
      draw(figure.querySelector("canvas"), panel, state)
      read(figure, panel, state)
    })
    const all = state.root.querySelector(".all")
    all.disabled = !state.zoom
    state.root.dataset.zoom = state.zoom ? state.zoom.map(Math.round).join(" ") : ""
    state.root.dataset.points = state.data.panels.reduce((sum, p) => sum + p.lines.reduce((n, l) => n + l.x.length, 0), 0)
  })
}

function zoomBy(state, factor, centre) {
  const [from, to] = shownRange(state), [least, most] = extent(state)
  const a = Math.max(least, centre - (centre - from) * factor), b = Math.min(most, centre + (to - centre) * factor)
  state.zoom = (b - a) >= (most - least) * 0.999 ? null : b - a > (most - least) / 2000 ? [a, b] : state.zoom
}

function pan(state, share) {
  if (!state.zoom) return
  const [from, to] = state.zoom, [least, most] = extent(state)
  const move = Math.min(Math.max((to - from) * share, least - from), most - to)
  state.zoom = [from + move, to + move]
}

function listen(canvas, panel, state) {
  const at = (event) => {
    const box = canvas.getBoundingClientRect()
    const { from, to, at } = scales(panel(), state, box.width, box.height)
    return Math.min(Math.max(at(event.clientX - box.left), from), to)
  }
  canvas.onpointerdown = (event) => {
    if (event.button) return
    canvas.setPointerCapture(event.pointerId)
    state.brush = [at(event), at(event)]
  }
  canvas.onpointermove = (event) => {
    state.cursor = at(event)
    if (state.brush) state.brush[1] = state.cursor
    redraw(state)
  }
  canvas.onpointerup = (event) => {
    const [a, b] = (state.brush || [0, 0]).slice().sort((one, other) => one - other), [from, to] = shownRange(state)
    if (state.brush && b - a > (to - from) / 40) state.zoom = [a, b]
    state.brush = null
    redraw(state)
  }
  canvas.onpointercancel = () => { state.brush = null; redraw(state) }
  canvas.onpointerleave = () => { state.cursor = null; redraw(state) }
  canvas.ondblclick = () => { state.zoom = null; redraw(state) }
  canvas.onwheel = (event) => {
    if (!event.ctrlKey && !event.metaKey) return
    event.preventDefault()
    zoomBy(state, event.deltaY > 0 ? 1.25 : 0.8, at(event))
    redraw(state)
  }
  canvas.onkeydown = (event) => {
    const [from, to] = shownRange(state)
    if (event.key === "ArrowLeft") pan(state, -0.2)
    else if (event.key === "ArrowRight") pan(state, 0.2)
    else if (event.key === "+" || event.key === "=") zoomBy(state, 0.7, (from + to) / 2)
    else if (event.key === "-") zoomBy(state, 1.4, (from + to) / 2)
    else if (event.key === "0" || event.key === "Escape") state.zoom = null
    else return
    event.preventDefault()
    redraw(state)
  }
}

function build(state) {
  const { root, data } = state
  root.querySelector(".panels").replaceChildren(...data.panels.map((panel, i) => {
    const figure = document.createElement("figure")
    const caption = document.createElement("figcaption")
    const title = document.createElement("b")
    title.textContent = panel.title
    const canvas = document.createElement("canvas")
    canvas.tabIndex = 0
    canvas.setAttribute("role", "img")
    listen(canvas, () => state.data.panels[i], state)
    caption.append(title, document.createElement("output"))
    figure.append(caption, canvas)
    return figure
  }))
}

function keys(state) {
  const seen = new Map()
  for (const panel of state.data.panels) for (const line of panel.lines) seen.set(line.name, line)
  const entries = [...seen.values()].map((line) => [line.name, ink(line), stroke(line)])
  const quiet = state.data.marks.find((mark) => !mark.strong)
  if (state.data.marks.some((mark) => mark.strong)) entries.push(["somebody stepped in", DONE, "dotted"])
  if (quiet) entries.push([quiet.text, "var(--grid)", "dotted"])
  state.root.querySelector(".keys").replaceChildren(...entries.map((entry) => key(...entry)))
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".plot")
  let state = kept.get(root)
  if (!state) {
    state = { root, zoom: null, cursor: null, brush: null, smoothing: 0, logValues: false, logImages: false, shape: "" }
    kept.set(root, state)
    new ResizeObserver(() => redraw(state)).observe(root)
  }
  state.data = data
  root.style.setProperty("--height", `${data.height}px`)
  root.style.setProperty("--narrowest", `${data.narrowest}px`)
  root.querySelector(".tools").hidden = root.querySelector(".hint").hidden = data.plain
  root.querySelector(".tools").style.display = data.plain ? "none" : ""
  const shape = data.panels.map((panel) => panel.title).join("|")
  if (shape !== state.shape) { state.shape = shape; build(state) }
  const [smooth, values_, images] = root.querySelectorAll(".tools input")
  smooth.oninput = () => { state.smoothing = Number(smooth.value) / 100; redraw(state) }
  values_.onchange = () => { state.logValues = values_.checked; redraw(state) }
  images.onchange = () => { state.logImages = images.checked; redraw(state) }
  root.querySelector(".all").onclick = () => { state.zoom = null; redraw(state) }
  keys(state)
  redraw(state)
}
