"""The models page in every state of the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from tests.pages.driving import Open, words
from tests.pages.tiny_runs import make_run
from vaelab.runs.store import RunStatus

PAGE = "models.py"


def test_an_empty_store_says_what_to_do(open_app: Open) -> None:
    app = open_app(PAGE)
    assert not app.exception
    assert "first-minute" in app.code[0].value


def test_a_running_run_shows_how_far_it_is(lab: Path, open_app: Open) -> None:
    make_run(lab, "growing", state="running")
    app = open_app(PAGE)
    assert not app.exception
    assert not app.error
    assert app.get("progress")


def test_only_a_training_under_way_is_watched_and_its_end_redraws_the_page(
    lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(lab, "growing", state="running")
    fragment: Any = st.fragment
    watched = []

    def ending(function: Any = None, *, run_every: float | None = None) -> Any:
        """As if the training ended between the drawing of the page and the look at its progress."""
        if function is not None and function.__name__ == "_progress":
            watched.append(run_every)
            run.write_status(RunStatus(state="done", images_seen=16_000))
        return fragment(function, run_every=run_every)

    monkeypatch.setattr(st, "fragment", ending)
    app = open_app(PAGE)
    assert not app.exception
    assert not app.get("progress")
    assert watched == [4.0]
    assert "green-badge[done]" in words(app)


def test_a_paused_run_looks_as_it_does_on_the_train_page(lab: Path, open_app: Open) -> None:
    make_run(lab, "held", state="paused")
    assert "violet-badge[paused]" in words(open_app(PAGE))


def test_a_card_and_its_measurements_are_shown(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished", card="# finished\nWhat it is for.\n\n![Samples](missing.png)\n")
    psnr = {"mean": 25.31, "low": 25.2, "high": 25.4, "n": 5000}
    run.write_report("reconstruction", {"psnr": psnr, "pca_psnr": 24.2})
    app = open_app(PAGE)
    assert not app.exception
    assert any("What it is for." in element.value for element in app.markdown)
    table = app.dataframe[0].value
    assert table.to_numpy().tolist() == [["psnr", "25.31 (25.2 to 25.4), n = 5,000"], ["pca psnr", "24.2"]]


def test_the_scorecard_has_intervals_and_says_what_figures_mean(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "finished", card="# finished\n")
    distance = {"value": 1.234, "low": 1.1, "high": 1.4, "n": 2000}
    ways = {"prior_standard": {"fd_cnn": distance}, "interpolate": {"fd_cnn": distance}}
    about = {"name": "vaelab's cnn (cnn)", "weights": "abc", "layer": "last"}
    run.write_report("test", {
        "split": "test", "num_faces": 5000, "crop": {"fairface-64": "whole"}, "data": {"fairface-64": "f" * 64},
        "reconstruction": {"psnr_db": {"mean": 25.31, "low": 25.2, "high": 25.4, "n": 5000}, "active_units": 128},
        "generation": {"n": 2000, "extractors": [about], "ways": ways, "not_measured": {"fitted": "no stored latents"}},
    })  # fmt: skip
    app = open_app(PAGE)
    assert not app.exception
    reconstruction, generation = app.dataframe[0].value, app.dataframe[1].value
    assert reconstruction["Value"].tolist() == ["25.31", "128"]
    assert reconstruction["95 % interval"].tolist() == ["25.20 to 25.40", "–"]
    assert generation["Of"].tolist() == ["N(0, I)", "interpolation"]
    assert generation["n"].tolist() == ["2,000", "2,000"]
    assert generation["What it means"].str.contains("lower is nearer").all()
    captions = " ".join(element.value for element in app.caption)
    for part in ("5,000 held-out faces", "crop whole", "vaelab's cnn"):
        assert part in captions
    assert any("no stored latents" in element.value for element in app.markdown)


def test_a_link_opens_its_model_and_a_wrong_one_gets_a_note(lab: Path, open_app: Open) -> None:
    make_run(lab, "one", card="# one\n")
    make_run(lab, "two", card="# two\n")
    assert open_app(PAGE, card="one").header[0].value == "one"
    wrong = open_app(PAGE, card="nobody")
    assert not wrong.exception
    assert wrong.info


def test_a_damaged_run_is_explained(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "broken", weights=False)
    (run.dir / "config.json").write_text("{", encoding="utf-8")
    app = open_app(PAGE)
    assert not app.exception
    assert "damaged" in app.error[0].value
