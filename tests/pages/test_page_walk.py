"""The counterfactual walk through Streamlit's own test driver: every state of the store, links, surveys, files."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pages.studio.photo import PhotoStart
from tests.pages.driving import Open, widget, words
from tests.pages.tiny_runs import LATENT, make_detector, make_run
from vaelab.editing.recipe import FaceRecipe, pack_latent
from vaelab.inference import FaceModel
from vaelab.photos import FaceBox
from vaelab.runs.store import RUNS_DIR, find_run

PAGE = "walk.py"


@pytest.fixture
def store(lab: Path) -> Path:
    """A VAE, a cnn that sees a face in anything, and a dbvae that sees one in nothing."""
    make_run(lab, "finished")
    make_detector(lab, "keen", threshold=-1e6)
    make_detector(lab, "blind", "dbvae", threshold=1e6)
    return lab


def test_an_empty_store_says_what_to_do(open_app: Open) -> None:
    app = open_app(PAGE)
    assert not app.exception
    assert "first-minute" in app.code[0].value


def test_without_a_detector_of_its_size_it_says_what_is_missing(lab: Path, open_app: Open) -> None:
    for name in ("finished", "other"):
        make_run(lab, name)
    make_detector(lab, "large", size=64)
    app = open_app(PAGE, model="finished")
    assert not app.exception
    assert "detects faces in pictures of 32 pixels" in app.info[0].value
    assert "with size 32 and a data set of that size" in app.info[0].value
    assert app.get("page_link")[0].proto.page == "train"
    widget(app.selectbox, "walk.model").set_value("other").run()
    assert app.query_params["model"] in ("other", ["other"]), "the address follows the choice here too"


def test_what_each_detector_sees_is_said_in_words(store: Path, open_app: Open) -> None:
    app = open_app(PAGE, model="finished")
    assert not app.exception
    assert not app.error
    assert "keen sees a face along the whole walk, from −6.00 to +6.00." in words(app)
    assert "blind sees no face anywhere on this walk" in words(app)
    assert "1 % false positives on 10,000 pictures" in words(app)
    assert widget(app.segmented_control, "walk.fpr").options[:2] == ["1 %", "0.1 %"]
    assert app.query_params["with"] == "keen~blind"
    alt = app.get("plotly_chart")[0].proto.alt
    assert "keen sees a face along the whole walk" in alt
    assert all(image.proto.imgs[0].alt.startswith("The face at") for image in app.get("image"))


def test_a_detector_without_a_report_falls_back_and_says_so(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    make_detector(lab, "unmeasured")
    app = open_app(PAGE)
    assert not app.exception
    assert "probability 0.5, as no report of these weights has a measured threshold" in words(app)


def test_choices_go_into_the_link_and_a_link_reopens_them(store: Path, open_app: Open) -> None:
    app = open_app(PAGE, model="finished", seed="12")
    widget(app.selectbox, "walk.along").set_value("d5").run()
    widget(app.slider, "walk.reach").set_value(9.0).run()
    widget(app.segmented_control, "walk.scale").set_value("odds").run()
    widget(app.multiselect, "walk.hold").set_value(["gender-male"]).run()
    assert not app.exception
    query = {name: str(value) for name, value in app.query_params.items()}
    assert (query["along"], query["reach"], query["y"], query["hold"]) == ("d5", "9", "odds", "gender-male")
    again = open_app(PAGE, **query)
    assert again.session_state["walk.plan"] == app.session_state["walk.plan"]
    assert "from −9.00 to +9.00" in words(again)


def test_names_given_on_explore_are_said_here_too(store: Path, open_app: Open) -> None:
    run = find_run("finished", store / RUNS_DIR)
    for key, name in (("d5", "Light"), ("d1", "Light"), ("a.gender-male", "Beard")):
        run.name_slider(key, name)
    app = open_app(PAGE, model="finished", along="d5")
    assert not app.exception
    ways = widget(app.selectbox, "walk.along").options
    assert {"Light · raw latents (d5)", "Light · raw latents (d1)", "Beard · attributes"} <= set(ways)
    assert "Beard" in widget(app.multiselect, "walk.hold").options
    assert "Light" in app.get("plotly_chart")[0].proto.alt
    app.button(key="walk.many").click().run()
    assert "Light" in app.get("plotly_chart")[1].proto.alt


@pytest.mark.parametrize(
    "query",
    [
        {"model": "../../etc"},
        {"along": "a.nobody"},
        {"along": "d999"},
        {"reach": "1e9"},
        {"fpr": "0.5"},
        {"with": "finished~nobody"},
        {"from": "mars", "e": "~~"},
    ],
)
def test_a_garbled_link_gives_a_note_and_a_walk(store: Path, open_app: Open, query: dict[str, str]) -> None:
    app = open_app(PAGE, **{"model": "finished", **query})
    assert not app.exception
    assert not app.error
    assert app.info
    assert "along the whole walk" in words(app)


def test_it_starts_from_the_face_on_explore(store: Path, open_app: Open) -> None:
    app = open_app(model="finished", seed="41", e="d5_1.5")
    app.query_params.clear()
    app.switch_page(str(Path(__file__).parents[2] / "pages" / PAGE)).run()
    assert not app.exception
    recipe = app.session_state["walk.plan"].recipe
    assert (recipe.seed, recipe.edits) == (41, (("d5", 1.5),))
    next(button for button in app.button if button.label == "Drawn face").click().run()
    assert app.session_state["walk.plan"].recipe.edits == ()
    next(button for button in app.button if button.label == "Face from Explore").click().run()
    assert app.session_state["walk.plan"].recipe == recipe


def test_a_photo_is_the_original_for_the_weights_that_encoded_it_alone(store: Path, open_app: Open) -> None:
    box, mu = FaceBox(16, 16, 32), np.linspace(-1, 1, LATENT).astype(np.float16).astype(np.float32)
    app = open_app(PAGE, **FaceRecipe("finished", start="latent", z=pack_latent(mu)).to_query())
    own = FaceModel.load(find_run("finished")).weights_fingerprint
    for weights, is_behind in ((own, True), ("another", False)):
        photo = PhotoStart(np.zeros((32, 32, 3), np.uint8), mu, None, "", box, ("photo", weights, box))
        app.session_state["photo.start"] = photo
        app.run()
        assert not app.exception
        assert ("on the original" in words(app)) == is_behind


def test_two_hundred_faces_walk_on_demand_until_the_question_changes(store: Path, open_app: Open) -> None:
    app = open_app(PAGE, model="finished", along="d5")
    assert not app.dataframe
    app.button(key="walk.many").click().run()
    assert not app.exception
    table = app.dataframe[0].value
    assert len(table) == 10
    between = table[table["Compared"] == "keen at +6.00 − blind at +6.00"].iloc[0]
    assert (between["Only the first"], between["Only the second"]) == (200, 0)
    assert between["Difference, points"] == "+100.0 (+97.1 to +100.0)"
    assert "keen sees 100.0 % of the 200 faces at the start" in words(app)
    assert "at the end of random ways that change as much, 100.0 % (98.1 % to 100.0 %)" in words(app)
    assert "blind sees 0.0 % of the 200 faces at the start" in words(app)
    assert [button.disabled for button in app.button if button.label == "Walk 200 faces"] == [False]
    assert not app.get("progress")
    app.button(key="walk.many").click().run()
    assert len(app.dataframe[0].value) == 10
    widget(app.slider, "walk.reach").set_value(3.0).run()
    assert not app.dataframe, "the counts belong to another reach"


def test_no_detector_chosen_means_the_first_two(store: Path, open_app: Open) -> None:
    app = open_app(PAGE, model="finished")
    widget(app.multiselect, "walk.detectors").set_value(["blind"]).run()
    assert "keen sees" not in words(app)
    widget(app.multiselect, "walk.detectors").set_value([]).run()
    assert not app.exception
    assert "keen sees" in words(app)


def test_files_hold_the_walk_and_say_that_it_was_generated(store: Path) -> None:
    from pages.counterfactual.files import csv_file, json_file, strip_file
    from pages.counterfactual.plan import Plan
    from vaelab.counterfactual import Detector, threshold_of, walk
    from vaelab.editing.sliders import edited_latent, find_slider

    model, keen = FaceModel.load(find_run("finished")), FaceModel.load(find_run("keen"))
    plan = Plan(FaceRecipe("finished", seed=3), along="d5", detectors=("keen",))
    detector = Detector(keen, threshold_of(find_run("keen").reports(), keen.weights_fingerprint, 0.01))
    start = edited_latent(model, plan.recipe)
    walked = walk(model, [detector], start, find_slider(model, "logistic", "d5").vector, 6.0, 20)
    table = pd.read_csv(io.BytesIO(csv_file(walked)))
    np.testing.assert_allclose(table["position"], np.linspace(-6, 6, 41), atol=1e-9)
    np.testing.assert_allclose(table["keen face_logit"], walked.sights[0].face_logit, rtol=1e-5)
    assert table["keen sees"].all()
    record = json.loads(json_file(model, plan, walked))
    assert record["generated"] is True
    assert record["link"] == plan.to_query()
    assert len(record["start"]["z"]) == LATENT
    strip = Image.open(io.BytesIO(strip_file(model, plan, walked)))
    assert strip.height == model.size
    assert "trainedAlgorithmicMedia" in strip.text["XML:com.adobe.xmp"]
    assert json.loads(strip.text["vaelab"])["positions"] == record["positions"]
