"""Faces marked by eye: the table is read or refused in words, unsure faces count neither way, the kept one is sound."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.marked import COLUMNS, MarkedPhoto, paths_of, read_marked, read_table_of_marks
from vaelab.errors import DataError
from vaelab.evaluation.average_precision import average_precision, recall_and_alarms

HEADER = ",".join(COLUMNS) + "\n"
PHOTO = MarkedPhoto("a.webp", np.array([[50.0, 50.0, 40.0]]), np.array([[150.0, 50.0, 40.0]]))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "marked.csv"
    path.write_text(HEADER + "b.webp,30,40,50,1\na.webp,,,,0\nb.webp,100,-5,60,0\nb.webp,9,8,7,0\n")
    return path


def test_rows_become_photos_with_sure_and_unsure_faces(table: Path) -> None:
    none, some = read_table_of_marks(table)
    assert (none.name, some.name) == ("a.webp", "b.webp")
    assert none.faces.shape == none.unsure.shape == (0, 3)
    assert some.faces.tolist() == [[100.0, -5.0, 60.0], [9.0, 8.0, 7.0]]
    assert some.unsure.tolist() == [[30.0, 40.0, 50.0]]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("a.webp,1,2,,0\n", "line 2: met 'a.webp,1,2,,0'; expected"),
        ("a.webp,1,2,30,0\nb.webp,1,wide,30,0\n", "line 3: met 'b.webp,1,wide,30,0'"),
        ("a.webp,1,2,0,0\n", "a side of at least 1"),
        ("a.webp,1,2,30,maybe\n", "unsure 0 or 1"),
        (",1,2,30,0\n", "the name of a photo"),
        ("a.webp,,,,0\na.webp,1,2,30,0\n", "a.webp has a row without a square and others"),
    ],
)
def test_rows_that_are_no_square_are_refused(tmp_path: Path, rows: str, told: str) -> None:
    path = tmp_path / "marked.csv"
    path.write_text(HEADER + rows)
    with pytest.raises(DataError, match=told):
        read_table_of_marks(path)


def test_a_table_without_a_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "marked.csv"
    path.write_text("photo,x,y,side\na.webp,1,2,30\n")
    with pytest.raises(DataError, match="no column 'unsure'"):
        read_table_of_marks(path)


def test_what_lies_on_an_unsure_face_is_neither_right_nor_wrong() -> None:
    found = np.array([[52.0, 50.0, 40.0], [155.0, 50.0, 40.0], [300.0, 300.0, 40.0]])
    held = PHOTO.held_against(found, np.array([1.0, 3.0, 2.0]))
    assert held.scores.tolist() == [2.0, 1.0]
    assert held.is_right.tolist() == [False, True]
    assert held.num_known == 1
    assert recall_and_alarms([held], 0.0) == (1.0, 1.0)


def test_an_unsure_face_is_no_miss_and_far_squares_beside_it_are_alarms() -> None:
    """Shifted by s of their side, two squares share (1 - s) / (1 + s): 0.3 at s = 0.54."""
    for shift, remain in ((0.5, 0), (0.58, 1)):
        held = PHOTO.held_against(np.array([[150.0 + 40 * shift, 50.0, 40.0]]), np.ones(1))
        assert len(held.scores) == remain
    assert average_precision([PHOTO.held_against(PHOTO.faces, np.ones(1))]) == 1.0


def test_a_square_on_a_sure_face_is_kept_where_an_unsure_one_overlaps_it() -> None:
    beside = MarkedPhoto("a.webp", PHOTO.faces, np.array([[66.0, 50.0, 40.0]]))
    assert beside.held_against(np.array([[52.0, 50.0, 40.0]]), np.ones(1)).is_right.tolist() == [True]


def test_photos_are_all_there_or_none_or_their_lack_is_told(table: Path, tmp_path: Path) -> None:
    photos = read_marked(table)
    assert paths_of(photos, tmp_path) == []
    (tmp_path / "b.webp").touch()
    with pytest.raises(DataError, match=r"lacks 1 of the 2 marked photos, first a\.webp"):
        paths_of(photos, tmp_path)
    (tmp_path / "a.webp").touch()
    assert paths_of(photos, tmp_path) == [tmp_path / "a.webp", tmp_path / "b.webp"]


def test_the_kept_table_is_of_photos_that_no_detector_was_made_with() -> None:
    """They are those that training, thresholds and scenes leave out; squares are of a size that a face can have."""
    photos = read_table_of_marks()
    listed = Path(__file__).parents[2] / "benchmarks" / "photos-with-people.txt"
    assert {photo.name for photo in photos} <= set(listed.read_text(encoding="utf-8").split())
    squares = np.concatenate([photo.faces for photo in photos])
    assert len(photos) >= 60
    assert 24 <= squares[:, 2].min() < squares[:, 2].max() <= 640
