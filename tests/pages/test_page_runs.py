"""The runs page: found, labelled, compared, deleted and brought back, taken away and brought in."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from pages.runlist.comparison import merged
from pages.runlist.one import tensorboard_zip
from pages.runlist.table import matching, runs_table
from pages.shell.cards import differing_rows
from tests.drawn import draw
from tests.pages.driving import Open, words
from tests.pages.tiny_runs import make_run, write_weights
from tests.pages.training_lab import TINY, reported_run
from vaelab.config import TrainConfig, replace
from vaelab.runs.archive import export_zip
from vaelab.runs.store import RUNS_DIR, Run, RunStatus, list_runs
from vaelab.runs.trash import trash

PAGE = "runs.py"


def opened_with(open_app: Open, *names: str) -> AppTest:
    """The page with runs ticked."""
    app = open_app(PAGE)
    table = app.dataframe[0]
    places = [list(table.value["Run"]).index(name) for name in names]
    app.session_state[table.key] = {"selection": {"rows": places, "columns": [], "cells": []}}
    app.run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> AppTest:
    """Press the button with this key."""
    return next(button for button in app.button if button.key == key).click().run()


def test_an_empty_store_says_what_to_do(open_app: Open) -> None:
    app = open_app(PAGE)
    assert not app.exception
    assert "no run yet" in app.markdown[0].value


def test_every_run_is_a_row_and_damaged_ones_say_why(lab: Path, open_app: Open) -> None:
    reported_run(lab, "one")
    broken = reported_run(lab, "two")
    (broken.dir / "config.json").write_text("{", encoding="utf-8")
    app = open_app(PAGE)
    table = app.dataframe[0].value.set_index("Run")
    assert table.loc["one", "PSNR"] == 18.5
    assert table.loc["two", "State"] == "damaged"
    assert "config.json" in table.loc["two", "Notes"]


@pytest.mark.parametrize(
    ("loss", "text"),
    [(0.01234, "0.01234"), (0.0, "0.0"), (21.0, "21.00"), (-67554.4, "−67,554.4"), (-0.5, "−0.5000")],
)
def test_small_and_large_losses_are_readable_and_stay_numbers(
    lab: Path, open_app: Open, loss: float, text: str
) -> None:
    reported_run(lab, "one").append_metrics("validation", 1_600, loss=loss)
    reported_run(lab, "two")
    table = open_app(PAGE).dataframe[0]
    shown = convert_arrow_bytes_to_pandas_df(table.proto.arrow_data.styler.display_values)
    assert text in shown["Held-out loss"].tolist()
    assert sorted(table.value["Held-out loss"]) == sorted([loss, 21.0])


def test_a_run_that_was_stopped_is_called_so_everywhere(lab: Path, open_app: Open) -> None:
    run = make_run(lab, "halted", state="stopped")
    assert runs_table([run])["State"].tolist() == ["stopped"]
    assert "badge[:material/stop_circle: stopped]" in words(opened_with(open_app, "halted"))
    assert "orange-badge[stopped]" in words(open_app("models.py"))
    assert "halted (stopped, 12,000 images)" in next(
        box.options for box in open_app().selectbox if box.label == "Model"
    )


def test_runs_of_other_sizes_of_the_same_faces_are_not_said_to_show_others(lab: Path, open_app: Open) -> None:
    def trained(name: str, size: int, num_faces: int) -> None:
        draw(lab / "data" / name, num_faces, 20, size)
        config = replace(TrainConfig(recipe="tiny"), **{**TINY, "datasets": (name,), "size": size})
        run = Run.create(config, RUNS_DIR, name)
        run.write_status(RunStatus("done", 160))
        write_weights(run, seed=1)

    told = "each shows held-out faces of its own"
    trained("drawn-16", 16, 200)
    trained("larger-32", 32, 200)
    assert told not in words(opened_with(open_app, "drawn-16", "larger-32"))
    trained("others-16", 16, 80)
    assert told in words(opened_with(open_app, "drawn-16", "others-16"))


def test_a_search_finds_all_words_in_any_column(lab: Path) -> None:
    reported_run(lab, "one").set_record(["Baseline"], "first try")
    reported_run(lab, "two").set_record([], "second try")
    table = runs_table(list_runs(RUNS_DIR))
    assert matching(table, "TRY base")["Run"].tolist() == ["one"]
    assert len(matching(table, "try")) == 2
    assert matching(table, "third").empty


def test_tags_and_notes_are_kept_in_the_run(lab: Path, open_app: Open) -> None:
    run = reported_run(lab, "one")
    app = opened_with(open_app, "one")
    app.text_area[0].set_value("worth keeping").run()
    assert run.notes == "worth keeping"
    assert app.dataframe[0].value["Run"].tolist() == ["one"]


def test_long_notes_and_what_others_write_meanwhile_stay_whole(lab: Path, open_app: Open) -> None:
    """An imported run's card became its notes; cards have thousands of letters."""
    run = reported_run(lab, "one")
    card = "A card of a model. " * 600
    run.set_record(notes=card)
    app = opened_with(open_app, "one")
    assert app.text_area[0].value == card.strip()
    app.text_area[0].set_value(card + "More.").run()
    assert run.notes == card + "More."
    run.set_record(notes="from the command line")
    next(box for box in app.multiselect if box.label == "Tags").set_value(["kept"]).run()
    assert (run.tags, run.notes) == (("kept",), "from the command line")


def test_delete_can_be_undone(lab: Path, open_app: Open) -> None:
    reported_run(lab, "one")
    reported_run(lab, "two")
    app = press(opened_with(open_app, "two"), "runs.delete")
    assert [run.id for run in list_runs(RUNS_DIR)] == ["one"]
    press(app, "runs.undo")
    assert {run.id for run in list_runs(RUNS_DIR)} == {"one", "two"}


def test_what_was_deleted_is_listed_for_everybody_and_can_be_brought_back(lab: Path, open_app: Open) -> None:
    """The bar with Undo belongs to one visit: a reload loses it, and another tab never had it."""
    folders = [trash(reported_run(lab, name)).name for name in ("one", "two")]
    app = open_app(PAGE)
    assert "Deleted (2)" in [box.label for box in app.expander]
    assert "**one** · 20" in words(app)
    press(app, f"runs.restore.{folders[0]}")
    assert not app.exception
    assert [run.id for run in list_runs(RUNS_DIR)] == ["one"]
    press(app, f"runs.restore.{folders[1]}")
    assert not any(button.label == "Bring back" for button in app.button)
    assert {run.id for run in list_runs(RUNS_DIR)} == {"one", "two"}


@pytest.mark.parametrize("name", ["status.json", "config.json", "record.json"])
def test_a_damaged_run_says_what_is_wrong_and_can_be_deleted(lab: Path, open_app: Open, name: str) -> None:
    run = reported_run(lab, "broken")
    (run.dir / name).write_text("{", encoding="utf-8")
    app = opened_with(open_app, "broken")
    assert name in app.error[0].value
    press(app, "runs.delete")
    assert list_runs(RUNS_DIR) == []
    press(app, "runs.undo")
    assert list_runs(RUNS_DIR) == [Run(RUNS_DIR / "broken")]


@pytest.mark.parametrize("state", ["running", "queued", "paused"])
def test_a_run_under_way_cannot_be_deleted(lab: Path, open_app: Open, state: str) -> None:
    reported_run(lab, "one", state)
    app = opened_with(open_app, "one")
    assert next(button for button in app.button if button.key == "runs.delete").disabled


def test_several_runs_are_compared(lab: Path, open_app: Open) -> None:
    reported_run(lab, "one")
    reported_run(lab, "two", learning_rate=2e-3)
    app = opened_with(open_app, "one", "two")
    assert not app.error
    assert "2 runs compared" in [heading.value for heading in app.subheader]
    assert ["learning rate"] in [frame.value["Setting"].tolist() for frame in app.dataframe if "Setting" in frame.value]


def test_settings_and_reports_stand_side_by_side(lab: Path) -> None:
    runs = [reported_run(lab, "one"), reported_run(lab, "two", latent=8)]
    assert differing_rows(runs)[["one", "two"]].to_numpy().tolist() == [["4", "8"]]
    table = merged({"one": {"psnr": {"mean": 20.0, "low": 19.0, "high": 21.0, "n": 50}}, "two": {"accuracy": 0.5}})
    assert table.set_index("Measure").loc["psnr"].tolist() == ["20 (19 to 21), n = 50", "–"]


def test_an_exported_run_comes_back_and_a_hostile_archive_does_not(lab: Path, open_app: Open) -> None:
    run = reported_run(lab, "one")
    app = open_app(PAGE)
    app.file_uploader[0].upload("one.zip", export_zip(run), "application/zip").run()
    app = press(app, "runs.import.go")
    assert not app.error, app.error[0].value
    assert len(list_runs(RUNS_DIR)) == 2
    evil = io.BytesIO()
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("one/../../evil.json", "{}")
    app = open_app(PAGE)
    app.file_uploader[0].upload("evil.zip", evil.getvalue(), "application/zip").run()
    app = press(app, "runs.import.go")
    assert app.error
    assert len(list_runs(RUNS_DIR)) == 2
    assert not (lab.parent / "evil.json").exists()


def test_event_files_are_packed(lab: Path) -> None:
    run: Run = reported_run(lab, "one")
    with zipfile.ZipFile(io.BytesIO(tensorboard_zip(run))) as archive:
        assert any("tfevents" in name for name in archive.namelist())
