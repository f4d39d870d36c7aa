"""PPB folders made to the published layout, whole and broken."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.data.ppb_folder import COUNTRY_OF, Row, ppb_rows, write_ppb
from vaelab.data.prepare import prepare
from vaelab.data.sources import Ppb
from vaelab.data.sources.ppb import PUBLISHED
from vaelab.errors import DataError


def reasons(source: Ppb) -> set[tuple[str, str]]:
    return {(item.image_id, item.reason) for item in source.listing().rejected}


def test_the_published_layout_is_read(tmp_path: Path) -> None:
    rows = ppb_rows({"DF": 2, "DM": 1, "LF": 1, "LM": 3})
    records = Ppb(write_ppb(tmp_path / "PPB-2017", rows)).listing().records
    assert records["image_id"].tolist() == [f"imgs/{row.filename}" for row in rows]
    assert set(records["split"]) == {"test"}
    assert records["is_face"].all()
    assert records["group"].tolist() == [row.group for row in rows]
    assert records["gender"].tolist() == ["Female" if row.group[1] == "F" else "Male" for row in rows]
    assert records["skin_tone"].tolist() == ["darker" if row.group[0] == "D" else "lighter" for row in rows]
    assert records["country"].tolist() == [row.country for row in rows]


def test_line_ends_marks_aliases_case_and_suffixes_change_nothing(tmp_path: Path) -> None:
    """The original has CR alone; people save it again by other programs, and rename the columns and the pictures."""
    rows = ppb_rows({"DF": 1, "LM": 2})
    plain = Ppb(write_ppb(tmp_path / "plain", rows)).listing().records
    for number, (line_end, mark, skin_column) in enumerate(
        [("\r", "", "bi_fitz"), ("\r\n", "\ufeff", "BI.FITZ"), ("\n", "\ufeff", "Skin Tone")]
    ):
        folder = tmp_path / str(number)
        again = [
            replace(row, filename=row.filename.upper(), gender=row.gender.upper(), skin=row.skin.title())
            for row in rows
        ]
        write_ppb(folder, again, line_end=line_end, mark=mark, skin_column=skin_column, suffix=".png")
        found = Ppb(folder).listing()
        assert not found.rejected
        columns = ["gender", "skin_tone", "group", "country"]
        assert found.records[columns].equals(plain[columns])
        assert all(name.endswith(".png") for name in found.records["image_id"])


def test_countries_are_spelled_one_way(tmp_path: Path) -> None:
    rows = [replace(row, country="SOUTH_africa") for row in ppb_rows({"DM": 1})]
    assert Ppb(write_ppb(tmp_path / "p", rows)).listing().records["country"].tolist() == ["South Africa"]


def test_a_store_holds_the_four_groups(tmp_path: Path) -> None:
    source = Ppb(write_ppb(tmp_path / "in", ppb_rows({"DF": 1, "DM": 2, "LF": 1, "LM": 1})))
    store = prepare(source, tmp_path / "out", size=16, workers=1)
    assert store.labels["group"].value_counts().to_dict() == {"DM": 2, "DF": 1, "LF": 1, "LM": 1}
    assert len(store.indices("test", is_face=True)) == 5
    assert "may be passed on" in store.manifest.licence
    assert any("group DF: 1 pictures here, 271 published" in note for note in store.manifest.notes)


def test_the_published_counts_are_those_of_the_table() -> None:
    assert sum(PUBLISHED.values()) == 1270


def test_whole_folders_have_no_note(tmp_path: Path) -> None:
    folder = write_ppb(tmp_path / "all", ppb_rows(PUBLISHED), shared_picture=True)
    listing = Ppb(folder).listing()
    assert (len(listing.records), listing.rejected, listing.notes) == (1270, (), ())


def test_every_reason_of_every_row_is_told(tmp_path: Path) -> None:
    rows = ppb_rows({"DF": 6})
    first, repeated, disputed, missing, odd, empty = rows
    folder = write_ppb(
        tmp_path / "p",
        [
            first, repeated, repeated, disputed, replace(disputed, gender="Male"), missing,
            replace(odd, gender="other", skin="olive"), replace(empty, gender=""),
        ],
    )  # fmt: skip
    (folder / "imgs" / missing.filename).unlink()
    shutil.copy(folder / "imgs" / first.filename, folder / "imgs" / "stranger.jpg")
    source = Ppb(folder)
    assert source.listing().records["image_id"].tolist() == [f"imgs/{row.filename}" for row in (first, repeated)]
    contradiction = f"rows contradict each other: 2 of them about imgs/{disputed.filename}"
    assert reasons(source) == {
        (repeated.filename, f"row repeated: imgs/{repeated.filename} has one already"),
        (disputed.filename, contradiction),
        (missing.filename, "no such file"),
        (odd.filename, "unknown gender: 'other'"),
        (odd.filename, "unknown skin tone: 'olive'"),
        (empty.filename, "no gender"),
        ("imgs/stranger.jpg", "no row in the table"),
    }


def test_a_name_that_two_files_bear_is_told(tmp_path: Path) -> None:
    (row,) = ppb_rows({"LF": 1})
    folder = write_ppb(tmp_path / "p", [replace(row, filename=row.filename.removesuffix(".jpg"))])
    shutil.copy(folder / "imgs" / row.filename, folder / "imgs" / row.filename.replace(".jpg", ".JPEG"))
    ((_, reason),) = reasons(Ppb(folder))
    assert reason.startswith("several files go by this name: imgs/")


def test_missing_columns_are_named_together(tmp_path: Path) -> None:
    folder = write_ppb(tmp_path / "p", ppb_rows({"LF": 1}))
    table = folder / "PPB-2017-metadata.csv"
    table.write_text(table.read_text().replace("gender", "colour").replace("bi.fitz", "tone"), encoding="utf-8")
    with pytest.raises(DataError, match="no column for gender, skin tone; met id, filename, colour"):
        Ppb(folder).listing()


def test_without_countries_it_is_noted(tmp_path: Path) -> None:
    folder = write_ppb(tmp_path / "p", ppb_rows({"LF": 1}))
    table = folder / "PPB-2017-metadata.csv"
    table.write_text(table.read_text().replace("country", "land"), encoding="utf-8")
    listing = Ppb(folder).listing()
    assert any("no column of countries" in note for note in listing.notes)
    assert listing.records["country"].isna().all()


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(lambda folder: folder.parent, id="the folder above"),
        pytest.param(lambda folder: (folder / "PPB-2017-metadata.csv").rename(folder / "x.csv").parent, id="renamed"),
        pytest.param(
            lambda folder: (folder / "PPB-2017-metadata.csv").rename(folder / "ppb-2017-METADATA.CSV").parent, id="case"
        ),
    ],
)
def test_the_table_is_found(tmp_path: Path, move: Callable[[Path], Path]) -> None:
    root = move(write_ppb(tmp_path / "PPB-2017", ppb_rows({"LM": 2})))
    assert len(Ppb(root).listing().records) == 2


def test_without_a_table_it_says_which_one(tmp_path: Path) -> None:
    tmp_path.joinpath("a.csv").touch()
    tmp_path.joinpath("b.csv").touch()
    with pytest.raises(DataError, match=r"holds no PPB-2017-metadata.csv, and 2 other CSV files"):
        Ppb(tmp_path).listing()
    with pytest.raises(DataError, match="PPB folder not found"):
        Ppb(tmp_path / "none").listing()


def test_rows_are_six_countries_by_four_groups() -> None:
    """The maker itself: portraits with a darker skin come from Africa in its tables, as in the published one."""
    assert {COUNTRY_OF[row.group[0]] for row in ppb_rows({"DF": 1, "LM": 1})} == {"Senegal", "Iceland"}
    assert isinstance(ppb_rows({"DF": 1})[0], Row)
