// The map of three axes, drawn by plotly in WebGL. plotly comes from the app's own server, once for the whole visit; it
// looks its rules up in the document, so this component has no shadow root.
const kept = new WeakMap()
const POINT = "#d3322a", REACH = 0.3
let loading = null

function plotly(address) {
  if (window.Plotly) return Promise.resolve(window.Plotly)
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script")
    script.src = address
    script.onload = () => resolve(window.Plotly)
    script.onerror = () => { loading = null; reject(new Error("The drawing library did not arrive. Reload the page.")) }
    document.head.append(script)
  })
  return loading
}

let webGL = null
function hasWebGL() {
  if (webGL === null) {
    const context = document.createElement("canvas").getContext("webgl")
    webGL = Boolean(context)
    context?.getExtension("WEBGL_lose_context")?.loseContext()  // browsers lend few of them
  }
  return webGL
}

function unpack(data) {
  const packed = new Uint16Array(bytes(data.places).buffer), count = packed.length / 3
  const axes = [new Float32Array(count), new Float32Array(count), new Float32Array(count)]
  for (let i = 0; i < packed.length; i++) axes[i % 3][Math.floor(i / 3)] = (packed[i] / 65535 * 2 - 1) * data.limit
  return axes
}

// Three lines that cross at a place: they stand out of a cloud that hides the place itself.
function star(place) {
  const lines = [[], [], []]
  for (let along = 0; along < 3; along++)
    for (const way of [-REACH, REACH, null])
      for (let axis = 0; axis < 3; axis++) lines[axis].push(way === null ? null : place[axis] + (axis === along ? way : 0))
  return { type: "scatter3d", mode: "lines", hoverinfo: "skip", x: lines[0], y: lines[1], z: lines[2], line: { color: POINT, width: 4 } }
}

function traces(state) {
  const { data, axes: [x, y, z], inks } = state
  const about = Array.from(inks, (_, row) => inWords(state, row))
  const size = (inks.length > 20000 ? 1.5 : inks.length > 3000 ? 2.2 : 3.5) * (state.space.clientWidth < 480 ? 0.6 : 1)
  const single = (place, name, colour) => ({ type: "scatter3d", mode: "markers", hoverinfo: "text", text: [name],
    x: [place[0]], y: [place[1]], z: [place[2]], marker: { size: 8, color: colour, symbol: "diamond" } })
  return [
    { type: "scatter3d", mode: "markers", x, y, z, text: about, hoverinfo: "text",
      marker: { size, color: Array.from(inks, (ink) => data.palette[ink]), opacity: 0.85 } },
    ...(data.point ? [star(data.point), single(data.point, "chosen", POINT)] : []),
    ...data.marks.map((mark) => single(mark.place, mark.label, MARK)),
  ]
}

function layout(state) {
  const style = getComputedStyle(state.root), colour = (name) => style.getPropertyValue(name).trim()
  const axis = { title: { text: "" }, showticklabels: false, showspikes: false, showbackground: false, zeroline: false,
    gridcolor: colour("--st-border-color"), color: colour("--st-border-color") }
  return {
    margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false, paper_bgcolor: "rgba(0, 0, 0, 0)", uirevision: sameMap(state),
    hoverlabel: { bgcolor: colour("--st-background-color"), bordercolor: colour("--st-border-color"),
      font: { color: colour("--st-text-color"), family: colour("--st-font") } },
    scene: { aspectmode: "cube", xaxis: axis, yaxis: axis, zaxis: axis, camera: { eye: { x: 1.25, y: 1.25, z: 0.8 } } },
  }
}

// The camera stays where the visitor turned it for as long as it looks at the same map.
const sameMap = (state) => `${state.data.places.length} ${state.data.places.slice(0, 64)}`

async function show(state) {
  if (!hasWebGL()) throw new Error("This browser gives no WebGL, which 3-D takes. Choose 2-D.")
  const library = await plotly(state.data.library)
  if (!state.root.isConnected) return
  const first = !state.graph
  if (first) { state.graph = document.createElement("div"); state.space.replaceChildren(state.graph) }
  const drawn = library.react(state.graph, traces(state), layout(state), { responsive: true, displayModeBar: false })
  if (first) state.graph.on("plotly_click", ({ points }) => {
    if (points[0]?.curveNumber === 0) state.setTriggerValue("face", [points[0].pointNumber])
  })
  await drawn
}

function release(state) {
  if (state.graph) window.Plotly.purge(state.graph)
  state.graph = null
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".solid")
  let state = kept.get(root)
  if (!state) { state = { root, space: root.querySelector(".space") }; kept.set(root, state) }
  Object.assign(state, { data, setTriggerValue, axes: unpack(data), inks: bytes(data.inks) })
  data.labels.forEach((label) => { if (typeof label.codes === "string") label.codes = bytes(label.codes) })
  state.space.setAttribute("role", "img")
  state.space.setAttribute("aria-label", data.label)
  showKey(state)
  show(state).catch((error) => {
    const words = document.createElement("p")
    words.textContent = error.message
    release(state)
    state.space.replaceChildren(words)
  })
  return () => { if (!root.isConnected) release(state) } // else only a newer call overtook this one, and draws on
}
