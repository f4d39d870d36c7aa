"""A recipe's data and cost on this machine, and its start: by one click or by one command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.datasets.shelf import shelf
from pages.launch.draft import Draft, choose_recipe
from pages.launch.needs import needs
from pages.launch.start import start
from pages.shell.boundary import error_boundary
from vaelab.recipe_notes import RECIPE_NOTES, preparing_command
from vaelab.recipes import RECIPES
from vaelab.settings import EMBEDDED

DATA_PAGE = Path(__file__).resolve().parents[1] / "data.py"


@dataclass(frozen=True)
class Supply:
    """One data set that a recipe names, as it stands on this machine.

    Attributes:
        is_ready: whether a training can begin with it now.
        words: how it stands, for people.
    """

    name: str
    is_ready: bool
    words: str


@st.fragment
@error_boundary
def making(name: str, train_page: Path) -> None:
    """Data, cost and start."""
    config = RECIPES[name]
    supplies = [supply(wanted, config.data.size, Path(config.data.data_dir)) for wanted in config.data.datasets]
    data, cost = st.columns(2, gap="large")
    with data:
        show_data(name, supplies)
    with cost.container(border=True):
        st.subheader("What it costs here", anchor=False)
        missing = [item.name for item in supplies if not item.is_ready]
        if missing:
            st.markdown(f"It can be measured and started once {' and '.join(missing)} is here.")
        else:
            needs(config)
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(
                "Train", type="primary", icon=":material/play_arrow:", disabled=bool(missing), key="recipes.train"
            ):
                start(config, "", train_page)
            if st.button("Change settings first", icon=":material/tune:", key="recipes.change"):
                choose_recipe(name)
                st.switch_page(train_page)
        st.markdown("The same from the command line:")
        st.code(Draft(recipe=name).command(), language="bash", wrap_lines=True)


def supply(name: str, size: int, data_dir: Path) -> Supply:
    """How the data set `name` stands for a training on pictures of `size` pixels."""
    found = next((item for item in shelf(data_dir) if item.name == name), None)
    if found is None and name == EMBEDDED:
        return Supply(name, True, "drawn by the first training that uses it, in some seconds")
    if found is None:
        return Supply(name, False, "not on this machine")
    if found.manifest is None:
        return Supply(name, False, found.trouble)
    if found.manifest.size != size:
        return Supply(name, False, f"holds pictures of {found.manifest.size} pixels, {size} are needed")
    return Supply(name, True, f"ready, {found.manifest.counts['total']:,} pictures")


def show_data(name: str, supplies: list[Supply]) -> None:
    """What it learns from, and how to get what is missing."""
    st.subheader("What it learns from", anchor=False)
    st.markdown(RECIPE_NOTES[name].data)
    for item in supplies:
        icon, color = (":material/check_circle:", "green") if item.is_ready else (":material/download:", "orange")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(item.name, icon=icon, color=color)  # type: ignore[arg-type]
            st.caption(item.words)
        if not item.is_ready:
            st.code(preparing_command(item.name), language="bash", wrap_lines=True)
    if not all(item.is_ready for item in supplies):
        st.page_link(DATA_PAGE, label="Prepare it in the browser", icon=":material/add_photo_alternate:")
