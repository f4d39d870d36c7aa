"""The map over training through Streamlit's own test driver: a film where latents were kept, a sentence where not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from starlette.requests import Request

from pages.latentmap.colours import by_label
from pages.latentmap.film import frame_at, row_of, strip_of
from pages.latentmap.overtime import moments_table, nearest_rows
from pages.latentmap.state import FILM, Shown, read_link, to_link
from pages.shell.routes import ROUTES, frame_address
from tests.pages.driving import Open, widget, words
from tests.pages.tiny_runs import FILMED, make_run, write_frames
from vaelab.evaluation.film import Film
from vaelab.evaluation.frames import TrainingFrames, write_faces
from vaelab.evaluation.projection import MapSettings
from vaelab.inference import FaceModel
from vaelab.jobs.mapping import stop_maps
from vaelab.runs.frames import frame_path
from vaelab.runs.store import RunStatus

PAGE = "map.py"


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    yield
    stop_maps()


def film_of(lab: Path, name: str = "filmed", method: str = "pca") -> tuple[TrainingFrames, Film]:
    run = make_run(lab, name)
    write_frames(run)
    frames = TrainingFrames.read(run)
    return frames, Film.of(frames, MapSettings(method))


def test_a_run_without_frames_says_why_there_is_no_film(lab: Path, open_app: Open) -> None:
    make_run(lab, "older")
    app = open_app(PAGE, view=FILM)
    assert not app.exception
    assert not app.error
    assert "There is no film of older: it kept no latents on its way" in words(app)
    assert "--validate-every" in app.code[0].value
    widget(app.segmented_control, "map.view").set_value("").run()
    assert not app.exception
    assert "Trustworthiness" in words(app), "the map is a press away"


def test_one_frame_is_no_film_yet(lab: Path, open_app: Open) -> None:
    write_frames(make_run(lab, "begun"), count=1)
    app = open_app(PAGE, view=FILM)
    assert not app.exception
    assert "begun has kept one frame so far" in words(app)


def test_a_film_can_be_coloured_by_a_yes_or_no_label(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "filmed")
    names = write_frames(run)
    write_faces(run, pd.DataFrame({"image_id": names, "smiling": [name.endswith("7") for name in names]}))
    app = open_app(PAGE, view=FILM, map="pca", by="smiling")
    assert not app.exception
    assert not app.error
    assert widget(app.selectbox, "map.colour").value == "smiling"


def test_a_link_opens_the_film_at_a_frame_with_the_way_of_a_face(lab: Path, open_app: Open) -> None:
    film_of(lab)
    app = open_app(PAGE, view=FILM, map="pca", seen="3000", face="val/7", by="age")
    assert not app.exception
    assert not app.error
    assert "so that only real moves remain" in words(app)
    assert "On its way it moved" in words(app)
    assert "Its 8 nearest latents after 3,000 images, and below after 12,000" in words(app)
    assert "of the 8 are among its nearest at both moments" in words(app)
    assert len(app.dataframe[0].value) == 4
    assert widget(app.selectbox, "map.colour").value == "age"
    assert {name: app.query_params[name] for name in ("view", "seen", "face")} == {
        "view": FILM, "seen": "3000", "face": "val/7",
    }  # fmt: skip
    button = next(known for known in app.button if known.label == "Let it go")
    button.click().run()
    assert "Press a face in the film" in words(app)
    assert "face" not in app.query_params


def test_a_face_that_is_in_no_film_is_left_alone(lab: Path, open_app: Open) -> None:
    film_of(lab)
    app = open_app(PAGE, view=FILM, map="pca", face="nobody", seen="99999999")
    assert not app.exception
    assert not app.error
    assert "Press a face in the film" in words(app)


def test_a_film_needs_no_stored_latents(lab: Path, open_app: Open) -> None:
    write_frames(make_run(lab, "bare", latents=False))
    app = open_app(PAGE, view=FILM, map="pca")
    assert not app.exception
    assert not app.error
    assert "so that only real moves remain" in words(app)


def test_principal_components_are_shown_until_umap_is_made(
    lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("pages.latentmap.films.begin_film", lambda run, settings, key: asked.append(key))
    run = make_run(lab, "filmed")
    write_frames(run)
    frames = TrainingFrames.read(run)
    app = open_app(PAGE, view=FILM)
    assert not app.exception
    assert "UMAP of all 4 frames is being computed in the background" in words(app)
    principal = Film.of(frames, MapSettings("pca"))
    Film(MapSettings(), principal.places, principal.moments, asked[0]).write(run)
    app.run()
    assert not app.exception
    assert "is being computed" not in words(app)


def test_while_the_training_goes_on_umap_waits(lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.latentmap.films.begin_film", lambda *_: pytest.fail("it would be made at each frame"))
    run = make_run(lab, "at-work")
    write_frames(run)
    run.write_status(RunStatus("running", 12_000))
    app = open_app(PAGE, view=FILM)
    assert not app.exception
    assert "UMAP of all frames is made when it has ended" in words(app)


def test_damaged_frames_are_a_sentence(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "torn")
    write_frames(run)
    frame_path(run, 6_000).write_bytes(b"torn")
    app = open_app(PAGE, view=FILM, map="pca")
    assert not app.exception
    assert "latents-000006000.safetensors is damaged" in words(app)


def test_the_route_draws_faces_of_a_frame(lab: Path) -> None:
    run = make_run(lab, "filmed")
    write_frames(run)
    route = next(known for known in ROUTES if known.path == "/faces/frame")

    def ask(address: str) -> int:
        query = address.partition("?")[2].encode()
        return route.endpoint(Request({"type": "http", "query_string": query, "headers": []})).status_code

    address = frame_address(FaceModel.load(run), 12_000, [0, FILMED - 1])
    assert ask(address) == 200
    assert ask(address.replace("at=12000", "at=5")) == 404
    assert ask(address.replace("at=12000", "at=-5")) == 400
    assert ask(address + "0") == 400, "there is no such row"


def test_frames_faces_and_strips_are_found(lab: Path) -> None:
    frames, film = film_of(lab)
    assert [frame_at(film, clock) for clock in (0, 1, 5_000, 99_000)] == [3, 0, 1, 3]
    assert row_of(frames.labels, "val/7") == 7
    assert row_of(frames.labels, "nobody") == -1
    assert strip_of(4) == [0, 1, 2, 3]
    assert (len(strip_of(40)), strip_of(40)[0], strip_of(40)[-1]) == (8, 0, 39)
    features = frames.features(2)
    apart = [float(((features[row] - features[7]) ** 2).sum()) for row in nearest_rows(frames, 2, 7)]
    assert apart == sorted(apart)
    assert 7 not in nearest_rows(frames, 2, 7)
    assert moments_table(film)["Images seen"].tolist() == [3_000, 6_000, 9_000, 12_000]


def test_a_value_has_the_colour_it_has_on_the_map() -> None:
    known = ("Black", "East_Asian", "White")
    labels = pd.DataFrame({"race": ["White", None, "Black", "Latino"]})
    found = by_label(labels, "race", known)
    names = dict(found.key["names"])
    assert [found.palette[ink] for ink in found.inks] == [
        names["White"], names["not known"], names["Black"], names["Latino"],
    ]  # fmt: skip
    whole = by_label(pd.DataFrame({"race": list(known)}), "race")
    assert dict(whole.key["names"])["White"] == names["White"]


def test_the_film_in_a_link_comes_back() -> None:
    now = Shown("m", "pca", "age", view=FILM, face="val/7", clock=8_000)
    assert read_link({name: value for name, value in to_link(now).items() if value}, "other") == (now, [])
    garbage, notes = read_link({"view": "cinema", "seen": "later", "face": ""}, "m")
    assert (garbage.view, garbage.clock, garbage.face, notes) == ("", 0, "", [])
