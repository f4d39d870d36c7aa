"""The folder of an audit: what is done, what is missing, and what a damaged file says."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.pages.tiny_audits import make_audit
from vaelab.audit.store import AUDITS_DIR, Audit, find_audit, list_audits
from vaelab.errors import DataError, RunError
from vaelab.runs.status import RunStatus


def test_scores_hold_the_seeds_that_all_arms_have(tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "one", seeds=3)
    audit.scores_path("test", "B", 1).unlink()
    scores = audit.scores("test")
    assert scores.seeds == (0, 2)
    assert np.array_equal(scores.faces[1, 1], audit.read_scores("test", "B", 2)["faces"])
    assert audit.missing("test") == [("B", 1)]
    assert audit.scores("test", ["C", "A"]).seeds == (0, 1, 2)
    assert audit.scores("val").seeds == (0, 1, 2)
    assert not audit.is_scored("B", 1)


def test_labels_come_back_as_they_were(tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "one", seeds=1)
    table = pd.DataFrame(
        {
            "image_id": ["01", "2", "x"],
            "dataset": "d",
            "race": ["None", None, "NA"],
            "age": ["3-9", "more than 70", None],
            "sex": ["1", "2", "2"],
            "is_glad": ["true", None, "false"],
        }
    )
    audit.write_pictures("test", "faces", table.assign(smiling=[True, False, True], ita=[12.25, np.nan, -30.5]))
    found = audit.pictures("test", "faces")
    expected = table.assign(smiling=["True", "False", "True"], ita=["12.25", None, "-30.5"])
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert list(found["image_id"]) == ["01", "2", "x"]


def test_an_audit_that_does_not_know_its_calibration_negatives_can_be_read(tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "one", seeds=2)
    number = audit.scores("test").calibration.shape[-1]
    path = audit.dir / "scores" / "calibration.csv.gz"
    path.unlink(missing_ok=True)
    assert audit.scores("test").calibration_classes is None
    ids = [f"{number}.jpg" for number in range(number)]
    audit.write_calibration(
        pd.DataFrame({"image_id": ids, "dataset": "d", "object_words": ["goose", None] * (number // 2)})
    )
    classes = audit.scores("test").calibration_classes
    assert classes is not None
    assert list(classes[:3]) == ["goose", "", "goose"]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="resume the audit, which writes it anew"):
        audit.scores("test")


def test_without_members_a_shipped_audit_is_whole(tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "one", seeds=2)
    assert not (audit.dir / "members").exists()
    (audit.dir / "status.json").unlink()
    opened = Audit.open(audit.dir)
    assert opened.status.state == "done"
    assert opened.scores("test").faces.shape[:2] == (3, 2)
    assert opened.member("A", 0) is None
    assert opened.exposure("C", 1) is not None


def test_every_change_after_the_beginning_is_kept(tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "one", seeds=2)
    about = json.loads((audit.dir / "experiment.json").read_text())
    del about["history"], about["experiment"]["fpr"]
    (audit.dir / "experiment.json").write_text(json.dumps(about))  # as an earlier version wrote it
    assert audit.experiment.fpr == 0.01
    assert [entry["date"] for entry in audit.history] == [about["created"]]

    def write(**changes: object) -> None:
        audit.write_experiment(replace(audit.experiment, **changes), audit.splits, audit.data_fingerprints, "")

    write()
    assert len(audit.history) == 1
    write(seeds=(0, 1, 2))
    write(columns=("gender",))
    write(seeds=(0, 1), columns=("race",))
    assert [(entry["seeds"], entry["columns"]) for entry in audit.history] == [
        ([0, 1], ["race"]), ([0, 1, 2], ["race"]), ([0, 1, 2], ["gender"]), ([0, 1], ["race"]),
    ]  # fmt: skip
    assert audit.scored("test") == [(arm, seed) for arm in "ABC" for seed in (0, 1)]


def test_a_process_that_is_gone_shows_as_lost(tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "one", seeds=1)
    audit.write_status(RunStatus("running"), pid=2**22 + 1)
    assert audit.status.state == "lost"
    audit.write_status(RunStatus("running"), pid=os.getpid())
    assert audit.status.is_alive


def test_audits_are_listed_and_found_by_name(tmp_path: Path) -> None:
    root = tmp_path / AUDITS_DIR
    assert list_audits(root) == []
    with pytest.raises(RunError, match="none yet"):
        find_audit("one", root)
    make_audit(tmp_path, "one", seeds=1)
    make_audit(tmp_path, "two", seeds=1)
    assert {audit.name for audit in list_audits(root)} == {"one", "two"}
    assert find_audit("two", root).name == "two"
    with pytest.raises(RunError, match="one"):
        find_audit("three", root)
    with pytest.raises(RunError, match="already an audit"):
        make_audit(tmp_path, "one")


def test_damage_is_told_with_what_to_do(tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "one", seeds=1)
    audit.scores_path("test", "A", 0).write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"damaged.*resume"):
        audit.scores("test")
    with pytest.raises(DataError, match="no split 'train'"):
        audit.scores("train")
    with pytest.raises(DataError, match="no arm 'Z'"):
        audit.scores("test", ["Z"])
    about = json.loads((audit.dir / "experiment.json").read_text())
    about["experiment"]["base"]["optim"]["speed"] = 3
    (audit.dir / "experiment.json").write_text(json.dumps(about))
    with pytest.raises(RunError, match="speed"):
        _ = audit.experiment
