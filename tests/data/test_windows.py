"""Squares of photos: whole photos stay in one split, places are inside, and a detector's mistakes join them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaelab.data.prepare import prepare
from vaelab.data.sources import Windows
from vaelab.data.splits import PHOTO_FRACTIONS, split_of
from vaelab.errors import DataError


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photos whose red tells the column and whose green tells the row of a pixel; one is stored on its side."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rows, columns = np.indices((120, 200))
    picture = Image.fromarray(np.stack([columns, rows, np.full_like(rows, 7)], axis=2).astype(np.uint8))
    for number in range(6):
        picture.save(folder / f"{number}.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.rotate(90, expand=True).save(folder / "turned.png", exif=exif)
    return folder


def test_squares_lie_in_their_photo_and_go_with_it(photos: Path, tmp_path: Path) -> None:
    made = prepare(Windows(photos, windows=30), tmp_path / "windows-16", size=16, workers=1)
    assert len(made) == 7 * 30
    assert not made.labels["is_face"].any()
    names = made.labels["image_id"].str.split("#").str[0]
    assert [split_of(name, PHOTO_FRACTIONS) for name in names] == list(made.labels["split"])
    pixels = np.asarray(made.pixels[:]).astype(int)
    assert (np.abs(pixels[..., 2] - 7) <= 1).all(), "nothing black from beyond the edge; the turned photo is upright"
    wide = np.ptp(pixels[..., 0], axis=(1, 2))
    assert np.quantile(wide, 0.1) < 40 < 80 < np.quantile(wide, 0.9)


def test_mined_squares_join_where_they_were_found(photos: Path, tmp_path: Path) -> None:
    table = tmp_path / "mined.csv"
    table.write_text("photo,face,x,y,side\nelsewhere/2.png,1,100,60,40\n2.png,2,50,30,32\nunknown.png,1,9,9,9\n")
    made = prepare(Windows(photos, windows=1, mined=table), tmp_path / "windows-16", size=16, workers=1)
    assert len(made) == 7 + 2
    first = np.asarray(made.pixels[list(made.labels["image_id"]).index("2.png#1")]).astype(int)
    assert np.allclose(first[..., 0].mean(), 99.5, atol=1.0)
    assert np.allclose(first[..., 1].mean(), 59.5, atol=1.0)
    assert 32 < np.ptp(first[..., 0]) <= 40


def test_photos_with_people_are_left_out(photos: Path, tmp_path: Path) -> None:
    listed = tmp_path / "people.txt"
    (photos / "4.png").rename(photos / "family photo.png")
    listed.write_text("1.png\nfamily photo.png\ngone.png\n", encoding="utf-8-sig")
    listing = Windows(photos, windows=2, leave_out=listed).listing()
    assert set(listing.records["split_key"]) == {"0.png", "2.png", "3.png", "5.png", "turned.png"}
    assert len(listing.notes) == 1
    assert "'gone.png'" in listing.notes[0]


def test_what_is_no_photo_or_too_small_is_told(photos: Path, tmp_path: Path) -> None:
    (photos / "notes.txt").write_text("no photo")
    Image.new("RGB", (16, 300)).save(photos / "narrow.png")
    made = prepare(Windows(photos, windows=1), tmp_path / "windows-16", size=16, workers=1)
    told = {item.image_id: item.reason for item in made.manifest.rejected}
    assert told["narrow.png#0"].startswith("too small: 16x300")
    assert "not a picture" in told["notes.txt#0"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("photo,x,y\n1.png,1,1\n", "no column 'side'"), ("photo,x,y,side\n1.png,1,1,wide\n", "without a place or a side")],
)
def test_a_table_that_says_no_place_is_refused(photos: Path, tmp_path: Path, text: str, said: str) -> None:
    table = tmp_path / "mined.csv"
    table.write_text(text)
    with pytest.raises(DataError, match=said):
        Windows(photos, mined=table).listing()


def test_nothing_to_cut_is_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 1"):
        Windows(photos, windows=0)
    listed = tmp_path / "people.txt"
    listed.write_text("\n".join(path.name for path in photos.iterdir()))
    with pytest.raises(DataError, match="no photo that is not left out"):
        Windows(photos, leave_out=listed).listing()
    with pytest.raises(DataError, match="cannot read the list"):
        Windows(photos, leave_out=tmp_path / "nowhere.txt").listing()
