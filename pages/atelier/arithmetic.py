"""Arithmetic: A - B + C, as an equation of pictures."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.atelier.bench import STRENGTHS, Bench, bench, change, of_latent, open_in_explore, put, sets
from pages.shell.faces import draw
from pages.shell.pictures import keepsake, png
from pages.studio.state import show_in
from vaelab.editing.paths import Latent, arithmetic
from vaelab.editing.recipe import to_record
from vaelab.editing.sliders import edited_latent

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

SIDE = 132
LARGE = 512
NAMES = ("A", "B", "C")


def face_arithmetic(model: FaceModel) -> None:
    """Which face is which, how strongly, and what comes of it."""
    now = bench()
    if len(now.faces) < 2:
        st.info("A sum takes three places, so two faces or more: lay down another one.", icon=":material/add:")
        return
    latents = [edited_latent(model, now.faces[term]) for term in now.summed]
    result = of_latent(model, _sum(latents, now.strength))
    with st.container(horizontal=True, vertical_alignment="top", key="bench-equation"):
        for place, sign in enumerate(("", "−", "+")):
            with _signed(sign), st.container(width=SIDE, gap="xsmall"):
                st.image(
                    png(draw(model, latents[place])), width=SIDE, alt=f"{NAMES[place]}: face {now.summed[place] + 1}"
                )
                _term(place, now)
        with _signed("="), st.container(width=SIDE, gap="xsmall"):
            words = f"A plus {now.strength:g} times what leads from B to C"
            st.image(png(draw(model, edited_latent(model, result))), width=SIDE, alt=f"The result: {words}")
            st.caption("Result")
    key = show_in("bench.strength", now.strength)
    st.slider(
        "Strength", *STRENGTHS, step=0.05, format="%.2f", key=key, width=420, on_change=sets("strength", key),
        help="A + strength × (C − B): at 0 it is A itself, at 1 A − B + C.",
    )  # fmt: skip
    with st.container(horizontal=True):
        st.button("Open in Explore", icon=":material/tune:", on_click=open_in_explore, args=(result,))
        st.button("Lay it into the tray", icon=":material/add:", on_click=put, args=(result,))
        st.download_button(
            f"PNG ({LARGE} px)", functools.partial(picture, model, now), file_name=f"{model.run_id}-sum.png",
            mime="image/png", on_click="ignore", icon=":material/download:", key="bench.download.sum",
        )  # fmt: skip


def picture(model: FaceModel, now: Bench) -> bytes:
    """The result as a marked PNG that names its terms."""
    latents = [edited_latent(model, now.faces[term]) for term in now.summed]
    result = of_latent(model, _sum(latents, now.strength))
    z = edited_latent(model, result)
    terms = zip(NAMES, now.summed, latents, strict=True)
    about: dict[str, Any] = {
        **to_record(model, result, z),
        "arithmetic": "A - B + C",
        "strength": now.strength,
        "terms": {name: to_record(model, now.faces[term], latent) for name, term, latent in terms},
    }
    return keepsake(draw(model, z), about, LARGE)


def _sum(latents: Sequence[Latent], strength: float) -> Latent:
    a, b, c = latents
    return arithmetic(a, b, c, strength)


@contextlib.contextmanager
def _signed(sign: str) -> Iterator[None]:
    """A place for a term beside its sign, which a narrow screen does not part."""
    with st.container(horizontal=True, width="content", gap="small"):
        if sign:
            with st.container(width="content", height=SIDE, vertical_alignment="center", border=False):
                st.subheader(sign, anchor=False, width="content")
        yield


def _term(place: int, now: Bench) -> None:
    key = show_in(f"bench.term.{place}", now.summed[place])

    def chosen() -> None:
        terms = list(bench().terms)
        terms[place] = st.session_state[key]
        change(terms=tuple(terms))

    st.selectbox(
        NAMES[place], range(len(now.faces)), format_func=lambda index: f"Face {index + 1}", key=key, on_change=chosen
    )
