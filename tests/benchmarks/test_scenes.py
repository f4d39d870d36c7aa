"""Photos for scenes: those with people are left out, and a list that names others is told of."""

from pathlib import Path

import pytest

from benchmarks.scenes import held_out_photos
from vaelab.data.splits import PHOTO_FRACTIONS, split_of


def test_photos_with_people_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"a photo {number}.webp" for number in range(40)]
    held_out = [name for name in names if split_of(name, PHOTO_FRACTIONS) == "test"]
    for name in names:
        (tmp_path / name).touch()
    listed = tmp_path / "people.txt"
    listed.write_text(f"{held_out[0]}\ngone.webp\n", encoding="utf-8-sig")
    assert {path.name for path in held_out_photos(tmp_path, listed)} == set(held_out[1:])
    assert "'gone.webp'" in capsys.readouterr().err
