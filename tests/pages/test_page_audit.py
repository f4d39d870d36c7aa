"""The Audit page through Streamlit's own test driver: no audits, few seeds, odd groups, every part, links."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pages.auditing import headline, loading
from pages.auditing.files import lacking
from pages.auditing.views import curve_fprs
from tests.drawn import draw
from tests.pages.driving import Open, widget, words
from tests.pages.tiny_audits import make_audit
from vaelab.audit.report import writing
from vaelab.cli import main
from vaelab.evaluation.fairness.findings import Findings, find
from vaelab.evaluation.fairness.scores import Scores
from vaelab.evaluation.fairness.verdicts import Verdict
from vaelab.runs.status import RunStatus

PAGE = "audit.py"


FOUND: dict[tuple[object, ...], Findings] = {}


@pytest.fixture(autouse=True)
def _found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test makes its audit anew; what the same scores say is computed once."""

    def find_once(scores: Scores, columns: Sequence[str], fpr: float, **known: Any) -> Findings:
        key = (scores.faces.tobytes(), tuple(columns), fpr, *known.values())
        if key not in FOUND:
            FOUND[key] = find(scores, columns, fpr, resamples=60, **known)
        return FOUND[key]

    monkeypatch.setattr(loading, "find", find_once)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with one audit of six seeds, in which C lifts the lagging group; nobody writes to it."""
    root = tmp_path_factory.mktemp("planted")
    make_audit(root, "planted", gain=1.2)
    return root


@pytest.fixture
def audited(lab: Path, planted: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The app works in that folder."""
    monkeypatch.chdir(planted)
    return planted


def test_without_audits_it_says_what_one_is_and_offers_one(lab: Path, open_app: Open) -> None:
    app = open_app(PAGE)
    assert not app.exception
    assert "drawn uniformly" in words(app)
    assert [button.label for button in app.button if button.key == "audit.first"] == ["Set up the first audit"]
    app.button(key="audit.first").click().run()
    assert not app.exception
    assert not app.error
    assert app.button(key="audit.go").label == "Start the audit"
    assert "python -m vaelab audit first-audit --arms A B C --seeds 6 --by " in app.code[0].value


@pytest.mark.parametrize("values", [[True, False], ["true", "false"], ["1", "2"]])
def test_yes_or_no_labels_make_the_groups_that_the_command_prints(
    lab: Path, open_app: Open, capsys: pytest.CaptureFixture[str], values: list[Any]
) -> None:
    audit = make_audit(lab, f"glad-{values[0]}", seeds=1, sizes={"many": 120})
    for split in audit.splits:
        faces = audit.pictures(split, "faces")
        audit.write_pictures(split, "faces", faces.assign(glad=np.resize(values, len(faces))))
    experiment = replace(audit.experiment, columns=("glad",))
    audit.write_experiment(experiment, audit.splits, audit.data_fingerprints, audit.about["treatment"])
    app = open_app(PAGE)
    assert not app.exception
    assert not app.error
    assert widget(app.multiselect, "audit.columns").value == ["glad"]
    table = next(frame.value for frame in app.dataframe if "Standing" in frame.value)
    assert set(table["Group"]) == {str(value) for value in values}
    assert main(["audit", audit.name, "--resume"]) == 0
    printed = capsys.readouterr().out
    assert all(re.search(rf"^ *{group} +60 ", printed, re.MULTILINE) for group in table["Group"])


def test_the_verdict_comes_first(audited: Path, open_app: Open) -> None:
    app = open_app(PAGE)
    assert not app.exception
    assert not app.error
    sentences = [text.value for text in app.markdown if " against " in text.value and "paired seeds" in text.value]
    compared = [re.search(r"\] (. against .):", sentence) for sentence in sentences]
    assert [found and found[1] for found in compared] == ["B against A", "C against A", "C against B"]
    assert ": improved." in sentences[1]
    assert app.subheader[0].value == "Worst-group recall at 1 % false positives"
    said = words(app)
    assert "five (n = 5), fewer than 10 faces: only counted" in said
    assert "twenty (n = 20), 10 to 29 faces: shown, not summarised" in said
    assert "2,000 calibration negatives set thresholds at 1 % false positives; 10,000 are recommended" in "".join(
        warning.value for warning in app.warning
    )


def test_waiting_for_findings_takes_room_of_its_own(
    audited: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache's own spinner has no height, and lies on what the page showed before."""
    told: list[str] = []
    monkeypatch.setattr("streamlit.spinner", lambda text: told.append(text) or nullcontext())
    open_app(PAGE)
    assert "Resampling seeds and pictures" in told


def test_any_number_of_seeds(lab: Path, open_app: Open) -> None:
    shapes = {"begun": (6, 0), "one": (6, 1), "few": (3, 3), "many": (10, 10)}
    for name, (seeds, done) in shapes.items():
        make_audit(lab, name, seeds=seeds, done=done, negatives=300, fpr=0.05)
    app = open_app(PAGE, fpr="0.05", audit="begun")  # their primary rate
    assert "No seed is trained and scored under every arm yet" in app.info[0].value
    assert "Nobody is at work on it: **Resume**" in app.info[0].value
    for name in ("one", "few", "many"):
        seeds, done = shapes[name]
        widget(app.selectbox, "audit.audit").set_value(name).run()
        assert not app.exception
        assert not app.error
        assert f"{done} of {seeds} paired seeds" in words(app)
        assert ("too few data. With" in words(app)) == (done < 6)


PARTS = {
    "arms": "Gap by chance",
    "curves": "same 300 test negatives, from the rate that 10 of them pass",
    "threshold": "chosen on the test",
    "seeds": "each network of C",
    "exposure": "Every network has its own rarest fifth",
    "published": "Amini et al.",
    "report": "The report of this audit was not made yet",
    "fixed": "Not comparable across models",
}


def test_every_part_draws(audited: Path, open_app: Open) -> None:
    app = open_app(PAGE, fpr="0.05", view="arms")
    for view, expected in PARTS.items():
        if view != "arms":
            widget(app.segmented_control, "audit.view").set_value(view).run()
        assert not app.exception
        assert not app.error
        assert app.query_params["view"] == view
        assert expected in words(app) + "".join(warning.value for warning in app.warning)
        if view == "arms":
            compared = {name for table in app.dataframe for name in table.value.get("Compared", [])}
            assert {"B − A", "C, seed 5 − B, seed 5"} <= compared
        if view == "exposure":
            over_time = next(chart for chart in app.get("plotly_chart") if "over time" in chart.proto.alt)
            lines = [(line["line"]["color"], line["line"]["dash"]) for line in json.loads(over_time.proto.spec)["data"]]
            assert len(set(lines)) == len(lines) == 6, "no two seeds look alike"
        if view == "published":
            check_published(app.dataframe[0].value)


def test_comparisons_of_many_arms_have_the_sign_of_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(headline.st, "markdown", said.append)
    headline.verdicts([Verdict("A", later, "no evidence", "") for later in "BCDE"])
    assert said[0].endswith("in 4 of 4 comparisons: B − A, C − A, D − A, E − A.")


def check_published(table: pd.DataFrame) -> None:
    """Their numbers stand beside ours, with their false positives."""
    assert {"Amini et al. 2019", "replication", "this audit, threshold 0.5"} <= set(table["From"])
    replicated = table[(table["From"] == "replication") & table["Model"].str.startswith("DB-VAE")].iloc[0]
    assert (replicated["E[A], recall"], replicated["FPR"]) == ("96.40 %", "23.4 %")


def test_crossed_labels_make_intersections_with_their_empty_group(audited: Path, open_app: Open) -> None:
    app = open_app(PAGE, by="race~gender", fpr="0.05")
    assert not app.exception
    assert not app.error
    table = next(frame.value for frame in app.dataframe if "Standing" in frame.value)
    empty = table[table["Group"] == "twenty, Male"].iloc[0]
    assert (empty["Faces"], empty["A: recall"], empty["A: missed"]) == (0, "–", "–")


def test_a_rate_that_the_negatives_cannot_set_is_not_offered(audited: Path, open_app: Open) -> None:
    app = open_app(PAGE, fpr="0.001")
    assert not app.exception
    assert "At 0.1 % false positives this audit has too few calibration negatives" in app.info[0].value
    assert app.query_params["fpr"] == "0.01"


def test_at_another_rate_than_the_primary_one_nothing_is_ruled(audited: Path, open_app: Open) -> None:
    app = open_app(PAGE, fpr="0.05")
    assert not app.exception
    assert ":gray-badge[:material/visibility: no ruling] C against A: 5 % is not the primary rate" in words(app)
    assert "verdicts at 1 % false positives" in words(app)
    assert "counts 3 comparisons of 3 arms at one rate and grouping" in words(app)
    widget(app.segmented_control, "audit.fpr").set_value(0.01).run()
    assert "C against A: improved" in words(app)


def test_seeds_that_failed_are_told(lab: Path, open_app: Open) -> None:
    audit = make_audit(lab, "failing", seeds=2, negatives=300, fpr=0.05)
    for split in audit.splits:
        audit.scores_path(split, "C", 1).unlink()
    app = open_app(PAGE)
    assert "failed in" not in "".join(warning.value for warning in app.warning)
    audit.write_failure("C", 1, "diverged: an effective sample of 3 of 1000 faces")
    app.run()
    assert "C failed in 1 of 2 seeds (diverged: an effective" in "".join(warning.value for warning in app.warning)


def test_arms_that_were_left_out_are_told(lab: Path, open_app: Open) -> None:
    audit = make_audit(lab, "fewer", seeds=1, negatives=300, fpr=0.05)
    arms = {arm: settings for arm, settings in audit.experiment.arms.items() if arm != "B"}
    audit.write_experiment(replace(audit.experiment, arms=arms), audit.splits, audit.data_fingerprints, "")
    app = open_app(PAGE)
    assert "no longer names them: arm B (seed 0)" in "".join(warning.value for warning in app.warning)


def test_a_garbled_link_gives_a_note_for_each_part_and_the_page(audited: Path, open_app: Open) -> None:
    app = open_app(PAGE, audit="../x", split="train", by="shoe", fpr="2", view="nothing")
    assert not app.exception
    assert not app.error
    for note in ("false-positive rate is none of", "a part of the page that", "no audit of the name", "no split train"):
        assert note in app.info[0].value
    assert "groups by a label that these faces do not have" in app.info[0].value
    assert app.subheader


def test_missed_faces_are_those_that_most_networks_miss(audited: Path, open_app: Open) -> None:
    from pages.auditing.loading import findings_of, scores_of
    from pages.auditing.missed import chosen_in
    from vaelab.audit.store import find_audit

    app = open_app(PAGE, arm="A", group="sixty", fpr="0.05")
    assert not app.exception
    assert "not on this machine; scores and numbers are" in words(app)
    assert widget(app.selectbox, "audit.missed.group").value == "sixty"
    audit = find_audit("planted")
    found, scores = findings_of(audit, "test", ("race",), 0.05), scores_of(audit, "test")
    missed = found.recall("A", "sixty")
    thresholds = np.array(found.false_positives[0].thresholds)
    of_group = (scores.labels["race"] == "sixty").to_numpy()
    by_face = (scores.faces[0] <= thresholds[:, None]).sum(axis=0)[of_group]
    assert by_face.sum() == sum(missed.count - hits for hits in missed.hits)
    assert f"{(by_face > 0).sum()} of the 60 faces of sixty are missed" in words(app)
    assert chosen_in({"selection": {"points": [{"customdata": ["B", "many", 600]}]}}) == ("B", "many")
    assert chosen_in({"selection": {"points": []}}) is None


def test_an_audit_is_begun_from_the_form(lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(lab / "data" / "synthetic-64", 120, 900, 64)
    started = []
    monkeypatch.setattr("pages.auditing.launch.start_audit", started.append)
    app = open_app(PAGE)
    app.button(key="audit.first").click().run()
    with monkeypatch.context() as many:
        many.setattr("pages.auditing.launch.num_training_faces", lambda _: 40_000)
        app.slider(key="audit.new.seeds").set_value(2).run()
        assert app.button(key="audit.go").disabled
        assert "Arm C would hardly resample" in words(app)
    app.run()
    assert "--fpr 0.05" in app.code[0].value
    app.button(key="audit.go").click().run()
    assert not app.exception
    assert not app.error
    assert [audit.experiment.seeds for audit in started] == [(0, 1)]
    assert started[0].experiment.base.data.datasets == ("synthetic-64",)
    assert started[0].experiment.fpr == 0.05, "300 calibration negatives allow no lower rate"
    assert "0 of 6 networks trained and scored" in app.get("progress")[0].proto.text


@pytest.mark.parametrize(
    ("kind", "key", "told"),
    [
        ("button_group", "audit.new.arms", "Choose one arm at least."),
        ("multiselect", "audit.new.datasets", "Choose one data set at least."),
        ("multiselect", "audit.new.by.synthetic-64", "Choose one label at least"),
    ],
)
def test_a_cleared_choice_leaves_the_rest_of_the_form_as_it_was(
    lab: Path, open_app: Open, kind: str, key: str, told: str
) -> None:
    draw(lab / "data" / "synthetic-64", 120, 6_000, 64)
    app = open_app(PAGE)
    app.button(key="audit.first").click().run()
    app.selectbox(key="audit.new.images").set_value(128_000).run()
    widget(app.selectbox, "audit.new.fpr").set_value(0.05).run()
    app.selectbox(key="audit.new.aggregation").set_value("tempered").run()
    app.toggle(key="audit.new.plant.synthetic-64").set_value(True).run()
    next(slider for slider in app.slider if slider.key.startswith("audit.new.shares")).set_value(3.0).run()
    command = app.code[0].value
    choice = next(choice for choice in getattr(app, kind) if choice.key == key)
    chosen = choice.value
    choice.set_value([]).run()
    assert told in app.error[0].value
    next(choice for choice in getattr(app, kind) if choice.key == key).set_value(chosen).run()
    assert not app.error
    assert app.code[0].value == command
    assert all(part in command for part in ("--num-images 128000", "--fpr 0.05", "C.aggregation=tempered", "--plant"))


def test_curves_begin_where_ten_negatives_pass() -> None:
    fprs = curve_fprs(5255)
    assert fprs[0] == pytest.approx(10 / 5255)
    assert fprs[-1] == pytest.approx(1.0)
    assert not len(curve_fprs(10))


def test_a_report_is_made_of_what_is_on_screen(audited: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(writing, "write_report", lambda audit, *what: asked.append((audit.name, *what)))
    app = open_app(PAGE, view="report", fpr="0.05", split="val")
    app.button(key="audit.report.make").click().run()
    assert not app.exception
    assert not app.error
    assert asked == [("planted", "val", 0.05, ("race",))]


def test_a_report_that_fell_behind_says_so(tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "one", seeds=1, arms="A", negatives=300)
    found = loading.find(audit.scores("test"), ("race",), 0.05)
    path = audit.report_path("json")
    assert "not made yet" in lacking(path, found)
    path.write_text(json.dumps({"findings": {"seeds": [0], "arms": ["A"]}}))
    assert lacking(path, found) == ""
    path.write_text(json.dumps({"findings": {"seeds": [0, 1], "arms": ["A"]}}))
    assert "1 arms and 2 paired seeds; there are 1 and 1 now" in lacking(path, found)
    path.write_text("{")
    assert "damaged" in lacking(path, found)


def test_an_audit_that_was_asked_to_stop_says_that_it_does(lab: Path, open_app: Open) -> None:
    audit = make_audit(lab, "stopping", seeds=1, done=0)
    audit.write_status(RunStatus("running", message="preparing"))
    app = open_app(PAGE)
    assert "preparing" in words(app)
    app.button(key="audit.stop.stopping").click().run()
    assert audit.cancel_path.exists()
    assert app.button(key="audit.stop.stopping").disabled
    assert "It saves the members at work and ends." in words(app)


def test_stopped_audits_can_be_resumed(lab: Path, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = make_audit(lab, "stopped", done=2)
    audit.write_status(RunStatus("stopped", 1000, message="stopped on request"))
    resumed = []
    monkeypatch.setattr("pages.auditing.progress.begin", lambda experiment: experiment)
    monkeypatch.setattr("pages.auditing.progress.start_audit", resumed.append)
    app = open_app(PAGE)
    assert "stopped on request" in words(app)
    app.button(key="audit.resume.stopped").click().run()
    assert [experiment.name for experiment in resumed] == ["stopped"]
