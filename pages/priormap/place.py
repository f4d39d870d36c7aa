"""The plane that the visitor walks on: what a place decodes to, who is near it, and who a prior expects there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.priormap.figures import CHOSEN, STANDARD
from pages.priormap.measures import latents_key, prior_name, surroundings
from pages.priormap.plane import Contours, contours, grid_points, plane
from pages.shell.boundary import error_boundary
from pages.shell.faces import draw, spoken_labels
from pages.shell.loaders import find, load_model
from pages.shell.pictures import png

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

Axes = NDArray[np.float64]

REACH = 4.5
"""Half of the side of the plane: N(0, I) puts one draw in 75,000 beyond."""
RADIUS = 0.35
"""Of the circle in which faces are counted."""
FAMILIES = {"latents": "Two latents", "principal": "Two principal axes"}
POINT = "prior.point"


@st.fragment
@error_boundary
def place_section(run_id: str) -> None:
    """The plane, its choices, and what lies at the point."""
    model = load_model(find(run_id))
    st.subheader("Walk into a hole", anchor=False)
    if model.latent_size < 2:
        st.info("The plane takes two latents; this model has one.", icon=":material/grid_off:")
        return
    st.markdown(
        "Every dot is a face that the model encoded, seen on a plane through latent space. Lines hold 50, 90 and 99 % "
        "of a prior. Press anywhere, or use the arrow keys: the face at that place is drawn, all else being average."
    )
    family, first, second = _axes_choice(model)
    axes = plane_axes(model, family, first, second)
    dots = np.asarray(surroundings(model).drawn @ axes, np.float32)
    names = ["standard"] if model.best_prior == "standard" else ["standard", model.best_prior]
    priors = [_contours(latents_key(model), name, (family, first, second), model) for name in names]
    st.button("Show me a hole", icon=":material/travel_explore:", on_click=_into_a_hole, args=(dots, priors[0]))
    left, right = st.columns([3, 2], gap="large")
    start, count = st.session_state.get(POINT, ((0.0, 0.0), 0))
    with left:
        point = plane(
            dots,
            priors,
            reach=REACH,
            radius=RADIUS,
            point=start,
            label=f"{len(dots):,} stored faces on the plane of {_axis_name(family, first)} (across) and "
            f"{_axis_name(family, second)} (up).",
            key=f"prior.plane.{run_id}.{family}.{first}.{second}.{count}",
        )
        st.caption(f"Across: {_axis_name(family, first)}. Up: {_axis_name(family, second)}.")
    with right:
        _at_the_point(model, axes, dots, point, names)


def plane_axes(model: FaceModel, family: str, first: int, second: int) -> Axes:
    """(latent, 2) orthonormal axes of the plane."""
    from vaelab.evaluation.holes import principal_axes

    assert model.latents is not None  # the page is shown only where there are some
    every = np.eye(model.latent_size) if family == "latents" else principal_axes(model.latents)
    return np.asarray(every[:, [first, second]])


def emptiest_place(dots: NDArray[np.float32], prior: Contours) -> tuple[float, float]:
    """Where the prior expects most faces more than there are, among the points of the grid."""
    points = grid_points(REACH)
    near = np.array([(np.square(dots - point).sum(axis=1) < RADIUS**2).sum() for point in points])
    expected = prior.values.ravel() * math.pi * RADIUS**2 * len(dots)
    surplus = (expected - near) / np.sqrt(expected + 1.0)  # in standard deviations of such a count
    x, y = points[int(np.argmax(surplus))]
    return round(float(x), 2), round(float(y), 2)


def _axes_choice(model: FaceModel) -> tuple[str, int, int]:
    """Kind of axes and the two chosen, as positions."""
    from vaelab.evaluation.holes import least_normal

    with st.container(horizontal=True, vertical_alignment="bottom"):
        family = st.segmented_control(
            "Plane", list(FAMILIES), default="latents", required=True, format_func=FAMILIES.__getitem__,
            key="prior.family",
        )  # fmt: skip
        if family == "latents":
            order = [int(dim) for dim in least_normal(surroundings(model).drawn)]
        else:
            order = list(range(model.latent_size))
        first = st.selectbox(
            "Across", order, format_func=lambda at: _axis_name(family, at), width=170, key=f"prior.first.{family}",
            help="Latents are in order of how far their distribution is from N(0, 1); principal axes, of their width.",
        )  # fmt: skip
        others = [at for at in order if at != first]
        second = st.selectbox(
            "Up", others, format_func=lambda at: _axis_name(family, at), width=170, key=f"prior.second.{family}"
        )
    return family, first, second


def _axis_name(family: str, at: int) -> str:
    return f"latent {at}" if family == "latents" else f"principal axis {at + 1}"


@st.cache_resource(max_entries=64, show_spinner=False)
def _contours(key: str, prior: str, chosen: tuple[str, int, int], _model: FaceModel) -> Contours:
    axes = plane_axes(_model, *chosen)
    seen = _model.prior(prior).on_plane(axes, 1.0)
    is_standard = prior == "standard"
    return contours(prior_name(prior), STANDARD if is_standard else CHOSEN, is_standard, seen, REACH)


def _into_a_hole(dots: NDArray[np.float32], prior: Contours) -> None:
    """Put the point there; a new key, so that the component starts from it."""
    _, count = st.session_state.get(POINT, ((0.0, 0.0), 0))
    st.session_state[POINT] = (emptiest_place(dots, prior), count + 1)


def _at_the_point(
    model: FaceModel, axes: Axes, dots: NDArray[np.float32], point: tuple[float, float], names: list[str]
) -> None:
    """The face there, the encoded face nearest on the plane, and how many are near against how many are expected."""
    from vaelab.evaluation.holes import at_point

    assert model.latents is not None  # the page is shown only where there are some
    distances = np.linalg.norm(dots - np.asarray(point), axis=1)
    nearest = int(np.argmin(distances))
    here = at_point(model.latents.mu.mean(axis=0), axes, point)
    face = str(model.latents.labels["image_id"].iloc[nearest])
    pictures = (
        (here, f"Drawn at {_place(point)}"),
        (model.latents.mu[nearest], f"Nearest face, {distances[nearest]:.2f} away: {spoken_labels(model, face)}"),
    )
    for column, (z, words) in zip(st.columns(2), pictures, strict=True):
        column.image(png(draw(model, np.asarray(z, np.float32))), width="stretch", output_format="PNG", alt=words)
        column.caption(words)
    count = int((distances < RADIUS).sum())
    expected = {name: _expected(model, axes, point, name, len(dots)) for name in names}
    told = " and ".join(f"{prior_name(name).lower()} would put **{value:.1f}**" for name, value in expected.items())
    st.markdown(
        f"Within the circle lie **{count}** of {len(dots):,} encoded faces; the {told}. "
        f"{_verdict(count, expected['standard'])}"
    )


def _expected(model: FaceModel, axes: Axes, point: tuple[float, float], prior: str, faces: int) -> float:
    """Faces that a prior expects in the circle, by its density at the middle."""
    density = model.prior(prior).on_plane(axes, 1.0).density(np.array([point]))[0]
    return float(density) * math.pi * RADIUS**2 * faces


def _verdict(count: int, expected: float) -> str:
    """What the two counts say, in words; differences that chance explains are called that."""
    gap = (expected - count) / math.sqrt(max(expected, 1.0))
    if expected < 0.5 and count == 0:
        return "Nobody is here and nobody is expected: whatever is drawn here was never learned."
    if gap > 3:
        return "This is a hole: N(0, I) draws here more often than faces lie here, and the decoder had little to learn."
    if gap < -3:
        return "More faces lie here than N(0, I) draws: among new faces these are too rare."
    return "That is as many as N(0, I) expects, but for chance."


def _place(point: tuple[float, float]) -> str:
    return ", ".join(f"{value:.2f}" for value in point).replace("-", "−")
