"""The train page: the form made from the settings, and the live view of a run in each of its states."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import NumberInput

from pages.launch.draft import Draft
from pages.live.history import event_words, kl_strip, panel, regions_panel, thinned
from pages.live.view import tick_seconds
from pages.live.words import LOOKS, duration, size_in_words
from tests.pages.driving import Open, words
from tests.pages.training_lab import prepare_data, reported_run
from vaelab import jobs
from vaelab.cli.training import add_parser
from vaelab.config import options
from vaelab.jobs import needs
from vaelab.recipe_notes import LOSSES_IN_SHORT, resampling_words
from vaelab.recipes import RECIPES
from vaelab.runs.store import STATES, TICKET, Run, RunStatus

PAGE = "train.py"


def test_every_setting_has_a_widget_with_its_help(open_app: Open) -> None:
    app = open_app(PAGE)
    assert not app.exception
    kinds = (app.number_input, app.selectbox, app.toggle, app.text_input, app.multiselect)
    helps = {widget.help for kind in kinds for widget in kind}
    assert {about.help for *_, about in options(RECIPES["first-minute"])} <= helps


def test_a_recipe_fills_the_form_and_the_command_line(open_app: Open) -> None:
    app = open_app(PAGE)
    next(box for box in app.selectbox if box.label == "Recipe").set_value("dbvae").run()
    beta = next(box for box in app.number_input if box.label.startswith("Beta ("))
    assert beta.value == pytest.approx(RECIPES["dbvae"].loss.beta)
    assert app.code[0].value == "python -m vaelab train --recipe dbvae"
    next(box for box in app.number_input if box.label == "Batch size (images)").set_value(32).run()
    assert app.code[0].value == "python -m vaelab train --recipe dbvae --batch-size 32"
    assert any(box.label == "Batch size (images) :gray[· recipe 64]" for box in app.number_input)


def field(app: AppTest, label: str) -> NumberInput:
    """The field of this number, whether it stands at the recipe's value or not."""
    return next(box for box in app.number_input if box.label.split(" :gray[")[0] == label)


@pytest.mark.parametrize(
    ("label", "value", "told"),
    [
        ("Size (pixels)", 70, "multiple of 16"),
        ("Batch size (images)", 999_999, "expected 2 to 65536 images"),
        ("Learning rate", -1.0, "expected 1e-08 to 1"),
        ("Num images (images)", 1e12, "num_images is 1e+12 images"),
        ("Depth (blocks)", 1.5, "depth is 1.5; expected a whole number"),
    ],
)
def test_a_mistake_is_told_beside_its_field_and_nothing_is_started(
    open_app: Open, monkeypatch: pytest.MonkeyPatch, label: str, value: float, told: str
) -> None:
    monkeypatch.setattr(jobs, "start", lambda *_, **__: pytest.fail("a training was started"))
    app = open_app(PAGE)
    field(app, label).set_value(value).run()
    assert any(told in text.value and ":red[" in text.value for text in app.markdown)
    next(button for button in app.button if button.key == "launch.go").click().run()
    assert not app.exception
    assert "Nothing was started" in app.toast[0].value
    assert told in app.error[0].value
    assert field(app, label).value == value


def test_the_sidebar_refuses_a_mistake_underneath_its_button(open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "start", lambda *_, **__: pytest.fail("a training was started"))
    app = open_app("models.py")
    field(app, "Latent (numbers)").set_value(0).run()
    next(button for button in app.button if button.key == "launch.side.go").click().run()
    assert "Nothing was started" in app.toast[0].value
    assert "latent is 0 numbers" in app.error[0].value


def test_an_emptied_number_is_the_recipes_again_and_says_so(open_app: Open) -> None:
    app = open_app(PAGE)
    for value in (64, None):
        field(app, "Batch size (images)").set_value(value).run()
    assert app.toast[0].value == "Batch size is the recipe's again: 32."
    assert field(app, "Batch size (images)").value == 32
    assert "--batch-size" not in app.code[0].value


def test_two_mistakes_are_both_told() -> None:
    config, troubles = Draft("dbvae").changed("batch_size", 33).changed("learning_rate", 5.0).settled()
    assert config is None
    assert set(troubles) == {"batch_size", "learning_rate"}


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_the_command_line_gives_the_same_settings(recipe: str) -> None:
    draft = Draft(recipe, name="mine").changed("learning_rate", 1e-3 / 3).changed("flip", False)
    draft = draft.changed("datasets", ("a b", "c")).changed("batch_size", 48)
    import argparse
    import shlex

    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    parsed = vars(parser.parse_args(shlex.split(draft.command())[3:]))
    given = {name.removeprefix("setting_"): value for name, value in parsed.items() if name.startswith("setting_")}
    assert {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()} == dict(draft.changes)
    assert parsed["recipe"] == recipe
    assert parsed["name"] == "mine"


def test_a_change_back_to_the_recipe_is_no_change() -> None:
    assert Draft("cnn").changed("batch_size", 32).changed("batch_size", 64).changes == {}


def test_train_starts_what_was_drafted(lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_data(lab, 40)
    started: list[Any] = []

    def start(config: Any, *, name: str | None, root: Path) -> Run:
        started.append((config, name))
        return reported_run(lab, name or "unnamed", "done")

    monkeypatch.setattr(jobs, "start", start)
    app = open_app(PAGE)
    next(box for box in app.text_input if box.label == "Name of the run").set_value("mine").run()
    next(box for box in app.number_input if box.label == "Latent (numbers)").set_value(32).run()
    next(button for button in app.button if button.key == "launch.go").click().run()
    assert not app.exception
    ((config, name),) = started
    assert (config.model.latent, name) == (32, "mine")
    assert app.header[0].value == "mine"
    assert app.query_params["run"] in ("mine", ["mine"])


@pytest.mark.parametrize("state", STATES)
def test_each_state_has_its_look(lab: Path, open_app: Open, state: str) -> None:
    run = reported_run(lab, "watched", "running" if state == "lost" else state, message="what happened")
    if state == "lost":
        run.replace_status(run.status.__class__(state="running", host="elsewhere", updated=1.0))
    app = open_app(PAGE, run="watched")
    assert not app.exception
    assert run.status.state == state
    assert LOOKS[state].icon
    assert state in words(app)
    buttons = {button.label for button in app.button}
    expected = {
        "queued": {"Leave the queue"},
        "running": {"Pause", "Stop", "Save now"},
        "paused": {"Resume", "Stop", "Save now"},
        "done": set(),
    }.get(state, {"Resume"})
    assert expected <= buttons
    assert ("Resume" in buttons) == (state in ("paused", "stopped", "failed", "lost"))
    assert "beta 1 → 2" in words(app)
    if state in ("failed", "lost"):
        assert app.error


def test_requests_reach_the_run(lab: Path, open_app: Open) -> None:
    run = reported_run(lab, "watched", "running")
    app = open_app(PAGE, run="watched")
    next(button for button in app.button if button.label == "Pause").click().run()
    assert run.control.pause is True
    assert "Asked for: pause" in words(app)
    next(box for box in app.number_input if box.label == "Beta").set_value(3.0).run()
    next(button for button in app.button if button.label == "Apply").click().run()
    assert run.control.beta == 3.0
    next(button for button in app.button if button.label == "Stop").click().run()
    assert run.is_cancel_requested


def test_a_setting_that_the_run_cannot_have_is_told_and_not_asked_for(lab: Path, open_app: Open) -> None:
    run = reported_run(lab, "watched", "running")
    app = open_app(PAGE, run="watched")
    field(app, "Learning rate").set_value(-1.0).run()
    next(button for button in app.button if button.label == "Apply").click().run()
    assert not app.exception
    assert app.error[0].value == "learning_rate is -1; expected 1e-08 to 1"
    assert "marked red" in app.toast[0].value
    assert run.control.learning_rate is None
    assert field(app, "Learning rate").value == -1.0


@pytest.mark.parametrize("state", ["queued", "running"])
def test_runs_that_this_machine_could_not_train_leave_the_launcher_whole(lab: Path, open_app: Open, state: str) -> None:
    prepare_data(lab)
    stranger = reported_run(lab, "stranger", state, device="mps")
    if state == "queued":
        stranger.replace_status(RunStatus("queued", host="another"))
        (stranger.dir / TICKET).write_text('{"since": 1}')
    newer = reported_run(lab, "newer", state)
    path = newer.dir / "config.json"
    path.write_text(path.read_text().replace('"latent"', '"latent_of_tomorrow"'))
    for app in (open_app("runs.py"), open_app(PAGE)):
        assert not app.exception
        assert not app.error
        assert "It starts at once, on the cpu." in words(app)
    app = open_app(PAGE, run="stranger")
    assert not app.error
    assert ("Waiting, next in line." in words(app)) == (state == "queued")


def test_a_run_that_waits_for_a_device_which_became_free_begins_by_itself(
    lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that trained before was killed, and nobody told the queue."""
    run = reported_run(lab, "next", "queued")
    (run.dir / TICKET).write_text('{"since": 1}')
    queue = importlib.import_module("vaelab.jobs.queue")
    monkeypatch.setattr(queue, "_launch", lambda run: run.write_status(RunStatus("running")))
    open_app("models.py")
    assert run.status.state == "running"


def test_a_time_measured_beside_a_training_says_so_and_is_measured_again(
    lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs, "_probe", lambda *_: needs.Probe(2.0, 0.1, 0.08, 0.2, 0.001, 500 * 2**20, 4_000_000, 0))
    run = reported_run(lab, "busy", "running")
    assert "Measure on this machine" in [button.label for button in open_app(PAGE).button]
    needs.estimate(RECIPES["first-minute"])
    app = open_app(PAGE)
    assert "beside the training that was at work when it was measured" in words(app)
    assert "Measure again" in [button.label for button in app.button]
    run.write_status(RunStatus("done"))
    needs.estimate(RECIPES["first-minute"], anew=True)
    assert "while nothing else runs" in words(open_app(PAGE))


def test_a_run_without_reports_and_a_missing_one_are_explained(lab: Path, open_app: Open) -> None:
    run = reported_run(lab, "young", "running")
    (run.dir / "metrics.jsonl").unlink()
    assert "first report" in words(open_app(PAGE, run="young"))
    assert "not on this machine" in words(open_app(PAGE, run="nobody"))


def test_a_damaged_report_is_told_and_left_out(lab: Path, open_app: Open) -> None:
    run = reported_run(lab, "torn", "done")
    with (run.dir / "metrics.jsonl").open("ab") as file:
        file.write(b'{"kind": "train", "images_se\n\x00\xff\n')
    app = open_app(PAGE, run="torn")
    assert not app.exception
    assert "2 damaged lines (13, 14)" in app.warning[0].value


def test_lines_are_thinned_without_losing_a_spike() -> None:
    values = np.sin(np.arange(20_000) / 500)
    values[12_345] = 9.0
    kept = thinned(values)
    assert len(kept) <= 1_500
    assert {0, 12_345, 19_999} <= set(kept.tolist())


def test_reports_become_lines_and_strips() -> None:
    rows = [{"kind": "train", "images_seen": at, "kl": at / 10} for at in (10, 20)]
    rows += [{"kind": "validation", "images_seen": 20, "kl": 1.0, "kl_per_dim": [0.1, 0.7]}]
    lines = panel(rows, "kl")["lines"]
    assert [(line["name"], line["x"], line["y"]) for line in lines] == [
        ("training", [10.0, 20.0], [1.0, 2.0]),
        ("held out", [20.0], [1.0]),
    ]
    assert kl_strip(rows)["latent"].tolist() == [1, 0]


def regions(eyes: float) -> dict[str, Any]:
    """What a validation reports of the regions of the face."""
    lead = {"mean": eyes - 0.5, "low": eyes - 0.52, "high": eyes - 0.48}
    return {"n": 200, "explained": {"eyes": eyes, "nose": 0.5}, "rest_of_face": 0.5, "eyes_lead": lead}


def test_regions_are_lines_over_the_validations() -> None:
    rows = [{"kind": "validation", "images_seen": images, "regions": regions(images / 100)} for images in (10, 60)]
    eyes, nose = regions_panel([*rows, {"kind": "validation", "images_seen": 70}])["lines"]
    assert (eyes["name"], eyes["x"], eyes["y"]) == ("eyes", [10, 60], [0.1, 0.6])
    assert nose["y"] == [0.5, 0.5]
    assert eyes["ink"] != nose["ink"]


def test_the_eyes_get_their_verdict_and_a_random_backbone_its_warning(open_app: Open, tmp_path: Path) -> None:
    run = reported_run(tmp_path, "looks", model="vgg19", size=32, backbone="random")
    run.append_metrics("validation", 1_600, regions=regions(0.6))
    app = open_app(PAGE, run="looks")
    assert not app.exception
    assert "eyes come out clearer" in words(app)
    assert "Are the eyes clearer than the rest?" in words(app)
    assert LOSSES_IN_SHORT in words(app)
    assert "RANDOM BACKBONE" in " ".join(box.value for box in app.warning)


def test_debiasing_says_how_faces_come_to_be_drawn(open_app: Open, tmp_path: Path) -> None:
    run = reported_run(tmp_path, "fair", model="dbvae", aggregation="max")
    assert resampling_words(run.config.debias) in words(open_app(PAGE, run="fair"))


def test_all_yes_or_no_labels_share_a_table_of_what_is_drawn(open_app: Open, tmp_path: Path) -> None:
    run = reported_run(tmp_path, "fair", model="dbvae", aggregation="max")
    half = {"data": 0.5, "drawn": 0.5}
    groups = {"skin": {"dark": half, "light": half}, "male": {"True": {"data": 0.4, "drawn": 0.6}, "False": half}}
    groups["bald"] = {"True": {"data": 0.1, "drawn": 0.2}, "False": half}
    known = {"effective_sample_size": 80.0, "effective_share": 0.4, "num_active": 3, "largest_prob_times_faces": 9.0}
    run.append_metrics("resampling", 1_600, **known, most_drawn=[], least_drawn=[], groups=groups)
    app = open_app(PAGE, run="fair")
    assert not app.exception
    tables = [table.value for table in app.dataframe if "In the data" in table.value]
    assert [table.iloc[:, 0].name for table in tables] == ["Skin", "Labelled yes"]
    assert "Draws are worth 80 faces (40.0% of all), weighted by 3 latents." in words(app)
    run.append_metrics("resampling", 3_200, **{**known, "num_active": 1}, groups={})
    assert "weighted by 1 latent." in words(open_app(PAGE, run="fair"))
    assert tables[1].to_numpy().tolist() == [["male", 0.4, 0.6], ["bald", 0.1, 0.2]]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"what": "learning_rate", "old": 1e-3, "new": 5e-4}, "learning rate 0.001 → 0.0005"),
        ({"what": "pause", "old": False, "new": True}, "pause"),
        ({"what": "save_now"}, "save now"),
    ],
)
def test_events_are_told_in_words(event: dict[str, Any], told: str) -> None:
    assert event_words(event) == told


def test_durations_and_sizes_are_told_in_words() -> None:
    assert [duration(s) for s in (5, 720, 12_000, 180_000)] == ["5 s", "12 min", "3 h 20 min", "2 d 2 h"]
    assert [size_in_words(b) for b in (12, 640_000, 12e6, 1.44e9)] == ["12 bytes", "640 kB", "12 MB", "1.4 GB"]


@pytest.mark.parametrize(
    ("report_every", "images_per_second", "tick"),
    [(100, 1000.0, 1.0), (800, 300.0, 2.0), (800, 105.0, 4.0), (10_000, 50.0, 4.0)],
)
def test_the_live_view_ticks_no_slower_than_reports_come(
    lab: Path, report_every: int, images_per_second: float, tick: float
) -> None:
    run = reported_run(lab / "checkpoints", "mine", "running", report_every=report_every)
    assert tick_seconds(run, []) == 1.0
    assert tick_seconds(run, [{"images_per_second": images_per_second}]) == tick
