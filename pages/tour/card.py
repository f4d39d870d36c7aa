"""The tour's card. It stands beside the page, never over a dialog of it, and looks by itself whether a step is done."""

from __future__ import annotations

import html

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.launch.draft import Draft, keep_draft
from pages.launch.start import TRAIN_CHOSEN
from pages.results.storing import can_store_faces, store
from pages.shell.boundary import error_boundary
from pages.shell.links import page_query
from pages.shell.places import file_of
from pages.tour import signs
from pages.tour.state import change_tour, go_to, leave, meet_address, tour_now
from pages.tour.steps import Step, steps

TICK_SECONDS = 2.0
LARGE_BETA = 8.0
STYLE = """
<style>
.st-key-tour { background: light-dark(#ffffff, #202322); padding: 0.9rem 1rem; gap: 0.55rem;
  border-left: 4px solid light-dark(#0f6b66, #4fb8b0) !important; }
.st-key-tour p { font-size: 0.92rem; line-height: 1.45; }
.tour-status { margin: 0; font-size: 0.92rem; font-weight: 600; }
.tour-status.done { color: light-dark(#0f6b66, #63c9c1); }
@media (min-width: 901px) {
  .st-key-tour { position: fixed; right: 1rem; bottom: 1rem; width: 350px; max-height: 72vh; overflow-y: auto;
    z-index: 90; box-shadow: 0 14px 40px -18px rgb(0 0 0 / 0.55); }
  [data-testid="stMainBlockContainer"] { padding-bottom: 24rem; }
}
</style>
"""
"""On a wide screen it floats in the corner, and the page gets room to scroll clear of it; on a phone it comes first."""


def tour(page: str) -> None:
    """Show the card where this visitor is on the tour.

    Args:
        page: path in the address of the page that is about to be drawn; empty for Explore.
    """
    meet_address([step.key for step in steps()])
    now = tour_now()
    if now is None:
        return
    change_tour(visited=now.visited | {page})
    st.html(STYLE)
    st.fragment(_card, run_every=TICK_SECONDS)(page, _page_now())


def remember_opening(page: str) -> None:
    """Note, once the page is drawn, what it opened with: only what differs from that was the visitor."""
    now = tour_now()
    step = next((step for step in steps() if now is not None and step.key == now.step), None)
    if now is not None and now.before is None and step is not None and step.page == page and step.record is not None:
        change_tour(before=step.record())


def _page_now() -> str:
    """What Streamlit calls the page of this run."""
    context = get_script_run_ctx()
    return "" if context is None else context.page_script_hash


@error_boundary
def _card(page: str, drawn_on: str) -> None:
    now = tour_now()
    if now is None:
        return
    if _page_now() != drawn_on:
        # A tick that the browser sent before it heard of a change of page runs after it, as the page before, and the
        # browser then takes the new page's elements away: draw them once more.
        st.switch_page(file_of(page), query_params=page_query())
    known = steps()
    place = [step.key for step in known].index(now.step)
    step = known[place]
    done = look(step)
    with st.container(key="tour", border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**VAE in ten minutes** · {place + 1} of {len(known)}", width="stretch")
            fold = "Unfold" if now.is_folded else "Fold"
            st.button(fold, key="tour.fold", type="tertiary", on_click=_fold, args=(not now.is_folded,))
        _status(step, done)
        if not now.is_folded:
            st.markdown(step.task)
            st.markdown(step.why)
            _helping(step, page)
            if page != step.page:
                st.page_link(
                    step.file, label="Go to its page", icon=":material/arrow_forward:", query_params=step.query()
                )
        _buttons(known, place, page, done)


def look(step: Step) -> bool:
    """Whether the step is done by its sign; once done it stays done."""
    now = tour_now()
    assert now is not None
    if step.key in now.done:
        return True
    if step.is_done is not None:
        done = step.is_done()
    elif step.record is None:
        done = step.page in now.visited
    else:
        done = now.before is not None and step.record() != now.before
    if done:
        change_tour(done=now.done | {step.key})
    return done


def _status(step: Step, done: bool) -> None:
    """The step's title, and that it is done: told to screen readers when it changes."""
    words = f"✓ {step.title}: done" if done else step.title
    st.html(f'<p role="status" aria-live="polite" class="tour-status{" done" * done}">{html.escape(words)}</p>')


def _helping(step: Step, page: str) -> None:
    """What the card itself can do for a step."""
    if step.key == "beta" and st.button(f"Fill in beta {LARGE_BETA:g}", icon=":material/edit:", key="tour.beta"):
        keep_draft(Draft(recipe=signs.FIRST).changed("beta", LARGE_BETA))
        st.session_state[TRAIN_CHOSEN] = ""
        _go(step, page)
    if step.key == "compare":
        runs = [run for run in (signs.first_run(), signs.second_run()) if run is not None and can_store_faces(run)]
        if runs and st.button("Store the faces of both", icon=":material/face:", key="tour.store"):
            with st.spinner("Encoding held-out faces"):
                for run in runs:
                    store(run.id)
            st.rerun(scope="app")


def _buttons(known: list[Step], place: int, page: str, done: bool) -> None:
    is_last = place == len(known) - 1
    with st.container(horizontal=True, key="tour.buttons"):
        if place and st.button("Back", key="tour.back"):
            go_to(known[place - 1].key)
            _go(known[place - 1], page)
        if not is_last and st.button(
            "Next" if done else "Skip", type="primary" if done else "secondary", key="tour.next"
        ):
            go_to(known[place + 1].key)
            _go(known[place + 1], page)
        if is_last and st.button("Start again", icon=":material/replay:", key="tour.again"):
            change_tour(done=frozenset())
            go_to(known[0].key)
            _go(known[0], page)
        if st.button("Finish" if is_last and done else "Leave", key="tour.leave"):
            leave()
            st.rerun(scope="app")


def _go(step: Step, page: str) -> None:
    """To the step's page; a page cannot switch to itself."""
    if step.page == page:
        st.rerun(scope="app")
    st.switch_page(step.file, query_params=step.query())


def _fold(is_folded: bool) -> None:
    change_tour(is_folded=is_folded)
