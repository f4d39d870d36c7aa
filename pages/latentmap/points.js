// Points straight into pixels: 50,000 anti-aliased dots cost some milliseconds on any machine, with or without a GPU,
// and look the same everywhere. A WebGL context would be one more thing that a browser may refuse or lose.
const CELLS = 96

function bytes(text) {
  const raw = atob(text)
  const found = new Uint8Array(raw.length)
  for (let i = 0; i < raw.length; i++) found[i] = raw.charCodeAt(i)
  return found
}

// Places as the map's numbers, and a grid that finds the nearest one: rows sorted by cell, and where each cell begins.
function unpackPlaces(data) {
  const packed = new Uint16Array(bytes(data.places).buffer)
  const places = new Float32Array(packed.length)
  for (let i = 0; i < packed.length; i++) places[i] = (packed[i] / 65535 * 2 - 1) * data.limit
  const count = places.length / 2
  const cellOf = (value) => Math.min(CELLS - 1, Math.max(0, Math.floor((value / data.limit + 1) / 2 * CELLS)))
  const starts = new Uint32Array(CELLS * CELLS + 1)
  const cells = new Uint32Array(count)
  for (let i = 0; i < count; i++) starts[(cells[i] = cellOf(places[2 * i + 1]) * CELLS + cellOf(places[2 * i])) + 1]++
  for (let cell = 0; cell < CELLS * CELLS; cell++) starts[cell + 1] += starts[cell]
  const next = starts.slice(), rows = new Uint32Array(count)
  for (let i = 0; i < count; i++) rows[next[cells[i]]++] = i
  return { places, count, starts, rows, cellOf }
}

// The row nearest to (x, y) within `reach`, or -1.
function nearestRow(points, x, y, reach) {
  const { places, starts, rows, cellOf } = points
  let best = -1, least = reach * reach
  for (let cy = cellOf(y - reach); cy <= cellOf(y + reach); cy++) {
    const from = cy * CELLS
    for (let at = starts[from + cellOf(x - reach)]; at < starts[from + cellOf(x + reach) + 1]; at++) {
      const row = rows[at]
      const apart = (places[2 * row] - x) ** 2 + (places[2 * row + 1] - y) ** 2
      if (apart < least) { least = apart; best = row }
    }
  }
  return best
}

// Even-odd rule, as Python counts the selection.
function isInside(area, x, y) {
  let inside = false
  for (let i = 0, j = area.length - 1; i < area.length; j = i++) {
    const [xi, yi] = area[i], [xj, yj] = area[j]
    if (yi > y !== yj > y && x < (xj - xi) * (y - yi) / (yj - yi) + xi) inside = !inside
  }
  return inside
}

function litRows(points, area) {
  if (area.length < 3) return null
  const lit = new Uint8Array(points.count)
  for (let i = 0; i < points.count; i++) lit[i] = isInside(area, points.places[2 * i], points.places[2 * i + 1]) ? 1 : 0
  return lit
}

const rgb = (text) => {
  const hex = /^#(..)(..)(..)/.exec(text)
  return hex ? hex.slice(1).map((part) => parseInt(part, 16)) : (text.match(/[\d.]+/g) || [128, 128, 128]).map(Number)
}

// How much of each pixel a disc covers: [across, down, share of 256] for every pixel that it touches.
function disc(radius) {
  const touched = [], reach = Math.ceil(radius)
  for (let y = -reach; y <= reach; y++)
    for (let x = -reach; x <= reach; x++) {
      const share = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(x, y)))
      if (share > 0.02) touched.push([x, y, Math.round(share * 256)])
    }
  return touched
}

// Draws all points into `image`; those outside the selection faintly and first. `view` is in pixels of the image.
function splat(image, points, inks, palette, lit, view, radius, ground) {
  const { width, height, data } = image, { places, count } = points
  const [r0, g0, b0] = ground
  new Uint32Array(data.buffer).fill((255 << 24 | b0 << 16 | g0 << 8 | r0) >>> 0)
  const mask = disc(radius), edge = Math.ceil(radius)
  const steps = mask.map(([x, y]) => 4 * (y * width + x)), shares = mask.map((part) => part[2])
  for (let turn = lit ? 0 : 1; turn < 2; turn++) {
    for (let i = 0; i < count; i++) {
      if (lit && lit[i] !== turn) continue
      const x = Math.round(places[2 * i] * view.scale + view.left), y = Math.round(view.top - places[2 * i + 1] * view.scale)
      if (x < edge || y < edge || x >= width - edge || y >= height - edge) continue
      const ink = 3 * inks[i], r = palette[ink], g = palette[ink + 1], b = palette[ink + 2]
      const at = 4 * (y * width + x), strength = turn ? 220 : 40
      for (let part = 0; part < steps.length; part++) {
        const to = at + steps[part], share = shares[part] * strength >> 8
        data[to] += (r - data[to]) * share >> 8
        data[to + 1] += (g - data[to + 1]) * share >> 8
        data[to + 2] += (b - data[to + 2]) * share >> 8
      }
    }
  }
}
