"""Explore through Streamlit's own test driver: every state of the store, every control, every kind of link."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.tiny_runs import LATENT, make_run, write_latents, write_weights

Open = Callable[..., AppTest]


def sliders(app: AppTest) -> list[str]:
    """Keys of the dimensions' sliders, in the order they are shown."""
    return [slider.key.rsplit(".", 1)[0] for slider in app.slider if slider.key.startswith("studio.dim.")]


def widget(elements: Sequence[Any], name: str) -> Any:
    """The widget of this name; a number behind it changes whenever it is replaced."""
    return next(element for element in elements if element.key and element.key.rsplit(".", 1)[0] == name)


def words(app: AppTest) -> str:
    """All text of the page."""
    return "\n".join(str(element.value) for element in [*app.title, *app.markdown, *app.caption, *app.info, *app.error])


def pictures(app: AppTest) -> list[str]:
    """Addresses of the pictures; they name the content, so equal addresses are equal pictures."""
    return [image.proto.imgs[0].url for image in app.get("image")]


def test_an_empty_store_says_what_to_do(open_app: Open) -> None:
    app = open_app()
    assert not app.exception
    assert "python -m vaelab train --recipe first-minute" in app.code[0].value


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
    assert len(sliders(app)) == LATENT
    assert app.session_state["studio.recipe"].start == "prior"


def test_a_finished_run_shows_its_face_and_dimensions_by_information(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app()
    assert not app.exception
    assert not app.error
    assert not app.info
    assert len(pictures(app)) == 2
    assert sliders(app)[0] == "studio.dim.5"
    assert "studio.dim.2" not in sliders(app)  # it tells nothing
    assert widget(app.slider, "studio.dim.5").label.startswith("dim 5 · ")


def test_a_slider_changes_the_face_and_reset_brings_it_back(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app()
    current, start = pictures(app)
    assert current == start
    widget(app.slider, "studio.dim.5").set_value(2.0).run()
    assert pictures(app)[0] != current
    assert pictures(app)[1] == start
    assert app.query_params["dims"] == "5_2"
    app.button(key="studio.dim.5.reset").click().run()
    assert pictures(app) == [current, start]
    assert "dims" not in app.query_params


def test_a_slider_moved_back_to_the_start_is_no_edit(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app()
    begin = widget(app.slider, "studio.dim.5").value
    widget(app.slider, "studio.dim.5").set_value(2.0).run()
    widget(app.slider, "studio.dim.5").set_value(begin).run()
    assert app.session_state["studio.recipe"].edits == ()


def test_reset_all(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app(model="finished", dims="5_2~1_-1")
    assert widget(app.slider, "studio.dim.1").value == -1.0
    next(button for button in app.button if button.label == "Reset all").click().run()
    assert app.session_state["studio.recipe"].edits == ()
    assert pictures(app)[0] == pictures(app)[1]


def test_a_link_reopens_the_same_face(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    first = open_app()
    widget(first.number_input, "studio.seed").set_value(123).run()
    widget(first.slider, "studio.temperature").set_value(1.1).run()
    widget(first.slider, "studio.dim.5").set_value(-1.5).run()
    second = open_app(**{name: str(value) for name, value in first.query_params.items()})
    assert pictures(second) == pictures(first)
    assert widget(second.slider, "studio.dim.5").value == -1.5


@pytest.mark.parametrize(
    "query",
    [
        {"model": "../../etc"},
        {"model": "finished", "seed": "abc"},
        {"model": "finished", "dims": "a_b~~_"},
        {"model": "finished", "dims": "99999_1"},
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
    assert len(pictures(app)) == 2


def test_stored_faces_are_chosen_by_their_labels(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app()
    widget(app.segmented_control, "studio.start").set_value("stored").run()
    assert not app.exception
    ages = app.selectbox(key="studio.filter.age")
    assert ages.options == ["Any", "3-9", "10-19", "20-29", "more than 70"]
    app.selectbox(key="studio.filter.gender").set_value("Male").run()
    assert "of 20 stored faces" in words(app)
    chosen = int(app.session_state["studio.recipe"].face.split("/")[1])
    assert chosen % 2 == 1
    assert "Male" in words(app)
    app.selectbox(key="studio.filter.age").set_value("3-9").run()  # all of those are Female
    assert not app.exception
    assert "No stored face has all of these labels" in words(app)


def test_another_face_drops_the_edits(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app(model="finished", dims="5_2")
    before = pictures(app)
    next(button for button in app.button if button.label == "Another face").click().run()
    assert app.session_state["studio.recipe"].edits == ()
    assert pictures(app) != before


def test_a_face_survives_a_visit_to_another_page(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished", card="# finished\n")
    app = open_app(model="finished", seed="5", dims="5_2")
    shown = pictures(app)
    app.switch_page(str(Path(__file__).parents[2] / "pages" / "models.py")).run()
    assert not app.exception
    app.query_params.clear()
    app.switch_page(str(Path(__file__).parents[2] / "pages" / "explore.py")).run()
    assert pictures(app) == shown
    assert widget(app.slider, "studio.dim.5").value == 2.0


def test_new_weights_are_shown_at_the_next_run(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "growing", state="running", latents=False)
    app = open_app()
    before = pictures(app)
    write_weights(run, seed=99)
    app.run()
    assert pictures(app)[0] != before[0]


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


def test_a_picture_always_has_words(lab: Path, open_app: Open) -> None:
    make_run(lab, "finished")
    app = open_app()
    assert [image.proto.imgs[0].alt.split(":")[0] for image in app.get("image")] == [
        "The current face",
        "The starting face",
    ]
