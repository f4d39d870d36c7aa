"""The compare page through Streamlit's own test driver: what two models share, links, side effects, settings."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pages.counterfactual.detectors import stored_original
from pages.sidebyside import paths
from pages.sidebyside.pair import Pair
from tests.pages.driving import Open, widget, words
from tests.pages.tiny_runs import LATENT, make_detector, make_run
from tests.pages.training_lab import DATA, prepare_data, reported_run
from vaelab.data.prepare import prepare
from vaelab.data.sources import Synthetic
from vaelab.data.store import DatasetStore
from vaelab.inference import FaceModel

PAGE = "compare.py"


def photo(size: int = 32) -> SimpleNamespace:
    """What Explore leaves of a visitor's photo."""
    return SimpleNamespace(pixels=np.full((size, size, 3), 128, np.uint8), mu=np.zeros(LATENT, np.float32))


@pytest.fixture
def store(lab: Path) -> Path:
    """A VAE and a dbvae that store the same faces."""
    make_run(lab, "plain")
    make_detector(lab, "both", "dbvae")
    return lab


def test_one_model_is_not_enough(lab: Path, open_app: Open) -> None:
    make_run(lab, "alone")
    app = open_app(PAGE)
    assert not app.exception
    assert "first-minute" in app.code[0].value


def test_two_models_are_shown_with_what_differs(store: Path, open_app: Open) -> None:
    app = open_app(PAGE, a="plain", b="both")
    assert not app.exception
    assert not app.error
    assert not app.info
    measured, settings = app.dataframe[0].value, app.dataframe[1].value
    assert list(measured.columns) == ["Measured on test faces", "plain", "both"]
    assert (measured["plain"] == "–").all(), "neither has a report"
    row = settings[settings["Setting"] == "model"].iloc[0]
    assert (row["plain"], row["both"]) == ("residual", "dbvae")
    assert "size" not in set(settings["Setting"]), "it is the same in both"


def test_reports_count_only_for_the_weights_they_were_made_with(lab: Path, open_app: Open) -> None:
    from vaelab.inference import FaceModel

    first, second = make_run(lab, "one"), make_run(lab, "another")
    psnr = {"mean": 25.352, "low": 25.278, "high": 25.435, "n": 5000}
    active = {"value": 128.0, "low": 128.0, "high": 128.0, "n": 5000}
    fingerprint = FaceModel.load(first).weights_fingerprint
    reconstruction = {"psnr_db": psnr, "active_units": active}
    first.write_report("test", {"model": {"weights": fingerprint}, "reconstruction": reconstruction})
    second.write_report("test", {"model": {"weights": "0"}, "reconstruction": {"psnr_db": psnr}})
    measured = open_app(PAGE, a="one", b="another").dataframe[0].value
    assert measured.iloc[0].tolist() == ["Reconstruction, PSNR in dB", "25.35 (25.28 to 25.43), n = 5,000", "–"]
    assert measured.iloc[5].tolist() == ["Active latents", "128 (128 to 128), n = 5,000", "–"]


def test_a_link_reopens_what_was_chosen(store: Path, open_app: Open) -> None:
    app = open_app(PAGE, a="plain", b="both")
    widget(app.selectbox, "compare.along").set_value("between").run()
    next(button for button in app.button if button.label == "Another end").click().run()
    assert not app.exception
    query = {name: str(value) for name, value in app.query_params.items()}
    assert query["along"] == "between"
    assert query["to"] != query["face"]
    again = open_app(PAGE, **query)
    assert again.session_state["compare.pair"] == app.session_state["compare.pair"]
    assert not again.info


@pytest.mark.parametrize(
    "query", [{"a": "nobody"}, {"face": "../x"}, {"along": "smile"}, {"along": "between", "to": "nobody"}]
)
def test_a_garbled_link_gives_a_note_and_a_comparison(store: Path, open_app: Open, query: dict[str, str]) -> None:
    app = open_app(PAGE, **{"a": "plain", "b": "both", **query})
    assert not app.exception
    assert not app.error
    assert app.info
    assert len(app.dataframe) == 2


def test_models_that_store_nothing_in_common_are_explained(lab: Path, open_app: Open) -> None:
    make_run(lab, "plain")
    make_run(lab, "bare", latents=False)
    app = open_app(PAGE, a="plain", b="bare")
    assert not app.exception
    assert not app.error
    assert "store no face in common" in app.info[0].value


def test_a_model_beside_itself_is_said_so(store: Path, open_app: Open) -> None:
    app = open_app(PAGE, a="plain", b="plain")
    assert not app.exception
    assert "Both sides are the same model" in words(app)


def test_both_models_start_from_the_same_face_and_go_equally_far(store: Path) -> None:
    from pages.sidebyside.pair import BETWEEN, Pair, fit_pair, shared_attributes
    from pages.sidebyside.paths import NUM_FRAMES, drawn, frame_names, start_frame
    from vaelab.inference import FaceModel
    from vaelab.runs.store import find_run

    models = (FaceModel.load(find_run("plain")), FaceModel.load(find_run("both")))
    key = next(iter(shared_attributes(models)))
    pair, notes = fit_pair(Pair("plain", "both", "train/7", key), models)
    assert not notes
    for model in models:
        way = drawn(model, models, pair)
        assert way.latents.shape == (NUM_FRAMES, LATENT)
        np.testing.assert_allclose(way.latents[start_frame(pair)], model.latents.mu[7], atol=1e-6)
        odds = model.directions.log_odds(way.latents)[:, model.directions.keys.index(key)]
        spread = model.directions.probe_spread[model.directions.keys.index(key)]
        np.testing.assert_allclose((odds[-1] - odds[0]) / spread, 6.0, rtol=1e-3)
        assert (way.face_prob is None) == (not model.has_detector)
    assert frame_names(pair)[start_frame(pair)] == "0"
    between = drawn(models[0], models, Pair("plain", "both", "train/7", BETWEEN, "train/9"))
    np.testing.assert_allclose(between.latents[-1], models[0].latents.mu[9], atol=1e-6)


def test_side_effects_are_measured_where_the_slider_was_let_go(store: Path) -> None:
    from pages.sidebyside.tables import effects_figure, effects_in_words

    def effect(key: str, moved: float) -> Any:
        return SimpleNamespace(key=key, name=key.title(), moved=moved, before=0.5, after=0.6, auc=0.8)

    first = [effect("age", 0.1), effect("smile", 2.0), effect("hat", -0.7)]
    second = [effect("smile", 1.0), effect("age", -0.2)]
    assert (
        effects_in_words("one", first, "smile") == "one also moves Hat by −0.70 standard deviations (probe's AUC 0.80)."
    )
    assert effects_in_words("one", first, "between").startswith("one moves Smile by +2.00")
    bars = effects_figure(("one", "two"), (first, second)).data
    assert [list(bar.y) for bar in bars] == [["Age", "Smile"]] * 2, "only what both know, in one order"
    assert list(bars[1].text) == ["−0.20", "+1.00"]


def test_a_photo_is_offered_only_to_models_of_its_size(store: Path, open_app: Open) -> None:
    app = open_app(PAGE, a="plain", b="both")
    assert "My photo" not in [button.label for button in app.button]
    for size, is_offered in ((64, False), (32, True)):
        app.session_state["photo.start"] = photo(size)
        app.run()
        assert ("My photo" in [button.label for button in app.button]) == is_offered
    next(button for button in app.button if button.label == "My photo").click().run()
    assert not app.exception
    assert not app.error
    assert app.session_state["compare.pair"].face == "photo"


def test_the_picture_of_a_stored_face_goes_and_changes_with_its_data_set(lab: Path) -> None:
    run = reported_run(lab, "mine")
    folder = lab / "data" / DATA
    prepare_data(lab)
    face = DatasetStore.open(folder).labels["image_id"].iloc[0]
    first = stored_original(run, face)
    assert first is not None
    shutil.rmtree(folder)
    assert stored_original(run, face) is None
    prepare(Synthetic(num_faces=200, num_nonfaces=20, seed=1), folder, size=16, workers=1)
    other = stored_original(run, face)
    assert other is not None
    assert (other != first).any()


def test_what_is_drawn_of_a_photo_stays_in_the_visit(
    store: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shared(*_: object) -> None:
        raise AssertionError("frames of a visitor's face are kept for everybody")

    def counted(model: FaceModel, latents: Any) -> paths.Frames:
        times.append(model.run_id)
        return frames(model, latents)

    times: list[str] = []
    frames = paths._frames
    app = open_app(PAGE, a="plain", b="both")
    app.session_state["photo.start"] = photo()
    app.run()
    monkeypatch.setattr(paths, "_kept", shared)
    monkeypatch.setattr(paths, "_frames", counted)
    next(button for button in app.button if button.label == "My photo").click().run()
    app.run()
    assert not app.exception
    assert not app.error
    assert times == ["plain", "both"], "each once"
    assert len(app.session_state["photo.drawn"]) == 2
    for key in ("gender-male", "age") * 4:
        app.session_state["photo.start"] = photo()
        app.session_state["photo.start"].pixels[0, 0, 0] = len(times)
        app.session_state["compare.pair"] = Pair("plain", "both", "photo", key)
        app.run()
    assert len(app.session_state["photo.drawn"]) == paths.MOST_OF_PHOTO
