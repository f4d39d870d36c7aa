"""Pictures listed in a table: columns by their usual names, odd line ends, rows that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.making import reasons, store_of
from vaelab.data.collection import Collection
from vaelab.data.sources import CsvTable
from vaelab.errors import DataError


@pytest.fixture
def csv_folder(tmp_path, write_scenes) -> Path:
    write_scenes(tmp_path / "in", 4)
    return tmp_path / "in"


def test_csv_finds_its_columns_by_their_usual_names(csv_folder, tmp_path):
    (csv_folder / "table.csv").write_text(
        "Age; File-Name ;Smiling;Partition;code;split_key;empty\n"
        "31;picture2.png;true;TEST;007;x;\n4;./picture0.png;false;training;008;y;\n9;picture1.png;True;dev;100;z;1.5\n"
    )
    store = store_of(CsvTable(csv_folder), tmp_path / "out")
    assert list(store.labels.columns) == [
        "image_id",
        "is_face",
        "split",
        "Age",
        "Smiling",
        "code",
        "original_split_key",
        "empty",
    ]
    assert store.labels.iloc[0].drop("empty").to_list() == [
        "picture2.png",
        True,
        "test",
        31,
        True,
        "007",
        "x",
    ]
    assert list(store.labels["split"]) == ["test", "train", "val"]
    assert store.labels["Age"].dtype == np.int64
    assert store.labels["Smiling"].dtype == bool
    assert store.labels["empty"].isna().tolist() == [True, True, False]
    assert store.manifest.notes == ("files in the folder without a row in the table: 1",)


@pytest.mark.parametrize("ending", ["\r", "\r\n", "\n"])
def test_csv_line_endings_and_byte_order_mark(csv_folder, tmp_path, ending):
    text = ending.join(["filename,gender", "picture0.png,Female", "picture3.png,Male", ""])
    (csv_folder / "table.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    store = store_of(CsvTable(csv_folder), tmp_path / "out")
    assert list(store.labels["gender"]) == ["Female", "Male"]


def test_csv_rows_that_cannot_be_used_are_named(csv_folder):
    table = csv_folder / "table.csv"
    table.write_text(
        "file,split,is_face\npicture0.png,train,yes\nmissing.png,train,yes\n../../etc/passwd,train,1\n"
        "picture1.png,holdout,1\npicture2.png,val,perhaps\npicture3.png,val,0\n"
    )
    listing = CsvTable(csv_folder).listing()
    assert list(listing.records["image_id"]) == ["picture0.png", "picture3.png"]
    assert list(listing.records["is_face"]) == [True, False]
    assert reasons(listing) == {
        "missing.png": "no such file",
        "../../etc/passwd": "no such file",
        "picture1.png": "unknown split: 'holdout'",
        "picture2.png": "is_face is neither true nor false: 'perhaps'",
    }


def test_csv_keeps_people_together(tmp_path, write_scenes):
    names = write_scenes(tmp_path / "in", 60)
    rows = "".join(f"{name},person {number % 12}\n" for number, name in enumerate(names))
    (tmp_path / "in" / "table.csv").write_text("file,person\n" + rows)
    store = store_of(CsvTable(tmp_path / "in", keep_together="person"), tmp_path / "out")
    assert (store.labels.groupby("person")["split"].nunique() == 1).all()
    with pytest.raises(DataError, match="no column 'name'; met file, person"):
        CsvTable(tmp_path / "in", keep_together="name").listing()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"age,gender\n1,2\n", "no column for the file name; met age, gender"),
        (b"", "cannot be read as a table"),
        (b"file,age\na.png,\xff\n", "not UTF-8"),
        (b"file,age\na.png,1,2,3\n", "more values than columns"),
        (b"file,age\na.png,1\nb.png,1,2,3\n", "cannot be read as a table"),
        (b"file,age,age \na.png,1,2\n", "the column 'age' twice"),
        (b"file,age,age\na.png,1,2\n", "the column 'age' twice"),
        (b'file;"age";"sex";age\na.png;1;2;3\n', "the column 'age' twice"),
    ],
)
def test_csv_that_is_none(csv_folder, content, message):
    (csv_folder / "table.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        CsvTable(csv_folder).listing()


def test_csv_rows_that_end_early_have_missing_values(csv_folder):
    (csv_folder / "table.csv").write_text("file,age,mood\npicture0.png,3,glad\npicture1.png\n")
    records = CsvTable(csv_folder).listing().records
    assert records["age"].isna().tolist() == [False, True]
    assert records["mood"].isna().tolist() == [False, True]


def test_csv_words_for_missing_are_no_labels(csv_folder):
    (csv_folder / "table.csv").write_text(
        "file,age,gender,glasses\npicture0.png,31,NA,None\npicture1.png,NA,Female,Reading\n"
        "picture2.png,nan,NaN,None\npicture3.png,4,Male,NULL\n"
    )
    records = CsvTable(csv_folder).listing().records
    assert records["age"].dtype == np.float64
    assert records["age"].fillna(-1).tolist() == [31, -1, -1, 4]
    assert records["gender"].fillna("?").tolist() == ["?", "Female", "?", "Male"]
    assert records["glasses"].fillna("?").tolist() == ["None", "Reading", "None", "?"]


def test_csv_columns_without_a_name_are_no_repetition(csv_folder):
    (csv_folder / "table.csv").write_text("file,age,,\npicture0.png,5,,\npicture1.png,6,,\n")
    assert list(CsvTable(csv_folder).listing().records["age"]) == [5, 6]


def test_csv_column_called_dataset_does_not_hide_that_of_the_store(csv_folder, tmp_path):
    (csv_folder / "table.csv").write_text("file,dataset\npicture0.png,mine\npicture1.png,yours\n")
    store = store_of(CsvTable(csv_folder), tmp_path / "out")
    labels = Collection((store,)).labels
    assert labels["original_dataset"].tolist() == ["mine", "yours"]
    assert labels["dataset"].tolist() == ["out", "out"]


@pytest.mark.parametrize(
    ("columns", "stored"),
    [(("_age", "age"), "age"), (("age", "__age"), "age"), (("dataset", "original_dataset"), "original_dataset")],
)
def test_csv_columns_that_would_hide_each_other_in_the_store_are_refused(csv_folder, columns, stored):
    (csv_folder / "table.csv").write_text(f"file,{','.join(columns)}\npicture0.png,5,6\n")
    both = f"'{columns[0]}' and '{columns[1]}', which would both be stored as '{stored}'; rename one"
    with pytest.raises(DataError, match=both):
        CsvTable(csv_folder).listing()


def test_csv_pictures_of_nobody_known_are_not_of_one_person(csv_folder):
    (csv_folder / "table.csv").write_text(
        "file,person\npicture0.png,\npicture1.png,NA\npicture2.png, ann\npicture3.png,ann\n"
    )
    records = CsvTable(csv_folder, keep_together="person").listing().records
    assert records["split_key"].tolist() == ["picture0.png", "picture1.png", "ann", "ann"]


def test_csv_has_to_be_the_only_one_or_be_named(csv_folder):
    with pytest.raises(DataError, match="holds 0 CSV files; name the table with --csv"):
        CsvTable(csv_folder).listing()
    for name in ("a.csv", "b.csv"):
        (csv_folder / name).write_text("file\npicture0.png\n")
    with pytest.raises(DataError, match="holds 2 CSV files"):
        CsvTable(csv_folder).listing()
    assert len(CsvTable(csv_folder, csv=csv_folder / "b.csv").listing().records) == 1
