"""The page about priors through Streamlit's own test driver: what each model can show, and the plane's counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pages.priormap.measures import lengths_of_draws
from pages.priormap.place import RADIUS, REACH, emptiest_place
from pages.priormap.plane import GRID, contours, grid_points
from tests.pages.driving import Open, words
from tests.pages.tiny_runs import make_narrow, make_run, write_priors
from vaelab.evaluation.fitted_priors import FittedPriors
from vaelab.evaluation.priors import Mixture, PlaneMixture, Standard
from vaelab.rng import numpy_generator

PAGE = "prior.py"


def mixture_of_two() -> PlaneMixture:
    factors = np.stack([0.3 * np.eye(2), 0.5 * np.eye(2)]).astype(np.float32)
    means = np.array([[-2, 0], [2, 1]], np.float32)
    return Mixture(np.array([0.5, 0.5], np.float32), means, factors).on_plane(np.eye(2), 1.0)


def test_no_model_yet(lab: Path, open_app: Open) -> None:
    app = open_app(PAGE)
    assert not app.exception
    assert "first-minute" in app.code[0].value


def test_a_model_without_latents_says_what_to_do(lab: Path, open_app: Open) -> None:
    make_run(lab, "bare", latents=False)
    app = open_app(PAGE)
    assert not app.exception
    assert app.code[0].value == "python -m vaelab encode bare"


def test_a_model_without_fitted_priors_shows_what_it_has(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app(PAGE)
    assert not app.exception
    assert app.code[0].value == "python -m vaelab priors finished"
    assert app.dataframe[0].value["Prior"].tolist() == ["Standard prior", "Fitted prior"]
    assert "fall in a hole" in words(app)


def test_all_priors_are_offered_and_the_likeliest_is_shown(lab: Path, open_app: Open) -> None:
    write_priors(make_run(lab, "finished"))
    app = open_app(PAGE, model="finished")
    assert not app.exception
    assert not app.info
    measured = app.dataframe[0].value
    assert measured["Prior"].tolist() == ["Standard prior", "Fitted prior", "Mixture prior", "Two-stage prior"]
    assert measured.iloc[2, 1] == "+3.0 (+2.0 to +4.0)"
    choice = next(control for control in app.segmented_control if str(control.key).startswith("prior.chosen"))
    assert choice.value == "mixture"
    choice.set_value("second-stage").run()
    assert not app.exception
    assert "**Two-stage prior**" in words(app)


def test_priors_of_older_weights_are_told(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    write_priors(run)
    replace(FittedPriors.read(run), weights_fingerprint="0" * 16).write(run)
    app = open_app(PAGE)
    assert not app.exception
    assert "was fitted to other weights" in app.info[0].value


def test_the_plane_counts_faces_and_walks_into_a_hole(lab: Path, open_app: Open) -> None:
    write_priors(make_run(lab, "finished"))
    app = open_app(PAGE)
    assert "encoded faces; the standard prior would put" in words(app)
    before = words(app)
    next(button for button in app.button if button.label == "Show me a hole").click().run()
    assert not app.exception
    assert words(app) != before
    assert "Drawn at" in words(app)
    next(control for control in app.segmented_control if control.key == "prior.family").set_value("principal").run()
    assert not app.exception
    assert "principal axis 1" in words(app)


def test_a_model_of_one_latent_has_no_plane(lab: Path, open_app: Open) -> None:
    make_narrow(lab, "narrow")
    app = open_app(PAGE)
    assert not app.exception
    assert not app.error
    assert "two latents" in words(app)
    assert "In 1 dimension draws from N(0, I) lie around 1.0, widely spread." in words(app)


def test_only_many_latents_make_a_thin_shell() -> None:
    assert lengths_of_draws(3) == "In 3 dimensions draws from N(0, I) lie around 1.7, widely spread."
    assert lengths_of_draws(100) == "In 100 dimensions N(0, I) is a thin shell around 10.0."


def test_explore_offers_every_prior_of_the_model(lab: Path, open_app: Open) -> None:
    write_priors(make_run(lab, "finished"))
    app = open_app(model="finished", **{"from": "mixture"}, seed="5", t="0.8")
    assert not app.exception
    assert app.session_state["studio.recipe"].start == "mixture"
    kinds: Any = next(control for control in app.segmented_control if str(control.key).startswith("studio.start"))
    assert kinds.options[:4] == ["Fitted prior", "Mixture prior", "Two-stage prior", "Standard prior"]


# --- the plane


def test_contours_hold_the_mass_they_say() -> None:
    drawn = contours("two", "#000", False, mixture_of_two(), REACH)
    cell = (2 * REACH / (GRID - 1)) ** 2
    inside = [drawn.values[drawn.values >= level].sum() * cell for level in drawn.levels]
    assert inside == pytest.approx([0.5, 0.9, 0.99], abs=0.03)


def test_the_emptiest_place_is_where_faces_are_missing() -> None:
    random = numpy_generator(0, "dots")
    dots = random.standard_normal((6000, 2)).astype(np.float32)
    dots = dots[np.linalg.norm(dots - [1.0, -0.5], axis=1) > 2 * RADIUS]
    standard = contours("N", "#000", False, Standard(2).on_plane(np.eye(2), 1.0), REACH)
    found = emptiest_place(dots, standard)
    assert np.linalg.norm(np.subtract(found, (1.0, -0.5))) < RADIUS
    assert grid_points(REACH).shape == (GRID * GRID, 2)
