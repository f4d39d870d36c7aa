// What each frame is worth: two lines over the slider, in words for the frame that is shown, and the strip of little maps.
const KEPT = "#17867f", SINCE = "#d1741f"
const seen = (clock) => `${clock.toLocaleString("en-GB")} images`
const percent = (share) => `${Math.round(100 * share)} %`
const range = ([mean, low, high]) => `${percent(mean)} (${percent(low)} to ${percent(high)})`

function svg(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

// Both lines from 0 at the bottom to 100 % at the top, above the slider's places.
function showMoments(state) {
  const { moments } = state.data, across = 100 / Math.max(1, moments.length - 1)
  const line = (name, colour) => svg("polyline", { stroke: colour,
    points: moments.map((moment, i) => moment[name] && `${i * across},${100 - 100 * moment[name][0]}`).filter(Boolean).join(" ") })
  state.pointer = svg("line", { y1: 0, y2: 100 })
  state.root.querySelector(".moments").replaceChildren(line("kept", KEPT), line("since", SINCE), state.pointer)
}

function showFigures(state, frame) {
  const moment = state.data.moments[frame], count = state.data.neighbours
  const part = (colour, text) => {
    const sign = document.createElement("i"), said = document.createElement("span")
    sign.style.setProperty("--colour", colour)
    said.append(sign, text)
    return said
  }
  const kept = `Of a face's ${count} nearest latents ${range(moment.kept)} are among its nearest on this map`
  const since = moment.since && `${range(moment.since)} were its nearest in the frame before too`
  state.root.querySelector(".figures").replaceChildren(part(KEPT, `${kept}; trustworthiness ${moment.trust.toFixed(2)}. `),
    ...(since ? [part(SINCE, `${since}.`)] : []))
}

function showStrip(state) {
  const parts = state.data.strip.map((frame) => {
    const button = document.createElement("button"), canvas = document.createElement("canvas")
    const clock = state.data.moments[frame].at
    button.type = "button"
    button.dataset.frame = frame
    button.title = `After ${seen(clock)}`
    button.setAttribute("aria-label", `After ${seen(clock)}`)
    button.onclick = () => goTo(state, frame)
    button.append(canvas, clock < 1000 ? String(clock) : `${Number((clock / 1000).toPrecision(3))}k`)
    return button
  })
  state.root.querySelector(".strip").replaceChildren(...parts)
}

function drawStrip(state) {
  const ratio = Math.min(2, window.devicePixelRatio || 1)
  for (const button of state.root.querySelectorAll(".strip button")) {
    const canvas = button.querySelector("canvas"), side = Math.round(canvas.clientWidth * ratio)
    if (!side) continue
    canvas.width = canvas.height = side
    const pen = canvas.getContext("2d"), image = pen.createImageData(side, side), scale = side / 2.15
    const points = { places: placesAt(state, Number(button.dataset.frame)), count: state.count }
    splat(image, points, state.inks, state.palette, null, { scale, left: side / 2, top: side / 2 }, 0.7 * ratio,
      rgb(getComputedStyle(canvas).backgroundColor))
    pen.putImageData(image, 0, 0)
  }
}
