"""The Studio through Streamlit's own test driver: the tray, every section, links, files."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import av
import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.atelier.arithmetic import picture as sum_picture
from pages.atelier.bench import MOST_FACES, SECTIONS, Bench, read_link, to_link
from pages.atelier.grid import picture as grid_picture
from pages.atelier.interpolate import film, gif, latents, recipe_file, strip
from pages.studio.photo import PhotoStart
from tests.pages.driving import Open, widget, words
from tests.pages.tiny_runs import make_deterministic, make_narrow, make_run, write_latents, write_weights
from vaelab.editing.paths import arithmetic, path_through
from vaelab.editing.recipe import FaceRecipe, kept_latent, pack_latent, read_record, to_record
from vaelab.editing.sliders import edited_latent, find_slider
from vaelab.inference import FaceModel
from vaelab.once import Once
from vaelab.photos import FaceBox
from vaelab.runs.store import RUNS_DIR, find_run

THREE = (
    FaceRecipe("finished", seed=1),
    FaceRecipe("finished", start="stored", face="train/3").edited("d1", 1.5),
    FaceRecipe("finished", start="latent", z=pack_latent(np.linspace(-1, 1, 8))),
)


@pytest.fixture
def model(lab: Path) -> FaceModel:
    return FaceModel.load(make_run(lab, "finished"))


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def opened(open_app: Open, now: Bench) -> AppTest:
    return open_app("paths.py", **to_link(now))  # type: ignore[arg-type]


def state(app: AppTest) -> Bench:
    assert not app.exception
    assert not app.error, [error.value for error in app.error]
    kept: Bench = app.session_state["bench.state"]
    return kept


def test_an_empty_store_says_what_to_do(lab: Path, open_app: Open) -> None:
    app = open_app("paths.py")
    assert not app.exception
    assert "python -m vaelab train --recipe first-minute" in app.code[0].value


def test_explores_face_lies_in_the_tray_at_first(model: FaceModel, open_app: Open) -> None:
    app = open_app("paths.py")
    assert state(app).faces[0] == FaceRecipe("finished")
    assert len(state(app).faces) == 3


def test_a_link_to_a_model_alone_opens_that_model(lab: Path, model: FaceModel, open_app: Open) -> None:
    make_run(lab, "another")
    for wanted in ("another", "finished"):
        now = state(open_app("paths.py", model=wanted))
        assert now.model == wanted
        assert {face.model for face in now.faces} == {wanted}
    app = open_app("paths.py", model="nobody")
    assert "no model of the name" in " ".join(note.value for note in app.info)


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("latents_kept", [True, False])
def test_every_section_opens_by_a_link(lab: Path, open_app: Open, section: str, latents_kept: bool) -> None:
    make_run(lab, "finished", latents=latents_kept)
    faces = THREE if latents_kept else tuple(FaceRecipe("finished", start="prior", seed=seed) for seed in (1, 2, 3))
    app = opened(open_app, Bench("finished", faces, section=section, face=1))
    assert state(app).section == section
    assert state(app).faces == faces
    if latents_kept:
        assert not app.info


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("count", [0, 1])
def test_too_few_faces_are_told(model: FaceModel, open_app: Open, section: str, count: int) -> None:
    app = opened(open_app, Bench("finished", THREE[:count], section=section))
    state(app)
    needs_two = section in ("path", "sum")
    assert bool(app.info) == (count == 0 or needs_two)


@pytest.mark.parametrize(
    "now",
    [
        Bench("finished"),
        Bench("finished", THREE, path="linear", frames=24, ending="loop"),
        Bench("finished", THREE, section="sum", terms=(2, 0, 1), strength=1.35),
        Bench("finished", THREE, section="grid", face=2, across="p0", down="d3", count=5),
        Bench("finished", THREE * 2, section="near", face=5),
    ],
)
def test_a_link_holds_all_that_is_shown(now: Bench) -> None:
    assert read_link(to_link(now), "another") == (now, [])


@pytest.mark.parametrize(
    "query",
    [
        {"do": ["fly"], "way": ["up"], "frames": ["many"], "w": ["nan"], "terms": ["1"], "n": ["-3"]},
        {"face": ["", "seed=x", "%%%", "from=mars"], "of": ["99"], "x": ["<b>"], "end": ["never"]},
        {"face": [urlencode(THREE[0].to_query())] * 50, "terms": ["9~9~9"], "frames": ["99999"], "do": ["sum"]},
        {"model": ["../../etc"], "face": ["from=stored&face=nobody"], "do": ["near"]},
        {"face": ["from=latent&z=AAAA"] * 2},
    ],
)
def test_a_garbled_link_gives_a_page(model: FaceModel, open_app: Open, query: dict[str, list[str]]) -> None:
    app = open_app("paths.py", **query)
    now = state(app)
    assert now.model == "finished"
    assert len(now.faces) <= MOST_FACES
    assert all(term < max(len(now.faces), 1) for term in (*now.summed, now.face))


def test_faces_are_added_moved_and_taken_out(model: FaceModel, open_app: Open) -> None:
    app = opened(open_app, Bench("finished", THREE))
    app.button(key="bench.right.0").click().run()
    assert state(app).faces == (THREE[1], THREE[0], THREE[2])
    app.button(key="bench.remove.1").click().run()
    assert state(app).faces == (THREE[1], THREE[2])
    press(app, "Random face")
    press(app, "Stored face")
    assert [face.start for face in state(app).faces[2:]] == ["fitted", "stored"]
    press(app, "Random face")
    press(app, "Random face")
    assert len(state(app).faces) == MOST_FACES
    assert next(button for button in app.button if button.label == "Random face").disabled
    press(app, "Clear")
    assert state(app).faces == ()
    press(app, "Random face")
    assert len(state(app).faces) == 1, "an empty tray's own address does not empty it again"


def test_a_kept_recipe_joins_the_tray_once(model: FaceModel, open_app: Open) -> None:
    app = opened(open_app, Bench("finished", THREE[:1]))
    content = json.dumps(to_record(model, THREE[1], edited_latent(model, THREE[1]))).encode()
    app.file_uploader[0].upload("kept.json", content).run()
    assert state(app).faces == THREE[:2]
    app.run()
    assert state(app).faces == THREE[:2]


def test_a_recipe_of_other_weights_is_told_and_laid_down_when_wanted(
    lab: Path, model: FaceModel, open_app: Open
) -> None:
    content = json.dumps(to_record(model, THREE[1], edited_latent(model, THREE[1]))).encode()
    retrained = find_run("finished", lab / RUNS_DIR)
    write_weights(retrained, seed=99)
    write_latents(retrained)
    app = opened(open_app, Bench("finished", THREE[:1]))
    app.file_uploader[0].upload("kept.json", content).run()
    assert not app.exception
    assert "the same latent is another face there" in app.warning[0].value
    assert state(app).faces == THREE[:1]
    app.button(key="bench.file.anyway").click().run()
    assert state(app).faces == THREE[:2]
    assert not app.warning


def test_a_file_that_is_no_recipe_is_told(model: FaceModel, open_app: Open) -> None:
    app = opened(open_app, Bench("finished", THREE[:1]))
    app.file_uploader[0].upload("photo.json", b"%PDF-1.4").run()
    assert not app.exception
    assert "no JSON" in app.error[0].value
    press(app, "Clear")
    assert app.session_state["bench.state"].faces == ()


def test_a_face_is_opened_in_explore(model: FaceModel, open_app: Open) -> None:
    app = opened(open_app, Bench("finished", THREE))
    app.button(key="bench.edit.1").click().run()
    assert app.session_state["studio.recipe"] == THREE[1]


def test_a_result_joins_the_tray(model: FaceModel, open_app: Open) -> None:
    app = opened(open_app, Bench("finished", THREE, section="sum", strength=0.5))
    press(app, "Lay it into the tray")
    points = [edited_latent(model, face) for face in THREE]
    expected = FaceRecipe("finished", start="latent", z=pack_latent(arithmetic(*points, 0.5)))
    assert state(app).faces == (*THREE, expected)


def test_the_strength_of_a_sum_is_kept_in_the_link(model: FaceModel, open_app: Open) -> None:
    app = opened(open_app, Bench("finished", THREE, section="sum"))
    widget(app.slider, "bench.strength").set_value(1.5).run()
    widget(app.selectbox, "bench.term.0").set_value(2).run()
    assert (state(app).strength, state(app).terms) == (1.5, (2, 1, 2))
    assert app.query_params["w"] in ("1.5", ["1.5"])
    assert app.query_params["terms"] in ("2~1~2", ["2~1~2"])


def test_a_sum_finds_its_faces_again_after_the_tray_was_short(model: FaceModel, open_app: Open) -> None:
    app = opened(open_app, Bench("finished", THREE, section="sum"))
    press(app, "Clear")
    assert (state(app).summed, state(app).terms) == ((0, 0, 0), (0, 1, 2))
    for summed in ((0, 0, 0), (0, 1, 1), (0, 1, 2)):
        press(app, "Random face")
        assert state(app).summed == summed
    assert app.query_params["terms"] in ("0~1~2", ["0~1~2"])


def test_two_different_sliders_make_a_grid(model: FaceModel, open_app: Open) -> None:
    app = opened(open_app, Bench("finished", THREE, section="grid", across="d1", down="d1"))
    assert "two different sliders" in app.info[0].value
    widget(app.selectbox, "bench.down").set_value("p0").run()
    assert not app.info
    assert state(app).down == "p0"


def test_a_model_of_one_latent_has_no_grid(lab: Path, open_app: Open) -> None:
    make_narrow(lab, "narrow", latents=False)
    app = opened(open_app, Bench("narrow", (FaceRecipe("narrow"),), section="grid"))
    assert state(app).model == "narrow"
    assert any("two sliders" in info.value for info in app.info)


def test_sliders_of_one_name_can_both_be_chosen(lab: Path, model: FaceModel, open_app: Open) -> None:
    for key in ("p0", "d1"):
        find_run("finished", lab / RUNS_DIR).name_slider(key, "smile")
    app = opened(open_app, Bench("finished", THREE, section="grid", across="d5", down="p1"))
    options = widget(app.selectbox, "bench.down").options
    assert len(set(options)) == len(options)
    assert {"smile (p0)", "smile (d1)", "Component 2"} <= set(options)
    widget(app.selectbox, "bench.down").select_index(options.index("smile (p0)")).run()
    assert state(app).down == "p0"


def test_neighbours_of_a_stored_face_begin_with_itself(model: FaceModel, open_app: Open) -> None:
    faces = (FaceRecipe("finished", start="stored", face="train/3"),)
    app = opened(open_app, Bench("finished", faces, section="near"))
    state(app)
    table = app.dataframe[0].value
    assert table["Face"].iloc[0] == "train/3"
    assert table["In words"].iloc[0] == "the same face"


def test_an_encoder_without_posteriors_is_not_uncertain(model: FaceModel, open_app: Open) -> None:
    make_deterministic(find_run("finished"))
    app = opened(open_app, Bench("finished", THREE, section="doubt"))
    state(app)
    assert "trained by rae: its encoder gives each picture one point" in app.info[0].value
    assert not app.get("plotly_chart")
    app = opened(open_app, Bench("finished", THREE, section="near"))
    assert "units of z" in words(app)
    assert "posteriors:" not in words(app)


def test_a_face_of_the_visitors_photo_is_as_uncertain_as_the_photo(
    model: FaceModel, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[np.ndarray] = []
    encode = FaceModel.encode
    monkeypatch.setattr(FaceModel, "encode", lambda self, pixels: (shown.append(pixels), encode(self, pixels))[1])
    box = FaceBox(16, 16, 32)
    pixels = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    photo = PhotoStart(
        pixels, np.linspace(-1, 1, 8).astype(np.float16).astype(np.float32), None, "", box,
        ("photo", model.weights_fingerprint, box),
    )  # fmt: skip
    face = FaceRecipe("finished", start="latent", z=pack_latent(photo.mu))
    for now, said, seen in (
        (face, "from your photo", True),
        (face.edited("d1", 1.0), "drawn, not photographed", False),
    ):
        app = opened(open_app, Bench("finished", (now,), section="doubt"))
        app.session_state["photo.start"] = photo
        app.run()
        state(app)
        assert said in words(app)
        assert np.array_equal(shown[-1][0], pixels) == seen


@pytest.mark.parametrize(
    ("split", "said", "unsaid"),
    [
        ("train", "would be one remembered", "held out"),
        ("test", "none of them can be remembered; `python -m vaelab encode finished --split train`", "would be one"),
    ],
)
def test_only_training_faces_can_be_remembered(
    model: FaceModel, open_app: Open, split: str, said: str, unsaid: str
) -> None:
    assert model.latents is not None
    labels = model.latents.labels.assign(split=split)
    replace(model.latents, read_labels=Once(lambda: labels)).write(find_run("finished"))
    app = opened(open_app, Bench("finished", THREE, section="near"))
    state(app)
    assert said in words(app)
    assert unsaid not in words(app)


@pytest.mark.parametrize(("ending", "count"), [("once", 9), ("loop", 12), ("back", 16)])
def test_a_way_ends_as_asked(model: FaceModel, ending: str, count: int) -> None:
    way = latents(model, Bench("finished", THREE, frames=4, ending=ending))
    assert len(way) == count
    points = np.stack([edited_latent(model, face) for face in THREE])
    np.testing.assert_array_equal(way[[0, 4, 8]], points)
    if ending == "back":
        np.testing.assert_array_equal(way[9:], way[7:0:-1])


def test_files_of_a_way_are_marked_and_replay(model: FaceModel) -> None:
    now = Bench("finished", THREE, frames=4, path="spherical")
    frames = model.decode(latents(model, now))
    about = json.loads(recipe_file(model, now))
    assert about["generated"] is True
    points = []
    for kept, face in zip(about["faces"], THREE, strict=True):
        recipe, record = read_record(json.dumps(kept))
        assert recipe == face
        points.append(kept_latent(record))
    np.testing.assert_array_equal(model.decode(path_through(model, np.stack(points), about["path"], 4)), frames)
    with Image.open(io.BytesIO(gif(model, now))) as image:
        assert image.n_frames == 9  # type: ignore[attr-defined]
        assert json.loads(image.info["comment"])["generated"] is True
    with av.open(io.BytesIO(film(model, now))) as container:
        assert json.loads(container.metadata["comment"])["vaelab"]["path"] == "spherical"
        assert sum(1 for _ in container.decode(video=0)) == 9
    with Image.open(io.BytesIO(strip(model, now))) as image:
        assert "no real person" in image.text["Description"]  # type: ignore[attr-defined]


def test_pictures_of_sums_and_grids_are_marked(model: FaceModel) -> None:
    now = Bench("finished", THREE, strength=1.0, count=3)
    sliders = [find_slider(model, "logistic", key) for key in ("p0", "d1")]
    for content, key in ((sum_picture(model, now), "terms"), (grid_picture(model, now, *sliders), "grid")):
        with Image.open(io.BytesIO(content)) as image:
            assert "no real person" in image.text["Description"]  # type: ignore[attr-defined]
            assert key in json.loads(image.text["vaelab"])  # type: ignore[attr-defined]
