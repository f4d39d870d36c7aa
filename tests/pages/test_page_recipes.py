"""The recipes page: every recipe explained, data told, a start that starts, and two runs beside each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.recipebook.explained import symbols
from pages.recipebook.making import supply
from pages.recipebook.outcome import best_of, origin_of, runs_by_recipe
from pages.results.panel import score_rows, shown_kinds, why_no_pictures
from pages.results.routes import KINDS, result_address
from tests.pages.tiny_runs import make_detector, make_run
from tests.pages.training_lab import DATA, TINY, prepare_data, reported_run
from vaelab import jobs
from vaelab.config import TrainConfig, replace
from vaelab.recipe_notes import RECIPE_NOTES
from vaelab.recipes import RECIPES
from vaelab.runs.store import Run

Open = Callable[..., AppTest]
PAGE = "recipes.py"


def words(app: AppTest) -> str:
    """Everything the page says."""
    kinds = (app.markdown, app.caption, app.error, app.info, app.subheader, app.header)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def press(app: AppTest, key: str) -> AppTest:
    return next(button for button in app.button if button.key == key).click().run()


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_recipe_is_explained_with_formula_beta_and_command(open_app: Open, name: str) -> None:
    app = open_app(PAGE, recipe=name)
    assert not app.exception
    assert not app.error
    assert app.header[0].value == name
    assert RECIPE_NOTES[name].formula in app.latex[0].value
    config = RECIPES[name]
    assert (config.loss.effective_beta[1:] in words(app)) == config.has_decoder
    assert f"python -m vaelab train --recipe {name}" in [block.value for block in app.code]


def test_a_wrong_link_gets_a_note(open_app: Open) -> None:
    app = open_app(PAGE, recipe="nobody")
    assert not app.exception
    assert app.info


def test_missing_data_is_told_with_its_command_and_nothing_can_be_started(open_app: Open) -> None:
    app = open_app(PAGE, recipe="face-vae")
    assert any("data prepare fairface" in block.value for block in app.code)
    assert next(button for button in app.button if button.key == "recipes.train").disabled
    first = open_app(PAGE, recipe="first-minute")
    assert not next(button for button in first.button if button.key == "recipes.train").disabled


def test_a_click_starts_the_recipe(open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[TrainConfig] = []

    def start(config: TrainConfig, *, name: str | None, root: Path) -> Run:
        started.append(config)
        return Run.create(config, root, "begun")

    monkeypatch.setattr(jobs, "start", start)
    app = press(open_app(PAGE, recipe="first-minute"), "recipes.train")
    assert not app.exception
    assert started == [RECIPES["first-minute"]]
    assert app.title[0].value == "Train", "it leads to the live view"


def test_a_supply_says_what_is_wrong_with_it(lab: Path) -> None:
    prepare_data(lab, num_faces=40)
    assert supply(DATA, 16, lab / "data").is_ready
    assert "16 pixels, 64 are needed" in supply(DATA, 64, lab / "data").words
    assert not supply("fairface-64", 64, lab / "data").is_ready
    assert supply("synthetic-64", 64, lab / "data").is_ready


def recipe_run(name: str, state: str = "done", **changes: object) -> Run:
    return reported_run(Path(), name, state, **changes)


def tiny_runs() -> list[Run]:
    return runs_by_recipe().get("tiny", [])


def test_the_newest_finished_run_is_shown_first(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "tiny", replace(TrainConfig(recipe="tiny"), **TINY))
    assert best_of(tiny_runs()) is None
    assert origin_of(tiny_runs()) == "not trained yet"
    recipe_run("a-done")
    recipe_run("b-failed", "failed")
    assert origin_of(tiny_runs()) == "trained here"
    best = best_of(tiny_runs())
    assert best is not None
    assert best.id == "a-done"
    (recipe_run("c-broken").dir / "status.json").write_text("{", encoding="utf-8")
    assert [run.id for run in tiny_runs()] == ["b-failed", "a-done"]


def test_results_and_two_runs_beside_each_other(lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "tiny", replace(TrainConfig(recipe="tiny"), **TINY))
    monkeypatch.setitem(RECIPE_NOTES, "tiny", RECIPE_NOTES["first-minute"])
    make_run(lab, "drawing")
    make_detector(lab, "judging")
    app = open_app(PAGE, recipe="tiny")
    assert not app.exception
    assert not app.error
    pictures = "\n".join(str(element.proto.body) for element in app.get("html"))
    assert "/results/sheet?run=drawing&amp;kind=samples" in pictures
    assert "kind=originals" not in pictures, "its data set is not here"
    assert "detector without a decoder" in words(app), "beside it stands one that draws nothing"
    assert [tab.label for tab in app.tabs][:2] == ["Results", "Curves"]


def test_what_a_run_can_show_follows_from_what_is_here(lab: Path) -> None:
    stored, bare = make_run(lab, "stored"), make_run(lab, "bare", latents=False)
    assert shown_kinds(stored) == ["reconstructions", "samples", "interpolations"]
    assert shown_kinds(bare) == ["samples", "interpolations"]
    assert why_no_pictures(stored) == ""
    assert "no weights" in why_no_pictures(make_run(lab, "young", weights=False))
    assert "detector" in why_no_pictures(make_detector(lab, "judge"))
    assert len({result_address(stored, kind) for kind in KINDS}) == len(KINDS)


def test_an_address_changes_when_faces_are_stored(lab: Path) -> None:
    from tests.pages.tiny_runs import write_latents

    run = make_run(lab, "growing", latents=False)
    before = result_address(run, "samples")
    write_latents(run)
    assert result_address(run, "samples") != before


def test_scores_are_recall_beside_the_false_positives_that_come() -> None:
    rate = {"rate": 0.5, "low": 0.25, "high": 0.75, "count": 10}
    table = score_rows(
        {"fpr_0.01": {"fpr": 0.01, "overall": rate, "realised_fpr": rate}, "fpr_0.001": {"refused": "few"}}
    )
    assert table.to_numpy().tolist() == [["1.0%", *["50.00% (25.00% to 75.00%), n = 10"] * 2]]


def test_only_symbols_that_stand_in_a_formula_are_explained() -> None:
    assert "encoder" not in symbols(RECIPE_NOTES["cnn"].formula)
    assert "detector" in symbols(RECIPE_NOTES["dbvae"].formula)
