"""Audits in this process: every member trained and scored, whatever stopped it on the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.audit.conftest import ARMS
from vaelab.audit import member as member_module
from vaelab.audit import runner as runner_module
from vaelab.audit.beginning import begin
from vaelab.audit.experiment import Experiment
from vaelab.audit.runner import run_experiment
from vaelab.audit.store import Audit
from vaelab.data.collection import Collection
from vaelab.data.mapping import LabelMapping
from vaelab.data.store import DatasetStore
from vaelab.errors import Cancelled, ConfigError, DataError, RunError
from vaelab.evaluation.fairness.findings import find
from vaelab.inference import FaceModel
from vaelab.runs.store import Run, RunStatus, list_runs

MakeExperiment = Callable[..., Experiment]


@pytest.fixture(scope="module")
def finished(tiny_experiment: MakeExperiment, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """An audit of three arms and two seeds, done."""
    audit = begin(tiny_experiment(), tmp_path_factory.mktemp("checkpoints") / "audits")
    run_experiment(audit)
    return audit


def same_scores(one: Audit, other: Audit) -> bool:
    """Whether all scores of an audit are those of another, bit for bit."""
    return all(
        np.array_equal(one.read_scores(split, *member)[name], values)
        for split in one.splits
        for member in one.experiment.members()
        for name, values in other.read_scores(split, *member).items()
    )


def test_every_member_is_scored_on_the_very_held_out_pictures(finished: Audit, tiny_data: Collection) -> None:
    assert not finished.missing("val")
    assert not finished.missing("test")
    scores = finished.scores("test")
    assert scores.arms == ("A", "B", "C")
    assert scores.seeds == (0, 1)
    rows = tiny_data.rows("test", is_face=True)
    assert list(scores.labels["image_id"]) == list(tiny_data.labels["image_id"].iloc[rows])
    assert list(scores.labels["skin"]) == list(tiny_data.labels["skin"].iloc[rows])
    run = finished.member("B", 1)
    assert run is not None
    model = FaceModel.load(run, with_latents=False)
    assert np.allclose(model.face_logit(tiny_data.pixels(rows)), scores.faces[1, 1], atol=1e-5)
    calibration = tiny_data.rows("calibration", is_face=False)
    assert np.allclose(model.face_logit(tiny_data.pixels(calibration)), scores.calibration[1, 1], atol=1e-5)
    assert scores.negatives.shape[2] == len(tiny_data.rows("test", is_face=False))


def test_the_class_of_each_negative_is_kept(finished: Audit, tiny_data: Collection) -> None:
    scores = finished.scores("test")
    for split, classes in (("test", scores.negative_classes), ("calibration", scores.calibration_classes)):
        assert classes is not None
        expected = tiny_data.labels["object_class"].iloc[tiny_data.rows(split, is_face=False)]
        assert list(classes) == list(expected)


def test_the_statistics_take_what_the_runner_gives(finished: Audit) -> None:
    found = find(finished.scores("test"), finished.experiment.columns, 0.1, resamples=20)
    assert found.arms == ("A", "B", "C")
    assert {group.name for group in found.groups} <= set(finished.pictures("test", "faces")["skin"])


def test_between_members_it_waits_for_trainings(
    tiny_experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = {"num_images": 32}
    audit = begin(tiny_experiment(arms={"A": ARMS["A"]}, seeds=(0,), settings=short), tmp_path / "audits")
    training = Run.create(audit.experiment.base, tmp_path, "someones")
    training.write_status(RunStatus("running"))
    waited = []

    def end_training(seconds: float) -> None:
        assert audit.member("A", 0) is None
        waited.append(seconds)
        training.write_status(RunStatus("done"))

    monkeypatch.setattr(runner_module.time, "sleep", end_training)
    run_experiment(audit)
    assert len(waited) == 1
    assert "waits for run someones" in (audit.dir / "log.txt").read_text(encoding="utf-8")


def test_members_are_no_runs_of_their_own(finished: Audit) -> None:
    assert not list_runs(finished.dir.parents[1])


def test_what_was_drawn_is_kept_for_arms_that_resample(finished: Audit) -> None:
    assert finished.exposure("A", 0) is None
    assert finished.exposure("B", 0) is None
    exposure = finished.exposure("C", 0)
    assert exposure is not None
    clocks = [row["images_seen"] for row in exposure["over_time"]]
    assert clocks == [64, 128]
    assert exposure["uniform_until"] == 64
    run = finished.member("C", 0)
    assert run is not None
    reports = run.metrics("resampling")
    for name, share in exposure["groups"]["skin"].items():
        drawn = [row["groups"]["skin"][name]["drawn"] for row in reports]
        expected = (64 * share["data"] + 64 * drawn[0] + 32 * drawn[1]) / 160
        assert share["drawn"] == pytest.approx(expected, abs=1e-5)
    assert sum(share["drawn"] for share in exposure["groups"]["skin"].values()) == pytest.approx(1, abs=1e-4)
    assert exposure["most_drawn"][0]["prob"] >= exposure["least_drawn"][0]["prob"]


def test_arms_with_latents_say_how_densely_each_face_lies(finished: Audit) -> None:
    assert finished.log_densities("test", "A") == {}
    densities = finished.log_densities("test", "C")
    assert set(densities) == {0, 1}
    assert all(density.shape == (finished.scores("test").num_faces,) for density in densities.values())
    assert np.std(densities[0]) > 0


def test_stopped_again_and_again_it_ends_with_the_same_scores(
    finished: Audit, tiny_experiment: MakeExperiment, tmp_path: Path
) -> None:
    audit = begin(tiny_experiment(seeds=(0,), settings={"checkpoint_every": 32, "report_every": 16}), tmp_path)
    stops = 0

    def stop_in_the_middle(arm: str, seed: int, report: dict[str, object]) -> None:
        if report["images_seen"] == 96:
            run = audit.member(arm, seed)
            assert run is not None
            run.request_cancel()

    for _ in range(20):
        try:
            run_experiment(audit, stop_in_the_middle)
        except Cancelled:
            stops += 1
            continue
        break
    assert stops == 3
    assert same_scores(audit, finished)


def test_killed_while_it_scores_it_scores_again(
    finished: Audit, tiny_experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = begin(tiny_experiment(arms={"B": {}}, seeds=(0,)), tmp_path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(member_module, "encoded_rows", killed)
        with pytest.raises(KeyboardInterrupt):
            run_experiment(audit)
    assert not audit.is_scored("B", 0)
    run_experiment(audit)
    arrays = audit.read_scores("test", "B", 0)
    assert np.array_equal(arrays["faces"], finished.read_scores("test", "B", 0)["faces"])


def test_added_arms_and_seeds_train_only_what_is_missing(
    finished: Audit, tiny_experiment: MakeExperiment, tmp_path: Path
) -> None:
    root = tmp_path / "audits"
    shutil.copytree(finished.dir, root / finished.name)
    trained: set[tuple[str, int]] = set()

    def note(arm: str, seed: int, report: dict[str, object]) -> None:
        trained.add((arm, seed))

    run_experiment(begin(tiny_experiment(arms={**ARMS, "D": {"beta": 2.0}}, seeds=(0,)), root), note)
    assert trained == {("D", 0)}
    audit = begin(tiny_experiment(arms={"A": ARMS["A"]}, seeds=(0, 1, 2)), root)
    run_experiment(audit, note)
    assert trained == {("D", 0), ("A", 2)}
    assert audit.scores("val").faces.shape[:2] == (1, 3)
    assert [list(entry["arms"]) for entry in audit.history] == [["A", "B", "C"], ["A", "B", "C", "D"], ["A"]]
    with pytest.raises(RunError, match=r"arm D .* was scored with settings \{'beta': 2.0\} before"):
        begin(tiny_experiment(arms={"A": ARMS["A"], "D": {"beta": 3.0}}, seeds=(0,)), root)


def test_a_search_given_away_with_one_split_goes_on_on_that_one(
    finished: Audit, tiny_experiment: MakeExperiment, tmp_path: Path
) -> None:
    root = tmp_path / "audits"
    given = root / finished.name
    shutil.copytree(finished.dir, given, ignore=shutil.ignore_patterns("members"))
    shutil.rmtree(given / "scores" / "test")
    about = json.loads((given / "experiment.json").read_text())
    (given / "experiment.json").write_text(json.dumps(about | {"splits": ["val"]}))
    trained: set[tuple[str, int]] = set()
    audit = begin(tiny_experiment(arms={**ARMS, "D": {"beta": 2.0}}, seeds=(0,)), root)
    run_experiment(audit, lambda arm, seed, report: trained.add((arm, seed)))
    assert trained == {("D", 0)}
    assert audit.scores("val").faces.shape[:2] == (1 + len(ARMS), 1)
    assert not (given / "scores" / "test").exists()


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ({"settings": {"beta": 2.0}}, "beta 1.0, not 2.0"),
        ({"arms": {"A": {"model": "cnn", "learning_rate": 1e-2}}}, "learning_rate"),
        ({"shares": {"skin": {"dark": 0.2, "light": 0.8}}}, "shares"),
        ({"fpr": 0.2}, "begun with fpr 0.1, not 0.2"),
    ],
)
def test_a_change_that_would_make_finished_members_untrue_is_refused(
    finished: Audit, tiny_experiment: MakeExperiment, entries: dict[str, object], word: str
) -> None:
    before = (finished.dir / "experiment.json").read_bytes()
    with pytest.raises(RunError, match=word):
        begin(tiny_experiment(**{"arms": {"A": ARMS["A"]}, **entries}), finished.dir.parent)
    assert (finished.dir / "experiment.json").read_bytes() == before


def test_planted_shares_thin_the_training_faces_alone(
    tiny_experiment: MakeExperiment, tmp_path: Path, data_dir: Path
) -> None:
    experiment = tiny_experiment(
        arms={"B": {}}, seeds=(0,), shares={"skin": {"dark": 0.1, "light": 0.9}}, settings={"num_images": 32}
    )
    audit = begin(experiment, tmp_path)
    run_experiment(audit)
    run = audit.member("B", 0)
    assert run is not None
    (name,) = run.config.data.datasets
    assert name.startswith("tiny-16-skin-")
    labels = DatasetStore.open(data_dir / name).labels
    training = labels[(labels["split"] == "train") & labels["is_face"]]["skin"].value_counts(normalize=True)
    assert training["dark"] == pytest.approx(0.1, abs=0.05)
    assert len(audit.pictures("test", "faces")) == len(audit.scores("test").labels)


def test_labels_mapped_by_the_user_stand_beside_the_others(tiny_experiment: MakeExperiment, tmp_path: Path) -> None:
    mapping = LabelMapping("pale", "skin", {"light": "yes", "dark": "no"})
    audit = begin(tiny_experiment(mappings=(mapping,), columns=("pale",)), tmp_path)
    table = audit.pictures("test", "faces")
    expected = table["skin"].map({"light": "yes", "dark": "no"})
    pd.testing.assert_series_equal(table["pale"], expected, check_names=False)


@pytest.mark.parametrize(
    ("entries", "error", "word"),
    [
        ({"columns": ("tribe",)}, DataError, "tribe"),
        ({"settings": {"refresh_every": 150}}, ConfigError, "arm C would hardly resample"),
        ({"shares": {"tribe": {"x": 1.0}}}, DataError, "tribe"),
        ({"test_datasets": ("absent-16",)}, DataError, "absent-16"),
        ({"fpr": 0.01}, ConfigError, "need 1,000: take another rate, such as 0.05"),
    ],
)
def test_what_could_not_end_well_does_not_begin(
    tiny_experiment: MakeExperiment, tmp_path: Path, entries: dict[str, object], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        begin(tiny_experiment(**entries), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_member_that_diverges_is_passed_over(tiny_experiment: MakeExperiment, tmp_path: Path) -> None:
    arms = {"A": ARMS["A"], "C": {"aggregation": "product", "alpha": 1e-9, "min_effective_share": 0.9}}
    audit = begin(tiny_experiment(arms=arms, seeds=(0,)), tmp_path)
    run_experiment(audit)
    assert audit.missing("test") == [("C", 0)]
    run = audit.member("C", 0)
    assert run is not None
    assert run.status.state == "failed"
    assert audit.failures()["C", 0].startswith("diverged: resampling by product leaves an effective sample")
    (audit.dir / "failures" / "C-0.json").unlink()  # as an earlier version left it
    assert audit.failures()["C", 0].startswith("diverged: resampling by product leaves an effective sample")
    assert audit.scores("test", ["A"]).arms == ("A",)
    with pytest.raises(DataError, match="no seed yet"):
        audit.scores("test")
