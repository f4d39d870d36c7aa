"""The report: one document in all its forms, with every number's count and every limit."""

from __future__ import annotations

import functools
import html
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from tests.pages.tiny_audits import SIZES, make_audit
from vaelab.audit.exposure import UNLABELLED
from vaelab.audit.report import writing
from vaelab.audit.report.document import Paragraph
from vaelab.audit.report.exposure import _composition
from vaelab.audit.report.limits import (
    CUT_OUT,
    LIMITS,
    OF_DRAWINGS,
    OF_PHOTOS,
    SAME_COLLECTION,
    WINDOWS,
    limits_section,
)
from vaelab.audit.report.writing import material_of, write_report
from vaelab.audit.store import Audit
from vaelab.errors import DataError
from vaelab.evaluation.fairness.findings import Findings, find
from vaelab.evaluation.fairness.permutation import CAVEAT


class Outside(HTMLParser):
    """Collects addresses that a page would fetch, and checks that tags are closed in order."""

    VOID = ("meta", "img", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module", autouse=True)
def _few_resamples() -> Iterator[None]:
    """How wide the intervals are does not matter here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "find", functools.partial(find, resamples=100))
        yield


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """An audit with its report; two groups have names that a careless page would take for its own words."""
    audit = make_audit(
        tmp_path_factory.mktemp("reported"), "small", sizes={**SIZES, "<b>one</b>": 60, "two & three": 60}
    )
    write_report(audit, fpr=0.01)
    return audit


@pytest.fixture(scope="module")
def found(reported: Audit) -> Findings:
    """What its scores say."""
    return writing.find(reported.scores("test"), reported.experiment.columns, 0.01)


def test_the_page_stands_alone(reported: Audit) -> None:
    text = (reported.dir / "report.html").read_text(encoding="utf-8")
    parser = Outside()
    parser.feed(text)
    assert not parser.open
    assert all(address.startswith(("#", "data:image/svg+xml;base64,")) for address in parser.addresses)
    assert "<script" not in text
    assert not re.search(r"url\(|@import", text)


def test_it_says_what_the_findings_say(reported: Audit, found: Findings) -> None:
    text = html.unescape((reported.dir / "report.html").read_text(encoding="utf-8"))
    for verdict in found.verdicts:
        assert verdict.sentence in text
    for limit in (OF_PHOTOS, *LIMITS, CUT_OUT, SAME_COLLECTION):
        assert limit in text
    assert text.count(CAVEAT) == 1
    for fingerprint in reported.data_fingerprints.values():
        assert fingerprint in text
    for group in found.groups:
        assert f">{group.name}</td><td>{group.count:,}</td>" in text
    assert text.index("Worst-group recall") < text.index("At a fixed threshold of 0.5")
    assert "five (5 faces, fewer than 10 faces" in text
    assert re.search(r"(cup|goldfish|stone wall) \(\d\.\d % of 100\)", text)
    assert "fifths of two arms are not the same faces" in text


def test_limits_are_those_of_the_pictures(reported: Audit, found: Findings) -> None:
    experiment = replace(reported.experiment, test_datasets=("ppb-64",), portraits="windows")
    section = limits_section(experiment, found)
    texts = [block.text for block in section.blocks if isinstance(block, Paragraph)]
    assert WINDOWS in texts
    assert any(
        "All held-out faces come from other collections than the training faces (ppb-64)" in one for one in texts
    )
    assert not {CUT_OUT, SAME_COLLECTION} & set(texts)


def test_drawn_faces_were_seen_by_no_annotator_and_cut_out_of_no_photograph(tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "drawn", seeds=2)
    data = replace(audit.experiment.base.data, datasets=("synthetic-32",), data_dir=str(tmp_path / "data"))
    drawn = replace(audit.experiment, base=replace(audit.experiment.base, data=data))
    audit.write_experiment(drawn, audit.splits, audit.data_fingerprints, "")
    text = html.unescape(write_report(audit).read_text(encoding="utf-8"))
    assert OF_DRAWINGS in text
    assert "annotators" not in text
    assert "cut out" not in text


def test_names_from_data_are_escaped(reported: Audit) -> None:
    text = (reported.dir / "report.html").read_text(encoding="utf-8")
    assert "<b>one</b>" not in text
    assert "&lt;b&gt;one&lt;/b&gt;" in text
    assert "two &amp; three" in text


def test_the_pdf_is_one_with_pages(reported: Audit) -> None:
    data = (reported.dir / "report.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type /Page\b", data)) >= 4


def test_json_and_tables_hold_the_same_numbers(reported: Audit, found: Findings) -> None:
    values = json.loads((reported.dir / "report.json").read_text(encoding="utf-8"))
    assert values["findings"] == json.loads(json.dumps(found.to_dict()))
    assert values["experiment"] == json.loads(json.dumps(reported.experiment.to_dict()))
    assert set(values["at_other_rates"]) == {"0.05", "0.001"}
    groups = pd.read_csv(reported.dir / "tables" / "groups.csv")
    row = groups[(groups["arm"] == "C") & (groups["group"] == "sixty")].iloc[0]
    recall = found.recall("C", "sixty")
    assert recall.mean is not None
    assert row["faces"] == 60
    assert row["recall"] == pytest.approx(recall.mean.value)
    assert row["recall_low"] == pytest.approx(recall.mean.low)
    few = groups[groups["group"] == "five"]
    assert few["recall"].isna().all()
    members = pd.read_csv(reported.dir / "tables" / "members.csv")
    assert len(members) == 18
    assert (members["low"] < members["high"]).all()
    rates = pd.read_csv(reported.dir / "tables" / "false-positives.csv")
    mean = found.false_positives[2].mean
    assert mean is not None
    assert list(rates.iloc[2, 1:4]) == pytest.approx([mean.value, mean.low, mean.high])
    text = (reported.dir / "report.html").read_text(encoding="utf-8")
    assert f"{100 * mean.value:.2f} [{100 * mean.low:.2f}, {100 * mean.high:.2f}]" in text
    names = {path.stem for path in (reported.dir / "tables").iterdir()}
    assert {"arms", "effects", "groups-by-seed", "exposure", "density", "false-positives-by-class"} < names


def test_all_yes_or_no_labels_share_a_table_of_exposure() -> None:
    half = {"data": 0.5, "drawn": 0.5}
    rare = {"True": {"data": 0.2, "drawn": 0.3}, "False": half, UNLABELLED: half}
    groups = {"skin": {"dark": half, "light": half}, "male": {"False": half, "True": half}, "bald": rare}
    skin, both = _composition({"C": [{"groups": groups}]})
    assert skin.head[0] == "skin"
    assert both.head == ("Labelled yes", "In the data", "Drawn by C")
    assert both.rows == (("male", "50.0", "50.0"), ("bald", "20.0", "30.0"))


def test_figures_lie_beside_it(reported: Audit) -> None:
    paths = sorted((reported.dir / "figures").iterdir())
    assert [path.stem for path in paths] == ["density", "effects", "exposure", "groups", "worst-group"]
    for path in paths:
        with Image.open(io.BytesIO(path.read_bytes())) as picture:
            assert picture.width == 1400


def test_the_same_scores_give_the_same_bytes(reported: Audit) -> None:
    names = ("report.html", "report.pdf", "report.json", "figures/groups.png")
    before = [(reported.dir / name).read_bytes() for name in names]
    (reported.dir / "figures" / "old.png").write_bytes(b"of an earlier report")
    write_report(reported, fpr=0.01)
    assert [(reported.dir / name).read_bytes() for name in names] == before
    assert not (reported.dir / "figures" / "old.png").exists()


def test_one_arm_and_one_seed_make_a_report_that_claims_nothing(tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "lonely", seeds=1, arms="A", exposure=False)
    assert "Changes after the beginning" not in write_report(audit).read_text(encoding="utf-8")
    (audit.dir / "report.html").unlink()
    text = write_report(audit, "val").read_text(encoding="utf-8")
    assert "There is one arm, so nothing is compared." in text
    assert "No arm draws faces by their rarity." in text
    assert (audit.dir / "report-val.json").is_file()
    assert not (audit.dir / "report.html").exists()


def test_an_arm_that_failed_in_some_seeds_is_said(tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "failing", seeds=3)
    for split in audit.splits:
        audit.scores_path(split, "C", 1).unlink()
    audit.write_failure("C", 1, "diverged: resampling leaves an effective sample of 3")
    audit.write_failure("C", 2, "diverged, but was scored later")
    text = html.unescape(write_report(audit).read_text(encoding="utf-8"))
    assert (
        "C failed in 1 of 3 seeds (diverged: resampling leaves an effective sample of 3). The comparison is of" in text
    )


def test_what_is_left_out_and_what_was_changed_is_said(tmp_path: Path) -> None:
    audit = make_audit(tmp_path, "changed", seeds=3)
    audit.scores_path("test", "B", 2).unlink()
    fewer = replace(audit.experiment, arms={arm: audit.experiment.arms[arm] for arm in "BC"}, seeds=(1, 2))
    audit.write_experiment(fewer, audit.splits, audit.data_fingerprints, "")
    text = html.unescape(write_report(audit).read_text(encoding="utf-8"))
    assert "no longer names them: arm A (seeds 0, 1, 2), arm B (seed 0), arm C (seed 0)." in text
    assert "another arm is not done with the seed: arm C (seed 2)." in text
    assert "Changes after the beginning" in text
    cells = re.sub(r"(<[^>]*>\s*)+", "|", text)
    assert re.search(r"\|A, B, C\|0, 1, 2\|race\|1 %\|.{16}\|B, C\|1, 2\|race\|1 %\|", cells)
    values = json.loads((audit.dir / "report.json").read_text(encoding="utf-8"))
    assert [sorted(entry["arms"]) for entry in values["history"]] == [["A", "B", "C"], ["B", "C"]]


def test_rulings_are_given_at_the_primary_rate_alone(reported: Audit, found: Findings) -> None:
    assert "no ruling" not in {one.ruling for one in found.verdicts}
    text = html.unescape((reported.dir / "report.html").read_text(encoding="utf-8"))
    assert "counts 3 comparisons of 3 arms at one rate and grouping" in text
    assert text.count("not the primary rate: no ruling") == 1, "0.1 % is refused"
    assert "C − A" in text
    assert "C – A" not in text
    material = material_of(reported, "test", 0.05, ("gender",))
    assert {one.ruling for one in material.found.verdicts} == {"no ruling"}
    at_primary = material.others[0.01]
    assert isinstance(at_primary, Findings)
    assert "no ruling" not in {one.ruling for one in at_primary.verdicts}
    assert any("not those of the experiment (race)" in warning for warning in material.found.warnings)


def test_what_cannot_be_reported_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no seed yet"):
        write_report(make_audit(tmp_path, "empty", seeds=2, done=0))
    few = make_audit(tmp_path, "few", seeds=1, negatives=200)
    with pytest.raises(DataError, match="calibration negatives"):
        write_report(few, fpr=0.01)
    assert "at least 10000 are needed" in str(material_of(few, "test", 0.05).others[0.001])
