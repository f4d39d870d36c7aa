"""The map's page through Streamlit's own test driver: what is pressed, selected and walked, and what a link brings."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.latentmap.state import Shown, read_link, read_places, to_link
from pages.latentmap.way import path_places
from tests.pages.tiny_runs import STORED, make_run
from vaelab.editing.learning import SELECTED
from vaelab.evaluation.directions import Directions
from vaelab.evaluation.facemap import FaceMap
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.projection import MapSettings
from vaelab.jobs.mapping import stop_maps
from vaelab.runs.store import Run

Open = Callable[..., AppTest]
PAGE = "map.py"
RIGHT = "0~-9~9~-9~9~9~0~9"
"""The area right of the middle."""


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    yield
    stop_maps()


def words(app: AppTest) -> str:
    return "\n".join(str(element.value) for element in [*app.markdown, *app.caption, *app.info, *app.error])


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
    assert "UMAP is being computed" in words(app)
    assert "Trustworthiness" in words(app)
    found, latents = principal(run)
    FaceMap(MapSettings(), found.places[:, ::-1].copy(), found.quality, _umap_key(latents)).write(run)
    app.run()
    assert not app.exception
    assert "UMAP is being computed" not in words(app)
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


def test_a_selection_becomes_a_slider_and_is_taken_away(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    app = open_app(PAGE, map="pca", area=RIGHT)
    next(field for field in app.text_input if field.key == "map.slider.name").set_value("Right side")
    button(app, "Add it").click().run()
    assert not app.exception
    assert not app.error
    kept = Directions.read(run)
    assert f"{SELECTED}right-side" in kept.keys
    found, latents = principal(run)
    step = kept.attributes["logistic"][kept.keys.index(f"{SELECTED}right-side")]
    chosen = found.places[:, 0] > 0
    assert (latents.mu[chosen] @ step).mean() > (latents.mu[~chosen] @ step).mean()
    assert "**Right side**" in words(app)
    button(app, "Take it away").click().run()
    assert f"{SELECTED}right-side" not in Directions.read(run).keys
    button(app, "Add it").click().run()
    assert "cannot name a slider" in app.error[0].value


def test_a_path_goes_to_the_studio(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app(PAGE, map="pca", way="-0.5~0~0.5~0~0~0.5")
    assert not app.exception
    button(app, "Take its places to the Studio").click().run()
    assert not app.exception
    assert len(app.session_state["bench.state"].faces) == 3


def test_garbage_in_a_link_is_told_and_left_out() -> None:
    shown, notes = read_link({"at": "1~x", "area": "1~2~3", "way": "~".join("1" * 14), "map": "tsne"}, "m")
    assert (shown.point, shown.area, shown.way, shown.method) == (None, (), (), "umap")
    assert len(notes) == 3
    assert read_places([[1, float("nan")]], 1) is None
    assert read_places("all", 1) is None
    assert read_places([[1e9, 0]], 1) is None


def test_a_link_brings_everything_back() -> None:
    now = Shown("m", "pca", "age", (0.25, -1.5), ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)), ((0.1, 0.2), (0.3, 0.4)), 7)
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
