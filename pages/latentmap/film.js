// The film: `shown` is the place in it, between two frames while points are on their way, and `goal` where they are going.
// Moving is the browser's own; the frame it rests at and the face that is pressed go to Python by triggers.
const kept = new WeakMap()
const FRAME_MS = 420, GLIDE_MS = 260, REST_MS = 350, NEAR = 12
const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches

// All places at a place in the film: between two frames each point is on the straight line from one to the other.
function placesAt(state, shown) {
  const { frames, count } = state, size = 2 * count
  const before = Math.min(Math.floor(shown), state.last), share = shown - before
  const from = before * size, to = Math.min(before + 1, state.last) * size
  const places = new Float32Array(size)
  for (let i = 0; i < size; i++) places[i] = frames[from + i] + share * (frames[to + i] - frames[from + i])
  return places
}

function unpackFilm(data) {
  const packed = new Uint16Array(bytes(data.places).buffer), frames = new Float32Array(packed.length)
  for (let i = 0; i < packed.length; i++) frames[i] = (packed[i] / 65535 * 2 - 1) * data.limit
  const last = data.moments.length - 1
  return { frames, last, count: frames.length / 2 / (last + 1) }
}

function scales(state) {
  const width = state.canvas.clientWidth, height = state.canvas.clientHeight, scale = Math.min(width, height) / 2.15
  return { width, height, scale, x: (value) => width / 2 + value * scale, y: (value) => height / 2 - value * scale }
}

function drawTrail(state, pen, at, colour, ground) {
  const { frames, count, face, last, shown } = state
  const place = (frame) => [at.x(frames[2 * (frame * count + face)]), at.y(frames[2 * (frame * count + face) + 1])]
  for (let frame = 0; frame < last; frame++) {
    pen.beginPath()
    pen.moveTo(...place(frame)); pen.lineTo(...place(frame + 1))
    pen.globalAlpha = frame < shown ? 1 : 0.35
    pen.lineWidth = 5; pen.strokeStyle = ground; pen.stroke()
    pen.lineWidth = 2; pen.strokeStyle = colour; pen.stroke()
  }
  pen.globalAlpha = 1
  for (let frame = 0; frame <= last; frame++) {
    pen.beginPath(); pen.arc(...place(frame), frame === 0 || frame === last ? 4 : 2.2, 0, 7)
    pen.fillStyle = frame ? colour : ground
    pen.fill()
    if (frame === 0) { pen.lineWidth = 1.6; pen.strokeStyle = colour; pen.stroke() }
  }
}

function draw(state) {
  const { canvas } = state, at = scales(state), ratio = Math.min(2, window.devicePixelRatio || 1)
  const width = Math.round(at.width * ratio), height = Math.round(at.height * ratio)
  if (!width) return
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; state.image = null }
  const pen = canvas.getContext("2d"), style = getComputedStyle(canvas)
  state.image ??= pen.createImageData(width, height)
  state.places = placesAt(state, state.playing && isStill() ? Math.round(state.shown) : state.shown)
  const view = { scale: at.scale * ratio, left: at.x(0) * ratio, top: at.y(0) * ratio }
  const radius = (at.width < 480 ? 1.8 : 2.6) * ratio
  splat(state.image, state, state.inks, state.palette, null, view, radius, rgb(style.backgroundColor))
  pen.setTransform(1, 0, 0, 1, 0, 0)
  pen.putImageData(state.image, 0, 0)
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  const primary = style.getPropertyValue("--st-primary-color").trim() || "#0f6b66"
  const text = style.getPropertyValue("--st-text-color").trim() || "#444"
  const circle = (row, colour, size) => {
    pen.beginPath(); pen.arc(at.x(state.places[2 * row]), at.y(state.places[2 * row + 1]), size, 0, 7)
    strokeTwice(pen, colour, 2)
  }
  if (state.face >= 0) { drawTrail(state, pen, at, text, style.backgroundColor); circle(state.face, primary, 8) }
  if (state.hover >= 0) circle(state.hover, text, 6)
}

function showPlace(state) {
  const frame = Math.round(state.shown), clock = state.data.moments[frame].at
  draw(state)
  const across = 100 * state.shown / Math.max(1, state.last)
  state.pointer.setAttribute("x1", across); state.pointer.setAttribute("x2", across)
  if (state.told === frame) return
  state.told = frame
  state.slider.value = frame
  state.slider.setAttribute("aria-valuetext", seen(clock))
  state.root.querySelector("output").textContent = seen(clock)
  showFigures(state, frame)
  const nearest = state.data.strip.reduce((best, one) => (Math.abs(one - frame) < Math.abs(best - frame) ? one : best))
  for (const button of state.root.querySelectorAll(".strip button"))
    button.setAttribute("aria-current", String(Number(button.dataset.frame) === nearest))
}

// One step of the motion: towards the goal at the film's own pace while it plays, else in a short glide.
function step(state, now) {
  state.frame = 0
  if (!state.root.isConnected) return
  if (state.hover >= 0) showTip(state, -1)
  const away = state.goal - state.shown, passed = Math.min(100, now - (state.time || now))
  const pace = state.playing ? 1 / FRAME_MS : Math.max(1, state.glide) / GLIDE_MS
  const reach = isStill() && !state.playing ? Math.abs(away) : passed * pace
  state.time = now
  state.shown = Math.abs(away) <= reach ? state.goal : state.shown + Math.sign(away) * reach
  showPlace(state)
  if (state.shown !== state.goal) return move(state)
  state.time = 0
  if (state.playing) stop(state)
}

const move = (state) => { if (!state.frame) state.frame = requestAnimationFrame((now) => step(state, now)) }

function goTo(state, frame) {
  state.playing = false
  state.root.querySelector(".play").textContent = "Play"
  Object.assign(state, { goal: frame, glide: Math.abs(frame - state.shown), time: 0 })
  move(state)
  rest(state)
}

function play(state) {
  if (state.playing) return goTo(state, Math.round(state.shown))
  if (state.shown === state.last) state.shown = 0
  Object.assign(state, { playing: true, goal: state.last, time: 0 })
  state.root.querySelector(".play").textContent = "Stop"
  move(state)
}

function stop(state) {
  state.playing = false
  state.root.querySelector(".play").textContent = "Play"
  rest(state)
}

// Python hears of a frame once the film has rested at it, not of all those it passed.
function rest(state) {
  clearTimeout(state.rests)
  state.rests = setTimeout(() => {
    if (state.playing || !state.root.isConnected || state.said === state.goal) return
    state.said = state.goal
    state.setTriggerValue("at", [state.goal])
  }, REST_MS)
}

function nearestFace(state, px, py) {
  const at = scales(state)
  let best = -1, least = NEAR
  for (let row = 0; row < state.count; row++) {
    const apart = Math.hypot(at.x(state.places[2 * row]) - px, at.y(state.places[2 * row + 1]) - py)
    if (apart < least) { least = apart; best = row }
  }
  return best
}

// The nearest face in a direction, for the keyboard.
function nextFace(state, [dx, dy]) {
  const from = state.hover >= 0 ? state.hover : Math.max(0, state.face), { places } = state
  let best = from, least = Infinity
  for (let row = 0; row < state.count; row++) {
    const x = places[2 * row] - places[2 * from], y = places[2 * row + 1] - places[2 * from + 1]
    const along = x * dx + y * dy, off = Math.abs(x * dy - y * dx)
    if (along > 1e-4 && off <= 2 * along && along + 2 * off < least) { least = along + 2 * off; best = row }
  }
  return best
}

function showTip(state, row) {
  const at = scales(state), place = row < 0 ? [] : [at.x(state.places[2 * row]), at.y(state.places[2 * row + 1])]
  state.hover = row
  placeTip(state, row, place, at)
  draw(state)
}

function choose(state, row) {
  state.face = row
  state.setTriggerValue("face", [row])
  draw(state)
}

function events(state) {
  const { canvas, slider } = state
  const under = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top] }
  canvas.onpointermove = (event) => {
    const row = nearestFace(state, ...under(event))
    if (row !== state.hover) showTip(state, row)
  }
  canvas.onpointerleave = () => showTip(state, -1)
  canvas.onclick = (event) => {
    const row = nearestFace(state, ...under(event))
    if (row !== state.face) choose(state, row)
  }
  canvas.onkeydown = (event) => {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key]
    if (way) {
      showTip(state, nextFace(state, way))
      state.root.querySelector(".said").textContent = inWords(state, state.hover)
    } else if (event.key === "Enter" && state.hover >= 0) choose(state, state.hover)
    else if (event.key === "Escape" && state.face >= 0) choose(state, -1)
    else return
    event.preventDefault()
  }
  slider.oninput = () => goTo(state, Number(slider.value))
  state.root.querySelector(".play").onclick = () => play(state)
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".film")
  let state = kept.get(root)
  if (!state) {
    state = { root, canvas: root.querySelector(".sheet canvas"), slider: root.querySelector("input"), hover: -1, frame: 0 }
    kept.set(root, state)
    events(state)
    new ResizeObserver(() => { draw(state); drawStrip(state) }).observe(state.canvas)
  }
  Object.assign(state, { data, setTriggerValue, inks: bytes(data.inks), palette: Uint8Array.from(data.palette.flatMap(rgb)) })
  if (state.address !== data.faces) {
    state.address = data.faces
    state.faces = new Faces(data.faces, data.most, () => { if (state.hover >= 0) showTip(state, state.hover) })
  }
  data.labels.forEach((label) => { if (typeof label.codes === "string") label.codes = bytes(label.codes) })
  if (state.packed !== data.places) {
    Object.assign(state, { packed: data.places, ...unpackFilm(data), told: -1, revision: null })
    state.slider.max = state.last
    showMoments(state)
    showStrip(state)
  }
  if (state.revision !== data.revision) {
    const isFirst = state.revision === undefined || state.revision === null
    Object.assign(state, { revision: data.revision, face: data.face })
    if (isFirst) Object.assign(state, { shown: data.at, goal: data.at, said: data.at, playing: false, told: -1 })
    else if (data.at !== state.said) { state.said = data.at; goTo(state, data.at) }
  }
  state.canvas.setAttribute("aria-label", data.label)
  showKey(state)
  showPlace(state)
  drawStrip(state)
}
