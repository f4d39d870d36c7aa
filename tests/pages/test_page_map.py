"""The map's page through Streamlit's own test driver: what is pressed, selected and walked, and what a link brings."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from pages.latentmap.beside import shared_rows
from pages.latentmap.colours import by_quantity
from pages.latentmap.quantities import FIXED, quantity
from pages.latentmap.routes import FILE
from pages.latentmap.state import Shown, read_link, read_places, to_link
from pages.latentmap.way import path_places
from tests.pages.driving import Open, widget, words
from tests.pages.tiny_runs import STORED, make_detector, make_run
from vaelab.evaluation.facemap import FaceMap
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.projection import MapSettings
from vaelab.inference import FaceModel
from vaelab.jobs.mapping import stop_maps
from vaelab.once import Once
from vaelab.runs.store import Run
from vaelab.scorecard.per_face import Measure, values_key, write_values

PAGE = "map.py"
RIGHT = "0~-9~9~-9~9~9~0~9"
"""The area right of the middle."""


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    yield
    stop_maps()


def button(app: AppTest, label: str):  # type: ignore[no-untyped-def]
    return next(known for known in app.button if known.label == label)


def principal(run: Run) -> tuple[FaceMap, StoredLatents]:
    latents = StoredLatents.read(run)
    return FaceMap.of(latents, MapSettings("pca")), latents


def test_no_model_yet(lab: Path, open_app: Open) -> None:
    app = open_app(PAGE)
    assert not app.exception
    assert "first-minute" in app.code[0].value


def test_a_model_without_latents_says_what_to_do(lab: Path, open_app: Open) -> None:
    make_run(lab, "bare", latents=False)
    app = open_app(PAGE)
    assert not app.exception
    assert app.code[0].value == "python -m vaelab encode bare"


def test_principal_components_stand_in_while_umap_is_made(
    lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("vaelab.jobs.mapping.subprocess.Popen", _Never(asked))
    run = make_run(lab, "finished")
    app = open_app(PAGE)
    assert not app.exception
    assert asked == [str(run.dir.absolute())]
    assert "UMAP of finished is being computed" in words(app)
    assert "Trustworthiness" in words(app)
    found, latents = principal(run)
    FaceMap(MapSettings(), found.places[:, ::-1].copy(), found.quality, _umap_key(latents)).write(run)
    app.run()
    assert not app.exception
    assert "UMAP of finished is being computed" not in words(app)
    assert len(asked) == 1


def test_a_link_opens_place_selection_and_path(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    app = open_app(PAGE, map="pca", at="0.2~-0.1", area=RIGHT, way="-0.5~0~0.5~0", steps="4", by="gender")
    assert not app.exception
    assert not app.error
    found, _ = principal(run)
    inside = int((found.places[:, 0] > 0).sum())
    assert f"**{inside} of {STORED} faces are selected.**" in words(app)
    assert "Drawn at 0.20, −0.10" in words(app)
    assert "Support" in words(app)
    table = app.dataframe[0].value
    assert table[table["Label"] == "Gender"]["All"].tolist() == ["50%", "50%"]
    assert app.query_params["area"] == RIGHT
    assert app.query_params["at"] == "0.2~-0.1"
    assert app.query_params["way"] == "-0.5~0~0.5~0"


def test_a_press_on_a_face_is_that_face(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    found, latents = principal(run)
    x, y = found.places[17]
    app = open_app(PAGE, map="pca", at=f"{x:.4f}~{y:.4f}")
    assert not app.exception
    button(app, "Open in Explore").click().run()
    assert not app.exception
    recipe = app.session_state["studio.recipe"]
    assert (recipe.start, recipe.face) == ("stored", str(latents.labels["image_id"].iloc[17]))


def test_an_empty_place_says_that_nobody_is_there(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app(PAGE, map="pca", at="20~20")
    assert not app.exception
    assert "Support 0.00" in words(app)


def test_a_path_goes_to_the_studio(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app(PAGE, map="pca", way="-0.5~0~0.5~0~0~0.5")
    assert not app.exception
    button(app, "Take its places to the Studio").click().run()
    assert not app.exception
    assert len(app.session_state["bench.state"].faces) == 3


def test_colours_that_need_pictures_are_offered_where_these_were_measured(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    app = open_app(PAGE, map="pca", by="error")
    assert widget(app.selectbox, "map.colour").options == ["Gender", "Age", "How typical it is"]
    assert "fairface-64 at 32 pixels, is not on this machine" in words(app)
    latents, measure = StoredLatents.read(run), Measure("error")
    write_values(run, values_key(latents, measure), np.linspace(3, 30, STORED), measure)
    app.query_params["by"] = "error"
    app.run()
    assert not app.exception
    assert widget(app.selectbox, "map.colour").value == "error"
    assert "root mean squared difference" in words(app)


def test_yes_or_no_labels_can_be_coloured_by(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    latents = StoredLatents.read(run)
    labels = latents.labels.assign(smiling=np.arange(STORED) % 2 == 0)
    replace(latents, read_labels=Once(lambda: labels)).write(run)
    app = open_app(PAGE, map="pca", by="smiling")
    assert not app.exception
    assert not app.error
    assert widget(app.selectbox, "map.colour").options == ["Gender", "Age", "How typical it is", "Smiling"]
    assert widget(app.selectbox, "map.colour").value == "smiling"


def test_faces_are_measured_in_the_background(lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("vaelab.jobs.mapping.subprocess.Popen", _Never(asked))
    monkeypatch.setattr("pages.latentmap.quantities.why_not", lambda _: "")
    run, detector = make_run(lab, "finished"), make_detector(lab, "finder")
    app = open_app(PAGE, map="pca", by="seen:finder")
    assert not app.exception
    assert asked == [str(run.dir.absolute())]
    assert "“Seen as a face by finder” is being measured" in words(app)
    latents, measure = StoredLatents.read(run), Measure("seen", "finder")
    fingerprint = FaceModel.load(detector).weights_fingerprint
    write_values(run, values_key(latents, measure, fingerprint), np.zeros(STORED), measure)
    app.run()
    assert not app.exception
    assert "is being measured" not in words(app)
    assert len(asked) == 1


def test_draws_colour_a_run_that_resamples(lab: Path, open_app: Open) -> None:
    make_detector(lab, "fair", "dbvae", aggregation="max")
    app = open_app(PAGE, map="pca", by="drawn")
    assert not app.exception
    assert not app.error
    assert widget(app.selectbox, "map.colour").value == "drawn"
    assert "times a fair share" in words(app)


def test_a_ramp_ends_at_quantiles_and_faces_without_a_value_are_grey() -> None:
    values = np.array([np.nan, *np.linspace(-10, 10, 99), np.nan])
    found = by_quantity(values, FIXED["lightness"])
    assert (found.inks[[0, -1]] == len(found.palette) - 1).all()
    assert (np.diff(found.inks[1:-1].astype(int)) >= 0).all()
    assert (found.inks[1], found.inks[-2]) == (0, len(found.palette) - 2)
    assert found.key["ramp"]["low"] == "darker, −10°"
    assert [name for name, _ in found.key["names"]] == ["not known"]
    assert len(found.words) == len(found.palette)
    other = found.of_rows(np.array([99, -1, 1]), "only there")
    assert other.inks.tolist() == [len(found.palette) - 2, len(found.palette) - 1, 0]
    assert ("only there", found.palette[-1]) in other.key["names"]
    about = quantity("seen:cnn")
    assert about is not None
    assert about.shown(0.0) == "log-odds 0.0 (probability 50.0%)"
    assert about.shown(-800.0) == "log-odds −800.0 (probability under 0.1%)"
    assert about.shown(800.0).endswith("(probability over 99.9%)")


def test_two_maps_share_a_selection_and_say_how_far_they_agree(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    make_run(lab, "second-model")
    app = open_app(PAGE, model="finished", map="pca", beside="second-model", area=RIGHT)
    assert not app.exception
    assert not app.error
    selected = int((principal(run)[0].places[:, 0] > 0).sum())
    assert f"**{selected} of {STORED} faces are selected.**" in words(app)
    kept = "**100%** (100% to 100%) of its nearest here are among its nearest there"
    assert kept in words(app), "both runs store the same latents"
    assert f"n = {selected} selected of {STORED} faces" in words(app)
    app.query_params.update({"on": "beside", "area": "-9~-9~0~-9~0~9~-9~9"})
    app.run()
    assert not app.exception
    assert f"**{STORED - selected} of {STORED} faces are selected.**" in words(app)
    assert app.query_params["beside"] == "second-model"
    widget(app.selectbox, "map.beside").set_value("").run()
    assert not app.exception
    assert "are selected.**" not in words(app), "the area went with its map"


def test_a_face_pressed_is_redrawn_by_both_models(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    make_run(lab, "second-model")
    x, y = principal(run)[0].places[17]
    app = open_app(PAGE, model="finished", map="pca", beside="second-model", at=f"{x:.4f}~{y:.4f}")
    assert not app.exception
    assert "The same face as second-model redraws it" in words(app)


def test_models_without_a_face_in_common_are_not_laid_side_by_side(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    make_run(lab, "second-model")
    stored = StoredLatents.read(run)
    others = stored.labels.assign(image_id="x" + stored.labels["image_id"])
    replace(stored, read_labels=Once(lambda: others)).write(run)
    app = open_app(PAGE, model="finished", map="pca", beside="second-model")
    assert not app.exception
    assert "store 0 faces in common" in words(app)
    app = open_app(PAGE, model="finished", map="pca", beside="nobody")
    assert "no other model nobody" in words(app)


def test_rows_are_found_by_id() -> None:
    assert shared_rows(pd.Series(["a", "b", "c", "b"]), pd.Series(["b", "x", "a"])).tolist() == [1, -1, 0]


def test_on_three_axes_a_face_is_chosen(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    latents = StoredLatents.read(run)
    x, y, z = FaceMap.of(latents, MapSettings("pca", 3)).places[17]
    app = open_app(PAGE, map="pca", dims="3", at=f"{x:.4f}~{y:.4f}~{z:.4f}", area=RIGHT)
    assert not app.exception
    assert not app.error
    assert "Stored face, " in words(app)
    assert "are selected" not in words(app)
    assert app.query_params["dims"] == "3"
    before = app.query_params["at"]
    button(app, "Any face").click().run()
    assert not app.exception
    assert app.query_params["at"] != before
    widget(app.segmented_control, "map.dims").set_value(2).run()
    assert not app.exception
    assert "Press anywhere on the map" in words(app), "a place on three axes is none on two"
    assert FILE.is_file()


def test_garbage_in_a_link_is_told_and_left_out() -> None:
    shown, notes = read_link({"at": "1~x", "area": "1~2~3", "way": "~".join("1" * 14), "map": "tsne"}, "m")
    assert (shown.point, shown.area, shown.way, shown.method) == (None, (), (), "umap")
    assert len(notes) == 3
    assert read_places([[1, float("nan")]], 1) is None
    assert read_places("all", 1) is None
    assert read_places([[1e9, 0]], 1) is None


def test_a_link_brings_everything_back() -> None:
    area, way = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)), ((0.1, 0.2), (0.3, 0.4))
    flat = Shown("m", "pca", "age", (0.25, -1.5), area, way, 7, 2, "n", "beside")
    for now in (flat, Shown("m", "umap", "error", (0.25, -1.5, 0.5), dims=3)):
        query = {name: value for name, value in to_link(now).items() if value}
        assert read_link(query, "other") == (now, [])


def test_a_path_meets_its_places() -> None:
    corners = np.array([[0, 0], [1, 0], [1, 2]], np.float32)
    places = path_places(corners, 4)
    assert places.shape == (9, 2)
    assert np.array_equal(places[::4], corners)
    assert np.allclose(np.diff(places[4:], axis=0), [0, 0.5])


def _umap_key(latents: StoredLatents) -> str:
    from vaelab.evaluation.facemap import map_key

    return map_key(latents, MapSettings())


class _Never(subprocess.Popen):  # type: ignore[type-arg]
    """Stands for a process that never ends."""

    def __init__(self, asked: list[str]) -> None:
        self.asked = asked
        self.returncode = 0
        self._child_created = False

    def __call__(self, command: list[str], **kwargs: object) -> _Never:
        import io

        self.asked.append(command[-1])
        self.stdin = io.BytesIO()
        return self

    def poll(self) -> None:
        return None

    def kill(self) -> None:
        pass

    def wait(self, seconds: float) -> int:
        return 0
