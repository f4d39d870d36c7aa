"""Widgets for settings, each made from what its field in `vaelab.config` knows about itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from pages.datasets.shelf import trainable
from pages.launch.draft import Draft, change_setting, choose_recipe, draft, keep_draft, values_of
from pages.studio.state import show_in
from vaelab.config import TrainConfig, options
from vaelab.recipe_notes import RECIPE_NOTES
from vaelab.recipes import RECIPES
from vaelab.settings import SECTIONS, Option

ABOUT: dict[str, tuple[str, type, Option]] = {
    name: (section, kind, about) for section, name, kind, _, about in options(TrainConfig())
}
"""Section, type and option of every setting."""
EMPTIED = "launch.emptied"
"""Session: the setting whose number was emptied just now."""
STEPS = {"size": 16, "batch_size": 2}
"""What the networks and the detectors' half-and-half batches ask for."""


def recipe_widget(place: str) -> None:
    """Where the settings start."""
    key = show_in(f"launch.{place}.recipe", draft().recipe)
    st.selectbox(
        "Recipe",
        list(RECIPES),
        key=key,
        format_func=lambda name: f"{name}: {RECIPE_NOTES[name].title}",
        on_change=lambda: choose_recipe(st.session_state[key]),
        help="Fills every setting below; change any of them afterwards. An emptied number is the recipe's again.",
    )


def name_widget(place: str) -> None:
    """What the run will be called."""
    key = show_in(f"launch.{place}.name", draft().name)

    def renamed() -> None:
        now = draft()
        keep_draft(Draft(now.recipe, now.changes, st.session_state[key].strip()))

    st.text_input(
        "Name of the run", key=key, max_chars=60, placeholder="date, recipe and four digits", on_change=renamed
    )


def setting_widget(name: str, place: str, troubles: Mapping[str, str]) -> None:
    """One setting, with what is wrong about it underneath.

    Args:
        place: where on screen; the same setting may be shown in several places at once.
        troubles: sentences by setting, from `Draft.settled`.
    """
    now = draft()
    _, kind, about = ABOUT[name]
    value = now.value(name)
    key = show_in(f"launch.{place}.{name}", list(value) if isinstance(value, tuple) else value)
    title = name.replace("_", " ").capitalize()

    def changed() -> None:
        given = st.session_state[key]
        if given is None:  # emptied, or no number to the browser
            given = values_of(draft().base)[name]
            st.session_state[EMPTIED] = name
        elif kind is int and given == int(given):
            given = int(given)
        change_setting(name, tuple(given) if isinstance(given, list) else given)

    label = f"{title} ({about.unit})" if about.unit else title
    if name in now.changes:  # in the label: a line of its own would move what is underneath
        label += f" :gray[· recipe {_shown(values_of(now.base)[name])}]"
    common: dict[str, Any] = {"key": key, "help": about.help, "on_change": changed}
    if kind is bool:
        st.toggle(label, **common)
    elif about.choices:
        st.selectbox(label, about.choices, **common)
    elif kind is int or kind is float:
        # Without bounds: a browser keeps a number outside them to itself, and the value before would be trained with.
        # Whole numbers go as fractions do: of one typed as 1e12 the browser would read the 1 alone.
        st.number_input(label, value=None, step=_step(name, now), format="%g", **common)
    elif kind is str:
        st.text_input(label, **common)
    else:
        known = trainable(now.value("size"), Path(now.value("data_dir")))
        st.multiselect(label, [*known, *(item for item in value if item not in known)], **common)
    if st.session_state.get(EMPTIED) == name:
        del st.session_state[EMPTIED]
        st.toast(f"{title} is the recipe's again: {_shown(value)}.", icon=":material/undo:")
    if name in troubles:
        st.markdown(f":red[:material/error: {troubles[name]}]")


def all_settings(place: str, troubles: Mapping[str, str]) -> None:
    """Every setting, section by section; a section with a mistake is open."""
    for section, cls in SECTIONS.items():
        names = [name for name, (owner, *_) in ABOUT.items() if owner == section]
        wrong, own = [name for name in names if name in troubles], [name for name in names if name in draft().changes]
        note = f" · :red[{len(wrong)} to correct]" if wrong else f" · {len(own)} changed" if own else ""
        about = str(cls.__doc__).split("\n")[0].rstrip(".")
        label = f"**{section.capitalize()}** · {about[0].lower()}{about[1:]}{note}"
        key = f"launch.{place}.section.{section}"
        with st.expander(label, expanded=bool(wrong), key=key), st.grid(3, min_column_width=210):
            for name in names:
                with st.container():
                    setting_widget(name, place, troubles)


def _step(name: str, now: Draft) -> float:
    """A step that fits the recipe's own value: the digit after its first one."""
    value = values_of(now.base)[name]
    if isinstance(value, int):
        return float(STEPS.get(name) or 10 ** max(0, len(str(value)) - 2))
    return float(10.0 ** math.floor(math.log10(value))) if value > 0 else 0.1


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return f"{value:,}"
    return ", ".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)
