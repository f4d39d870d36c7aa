// What the points say of themselves: a face in words, and what its colour means.
const MARK = "#b14fd0"

const inWords = (state, row) =>
  [...state.data.labels.map((label) => label.values[label.codes[row]]), state.data.words[state.inks[row]]].filter(Boolean).join(" · ")

function showKey(state) {
  const { ramp, names } = state.data.key
  const marks = state.data.marks.map((mark) => [mark.label, MARK])
  const parts = [...names, ...marks].map(([name, colour]) => {
    const entry = document.createElement("span")
    entry.textContent = name
    entry.style.setProperty("--colour", colour)
    return entry
  })
  if (ramp) {
    const entry = document.createElement("div"), bar = document.createElement("i")
    entry.className = "ramp"
    bar.style.setProperty("--ramp", `linear-gradient(90deg, ${ramp.colours.join(", ")})`)
    entry.append(ramp.low, bar, ramp.high)
    parts.unshift(entry)
  }
  state.root.querySelector(".key").replaceChildren(...parts)
}

// A face's picture and words beside its place, within a sheet of this width and height; row -1 takes them away.
function placeTip(state, row, [x, y], { width, height }) {
  const tip = state.root.querySelector(".tip")
  tip.hidden = row < 0
  if (tip.hidden) return
  tip.style.transform = `translate(${Math.max(4, Math.min(x + 14, width - 140))}px, ${Math.max(4, Math.min(y - 60, height - 165))}px)`
  tip.querySelector("span").textContent = inWords(state, row)
  const sheet = state.faces.known.get(row), face = tip.querySelector(".face")
  face.style.backgroundImage = sheet ? `url("${sheet.picture.src}")` : "none"
  if (sheet) {
    face.style.backgroundSize = `${sheet.count * 100}% 100%`
    face.style.backgroundPosition = `${sheet.count > 1 ? sheet.index / (sheet.count - 1) * 100 : 0}% 0`
  } else { clearTimeout(state.ask); state.ask = setTimeout(() => state.faces.want([row]), 60) }
}
