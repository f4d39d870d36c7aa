"""CelebA in its published layout: attributes, partition, crop, and what was cut or edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.making import store_of
from vaelab.data.sources import CelebA
from vaelab.data.splits import split_of
from vaelab.errors import DataError

CELEBA_NAMES = "5_o_Clock_Shadow Smiling Young"


def celeba_folder(root: Path, encode, scene, size=(178, 218)) -> Path:
    (root / "img_align_celeba").mkdir(parents=True)
    for number in range(1, 6):
        (root / "img_align_celeba" / f"{number:06d}.jpg").write_bytes(encode(scene(number, *size), "PNG"))
    rows = [f"{number:06d}.jpg {' 1' if number % 2 else '-1'} -1  1" for number in range(1, 6)]
    (root / "list_attr_celeba.txt").write_text("\n".join(["5", CELEBA_NAMES, *rows]) + "\n")
    partition = "".join(f"{number:06d}.jpg {min(2, number // 2)}\n" for number in range(1, 6))
    (root / "list_eval_partition.txt").write_text(partition)
    return root


def test_celeba_reads_attributes_partition_and_crop(tmp_path, scene, encode, scene_pixels):
    store = store_of(CelebA(celeba_folder(tmp_path / "c", encode, scene)), tmp_path / "out", size=148)
    assert list(store.labels["split"]) == ["train", "val", "val", "test", "test"]
    assert list(store.labels["5_o_clock_shadow"]) == [True, False, True, False, True]
    assert not store.labels["smiling"].any()
    assert store.labels["young"].dtype == bool
    assert (store.pixels[1] == scene_pixels(2, 178, 218)[35:183, 15:163]).all()
    assert store.manifest.crop == "celeba"


def test_celeba_as_on_kaggle_is_the_same(tmp_path, scene, encode):
    first = celeba_folder(tmp_path / "a", encode, scene)
    second = celeba_folder(tmp_path / "b", encode, scene)
    for name, header in (
        ("list_attr_celeba", f"image_id {CELEBA_NAMES}"),
        ("list_eval_partition", "image_id partition"),
    ):
        text = (second / f"{name}.txt").read_text().splitlines()
        rows = [header, *(text[2:] if "attr" in name else text)]
        (second / f"{name}.csv").write_text("\n".join(",".join(row.split()) for row in rows) + "\n")
        (second / f"{name}.txt").unlink()
    assert (
        store_of(CelebA(first), tmp_path / "out-a").fingerprint
        == store_of(CelebA(second), tmp_path / "out-b").fingerprint
    )


def test_celeba_without_a_partition_splits_by_hash(tmp_path, scene, encode):
    root = celeba_folder(tmp_path / "c", encode, scene)
    (root / "list_eval_partition.txt").unlink()
    store = store_of(CelebA(root), tmp_path / "out")
    assert list(store.labels["split"]) == [split_of(f"{number:06d}.jpg") for number in range(1, 6)]
    assert "5 pictures have no official split" in store.manifest.notes[0]


def test_celeba_pictures_of_another_size_are_rejected(tmp_path, scene, encode):
    root = celeba_folder(tmp_path / "c", encode, scene)
    (root / "img_align_celeba" / "000002.jpg").write_bytes(encode(scene(2, 409, 687), "PNG"))
    (root / "img_align_celeba" / "000003.jpg").unlink()
    (root / "img_align_celeba" / "extra.jpg").write_bytes(b"")
    store = store_of(CelebA(root), tmp_path / "out")
    assert {item.image_id: item.reason for item in store.manifest.rejected} == {
        "000002.jpg": "not an aligned CelebA picture: 409x687, expected 178x218",
        "000003.jpg": "has attributes, but there is no such picture",
        "extra.jpg": "has no attributes",
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("5\n", "6\n", "announces 6 pictures and lists 5"),
        ("000002.jpg -1 -1  1", "000002.jpg -1 -1", "'000002.jpg' .* has 2 values, expected 3"),
        ("000002.jpg -1 -1  1", "000002.jpg -1 -1  2", "of -1 or 1"),
        ("5\n", "", "two header lines"),
    ],
)
def test_celeba_tables_that_were_cut_or_edited(tmp_path, scene, encode, old, new, message):
    path = celeba_folder(tmp_path / "c", encode, scene) / "list_attr_celeba.txt"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=message):
        CelebA(tmp_path / "c").listing()


def test_celeba_odd_partition_is_refused(tmp_path, scene, encode):
    root = celeba_folder(tmp_path / "c", encode, scene)
    (root / "list_eval_partition.txt").write_text("000001.jpg 3\n")
    with pytest.raises(DataError, match="expected a file name and 0, 1 or 2"):
        CelebA(root).listing()
    (root / "list_attr_celeba.txt").unlink()
    with pytest.raises(DataError, match="CelebA table not found"):
        CelebA(root).listing()
