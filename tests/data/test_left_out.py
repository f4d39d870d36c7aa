"""Lists of photos to leave out: names with spaces, files from Windows, and names that no photo has."""

from pathlib import Path

import pytest

from vaelab.data.left_out import LeftOut
from vaelab.errors import DataError


def test_a_line_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "people.txt"
    path.write_bytes("\ufefffirst.jpg\r\n  family photo.jpg \r\n\r\nété.png".encode())
    left_out = LeftOut.read(path)
    assert left_out.names == {"first.jpg", "family photo.jpg", "été.png"}
    assert "albums/2020/family photo.jpg" in left_out
    assert "photo.jpg" not in left_out


def test_names_that_no_photo_has_are_told(tmp_path: Path) -> None:
    path = tmp_path / "people.txt"
    path.write_text("\n".join(f"{number}.jpg" for number in range(9)))
    left_out = LeftOut.read(path)
    assert left_out.notes(f"in/{number}.jpg" for number in range(12)) == ()
    (note,) = left_out.notes(["in/0.jpg", "in/1.jpg"])
    assert note.startswith(f"{path} names photos that are not there: '2.jpg', '3.jpg', '4.jpg', '5.jpg', '6.jpg' and 2")


def test_no_list_leaves_nothing_out() -> None:
    assert "a.jpg" not in LeftOut.read(None)
    assert LeftOut.read(None).notes(["a.jpg"]) == ()


@pytest.mark.parametrize("content", [None, b"\xff\xfea\x00"])
def test_a_list_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "people.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read the list .*people\.txt"):
        LeftOut.read(path)
