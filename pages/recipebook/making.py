"""A recipe's data and cost on this machine, and its start: by one click or by one command."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.launch.draft import Draft, change_setting, choose_recipe
from pages.launch.needs import needs
from pages.launch.start import start
from pages.recipebook.supplies import Offer, Supply, first_ready, joined, offers, supply
from pages.shell.boundary import error_boundary
from pages.shell.places import file_of
from vaelab.config import TrainConfig, replace
from vaelab.recipe_notes import RECIPE_NOTES, origin_line, preparing_command
from vaelab.recipes import RECIPES
from vaelab.settings import EMBEDDED

DATA_PAGE = file_of("data")
DRAWN = "Faces drawn by the program: everything runs; results say nothing about photographs."
DOWNLOAD = (
    "VGG19's ImageNet weights of 548 MB are downloaded once. To do without them, set backbone to `random` under "
    "**Change settings first**: such a network learned nothing, so it only shows that everything runs."
)


@st.fragment
@error_boundary
def making(name: str, train_page: Path) -> None:
    """Data, cost and start."""
    recipe = RECIPES[name]
    data, cost = st.columns(2, gap="large")
    with data:
        offer = show_data(name, recipe)
    with cost.container(border=True):
        st.subheader("What it costs here", anchor=False)
        config = replace(recipe, datasets=offer.datasets)
        if offer.missing:
            st.markdown(f"It can be measured and started once {are_here(offer.missing)} on this machine.")
        else:
            needs(config)
        if needs_download(config):
            st.caption(DOWNLOAD)
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(
                "Train", type="primary", icon=":material/play_arrow:", disabled=bool(offer.missing), key="recipes.train"
            ):
                start(config, "", train_page)
            if st.button("Change settings first", icon=":material/tune:", key="recipes.change"):
                choose_recipe(name)
                change_setting("datasets", offer.datasets)
                st.switch_page(train_page, query_params={})  # clearing them is refused while one is a widget's
        st.markdown("The same from the command line:")
        command = Draft(recipe=name).changed("datasets", offer.datasets).command()
        st.code(command, language="bash", wrap_lines=True)


def show_data(name: str, recipe: TrainConfig) -> Offer:
    """What it learns from, chosen among what is ready, and how to get what is missing; returns the choice."""
    st.subheader("What it learns from", anchor=False)
    st.markdown(RECIPE_NOTES[name].data)
    offered = {" ".join(offer.datasets): offer for offer in offers(recipe)}
    first = first_ready(list(offered.values()))
    key = f"recipes.learn.{name}"
    names = st.selectbox("Learn from", list(offered), first, lambda names: offered[names].title, key=key)
    offer, own = offered[names], next(iter(offered.values()))
    for item in offer.supplies:
        show_supply(item)
    if EMBEDDED in offer.datasets:
        st.caption(DRAWN)
    if own.missing and offer is not own:
        st.caption(f"This stands in until {are_here(own.missing)} on this machine.")
    show_missing("Where to get the recipe's own data", [item for item in own.supplies if not item.is_ready])
    published = {names: None for row in RECIPE_NOTES[name].labs_own for names in row}
    supplies = [supply(item, recipe.data.size, Path(recipe.data.data_dir)) for item in published]
    show_missing("Where to get the published project's data", [item for item in supplies if not item.is_ready])
    return offer


def are_here(names: list[str]) -> str:
    """`a is`, `a and b are`."""
    return f"{joined(names)} {'is' if len(names) == 1 else 'are'}"


def show_supply(item: Supply) -> None:
    """One data set and how it stands."""
    icon, color = (":material/check_circle:", "green") if item.is_ready else (":material/download:", "orange")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(item.name, icon=icon, color=color)  # type: ignore[arg-type]
        st.caption(item.words)


def show_missing(title: str, missing: list[Supply]) -> None:
    """Home, terms and command of each missing data set; nothing where none is missing."""
    if not missing:
        return
    with st.expander(title, icon=":material/download:"):
        for item in missing:
            show_supply(item)
            st.markdown(origin_line(item.name))
            st.code(preparing_command(item.name), language="bash", wrap_lines=True)
        st.page_link(DATA_PAGE, label="Prepare it in the browser", icon=":material/add_photo_alternate:")


def needs_download(config: TrainConfig) -> bool:
    """Whether a training would first download the weights of a published network."""
    if config.model.model != "vgg19" or config.model.backbone != "imagenet":
        return False
    from vaelab.backbone.published import are_weights_here  # with torch, which other recipes need not wait for

    return not are_weights_here()
