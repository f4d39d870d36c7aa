"""Labels made of other labels by a person: all faults told at once, and every row accounted for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.data.ppb_folder import ppb_rows, write_ppb
from vaelab.data.mapping import LabelMapping, mapped, read_mappings, written_mappings
from vaelab.data.prepare import prepare
from vaelab.data.sources import Ppb
from vaelab.errors import DataError

LABELS = pd.DataFrame(
    {
        "image_id": ["a", "b", "c", "d", "e"],
        "race": pd.Series(["White", "Black", None, "Black", "Other"], dtype="str"),
        "age": [3, 40, 40, 70, 71],
        "_file": ["a", "b", "c", "d", "e"],
    }
)
OLD = LabelMapping("old", "age", {"70": "yes", "71": "yes", "3": "no"})


def test_values_are_mapped_and_the_rest_is_missing() -> None:
    labels, (sentence,) = mapped(LABELS, [OLD])
    assert labels["old"].fillna("-").tolist() == ["no", "-", "-", "yes", "yes"]
    assert labels.drop(columns="old").equals(LABELS)
    assert sentence == (
        "old was made from age by whoever prepared these data, not by vaelab: 70 as yes (1), 71 as yes (1), 3 as no (1)"
        "; left without a value: 40 (2); of 5 rows"
    )


def test_missing_old_values_are_counted() -> None:
    _, (sentence,) = mapped(LABELS, [LabelMapping("x", "race", {"White": "w", "Black": "b", "Other": "o"})])
    assert sentence.endswith("; left without a value: no value (1); of 5 rows")


def test_without_mappings_nothing_changes() -> None:
    labels, sentences = mapped(LABELS, ())
    assert labels.equals(LABELS)
    assert sentences == ()


def test_every_fault_of_every_mapping_is_told_at_once() -> None:
    wrong = [
        LabelMapping("x", "race", {"white": "w", "Black": "b", "Martian": "m"}),
        LabelMapping("age", "tone", {"a": "b"}),
        LabelMapping("split", "race", {"Black": "b"}),
        LabelMapping("x", "_file", {"a": "b"}),
    ]
    with pytest.raises(DataError) as found:
        mapped(LABELS, wrong)
    for part in (
        "race has no value 'white', 'Martian'; it has Black, Other, White",
        "there is a column 'age' already",
        "'age' is made from 'tone', and there is no such column; met race, age",
        "'split' cannot name a label",
        "there is a column 'x' already",
        "'x' is made from '_file'",
    ):
        assert part in str(found.value)


def test_mappings_are_written_as_they_are_read() -> None:
    written = {"old": {"from": "age", "values": {"70": "yes", "71": "yes", "3": "no"}}}
    assert read_mappings(written) == (OLD,)
    assert written_mappings([OLD]) == written


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ([], "label mappings are list"),
        ({"a": {"from": "b"}}, "'a' needs exactly `from` and `values`"),
        ({"a": {"from": 3, "values": {"b": "c"}}}, "'a' is made from 3"),
        ({"a": {"from": "b", "values": {}}}, "'a' names no values"),
        ({"a": {"from": "b", "values": {"c": 1, "d": ""}}}, "'a' maps 'c', 'd' to what is no text"),
        ({"a": 1, "b": 2}, "'a' needs exactly `from` and `values`; 'b' needs exactly"),
    ],
)
def test_what_is_no_mapping_is_said(written: Any, told: str) -> None:
    with pytest.raises(DataError, match=re.escape(told)):
        read_mappings(written)


def test_a_preparation_records_them(tmp_path: Path) -> None:
    source = Ppb(write_ppb(tmp_path / "in", ppb_rows({"DF": 2, "LM": 1})))
    mapping = LabelMapping("continent", "country", {"Senegal": "Africa", "Iceland": "Europe"})
    store = prepare(source, tmp_path / "out", size=16, workers=1, mappings=[mapping])
    assert store.labels["continent"].tolist() == ["Africa", "Africa", "Europe"]
    assert store.manifest.settings["mappings"] == written_mappings([mapping])
    assert any("not by vaelab" in note for note in store.manifest.notes)
    with pytest.raises(DataError, match="taken by a store"):  # another mapping is another request
        prepare(source, tmp_path / "out", size=16, workers=1)
