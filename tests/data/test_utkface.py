"""UTKFace: labels are in the file names, and some are malformed."""

from __future__ import annotations

import pytest

from tests.data.making import store_of
from vaelab.data.sources import UTKFace
from vaelab.data.sources.utkface import Person, parse_name
from vaelab.errors import DataError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("25_0_1_20170116174525125.jpg.chip.jpg", Person(25, "Male", "Black")),
        ("1_1_4_20161219140623097.jpg.chip.jpg", Person(1, "Female", "Others")),
        ("116_1_0_2017.jpg", Person(116, "Female", "White")),
        ("39_1_20170116174525125.jpg.chip.jpg", "fewer than four fields"),
        ("61_1__20170109142408075.jpg.chip.jpg", "fewer than four fields"),
        ("61_3_20170109150557335_2.jpg.chip.jpg", "neither 0 nor 1"),
        ("44_1_9_20170116.jpg", "race above 4"),
        ("300_1_2_20170116.jpg", "age above 116"),
        ("x_1_2_20170116.jpg", "is no number"),
        ("-5_1_2_20170116.jpg", "is no number"),
        ("२५_1_2_20170116.jpg", "is no number"),
        ("readme.txt", "fewer than four fields"),
    ],
)
def test_utkface_names(name, expected):
    found = parse_name(name)
    if isinstance(expected, Person):
        assert found == expected
    else:
        assert isinstance(found, str)
        assert expected in found


def test_utkface_rejects_and_counts_malformed_names(tmp_path, scene, encode):
    (tmp_path / "in" / "part1").mkdir(parents=True)
    good, bad = (
        ["26_0_2_2017.jpg.chip.jpg", "9_1_3_2017.jpg.chip.jpg"],
        ["61_1_2017.jpg.chip.jpg", "1_2017.jpg", "9_7_0_1.jpg"],
    )
    for name in good + bad:
        (tmp_path / "in" / "part1" / name).write_bytes(encode(scene(0), "JPEG"))
    store = store_of(UTKFace(tmp_path / "in"), tmp_path / "out")
    assert store.labels[["image_id", "age", "gender", "race"]].to_numpy().tolist() == [
        ["part1/9_1_3_2017.jpg.chip.jpg", 9, "Female", "Indian"],
        ["part1/26_0_2_2017.jpg.chip.jpg", 26, "Male", "Asian"],
    ]
    assert store.manifest.notes == (
        "2 files rejected: malformed name: fewer than four fields",
        "1 files rejected: malformed name: gender is neither 0 nor 1",
    )
    assert len(store.manifest.rejected) == 3
    with pytest.raises(DataError, match="holds no file named like"):
        UTKFace(tmp_path / "out").listing()


def test_copies_of_a_picture_stay_in_one_split(tmp_path):
    for folder, ending in (("UTKFace", "jpg.chip.jpg"), ("crop_part1", "jpg.chip.jpg"), ("wild/part1", "jpg")):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(3):
            (tmp_path / folder / f"{20 + number}_0_2_2017.{ending}").touch()
    records = UTKFace(tmp_path).listing().records
    assert records["image_id"].is_unique
    assert sorted(records["split_key"]) == sorted(["20_0_2_2017", "21_0_2_2017", "22_0_2_2017"] * 3)
