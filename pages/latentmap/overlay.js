// What lies over the points: density lines, faces, the selection, the way, the place that was pressed.
const THUMB = 52
const MOST_THUMBS = 48
const FEW_ENOUGH = 700

const trace = (pen, at, line, closed) => {
  pen.beginPath()
  line.forEach(([x, y], i) => (i ? pen.lineTo(at.x(x), at.y(y)) : pen.moveTo(at.x(x), at.y(y))))
  if (closed) pen.closePath()
}

function strokeTwice(pen, colour, width) {
  pen.lineWidth = width + 2.5
  pen.strokeStyle = "rgba(255, 255, 255, 0.85)"
  pen.stroke()
  pen.lineWidth = width
  pen.strokeStyle = colour
  pen.stroke()
}

function drawContours(pen, at, contours, colour) {
  pen.strokeStyle = colour
  pen.lineWidth = 1
  pen.globalAlpha = 0.5
  for (const line of contours) {
    pen.beginPath()
    for (let i = 0; i < line.length; i += 2) pen[i ? "lineTo" : "moveTo"](at.x(line[i]), at.y(line[i + 1]))
    pen.stroke()
  }
  pen.globalAlpha = 1
}

function cross(pen, at, [x, y], colour, size) {
  pen.beginPath()
  pen.arc(at.x(x), at.y(y), size, 0, 2 * Math.PI)
  pen.moveTo(at.x(x) - size - 5, at.y(y)); pen.lineTo(at.x(x) - size + 2, at.y(y))
  pen.moveTo(at.x(x) + size - 2, at.y(y)); pen.lineTo(at.x(x) + size + 5, at.y(y))
  strokeTwice(pen, colour, 2)
}

function drawWay(pen, at, way, colour) {
  if (way.length > 1) { trace(pen, at, way, false); strokeTwice(pen, colour, 2.5) }
  way.forEach(([x, y], i) => {
    pen.beginPath(); pen.arc(at.x(x), at.y(y), 9, 0, 2 * Math.PI)
    pen.fillStyle = colour; pen.fill()
    pen.lineWidth = 1.5; pen.strokeStyle = "#fff"; pen.stroke()
    pen.fillStyle = "#fff"; pen.font = "600 11px sans-serif"; pen.textAlign = "center"; pen.textBaseline = "middle"
    pen.fillText(String(i + 1), at.x(x), at.y(y) + 0.5)
  })
}

// Rows that get a picture: at most one for each cell of the screen, and none until few enough points are in view.
function rowsToPicture(points, at, width, height, lit) {
  const [left, top] = at.back(0, 0), [right, bottom] = at.back(width, height)
  const { places, starts, rows, cellOf } = points
  const taken = new Map()
  let seen = 0
  for (let cy = cellOf(bottom); cy <= cellOf(top); cy++)
    for (let i = starts[cy * CELLS + cellOf(left)]; i < starts[cy * CELLS + cellOf(right) + 1]; i++) {
      const row = rows[i], x = at.x(places[2 * row]), y = at.y(places[2 * row + 1])
      if (x < 0 || y < 0 || x > width || y > height || (lit && !lit[row])) continue
      if (++seen > FEW_ENOUGH) return []
      const cell = `${Math.floor(x / (THUMB * 1.25))} ${Math.floor(y / (THUMB * 1.25))}`
      if (!taken.has(cell)) taken.set(cell, row)
    }
  return [...taken.values()].slice(0, MOST_THUMBS)
}

function drawFace(pen, at, points, row, sheet) {
  const side = sheet.picture.naturalHeight
  const x = at.x(points.places[2 * row]) - THUMB / 2, y = at.y(points.places[2 * row + 1]) - THUMB / 2
  pen.drawImage(sheet.picture, sheet.index * side, 0, side, side, x, y, THUMB, THUMB)
  pen.lineWidth = 1; pen.strokeStyle = "rgba(255, 255, 255, 0.9)"; pen.strokeRect(x, y, THUMB, THUMB)
}

// Faces by row, fetched in strips, one strip at a time: a map full of faces never takes the server from a slider.
class Faces {
  constructor(address, most, arrived) {
    Object.assign(this, { address, most, arrived, known: new Map(), wanted: [], busy: false })
  }
  want(rows) { this.wanted = rows.filter((row) => !this.known.has(row)); this.next() }
  next() {
    if (this.busy || !this.wanted.length) return
    const rows = this.wanted.splice(0, this.most), picture = new Image()
    this.busy = true
    const end = () => { this.busy = false; this.arrived(); this.next() }
    picture.onload = () => { rows.forEach((row, index) => this.known.set(row, { picture, index, count: rows.length })); end() }
    picture.onerror = () => { this.wanted = []; end() }
    picture.src = `${this.address}${rows.join("~")}`
  }
}
