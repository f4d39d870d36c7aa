"""Labels of some pictures are those of the whole table, and little else is read for them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vaelab.data import labels_file
from vaelab.data.labels_file import LabelsFile, write_labels
from vaelab.errors import DataError

NUM_PICTURES = 103
GROUP, BLOCK = 20, 8


@pytest.fixture
def labels() -> pd.DataFrame:
    number = np.arange(NUM_PICTURES)
    return pd.DataFrame(
        {
            "image_id": [f"picture-{row}" for row in number],
            "age": np.where(number % 7, number / 3, np.nan),
            "is_face": number % 2 == 0,
            "gender": pd.Categorical.from_codes(number % 3 - 1, ["Female", "Male"]),
        }
    )


@pytest.fixture
def file(labels: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabelsFile:
    monkeypatch.setattr(labels_file, "GROUP_ROWS", GROUP)
    monkeypatch.setattr(labels_file, "BLOCK_ROWS", BLOCK)
    write_labels(labels, tmp_path)
    return LabelsFile(tmp_path)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Row group and length of each block that is read from now on."""
    found: list[tuple[int, int]] = []
    original = pq.ParquetFile.iter_batches

    def told(self: pq.ParquetFile, size: int, row_groups: list[int], **settings: object):
        for block in original(self, size, row_groups=row_groups, **settings):
            found.append((row_groups[0], len(block)))
            yield block

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", told)
    return found


@pytest.mark.parametrize(
    "rows", [[], [0], [102], [19, 20], [40, 3, 3, 99, 0], list(range(NUM_PICTURES)), list(range(102, -1, -1))]
)
@pytest.mark.parametrize("name", ["image_id", "age", "is_face", "gender"])
def test_a_column_of_some_pictures_is_that_of_the_table(file, labels, name, rows):
    pd.testing.assert_series_equal(file.column(name, np.array(rows, int)), labels[name].iloc[rows])


def test_row_groups_without_a_picture_that_is_asked_for_are_not_read(file, read):
    assert list(file.column("image_id", np.array([41, 100]))) == ["picture-41", "picture-100"]
    assert {group for group, _ in read} == {2, 5}


def test_nothing_is_read_behind_the_last_picture_of_a_row_group(file, read):
    file.column("image_id", np.array([2, 63]))
    assert read == [(0, BLOCK), (3, BLOCK)]


def test_blocks_make_up_the_table(file, labels):
    blocks = list(file.blocks(["image_id", "is_face"]))
    assert max(map(len, blocks)) <= BLOCK
    table = pa.Table.from_batches(blocks).to_pandas()
    pd.testing.assert_frame_equal(table, labels[["image_id", "is_face"]])
    pd.testing.assert_frame_equal(file.table(["gender", "age"]), labels[["gender", "age"]])


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "labels.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(DataError, match=r"the store in .* is damaged .*--replace"):
        LabelsFile(tmp_path)
