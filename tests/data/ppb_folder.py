"""Folders in PPB's published layout, with drawn pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.data.conftest import scene_picture

COUNTRY_OF = {"D": "Senegal", "L": "Iceland"}


@dataclass(frozen=True)
class Row:
    """One row of the table, as it will be written."""

    filename: str
    group: str
    gender: str
    skin: str
    country: str


def ppb_rows(counts: Mapping[str, int]) -> list[Row]:
    """Rows of so many portraits of each group."""
    groups = [group for group, count in counts.items() for _ in range(count)]
    return [
        Row(
            filename=f"AF_{COUNTRY_OF[group[0]]}_{number:04}.jpg",
            group=group,
            gender="Female" if group[1] == "F" else "Male",
            skin="darker" if group[0] == "D" else "lighter",
            country=COUNTRY_OF[group[0]],
        )
        for number, group in enumerate(groups)
    ]


def write_ppb(
    folder: Path,
    rows: Sequence[Row],
    *,
    line_end: str = "\r",
    mark: str = "",
    skin_column: str = "bi.fitz",
    suffix: str = ".jpg",
    side: int = 72,
    shared_picture: bool = False,
) -> Path:
    """Writes the table and a portrait for each row that names a new one; returns the folder.

    Args:
        line_end: between the rows; CR alone in the original.
        mark: what the file begins with, such as a byte-order mark.
        suffix: of the pictures, which are named as in the table but in lower case.
        shared_picture: whether all portraits are hard links to one file, for folders of the real size.
    """
    (folder / "imgs").mkdir(parents=True)
    lines = [f"id,filename,gender,numeric,{skin_column},country"]
    lines += [
        f"{number},{row.filename},{row.gender},{int(row.gender == 'Male')},{row.skin},{row.country}"
        for number, row in enumerate(rows)
    ]
    (folder / "PPB-2017-metadata.csv").write_bytes((mark + line_end.join(lines)).encode())
    first: Path | None = None
    for number, row in enumerate(rows):
        written = row.filename if suffix == ".jpg" and not row.filename.isupper() else row.filename.lower()
        path = (folder / "imgs" / written).with_suffix(suffix)
        if path.exists():
            continue
        if first is not None and shared_picture:
            path.hardlink_to(first)
            continue
        scene_picture(number, side, side + 24).save(path)
        first = first or path
    return folder
