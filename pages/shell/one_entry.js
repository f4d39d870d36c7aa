// One entry in the browser's history for each thing shown, where Streamlit's script pushes every new query.
//
// A page's first query takes the place of its bare address, which would need a second press of Back; not so for the
// pages in `bare`. On the way to another page, that page's query may come before its path, and is written behind the
// path of the page that is left; once the path comes, with the same query and with nothing that the visitor did in
// between, the page that is left gets its address back. Query parameters in `frame` do not count.
(frame, bare) => {
  const write = (kind, state, url) => History.prototype[kind].call(history, state, "", url)
  let last = null // what was written on the page since the visitor did something
  for (const kind of ["pointerdown", "keydown", "popstate"]) addEventListener(kind, () => (last = null), true)
  history.pushState = (state, title, url) => {
    const from = new URL(location.href)
    const to = new URL(url ?? from, from)
    const isSamePage = from.pathname === to.pathname
    const wasEarly = !isSamePage && last?.search === to.search
    for (const name of frame) from.searchParams.delete(name)
    const isFirst = isSamePage && !from.search && to.search && !bare.includes(to.pathname.split("/").pop())
    if (wasEarly && last.kind === "replaceState") write("replaceState", history.state, last.before)
    const kind = isFirst || (wasEarly && last.kind === "pushState") ? "replaceState" : "pushState"
    last = isSamePage ? { kind, before: location.href, search: to.search } : null
    write(kind, state, to)
  }
}
