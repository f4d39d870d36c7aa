"""Every source by one name; order of names; files stay inside their root."""

from __future__ import annotations

import dataclasses
import os

from tests.data.making import reasons
from vaelab.data.ordering import natural_key
from vaelab.data.sources import SOURCES, CsvTable


def test_registry_names_are_the_classes_own():
    assert {name: cls.name for name, cls in SOURCES.items()} == {name: name for name in SOURCES}
    for cls in SOURCES.values():
        assert cls.licence
        assert cls.summary
        assert dataclasses.is_dataclass(cls)


def test_natural_order():
    names = ["b/2.png", "a/10.png", "a/9.png", "B/1.png", "a/09.png", "a.png"]
    assert sorted(names, key=natural_key) == [
        "a/09.png",
        "a/9.png",
        "a/10.png",
        "a.png",
        "B/1.png",
        "b/2.png",
    ]


def test_files_are_never_opened_outside_the_root(tmp_path, write_scenes, monkeypatch):
    """A table may name anything; only names that the walk found are opened."""
    write_scenes(tmp_path / "in", 1)
    (tmp_path / "secret.png").write_bytes((tmp_path / "in" / "picture0.png").read_bytes())
    (tmp_path / "in" / "table.csv").write_text(
        "file\npicture0.png\n../secret.png\n" + os.fspath(tmp_path / "secret.png") + "\n"
    )
    listing = CsvTable(tmp_path / "in").listing()
    assert list(listing.records["image_id"]) == ["picture0.png"]
    assert set(reasons(listing).values()) == {"no such file"}
