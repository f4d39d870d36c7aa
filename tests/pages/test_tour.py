"""The tour: what it asks for is on a page that exists, it sees what was done, and it follows through pages."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from pages.shell.places import PLACES
from pages.tour import signs
from pages.tour.state import TOUR_STATE, Tour
from pages.tour.steps import ALL_STEPS, steps
from tests.pages.conftest import ROOT
from tests.pages.driving import Open
from tests.pages.tiny_runs import make_run, write_latents
from vaelab.config import replace
from vaelab.recipes import RECIPES
from vaelab.runs.store import RUNS_DIR, Run


def first_minute(name: str, **changes: object) -> Run:
    return Run.create(replace(RECIPES["first-minute"], **changes), RUNS_DIR, name)


def status(app: AppTest) -> str:
    """What the card tells screen readers."""
    told = [str(element.proto.body) for element in app.get("html") if "tour-status" in str(element.proto.body)]
    return next((text for text in told if "role=" in text), "")


def press(app: AppTest, key: str) -> AppTest:
    return next(button for button in app.button if button.key == key).click().run()


def test_every_page_is_used_once_at_least() -> None:
    assert {step.file.name for step in steps()} == {place.file for place in PLACES}
    assert len({step.key for step in ALL_STEPS}) == len(ALL_STEPS)


def test_without_a_tour_there_is_no_card(open_app: Open) -> None:
    assert status(open_app()) == ""


def test_a_tour_is_begun_followed_folded_and_left(lab: Path, open_app: Open) -> None:
    app = press(open_app("recipes.py"), "recipes.tour")
    assert "Start a training" in status(app)
    assert app.query_params["tour"] == "recipe"
    app = press(app, "tour.next")
    assert app.title[0].value == "Data", "Next leads to the step's page"
    assert "done" in status(app), "seeing the page is all there is to it"
    app.switch_page(str(ROOT / "pages" / "models.py")).run()
    assert "See what it learns from: done" in status(app), "the card goes along"
    press(app, "tour.fold")
    assert not any("What a model never saw" in text.value for text in app.markdown)
    press(app, "tour.leave")
    assert status(app) == ""
    assert "tour" not in app.query_params
    app.query_params["tour"] = "data"
    app.run()
    assert status(app) == "", "a request that was on its way when the tour was left does not bring it back"
    assert "tour" not in app.query_params


def test_a_reload_takes_the_tour_up_where_it_was(lab: Path, open_app: Open) -> None:
    app = open_app("", tour="noise")
    assert "Draw from noise" in status(app)
    assert "Start a training" in status(open_app("", tour="nonsense"))


def test_the_last_step_can_start_again(lab: Path, open_app: Open) -> None:
    app = press(open_app("models.py", tour="models"), "tour.again")
    assert app.title[0].value == "Recipes"
    assert "Start a training" in status(app)


def test_a_record_counts_only_once_the_visitor_changed_it(lab: Path, open_app: Open) -> None:
    make_run(lab, "tiny")
    app = open_app("", tour="noise").run()
    assert "done" not in status(app), "the page's own first face is nobody's doing"
    next(button for button in app.button if button.label == "Another face").click().run()
    app.run()
    assert "Draw from noise: done" in status(app)


def test_an_address_with_a_tour_is_no_link_to_a_face(lab: Path, open_app: Open) -> None:
    make_run(lab, "tiny")
    app = open_app("", tour="slider")
    chosen = dataclasses.replace(app.session_state["studio.recipe"], seed=4321)
    app.session_state["studio.recipe"] = chosen
    app.run()
    assert app.session_state["studio.recipe"].seed == 4321
    assert app.query_params["tour"] == "slider"


def test_runs_are_told_apart_by_their_beta(lab: Path) -> None:
    assert not signs.has_started()
    first_minute("a-plain")
    assert signs.has_started()
    assert not signs.has_second()
    first_minute("b-heavy", beta=8.0)
    first, second = signs.first_run(), signs.second_run()
    assert first is not None
    assert second is not None
    assert (first.id, second.id) == ("a-plain", "b-heavy")
    assert not signs.has_points()
    for images in (800, 1600):
        first.append_metrics("train", images, loss=1.0)
    assert signs.has_points()


def test_signs_of_weights_and_stored_faces(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(lab, "tiny", latents=False)
    monkeypatch.setattr(signs, "first_run", lambda: run)
    assert not signs.has_stored_faces()
    write_latents(run)
    assert signs.has_stored_faces()


def test_signs_in_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    session: dict[str, object] = {}
    monkeypatch.setattr(signs, "st", SimpleNamespace(session_state=session))
    assert not signs.has_moved()
    assert not signs.has_compared_runs()
    session["studio.recipe"] = SimpleNamespace(edits=(("d1", 2.0),))
    assert signs.has_moved()
    session["runs.table.1"] = {"selection": {"rows": [0]}}
    assert not signs.has_compared_runs()
    session["runs.table.1"] = {"selection": {"rows": [0, 2]}}
    assert signs.has_compared_runs()


def test_a_finished_step_stays_done(lab: Path, open_app: Open) -> None:
    app = open_app("runs.py")
    app.session_state[TOUR_STATE] = Tour(step="curves", done=frozenset({"curves"}))
    app.run()
    assert "Watch it learn: done" in status(app)
