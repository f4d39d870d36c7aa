"""A recipe in plain words: where it comes from, what it minimises, and what its KL weighs."""

from __future__ import annotations

import streamlit as st

from pages.shell.welcome import key_facts
from vaelab.config import TrainConfig
from vaelab.recipe_notes import RECIPE_NOTES, how_it_works
from vaelab.recipes import RECIPES

SYMBOLS = {
    r"\hat x": r"$\hat x$ is the picture as the decoder draws it",
    r"q(z": r"KL measures how far $q(z\mid x)$ is from the standard normal",
    r"\hat y": r"$y$ is 1 for a face and 0 for anything else, $\hat y$ the detector's probability",
    r"\sigma_*": r"$\sigma_*$ is the root-mean-square error of the moment",
    r"\beta": r"$\beta$ is the KL's weight",
}
"""What to say of a symbol where a formula holds it."""


def explained(name: str) -> None:
    """Everything there is to say before the training."""
    note, config = RECIPE_NOTES[name], RECIPES[name]
    st.header(name, anchor=False)
    st.caption(note.origin)
    st.markdown(note.words)
    st.markdown("**What is minimised, for each picture**")
    st.latex(note.formula)
    st.caption(symbols(note.formula))
    st.markdown(f"**{weight_words(config)}** {note.weight}")
    if told := how_it_works(config):
        with st.expander("How it works", icon=":material/school:"):
            for paragraph in told:
                st.markdown(paragraph)
    key_facts(config, "Images to see", config.optim.num_images)
    if note.paper:
        st.caption(f"To read on: {note.paper}")


def symbols(formula: str) -> str:
    """The symbols of a formula, in words."""
    told = [words for symbol, words in SYMBOLS.items() if symbol in formula]
    return ("; ".join(told) + ".") if told else ""


def weight_words(config: TrainConfig) -> str:
    """The effective beta as a sentence."""
    if not config.has_decoder:
        return "A detector alone: no KL is weighed."
    words = config.loss.effective_beta
    return f"{words[0].upper()}{words[1:]}, in nats per image."
