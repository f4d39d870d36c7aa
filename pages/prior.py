"""Prior: where new faces are drawn from, where that misses the faces a model knows, and what fitting it mends."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.priormap.figures import CHOSEN, STANDARD, lengths_figure, variance_figure
from pages.priormap.measures import draws, lengths_of_draws, prior_name, shares, shown, surroundings, table
from pages.priormap.place import place_section
from pages.shell.boundary import error_boundary
from pages.shell.cautions import cautions
from pages.shell.links import is_link, page_query, write_link
from pages.shell.loaders import find, load_model
from pages.shell.places import file_of
from pages.shell.routes import samples_address
from pages.shell.sheet import face_sheet
from pages.shell.welcome import drawable_models
from pages.studio.state import keep
from vaelab.editing.recipe import START_OF, TEMPERATURES, FaceRecipe
from vaelab.evaluation.priors import PRIORS

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

ROWS, COLUMNS = 4, 6
SEED, LEAVE = "prior.grid", "prior.leave"
MODEL, LINK = "prior.model", "prior.link"
EXPLORE = file_of("")


@error_boundary
def prior_page() -> None:
    """The page."""
    if st.session_state.pop(LEAVE, False):
        st.switch_page(EXPLORE)
    st.title("Where new faces come from", anchor=False)
    st.markdown(
        "A VAE is trained to lay faces out as if they came from the standard normal distribution N(0, I), and new "
        "faces are drawn from there. The layout never quite succeeds: draws may fall in holes, where no face was ever "
        "encoded, and faces may lie where hardly anything is drawn. A prior fitted to the encoded faces "
        "draws where they are."
    )
    runs = drawable_models()
    if not runs:
        return
    model = load_model(find(_choice(runs)))
    cautions(model.config)
    if model.latents is None:
        st.info(f"{model.run_id} stores no latents, so there is nothing to set beside N(0, I). This encodes faces:")
        st.code(f"python -m vaelab encode {model.run_id}", language="bash")
        return
    if "mixture" not in model.priors:
        is_stale = model.fitted_priors is not None
        why = "was fitted to other weights" if is_stale else "has not been fitted"
        st.info(f"A mixture and a second stage for {model.run_id} {why}; this fits them to its training faces:")
        st.code(f"python -m vaelab priors {model.run_id}", language="bash")
    before_and_after(model.run_id)
    measured(model)
    place_section(model.run_id)


def _choice(runs: list[str]) -> str:
    """The model that the link names or the visitor chose.

    The address is written here, not bound to the widget: leaving from a fragment would leave the binding behind, and
    Explore, whose address names a model too, could not write its own.
    """
    if is_link(LINK):
        wanted = page_query().get("model", "")
        if wanted in runs:
            st.session_state[MODEL] = wanted
        elif wanted:
            st.info("The link names a model that is not on this machine; here is another.", icon=":material/link_off:")
    if st.session_state.get(MODEL) not in runs:
        st.session_state.pop(MODEL, None)
    chosen: str = st.selectbox("Model", runs, key=MODEL, persist_state="session", width=320)
    write_link({"model": chosen}, LINK)
    return chosen


@st.fragment
@error_boundary
def before_and_after(run_id: str) -> None:
    """The same seeds through N(0, I) and through a fitted prior."""
    if st.session_state.pop(LEAVE, False):
        st.switch_page(EXPLORE)
    model = load_model(find(run_id))
    fitted = [prior for prior in reversed(model.priors) if prior != "standard"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Beside N(0, I)",
            fitted,
            default=model.best_prior,
            required=True,
            format_func=prior_name,
            key=f"prior.chosen.{run_id}",
            help="Of each model's priors the one is chosen first under which held-out faces are likeliest.",
        )
        low, high = TEMPERATURES
        temperature = st.slider(
            "Temperature", low, high, 1.0, step=0.05, width=220, key="prior.temperature",
            help="A factor on how far draws stray. Below 1 faces are more typical, and more alike.",
        )  # fmt: skip
        st.button("Draw again", icon=":material/casino:", on_click=_draw_again)
    seed = int(st.session_state.get(SEED, 1))
    seeds = [seed * 100 + index for index in range(ROWS * COLUMNS)]
    for prior, column in zip(("standard", chosen), st.columns(2, gap="large"), strict=True):
        with column:
            st.markdown(f"**{prior_name(prior)}**  \n{PRIORS[prior][0].upper()}{PRIORS[prior][1:]}.")
            _grid(model, prior, seeds, temperature)
            st.caption(_words(model, prior, temperature))
    st.caption("The same seeds and the same noise on both sides. Press a face to take it to Explore; it shows nobody.")


def _grid(model: FaceModel, prior: str, seeds: list[int], temperature: float) -> None:
    start, name = START_OF[prior], prior_name(prior).lower()
    rows = [seeds[first : first + COLUMNS] for first in range(0, len(seeds), COLUMNS)]
    side = "before" if prior == "standard" else "after"
    face_sheet(
        [(samples_address(model, start, row, temperature), f"{COLUMNS} faces from the {name}") for row in rows],
        [f"Take seed {seed} of the {name} to Explore" for seed in seeds],
        label=f"Samples from the {name}",
        key=f"prior.samples.{side}",
        on_pick=lambda index: _take(FaceRecipe(model.run_id, start, seeds[index], temperature)),
    )


def _words(model: FaceModel, prior: str, temperature: float) -> str:
    in_holes, left_out = shares(model, prior, temperature)
    return (
        f"{shown(in_holes)} of {in_holes.count:,} draws fall in a hole; {shown(left_out)} of {left_out.count:,} "
        "encoded faces are nearer to the middle, or farther from it, than it practically draws. A perfect prior has "
        "1 % of both."
    )


def _take(face: FaceRecipe) -> None:
    """Put a face on Explore's table; the page goes there with its next run."""
    keep(face)
    st.session_state[LEAVE] = True


def _draw_again() -> None:
    st.session_state[SEED] = secrets.randbelow(10_000)


def measured(model: FaceModel) -> None:
    """The numbers of every prior, and the two ways in which the faces are not N(0, I)."""
    from vaelab.evaluation.holes import aggregate_variance

    st.subheader("How well each prior covers the faces", anchor=False)
    st.dataframe(table(model, 1.0), hide_index=True, alt=f"Likelihood, holes and left-out faces of {model.run_id}")
    st.caption(_explained(model))
    assert model.latents is not None  # the page says so above, and stops
    faces = np.linalg.norm(surroundings(model).drawn, axis=1)
    names = [("standard", STANDARD), *([(model.best_prior, CHOSEN)] if model.best_prior != "standard" else [])]
    lengths = {prior_name(prior): (np.linalg.norm(draws(model, prior, 1.0), axis=1), colour) for prior, colour in names}
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**How far from the middle**")
        highest = float(max(np.quantile(faces, 0.999), *(values.max() for values, _ in lengths.values())))
        st.plotly_chart(
            lengths_figure(faces, lengths, highest), config={"displayModeBar": False}, key="prior.lengths",
            alt=f"Distances from 0: faces from {np.quantile(faces, 0.01):.1f} to {np.quantile(faces, 0.99):.1f}, "
            f"N(0, I) around {model.latent_size**0.5:.1f}",
        )  # fmt: skip
        st.caption(
            f"{lengths_of_draws(model.latent_size)} Where the faces' hill is broader, some are plainer or more unusual "
            "than anything N(0, I) draws."
        )
    with right:
        st.markdown("**Latent by latent**")
        of_means, within = aggregate_variance(model.latents)
        total = of_means + within
        st.plotly_chart(
            variance_figure(of_means, within), config={"displayModeBar": False}, key="prior.variance",
            alt=f"Variance of the aggregate posterior in each latent, from {total.min():.2f} to {total.max():.2f}",
        )  # fmt: skip
        st.caption(
            f"Between faces plus within a face should be 1 in every latent; here it is {total.min():.2f} to "
            f"{total.max():.2f} over {model.latents.num_encoded:,} faces. A latent that is all grey tells nothing."
        )


def _explained(model: FaceModel) -> str:
    words = (
        "**In a hole**: farther from every stored face than 99 % of faces are from every other. **Left out**: a face "
        "whose distance from 0 the prior draws less than once in a hundred times. At temperature 1; 95 % intervals."
    )
    fitted = model.fitted_priors
    if fitted is None or "mixture" not in model.priors:
        return words
    count = fitted.likelihoods["standard"].log_density.n
    return (
        f"**Likelihood** of {count:,} faces of split {fitted.held_out} that nothing was fitted to; the difference is "
        f"what the model's evidence lower bound would gain (second stage: at least). {words}"
    )


prior_page()
