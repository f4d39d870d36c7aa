// The morph panel: sliders move a latent vector, a decoder draws it while they are dragged, Python hears of the end.
// Streamlit calls the default export again whenever data changes; one Panel per place on the page keeps the state.

const STEP = 0.05
const FIRST_SHOWN = 12
const KEY_PAUSE_MS = 220 // arrow keys come in bursts: Python hears of the last
const WEAK_AUC = 0.6

const panels = new WeakMap()

export default function (component) {
  const place = component.parentElement
  if (!panels.has(place)) panels.set(place, new Panel(place.querySelector(".panel")))
  const panel = panels.get(place)
  panel.update(component)
  return () => {
    if (place.isConnected) return // Streamlit also ends a call that a newer one overtook, which goes on with the panel
    panel.decoder.close()
    panels.delete(place)
  }
}

function floats(text) {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  return new Float32Array(bytes.buffer)
}

function element(tag, className, text = "") {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

function signed(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits)
  return Number(text) === 0 ? text : (value < 0 ? "−" : "+") + text
}

class Panel {
  constructor(root) {
    this.root = root
    this.find = (selector) => root.querySelector(selector)
    this.values = new Map()
    this.held = []
    this.rows = new Map()
    this.expanded = new Set()
    this.revision = null
    this.find(".reset-all").onclick = () => this.resetAll()
    this.find(".release").onclick = () => this.hold([])
  }

  update({ data: [data], setStateValue, setTriggerValue }) {
    this.tell = (what, value) => setStateValue(what, { revision: this.revision, value })
    this.trigger = setTriggerValue
    this.data = data
    this.start = floats(data.start)
    this.vectors = new Map(data.sliders.map((slider) => [slider.key, this.vector(slider)]))
    this.probes = data.probes && { ...data.probes, weight: floats(data.probes.weight) }
    if (this.revision !== data.revision) {
      // Python's recipe changed by something else than these sliders: a link, another start, an undo.
      this.revision = data.revision
      this.values = new Map(Object.entries(data.values))
      this.held = data.hold
    }
    this.family ??= data.families[0].key
    this.useDecoder(data.model, data.drawn)
    this.showTabs()
    this.showRows()
    this.showPhoto(data.photo)
    this.find(".start figcaption").textContent = data.photo ? "As the model sees it" : "Start"
    this.find(".words").textContent = data.words
    this.root.classList.toggle("bare", !data.strips)
    this.drawStart()
    this.draw()
  }

  // The start as an earlier server drew it, until a decoder is there to draw it again. Resolves once it is on the
  // screen: the decoder's runtime and the server's imports, begun before, would keep the processor from it.
  async showKept(address) {
    if (!address) return
    const picture = new Image()
    picture.src = address
    await picture.decode().catch(() => {}) // damaged: then the decoder's is the first
    if (!picture.naturalWidth || this.data.drawn !== address) return
    const places = this.values.size ? ".start canvas" : ".start canvas, .current canvas"
    for (const canvas of this.root.querySelectorAll(places)) canvas.getContext("2d").drawImage(picture, 0, 0)
    if (!document.hidden) await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)))
  }

  vector(slider) {
    if (slider.vector) return Float64Array.from(floats(slider.vector))
    const unit = new Float64Array(this.start.length) // a raw latent with nothing held
    unit[Number(slider.key.slice(1))] = 1
    return unit
  }

  // In double precision and in order of the keys, as `edited_latent` does in Python: both come to the same bits.
  latent() {
    const z = Float64Array.from(this.start)
    for (const key of [...this.values.keys()].sort()) {
      const [steps, vector] = [this.values.get(key), this.vectors.get(key)]
      if (!vector) continue
      for (let i = 0; i < z.length; i++) z[i] += steps * vector[i]
    }
    return Float32Array.from(z)
  }

  useDecoder(model, drawn) {
    if (this.fingerprint === model.fingerprint) return
    this.fingerprint = model.fingerprint
    this.drawnStart = null
    this.decoder?.close()
    for (const canvas of this.root.querySelectorAll("canvas")) canvas.width = canvas.height = model.size
    this.decoder = createDecoder({
      ...model,
      base: new URL(model.base, document.baseURI),
      onTierChange: () => this.showTier(),
      after: drawn && this.showKept(drawn),
    })
    this.latest = createLatest((z) => this.decoder.decode(z))
    this.showTier()
  }

  showTier() {
    const { tier, medianMs } = this.decoder
    const where = tier === "browser" ? "Drawn in this browser" : "Drawn by the server"
    this.find(".tier").textContent = medianMs ? `${where}, ${medianMs.toFixed(0)} ms` : where
    this.root.dataset.tier = tier
  }

  // Draws the newest latent only: what was asked for meanwhile is forgotten.
  async draw(asked = performance.now()) {
    const z = this.latent()
    const answer = this.latest(z) // first: a worker or the server draws while the numbers below are written
    this.showMeter(z)
    this.find(".reset-all").disabled = this.values.size === 0
    try {
      const drawn = await answer
      if (!drawn) return // a newer move took its place
      paint(this.find(".current canvas"), drawn.pixels)
      this.showTier()
      this.find(".failure").hidden = true
      const detail = { asked, drawn: performance.now(), tier: this.decoder.tier }
      this.root.dispatchEvent(new CustomEvent("vaelab-drawn", { bubbles: true, composed: true, detail }))
    } catch (error) {
      this.fail(error)
    }
  }

  async drawStart() {
    const { start } = this.data
    if (this.drawnStart === start) return
    this.drawnStart = start
    try {
      const pixels = await this.decoder.decode(this.start)
      if (this.drawnStart !== start) return // another start overtook it
      paint(this.find(".start canvas"), pixels)
    } catch (error) {
      if (this.drawnStart !== start) return
      this.drawnStart = null
      this.fail(error)
    }
  }

  fail(error) {
    const box = this.find(".failure")
    box.hidden = false
    box.textContent =
      `The face could not be drawn (${error.message}). Reload the page; if the server is gone, start it again. ` +
      "Plain sliders, under the panel, need nothing of this browser."
  }

  showPhoto(address) {
    const figure = this.find(".photo")
    figure.hidden = !address
    const img = figure.querySelector("img")
    if (address && img.getAttribute("src") !== address) img.src = address
  }

  showTabs() {
    const tabs = this.find(".tabs")
    const families = this.data.families
    if (!families.some((family) => family.key === this.family)) this.family = families[0].key
    if (tabs.children.length !== families.length)
      tabs.replaceChildren(...families.map(() => element("button", "tab")))
    families.forEach((family, i) => {
      const tab = tabs.children[i]
      const moved = this.data.sliders.filter((s) => s.family === family.key && this.values.has(s.key)).length
      const chosen = family.key === this.family
      tab.type = "button"
      tab.textContent = moved ? `${family.name} · ${moved}` : family.name
      tab.id = `tab-${family.key}`
      tab.setAttribute("role", "tab")
      tab.setAttribute("aria-controls", "rows")
      tab.setAttribute("aria-selected", String(chosen))
      tab.tabIndex = chosen ? 0 : -1
      tab.onclick = () => this.choose(family.key)
      tab.onkeydown = (event) => {
        const last = families.length - 1
        const next = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: last }[event.key]
        if (next === undefined) return
        event.preventDefault()
        this.choose(families.at(next % families.length).key) // around either end
        tabs.querySelector('[aria-selected="true"]').focus()
      }
    })
  }

  choose(family) {
    this.family = family
    this.showTabs()
    this.showRows()
  }

  showRows() {
    const family = this.data.sliders.filter((slider) => slider.family === this.family)
    const all = this.expanded.has(this.family)
    const shown = family.filter((slider, i) => all || i < FIRST_SHOWN || this.values.has(slider.key))
    const order = shown.map((slider) => slider.key).join(" ")
    const box = this.find(".rows")
    box.setAttribute("aria-labelledby", `tab-${this.family}`)
    if (box.dataset.order !== order) {
      box.dataset.order = order
      this.rows = new Map(shown.map((slider) => [slider.key, this.rows.get(slider.key) ?? this.buildRow(slider.key)]))
      box.replaceChildren(...[...this.rows.values()].map((row) => row.box))
    }
    for (const slider of shown) this.showRow(slider)
    const more = this.find(".more")
    more.hidden = family.length <= FIRST_SHOWN
    more.textContent = all ? `Show the first ${FIRST_SHOWN} only` : `Show all ${family.length}`
    more.onclick = () => {
      if (!this.expanded.delete(this.family)) this.expanded.add(this.family)
      this.showRows()
    }
  }

  buildRow(key) {
    const row = {
      box: element("div", "row"),
      title: element("div", "title"),
      name: element("span", "name"),
      rename: element("button", "rename", "✎"),
      reset: element("button", "reset", "Reset"),
      value: element("span", "value"),
      range: element("input", ""),
      strip: element("img", "strip"),
      detail: element("div", "detail"),
    }
    row.box.dataset.key = key
    row.range.type = "range"
    row.rename.type = row.reset.type = "button"
    row.strip.alt = "" // shows what the slider does; the slider itself speaks
    row.strip.loading = "lazy"
    row.title.append(row.name, row.rename, row.reset, row.value)
    row.box.append(row.title, row.range, row.strip, row.detail)
    row.range.oninput = (event) => this.move(key, Number(row.range.value), event.timeStamp)
    row.range.onchange = () => this.settle(0)
    row.range.ondblclick = () => this.reset(key)
    row.range.onkeydown = (event) => {
      this.byKey = true
      if (event.key === "Delete" || event.key === "Backspace") this.reset(key)
    }
    row.range.onpointerdown = () => {
      this.byKey = false // in braces: a handler that returns false would cancel the drag
    }
    row.reset.onclick = () => {
      this.reset(key)
      row.range.focus() // the button vanishes: do not lose the keyboard's place
    }
    row.rename.onclick = () => this.rename(key)
    row.strip.onclick = (event) => {
      const { left, width } = row.strip.getBoundingClientRect()
      const steps = this.slider(key).walk
      const index = Math.min(steps.length - 1, Math.floor(((event.clientX - left) / width) * steps.length))
      this.move(key, steps[index])
      this.settle(0)
    }
    return row
  }

  slider(key) {
    return this.data.sliders.find((slider) => slider.key === key)
  }

  showRow(slider) {
    const row = this.rows.get(slider.key)
    if (!row) return
    const value = this.values.get(slider.key) ?? 0
    const low = Math.min(slider.low, value)
    const high = Math.max(slider.high, value)
    if (row.name.isConnected) row.name.textContent = slider.name
    row.name.title = slider.detail
    row.rename.setAttribute("aria-label", `Rename ${slider.name}`)
    row.rename.title = "Rename"
    row.reset.setAttribute("aria-label", `Reset ${slider.name}`)
    row.value.textContent = signed(value)
    row.detail.textContent = slider.detail
    row.box.classList.toggle("dead", slider.dead)
    row.box.classList.toggle("moved", value !== 0)
    Object.assign(row.range, { min: low, max: high, step: STEP })
    if (Number(row.range.value) !== value) row.range.value = value
    row.range.setAttribute("aria-label", `${slider.name}, ${slider.detail}`)
    row.range.setAttribute("aria-valuetext", `${signed(value)} steps`)
    const place = (at) => ((at - low) / (high - low)) * 100
    const [from, to] = [Math.min(place(0), place(value)), Math.max(place(0), place(value))]
    const length = to - from
    row.range.style.setProperty("--length", `${length}%`)
    // A percentage in background-position is of the room that is left, not of the width.
    row.range.style.setProperty("--from", length > 99.9 ? "0%" : `${(from / (100 - length)) * 100}%`)
    if (this.data.strips && row.strip.getAttribute("src") !== slider.strip) row.strip.src = slider.strip
  }

  move(key, steps, asked) {
    const rounded = Math.round(steps / STEP) * STEP
    const value = Number(rounded.toFixed(2))
    if (Math.abs(value) < STEP / 2) this.values.delete(key)
    else this.values.set(key, value)
    this.showRow(this.slider(key))
    this.draw(asked)
  }

  reset(key) {
    this.move(key, 0)
    this.settle(0)
  }

  resetAll() {
    this.values.clear()
    this.showRows()
    this.draw()
    this.settle(0)
  }

  settle(pause) {
    clearTimeout(this.timer)
    this.timer = setTimeout(
      () => {
        this.showTabs()
        this.tell("values", Object.fromEntries(this.values))
      },
      this.byKey ? KEY_PAUSE_MS : pause,
    )
  }

  rename(key) {
    const row = this.rows.get(key)
    const input = document.createElement("input")
    input.value = row.name.textContent
    input.maxLength = 60
    input.setAttribute("aria-label", "New name; empty takes the old one back")
    let isOpen = true
    const close = (keep) => {
      if (!isOpen) return
      isOpen = false
      const name = input.value.trim()
      input.replaceWith(row.name)
      if (keep && name !== row.name.textContent) this.trigger("rename", { key, name })
      row.rename.focus()
    }
    input.onkeydown = (event) => {
      event.stopPropagation() // letters are no shortcuts here
      if (event.key !== "Enter" && event.key !== "Escape") return
      event.preventDefault() // else the button that gets the focus back would be pressed at once
      close(event.key === "Enter")
    }
    input.onblur = () => close(true)
    row.name.replaceWith(input)
    input.select()
  }

  hold(keys) {
    this.held = keys // at once: the next tick adds to it, and the server's answer takes its time
    this.tell("hold", keys)
  }

  // Hollow: what the move asks for, live. Solid: what the encoder sees in the picture, once the slider is released.
  showMeter(z) {
    const { probes } = this
    const meter = this.find(".meter")
    meter.hidden = !probes || probes.keys.length === 0
    if (meter.hidden) return
    const list = meter.querySelector("ul")
    if (list.children.length !== probes.keys.length)
      list.replaceChildren(...probes.keys.map((_, i) => this.buildMeasure(i)))
    const settled = this.data.effects && this.data.effects.of === this.moves()
    probes.keys.forEach((key, i) => {
      let asked = 0
      for (let j = 0; j < z.length; j++) asked += probes.weight[i * z.length + j] * (z[j] - this.start[j])
      this.showMeasure(list.children[i], i, asked / probes.spread[i], settled ? this.data.effects.rows[i] : null)
    })
    this.find(".release").hidden = this.held.length === 0
    this.find(".legend").textContent =
      "Outline: what the move asks for. Solid: what the encoder sees in the drawn face, by linear probes; both in " +
      "standard deviations over real faces. Tick to hold fixed. Faint: the probe itself is weak."
  }

  // As the link writes them, so that numbers from Python are known to belong to these moves.
  moves() {
    return [...this.values.keys()].sort().map((key) => `${key}_${this.values.get(key)}`).join("~")
  }

  buildMeasure(i) {
    const item = element("li", "")
    const tick = document.createElement("input")
    tick.type = "checkbox"
    const bar = element("div", "bar")
    bar.append(element("i", "asked"), element("i", "seen"))
    item.append(tick, element("span", "name"), bar, element("span", "amount"), element("span", "odds"))
    tick.onchange = () => {
      const key = this.probes.keys[i]
      const others = this.held.filter((held) => held !== key)
      this.hold(tick.checked ? [...others, key] : others)
    }
    return item
  }

  showMeasure(item, i, asked, seen) {
    const { keys, names, auc } = this.probes
    const [tick, name, bar, amount, odds] = item.children
    if (item.shownData !== this.data) {
      item.shownData = this.data // what no move changes is written once
      const held = this.held.includes(keys[i])
      tick.checked = held
      tick.setAttribute("aria-label", `Hold ${names[i]} fixed`)
      name.textContent = names[i]
      item.title = `${names[i]}: probe with AUC ${auc[i].toFixed(2)} on held-out faces`
      item.classList.toggle("held", held)
      item.classList.toggle("weak", auc[i] < WEAK_AUC)
    }
    item.classList.toggle("own", this.values.has(`a.${keys[i]}`))
    stretch(bar.children[0], asked)
    stretch(bar.children[1], seen ? seen.moved : 0)
    const shown = seen ? seen.moved : asked
    amount.textContent = signed(shown, 1)
    odds.textContent = seen ? `${percent(seen.before)} → ${percent(seen.after)}` : ""
  }
}

function percent(share) {
  return `${(share * 100).toFixed(0)}%`
}

const REACH = 4 // standard deviations from the middle of a bar to its end

function stretch(bar, amount) {
  const length = Math.min(Math.abs(amount) / REACH, 1) * 50
  bar.style.width = `${length}%`
  bar.style.left = amount < 0 ? `${50 - length}%` : "50%"
  bar.style.visibility = length < 0.5 ? "hidden" : "visible"
}

function paint(canvas, rgba) {
  const side = Math.sqrt(rgba.length / 4)
  canvas.getContext("2d").putImageData(new ImageData(rgba, side, side), 0, 0)
}
