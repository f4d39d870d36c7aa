"""Labels that came later find their faces by id, and nothing else."""

from pathlib import Path

import pandas as pd
import pytest

from vaelab.data.extra_labels import joined, read_labels
from vaelab.errors import DataError

LABELS = pd.DataFrame({"image_id": ["val/3", "val/1", "val/2"], "age": ["0-2", "3-9", "0-2"]}, index=[7, 8, 9])


def table(tmp_path: Path, text: str) -> pd.DataFrame:
    path = tmp_path / "extra.csv"
    path.write_text(text, encoding="utf-8")
    return read_labels(path)


def test_rows_find_their_faces(tmp_path: Path) -> None:
    extra = table(tmp_path, "image_id,smile,hat\nval/1,yes,\nval/9,no,no\nval/3,no,yes\n")
    found, num_matched = joined(LABELS, extra, "extra.csv")
    assert num_matched == 2
    assert found["image_id"].tolist() == ["val/3", "val/1", "val/2"]
    assert found.index.tolist() == [7, 8, 9]
    assert found["smile"].fillna("?").tolist() == ["no", "yes", "?"]
    assert found["hat"].fillna("?").tolist() == ["yes", "?", "?"]
    assert found["age"].tolist() == LABELS["age"].tolist()


def test_words_for_missing_are_no_labels_and_none_is_one(tmp_path: Path) -> None:
    extra = table(tmp_path, "image_id,glasses,hat\nval/1,None,NA\nval/2,NaN,nan\nval/3,n/a,NULL\n")
    assert extra["glasses"].fillna("?").tolist() == ["None", "?", "?"]
    assert extra["hat"].isna().all()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no table of labels"),
        ("id,smile\n1,yes\n", "must be image_id"),
        ("image_id,smile\nval/1,yes\nval/1,no\n", "'val/1'"),
        ("image_id,smile\nval/1,yes,3,4\nval/2,1,2,3,4,5,6\n", "no table of labels"),
    ],
)
def test_what_is_no_table_of_labels_is_refused(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(DataError, match=word):
        table(tmp_path, text)


def test_a_missing_or_binary_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv"):
        read_labels(tmp_path / "nowhere.csv")
    (tmp_path / "x.csv").write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(DataError, match=r"x\.csv"):
        read_labels(tmp_path / "x.csv")


def test_a_column_that_is_there_already_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'age'"):
        joined(LABELS, table(tmp_path, "image_id,age\nval/1,old\n"), "extra.csv")


@pytest.mark.parametrize("text", ["image_id,smile\ntrain/1,yes\n", "image_id,smile\n"])
def test_labels_of_other_faces_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"extra\.csv"):
        joined(LABELS, table(tmp_path, text), "extra.csv")
