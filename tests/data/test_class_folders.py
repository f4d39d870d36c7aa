"""Non-faces by class: whole classes are held out."""

from __future__ import annotations

import pytest

from tests.data.making import store_of, write_tar
from vaelab.data.sources import ClassFolders
from vaelab.data.splits import HELD_OUT_CLASS_FRACTIONS, split_of
from vaelab.errors import DataError


def test_class_folders_hold_whole_classes_out(tmp_path, write_scenes):
    for number in range(40):
        write_scenes(tmp_path / "in" / f"n{number:08d}" / "images", 2)
    (tmp_path / "in" / "words.txt").write_text("n00000000\tthing")
    store = store_of(ClassFolders(tmp_path / "in"), tmp_path / "out")
    assert not store.labels["is_face"].any()
    splits = store.labels.groupby("object_class")["split"].unique()
    assert all(list(found) == [split_of(name, HELD_OUT_CLASS_FRACTIONS)] for name, found in splits.items())
    assert len(splits) == 40
    assert set(store.labels["split"]) == {"train", "val", "calibration", "test"}
    assert [item.reason for item in store.manifest.rejected] == ["lies in no class folder"]


def test_class_tar_with_its_table(tmp_path, scene, encode):
    members = {f"things/n{c}_{n}.webp": encode(scene(n), "WEBP") for c in (1, 2) for n in range(3)}
    tar = write_tar(tmp_path / "things-64.tar", members)
    rows = "".join(f'{name},{name[7:9]},"thing, of a kind"\n' for name in list(members)[:5])
    (tmp_path / "things.csv").write_text("file,wnid,words\n" + rows + "things/n9_9.webp,n9,lost\n")
    store = store_of(ClassFolders(tar), tmp_path / "out")
    assert list(store.labels["object_class"]) == ["n1", "n1", "n1", "n2", "n2"]
    assert store.labels["object_words"].iloc[0] == "thing, of a kind"
    assert {item.image_id: item.reason for item in store.manifest.rejected} == {
        "things/n9_9.webp": "in the table, but there is no such picture",
        "things/n2_2.webp": "no row in the table",
    }


def test_class_folders_without_classes(tmp_path, write_scenes):
    write_scenes(tmp_path / "in", 3)
    with pytest.raises(DataError, match="no picture in a class folder"):
        ClassFolders(tmp_path / "in").listing()
    with pytest.raises(DataError, match="not found"):
        ClassFolders(tmp_path / "nothing").listing()
