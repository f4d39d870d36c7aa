"""Sliders that are made of a selection on the Map page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.pages.driving import Open, words
from tests.pages.tiny_runs import make_run, write_latents, write_weights
from vaelab.editing.learning import SELECTED, learn_selection
from vaelab.evaluation.directions import Directions
from vaelab.evaluation.facemap import FaceMap
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.projection import MapSettings
from vaelab.inference import FaceModel

PAGE = "map.py"
RIGHT = "0~-9~9~-9~9~9~0~9"
"""The area right of the middle."""


def test_a_selection_becomes_a_slider_and_is_taken_away(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    app = open_app(PAGE, map="pca", area=RIGHT)
    app.text_input(key="map.slider.name").set_value("Right side")
    app.button(key="map.slider.add").click().run()
    assert not app.exception
    assert not app.error
    kept = Directions.read(run)
    assert f"{SELECTED}right-side" in kept.keys
    latents = StoredLatents.read(run)
    found = FaceMap.of(latents, MapSettings("pca"))
    step = kept.attributes["logistic"][kept.keys.index(f"{SELECTED}right-side")]
    chosen = found.places[:, 0] > 0
    assert (latents.mu[chosen] @ step).mean() > (latents.mu[~chosen] @ step).mean()
    assert "**Right side**" in words(app)
    assert "on Explore now" in app.toast[-1].value
    app.button(key=f"map.slider.{SELECTED}right-side").click().run()
    assert f"{SELECTED}right-side" not in Directions.read(run).keys
    app.button(key="map.slider.add").click().run()
    assert "cannot name a slider" in app.error[0].value
    assert app.toast[-1].value == "No slider was made."
    app.text_input(key="map.slider.name").set_value("![right](//elsewhere/side.png)")
    app.button(key="map.slider.add").click().run()
    assert "leave out" in app.error[0].value


def test_what_comes_back_of_a_picture_is_measured_once_for_each_state_of_a_model(
    lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []

    def counted(model: FaceModel) -> np.ndarray:
        measured.append(model.weights_fingerprint)
        return np.eye(model.latent_size)

    monkeypatch.setattr("vaelab.editing.learning.stored_response", counted)
    run = make_run(lab, "measured-once")
    app = open_app(PAGE, map="pca", area=RIGHT)

    def add(name: str) -> None:
        app.text_input(key="map.slider.name").set_value(name)
        app.button(key="map.slider.add").click().run()
        assert not app.exception
        assert not app.error
        assert f"{SELECTED}{name}" in Directions.read(run).keys

    add("one")
    add("two")
    assert len(measured) == 1
    write_weights(run, seed=1)
    write_latents(run)
    app.run()
    add("three")
    assert len(measured) == len(set(measured)) == 2


def test_a_slider_is_made_and_taken_away_beside_those_that_others_made_meanwhile(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")

    def others(name: str) -> None:
        learn_selection(FaceModel.load(run), name, np.arange(60)).write(run)

    app = open_app(PAGE, map="pca", area=RIGHT)
    app.text_input(key="map.slider.name").set_value("Right side")
    others("First")
    app.button(key="map.slider.add").click().run()
    made, first, second = (f"{SELECTED}{slug}" for slug in ("right-side", "first", "second"))
    assert {made, first} <= set(Directions.read(run).keys)
    others("Second")
    app.button(key=f"map.slider.{made}").click().run()
    assert not app.exception
    assert {made, first, second} & set(Directions.read(run).keys) == {first, second}


@pytest.mark.parametrize("area", ["", "30~30~31~30~31~31"], ids=["nothing", "nobody"])
def test_a_slider_is_taken_away_while_no_face_is_selected(lab: Path, open_app: Open, area: str) -> None:
    run = make_run(lab, "finished")
    learn_selection(FaceModel.load(run), "First", np.arange(60)).write(run)
    app = open_app(PAGE, map="pca", area=area)
    app.button(key=f"map.slider.{SELECTED}first").click().run()
    assert not app.exception
    assert f"{SELECTED}first" not in Directions.read(run).keys
    assert "First" not in words(app)


def test_a_selection_of_faces_that_were_encoded_anew_makes_no_slider(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    app = open_app(PAGE, map="pca", area=RIGHT)
    app.text_input(key="map.slider.name").set_value("Right side")
    latents = StoredLatents.read(run)
    replace(latents, mu=latents.mu[::-1]).write(run)
    app.button(key="map.slider.add").click().run()
    assert not app.exception
    assert "encoded anew while this page was open" in app.error[0].value
    assert not run.directions_path.is_file()
