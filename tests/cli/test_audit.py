"""`audit`: flags to experiment, findings to lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cli.conftest import Answer
from tests.pages.tiny_audits import make_audit
from vaelab.audit.store import AUDITS_DIR, Audit
from vaelab.cli import build_parser
from vaelab.cli.audit import experiment_of
from vaelab.errors import ConfigError

Vaelab = Callable[..., Answer]


@pytest.fixture
def tiny(data_dir: Path, tmp_path: Path) -> list[str]:
    """Flags of an audit that takes seconds."""
    flags = {"root": tmp_path / "audits", "datasets": "tiny-16", "data-dir": data_dir, "size": 16, "latent": 4}
    flags |= {"batch-size": 16, "num-images": 96, "refresh-every": 48, "by": "skin", "fpr": 0.1, "device": "cpu"}
    return [word for name, value in flags.items() for word in (f"--{name}", str(value))]


def test_flags_make_the_experiment(tiny: list[str]) -> None:
    words = ["x", "--arms", "A", "C", "D", "--seeds", "3", "--beta", "2", "--set", "C.aggregation=tempered"]
    words += ["C.effective_share=0.3", "D.beta=7", "--plant", "skin", "light=0.9", "rest"]
    experiment = experiment_of(build_parser().parse_args(["audit", *words, *tiny]))
    assert experiment.seeds == (0, 1, 2)
    assert experiment.arms["C"] == {"aggregation": "tempered", "effective_share": 0.3}
    assert experiment.config_of("D", 0).loss.beta == 7.0
    assert experiment.config_of("A", 0).loss.beta == 2.0
    assert experiment.config_of("A", 0).model.model == "cnn"
    assert experiment.shares["skin"]["light"] == 0.9
    assert sum(experiment.shares["skin"].values()) == pytest.approx(1.0)
    assert experiment.columns == ("skin",)
    assert experiment.fpr == 0.1


def test_one_number_is_how_many_seeds_and_several_are_the_seeds(tiny: list[str]) -> None:
    parse = build_parser().parse_args
    assert experiment_of(parse(["audit", "x", "--seeds", "2", *tiny])).seeds == (0, 1)
    assert experiment_of(parse(["audit", "x", "--seeds", "2", "5", *tiny])).seeds == (2, 5)
    assert len(experiment_of(parse(["audit", "x", *tiny])).seeds) == 6
    with pytest.raises(ConfigError, match="--seeds 0"):
        experiment_of(parse(["audit", "x", "--seeds", "0", *tiny]))


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["--set", "Z.beta=1"], "name it in --arms"),
        (["--set", "B.speed=1"], "no setting 'speed'"),
        (["--set", "B.beta=much"], "expected float"),
        (["--plant", "skin", "light"], "expected VALUE=SHARE"),
        (["--plant", "skin", "light=1.5", "rest"], "less than 1"),
        (["--plant", "tribe", "x=0.5", "rest"], "no data set"),
    ],
)
def test_flags_that_make_no_sense_are_refused(tiny: list[str], words: list[str], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        experiment_of(build_parser().parse_args(["audit", "x", *words, *tiny]))


def test_one_command_trains_scores_and_finds(vaelab: Vaelab, tiny: list[str], tmp_path: Path) -> None:
    answer = vaelab("audit", "first", "--arms", "A", "--seeds", 1, "--json", *tiny)
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    assert found["arms"] == ["A"]
    assert found["columns"] == ["skin"]
    assert Audit.open(tmp_path / "audits" / "first").status.state == "done"
    listed = json.loads(vaelab("audit", "--list", "--root", tmp_path / "audits", "--json").out)
    assert [(row["audit"], row["members_done"]) for row in listed] == [("first", 1)]
    again = vaelab("audit", "first", "--resume", "--root", tmp_path / "audits", "--fpr", 0.1)
    assert again.code == 0, again.err
    assert "recall in % at 10 % false positives by skin" in again.out


def test_findings_are_told_with_counts_and_verdicts(vaelab: Vaelab, tmp_path: Path) -> None:
    make_audit(tmp_path, "small", seeds=6)
    answer = vaelab("audit", "small", "--resume", "--report", "--root", tmp_path / AUDITS_DIR)
    assert answer.code == 0, answer.err
    assert "C against B: " in answer.out
    assert "five: 5 faces" in answer.out
    assert (tmp_path / AUDITS_DIR / "small" / "report.pdf").is_file()
    assert "counts 3 comparisons of 3 arms" in answer.out
    assert "C against B: 5 % is not the primary rate, so no ruling." in vaelab(
        "audit", "small", "--resume", "--root", tmp_path / AUDITS_DIR, "--fpr", 0.05
    ).out  # fmt: skip
    crossed = vaelab("audit", "small", "--resume", "--root", tmp_path / AUDITS_DIR, "--by", "race", "gender")
    assert "by race, gender" in crossed.out


def test_labels_that_came_later_make_groups(vaelab: Vaelab, tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "small", seeds=1, negatives=300, fpr=0.05)
    faces = audit.pictures("test", "faces")
    table = pd.DataFrame(
        {"image_id": faces["image_id"], "apparent_lightness": np.resize(["dark", "light"], len(faces))}
    )
    table.iloc[:600].to_csv(tmp_path / "light.csv", index=False)
    words = ["audit", "small", "--root", tmp_path / AUDITS_DIR, "--labels", tmp_path / "light.csv"]
    answer = vaelab(*words, "--resume", "--report", "--by", "apparent_lightness")
    assert answer.code == 0, answer.err
    assert "dark " in answer.out
    assert re.search(r"note: Labels of light.csv \(SHA-256 [0-9a-f]{12}\) were joined to 600 of 685 faces", answer.out)
    values = json.loads((audit.dir / "report.json").read_text(encoding="utf-8"))["findings"]
    assert (values["columns"], values["num_ungrouped"]) == (["apparent_lightness"], 85)
    assert any("joined to 600 of 685" in warning for warning in values["warnings"])
    assert "apparent lightness is what the picture shows" in (audit.dir / "report.html").read_text().lower()
    assert "give --resume as well" in vaelab(*words).err
    assert "cannot read" in vaelab(*words[:-1], tmp_path / "none.csv", "--resume").err


def test_wrong_usage_is_a_sentence(vaelab: Vaelab, tmp_path: Path) -> None:
    root = ["--root", tmp_path]
    assert "give the audit a name" in vaelab("audit", *root).err
    assert "there is no audit 'x'" in vaelab("audit", "x", "--resume", *root).err
    assert "there is no audit 'x'" in vaelab("audit", "x", "--stop", *root).err
    assert vaelab("audit", "x", "--set", "beta=1", *root).code == 2
    assert "--fpr is 2; give a share between 0 and 1" in vaelab("audit", "x", "--fpr", 2, *root).err


def test_what_an_audit_is_begun_with_comes_back_with_its_name(tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "small", seeds=1, fpr=0.05)
    own = {**audit.experiment.arms, "C": {"aggregation": "max", "refresh_every": 8000}}
    for arms in (own, {"A": own["A"]}):
        audit.write_experiment(replace(audit.experiment, arms=arms), audit.splits, audit.data_fingerprints, "")
    words = ["audit", "small", "--arms", "A", "C", "--fpr", "0.01", "--root", str(tmp_path / AUDITS_DIR)]
    experiment = experiment_of(build_parser().parse_args(words))
    assert experiment.arms["C"] == own["C"]
    assert experiment.fpr == 0.05, "the rate that was chosen beforehand stays; another one is only looked at"
