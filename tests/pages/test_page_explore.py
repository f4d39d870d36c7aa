"""Explore through Streamlit's own test driver: every state of the store, every control, every kind of link."""

from __future__ import annotations

import base64
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.driving import Open, widget, words
from tests.pages.tiny_runs import LATENT, make_run, write_latents, write_weights
from vaelab.editing.recipe import FaceRecipe, to_record
from vaelab.editing.sliders import attribute_order, edited_latent
from vaelab.inference import FaceModel


@pytest.fixture
def open_plain(open_app: Open) -> Open:
    """Explore with Streamlit's own sliders, which the test driver can move; raw latents unless told otherwise."""

    def opened(family: str = "raw", **query: str) -> AppTest:
        app = open_app(**query)
        app.session_state["studio.plain"] = True
        app.session_state["studio.plain.family"] = family
        return app.run()

    return opened


def sliders(app: AppTest) -> list[str]:
    """Keys of the face's sliders, in the order they are shown."""
    return [slider.key.rsplit(".", 1)[0] for slider in app.slider if slider.key.startswith("studio.plain.")]


def panel(app: AppTest) -> dict[str, Any]:
    """What the morph panel was given."""
    given: list[dict[str, Any]] = json.loads(component(app).json)
    return given[0]


def component(app: AppTest) -> Any:
    """The morph panel as it was sent to the browser."""
    return next(one for one in app.get("bidi_component") if one.proto.component_name.endswith("morph_panel")).proto


def report(app: AppTest, **said: tuple[int, Any]) -> AppTest:
    """Run the page with what the panel says and of which revision: the last of each kind, as the browser sends it."""
    reports = {name: {"revision": revision, "value": value} for name, (revision, value) in said.items()}
    states = app._tree.get_widget_states()
    states.widgets.add(id=component(app).id, json_value=json.dumps(reports))
    return app._run(states)


def pictures(app: AppTest) -> list[str]:
    """Addresses of the pictures; they name the content, so equal addresses are equal pictures."""
    return [image.proto.imgs[0].url for image in app.get("image")]


def test_an_empty_store_says_what_to_do(open_app: Open) -> None:
    app = open_app()
    assert not app.exception
    assert "python -m vaelab train --recipe first-minute" in app.code[0].value


def test_a_recipe_of_other_weights_is_told_and_opened_when_wanted(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    model, kept = FaceModel.load(run), FaceRecipe("finished", seed=7)
    content = json.dumps(to_record(model, kept, edited_latent(model, kept))).encode()
    app = open_app(model="finished", seed="3")
    app.file_uploader[-1].upload("kept.json", content).run()
    assert not app.warning
    assert app.session_state["studio.recipe"] == kept
    write_weights(run, seed=99)
    write_latents(run)
    app = open_app(model="finished", seed="3")
    app.file_uploader[-1].upload("kept.json", content).run()
    assert not app.exception
    assert "the same latent is another face there" in app.warning[0].value
    assert app.session_state["studio.recipe"].seed == 3
    app.button(key="studio.recipe.anyway").click().run()
    assert app.session_state["studio.recipe"] == kept


def test_a_file_that_is_no_recipe_leaves_the_page_as_it_is(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app(model="finished", seed="3")
    app.file_uploader[-1].upload("photo.json", b"%PDF-1.4").run()
    assert not app.exception
    assert ["no JSON" in error.value for error in app.error] == [True]
    app.toggle(key="studio.plain").set_value(True).run()
    app.session_state["studio.plain.family"] = "raw"
    app.run()
    widget(app.slider, "studio.plain.d5").set_value(2.0).run()
    assert app.query_params["e"] == "d5_2", "the link goes along"


def test_attributes_of_one_name_can_both_be_held(lab: Path, open_plain: Open) -> None:
    run = make_run(lab, "finished")
    for key in ("a.age", "a.gender-male"):
        run.name_slider(key, "smile")
    app = open_plain()
    choice = widget(app.multiselect, "studio.plain.hold")
    assert sorted(choice.options) == ["smile (age)", "smile (gender-male)"]
    choice.set_value(["age", "gender-male"]).run()
    assert app.session_state["studio.recipe"].hold == ("age", "gender-male")


def test_the_same_move_of_another_face_is_heard_and_a_late_one_of_the_face_before_is_not(
    lab: Path, open_app: Open
) -> None:
    make_run(lab, "finished")
    app = open_app(model="finished", seed="3")
    before = panel(app)["revision"]
    report(app, values=(before, {"a.age": 1.0}), hold=(before, ["gender-male"]))
    assert (app.query_params["e"], app.query_params["hold"]) == ("a.age_1", "gender-male")
    next(button for button in app.button if button.label == "Another face").click()
    report(app, values=(before, {"a.age": 1.0}), hold=(before, ["gender-male"]))
    assert "e" not in app.query_params
    now = panel(app)["revision"]
    report(app, values=(now, {"a.age": 1.0}), hold=(before, []))
    assert (app.query_params["e"], app.query_params["hold"]) == ("a.age_1", "gender-male")
    report(app, values=(before, {"a.age": 2.0}), hold=(before, []))
    assert app.query_params["e"] == "a.age_1"


def test_a_run_without_weights_counts_as_none(lab: Path, open_app: Open) -> None:
    make_run(lab, "young", state="running", weights=False)
    app = open_app()
    assert not app.exception
    assert app.code


def test_a_running_run_with_weights_can_be_explored(lab: Path, open_app: Open) -> None:
    make_run(lab, "growing", state="running", latents=False)
    app = open_app()
    assert not app.exception
    assert not app.error
    assert [family["key"] for family in panel(app)["families"]] == ["raw"]
    assert len(panel(app)["sliders"]) == LATENT
    assert panel(app)["probes"] is None
    assert app.session_state["studio.recipe"].start == "prior"


def test_a_finished_run_shows_three_families_and_greys_what_is_dead(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app()
    assert not app.exception
    assert not app.error
    assert not app.info
    shown = panel(app)
    assert [family["key"] for family in shown["families"]] == ["attribute", "principal", "raw"]
    raw = [slider for slider in shown["sliders"] if slider["family"] == "raw"]
    assert raw[0]["key"] == "d5"
    assert [slider["key"] for slider in raw if slider["dead"]] == ["d2"]
    gender = next(slider for slider in shown["sliders"] if slider["key"] == "a.gender-male")
    assert re.match(r"AUC 0\.\d\d \[", gender["detail"])
    assert shown["probes"]["keys"] == ["gender-male", "age"]


def test_what_a_move_asks_for_is_told_of_the_drawn_face(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    directions = FaceModel.load(run).directions
    assert directions is not None
    replace(directions, drawn_weight=directions.probe_weight / 2).write(run)
    weight = np.frombuffer(base64.b64decode(panel(open_app())["probes"]["weight"]), "<f4")
    asked = directions.probe_weight[attribute_order(directions)] / 2
    np.testing.assert_array_equal(weight.reshape(asked.shape), asked)


def test_every_slider_holds_its_start_and_its_strip_is_drawn(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    for slider in panel(open_app(model="finished", **{"from": "prior"}, seed="7", t="1.5"))["sliders"]:
        assert slider["low"] <= 0 <= slider["high"]
        assert slider["strip"].startswith("/faces/walk?")
        assert slider["walk"] == sorted(slider["walk"])


def test_a_link_reopens_moves_and_what_is_held(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app(model="finished", e="a.age_1.5~d5_-1", hold="gender-male")
    shown = panel(app)
    assert shown["values"] == {"a.age": 1.5, "d5": -1.0}
    assert shown["hold"] == ["gender-male"]
    assert shown["effects"]["of"] == "a.age_1.5~d5_-1"
    assert len(shown["effects"]["rows"]) == 2
    assert app.query_params["e"] == "a.age_1.5~d5_-1"


def test_a_plain_slider_changes_the_face_and_back_at_rest_is_no_edit(lab: Path, open_plain: Open) -> None:
    make_run(lab, "finished")
    app = open_plain()
    current, start = pictures(app)
    assert sliders(app)[0] == "studio.plain.d5"
    widget(app.slider, "studio.plain.d5").set_value(2.0).run()
    assert pictures(app)[0] != current
    assert pictures(app)[1] == start
    assert app.query_params["e"] == "d5_2"
    widget(app.slider, "studio.plain.d5").set_value(0.0).run()
    assert pictures(app) == [current, start]
    assert "e" not in app.query_params


def test_plain_sliders_hold_fixed_and_say_what_else_moved(lab: Path, open_plain: Open) -> None:
    make_run(lab, "finished")
    app = open_plain(family="attribute")
    assert sliders(app) == ["studio.plain.a.gender-male", "studio.plain.a.age"]
    widget(app.slider, "studio.plain.a.age").set_value(2.0).run()
    free = pictures(app)[0]
    assert list(app.dataframe[0].value["Attribute"]) == ["Gender: Male", "Age"]
    widget(app.multiselect, "studio.plain.hold").set_value(["gender-male"]).run()
    assert pictures(app)[0] != free
    assert app.query_params["hold"] == "gender-male"


def test_reset_all(lab: Path, open_plain: Open) -> None:
    make_run(lab, "finished")
    app = open_plain(model="finished", e="d5_2~d1_-1")
    assert widget(app.slider, "studio.plain.d1").value == -1.0
    next(button for button in app.button if button.label == "Reset all").click().run()
    assert app.session_state["studio.recipe"].edits == ()
    assert pictures(app)[0] == pictures(app)[1]


def test_a_link_reopens_the_same_face(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    first = open_app()
    widget(first.number_input, "studio.seed").set_value(123).run()
    widget(first.slider, "studio.temperature").set_value(1.1).run()
    second = open_app(**{name: str(value) for name, value in first.query_params.items()})
    assert panel(second)["start"] == panel(first)["start"]
    assert second.session_state["studio.recipe"] == first.session_state["studio.recipe"]


def test_an_emptied_seed_is_the_one_before(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app()
    for value in (123, None):
        widget(app.number_input, "studio.seed").set_value(value).run()
    assert not app.exception
    assert widget(app.number_input, "studio.seed").value == 123
    assert app.session_state["studio.recipe"].seed == 123


def test_a_name_is_kept_with_the_run(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    run.name_slider("p0", "turns the head")
    names = {slider["key"]: slider["name"] for slider in panel(open_app())["sliders"]}
    assert names["p0"] == "turns the head"
    assert names["p1"] == "Component 2"


@pytest.mark.parametrize(
    "query",
    [
        {"model": "../../etc"},
        {"model": "finished", "seed": "abc"},
        {"model": "finished", "e": "a_b~~_"},
        {"model": "finished", "e": "d999_1"},
        {"model": "finished", "hold": "nothing"},
        {"model": "finished", "from": "latent", "z": "AAAA"},
        {"model": "finished", "from": "stored", "face": "nobody"},
        {"model": "finished", "from": "mars", "t": "-3"},
    ],
)
def test_a_garbled_link_gives_a_note_and_a_face(lab: Path, open_app: Open, query: dict[str, str]) -> None:
    make_run(lab, "finished")
    app = open_app(**query)
    assert not app.exception
    assert not app.error
    assert app.info
    assert panel(app)["start"]


def test_stored_faces_are_chosen_by_their_labels(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app()
    widget(app.segmented_control, "studio.start").set_value("stored").run()
    assert not app.exception
    ages = app.selectbox(key="studio.filter.age")
    assert ages.options == ["Any", "3-9", "10-19", "20-29", "more than 70"]
    app.selectbox(key="studio.filter.gender").set_value("Male").run()
    assert "of 120 stored faces" in words(app)
    chosen = int(app.session_state["studio.recipe"].face.split("/")[1])
    assert chosen % 2 == 1
    assert "Male" in panel(app)["words"]
    app.selectbox(key="studio.filter.age").set_value("3-9").run()  # all of those are Female
    assert not app.exception
    assert "No stored face has all of these labels" in words(app)


def test_another_face_drops_the_edits(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app(model="finished", e="d5_2")
    before = panel(app)
    next(button for button in app.button if button.label == "Another face").click().run()
    assert app.session_state["studio.recipe"].edits == ()
    assert panel(app)["start"] != before["start"]
    assert panel(app)["revision"] > before["revision"]


def test_a_face_survives_a_visit_to_another_page(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished", card="# finished\n")
    app = open_app(model="finished", seed="5", e="d5_2")
    shown = panel(app)
    app.switch_page(str(Path(__file__).parents[2] / "pages" / "models.py")).run()
    assert not app.exception
    app.query_params.clear()
    app.switch_page(str(Path(__file__).parents[2] / "pages" / "explore.py")).run()
    assert panel(app)["start"] == shown["start"]
    assert panel(app)["values"] == {"d5": 2.0}


def test_new_weights_are_shown_at_the_next_run(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "growing", state="running", latents=False)
    app = open_app()
    before = panel(app)["model"]["fingerprint"]
    write_weights(run, seed=99)
    app.run()
    assert panel(app)["model"]["fingerprint"] != before


def test_a_deleted_model_gives_way_to_another_with_a_note(lab: Path, open_app: Open) -> None:
    make_run(lab, "second")
    run = make_run(lab, "third")
    app = open_app(model="third")
    assert not app.info
    shutil.rmtree(run.dir)
    app.run()
    assert not app.exception
    assert app.session_state["studio.recipe"].model == "second"
    assert app.info


def test_latents_of_other_weights_are_explained_not_shown(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished")
    write_weights(run, seed=1234)
    app = open_app()
    assert not app.exception
    assert "belong to other weights" in app.error[0].value
    write_latents(run)
    app.run()
    assert not app.error


def test_a_picture_always_has_words(lab: Path, open_plain: Open) -> None:
    make_run(lab, "finished")
    alts = [image.proto.imgs[0].alt for image in open_plain().get("image")]
    assert alts[0].startswith("The current face: Seed 7")
    assert alts[1] == "The face it started from"
