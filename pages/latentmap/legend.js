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
