from __future__ import annotations

import dataclasses
import io
import logging
import os
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from vaelab.data.ordering import natural_key
from vaelab.data.prepare import prepare
from vaelab.data.sources import (
    SOURCES,
    CelebA,
    ClassFolders,
    CsvTable,
    FairFace,
    Folder,
    Listing,
    MitH5,
    Source,
    Synthetic,
    UTKFace,
)
from vaelab.data.sources.utkface import Person, parse_name
from vaelab.data.splits import HELD_OUT_CLASS_FRACTIONS, split_of
from vaelab.data.store import DatasetStore
from vaelab.errors import ConfigError, DataError

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data")


def store_of(source: Source, out: Path, size: int = 16) -> DatasetStore:
    return prepare(source, out, size=size, workers=1)


def reasons(listing: Listing) -> dict[str, str]:
    return {item.image_id: item.reason for item in listing.rejected}


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


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


def test_folder_walks_deep_and_sorts_naturally(tmp_path, write_scenes):
    write_scenes(tmp_path / "in" / "10", 12)
    write_scenes(tmp_path / "in" / "9", 1)
    names = list(Folder(tmp_path / "in").listing().records["image_id"])
    assert names == ["9/picture0.png", *(f"10/picture{number}.png" for number in range(12))]


def test_folder_keeps_links_that_stay_inside(tmp_path, write_scenes):
    write_scenes(tmp_path / "in", 1)
    (tmp_path / "in" / "again.png").symlink_to("picture0.png")
    listing = Folder(tmp_path / "in").listing()
    assert list(listing.records["image_id"]) == ["again.png", "picture0.png"]


def test_root_may_itself_be_a_link(tmp_path, write_scenes):
    write_scenes(tmp_path / "real", 2)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len(store_of(Folder(tmp_path / "link"), tmp_path / "out")) == 2


def test_folder_of_non_faces(tmp_path, write_scenes):
    write_scenes(tmp_path / "in", 3)
    assert not store_of(Folder(tmp_path / "in", non_faces=True), tmp_path / "out").labels["is_face"].any()


def test_missing_folder_is_said(tmp_path):
    with pytest.raises(DataError, match="no such folder or tar"):
        Folder(tmp_path / "nothing").listing()


def test_tar_gives_what_its_folder_gives(tmp_path, write_scenes):
    names = write_scenes(tmp_path / "in", 11)
    tar = write_tar(tmp_path / "in.tar", {f"./{name}": (tmp_path / "in" / name).read_bytes() for name in names})
    from_folder = store_of(Folder(tmp_path / "in"), tmp_path / "folder")
    from_tar = store_of(Folder(tar), tmp_path / "tar")
    assert from_folder.fingerprint == from_tar.fingerprint


def test_hostile_tar_members_are_rejected(tmp_path, scene, encode):
    data = encode(scene(0), "PNG")
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as archive:
        for name in (
            "good.png",
            "../up.png",
            "/etc/passwd.png",
            "a/../../b.png",
            ".hidden",
            "dir/../fine.png",
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, kind in {"link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "dev": tarfile.CHRTYPE}.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    listing = Folder(path).listing()
    assert list(listing.records["image_id"]) == ["fine.png", "good.png"]
    assert reasons(listing) == {
        "../up.png": "path leads out of the tar",
        "/etc/passwd.png": "path leads out of the tar",
        "a/../../b.png": "path leads out of the tar",
        ".hidden": "hidden file",
        "link": "not a plain file in the tar",
        "hard": "not a plain file in the tar",
        "dev": "not a plain file in the tar",
    }


def test_tar_with_one_name_twice_is_refused(tmp_path):
    with tarfile.open(tmp_path / "twice.tar", "w") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("a.png"))
    with pytest.raises(DataError, match=r"'a.png' twice"):
        Folder(tmp_path / "twice.tar").listing()


@pytest.mark.parametrize("num_bytes", [300, 1024, 2048, 2100, 3000])
def test_cut_tars_are_refused_wherever_they_end(tmp_path, num_bytes):
    """Two members of 1,000 bytes: headers at 0 and 1,536, the end mark at 3,072."""
    tar = write_tar(tmp_path / "a.tar", {"one.png": b"x" * 1000, "two.png": b"y" * 1000})
    assert len(Folder(tar).listing().records) == 2
    tar.write_bytes(tar.read_bytes()[:num_bytes])
    with pytest.raises(DataError, match=r"no readable tar|cut or damaged"):
        Folder(tar).listing()


def test_tar_with_a_damaged_header_is_refused(tmp_path):
    tar = write_tar(tmp_path / "a.tar", {"one.png": b"x" * 1000, "two.png": b"y" * 1000})
    data = bytearray(tar.read_bytes())
    data[1536 + 20] ^= 1
    tar.write_bytes(data)
    with pytest.raises(DataError, match="cut or damaged at byte 1,536"):
        Folder(tar).listing()


def test_compressed_tars_are_refused(tmp_path):
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz"):
        pass
    with pytest.raises(DataError, match="compressed"):
        Folder(tmp_path / "b.tar.gz").listing()


@pytest.fixture
def csv_folder(tmp_path, write_scenes) -> Path:
    write_scenes(tmp_path / "in", 4)
    return tmp_path / "in"


def test_csv_finds_its_columns_by_their_usual_names(csv_folder, tmp_path):
    (csv_folder / "table.csv").write_text(
        "Age; File-Name ;Smiling;Partition;code;split_key;empty\n"
        "31;picture2.png;true;TEST;007;x;\n4;./picture0.png;false;training;008;y;\n9;picture1.png;True;dev;100;z;1.5\n"
    )
    store = store_of(CsvTable(csv_folder), tmp_path / "out")
    assert list(store.labels.columns) == [
        "image_id",
        "is_face",
        "split",
        "Age",
        "Smiling",
        "code",
        "original_split_key",
        "empty",
    ]
    assert store.labels.iloc[0].drop("empty").to_list() == [
        "picture2.png",
        True,
        "test",
        31,
        True,
        "007",
        "x",
    ]
    assert list(store.labels["split"]) == ["test", "train", "val"]
    assert store.labels["Age"].dtype == np.int64
    assert store.labels["Smiling"].dtype == bool
    assert store.labels["empty"].isna().tolist() == [True, True, False]
    assert store.manifest.notes == ("files in the folder without a row in the table: 1",)


@pytest.mark.parametrize("ending", ["\r", "\r\n", "\n"])
def test_csv_line_endings_and_byte_order_mark(csv_folder, tmp_path, ending):
    text = ending.join(["filename,gender", "picture0.png,Female", "picture3.png,Male", ""])
    (csv_folder / "table.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    store = store_of(CsvTable(csv_folder), tmp_path / "out")
    assert list(store.labels["gender"]) == ["Female", "Male"]


def test_csv_rows_that_cannot_be_used_are_named(csv_folder):
    table = csv_folder / "table.csv"
    table.write_text(
        "file,split,is_face\npicture0.png,train,yes\nmissing.png,train,yes\n../../etc/passwd,train,1\n"
        "picture1.png,holdout,1\npicture2.png,val,perhaps\npicture3.png,val,0\n"
    )
    listing = CsvTable(csv_folder).listing()
    assert list(listing.records["image_id"]) == ["picture0.png", "picture3.png"]
    assert list(listing.records["is_face"]) == [True, False]
    assert reasons(listing) == {
        "missing.png": "no such file",
        "../../etc/passwd": "no such file",
        "picture1.png": "unknown split: 'holdout'",
        "picture2.png": "is_face is neither true nor false: 'perhaps'",
    }


def test_csv_keeps_people_together(tmp_path, write_scenes):
    names = write_scenes(tmp_path / "in", 60)
    rows = "".join(f"{name},person {number % 12}\n" for number, name in enumerate(names))
    (tmp_path / "in" / "table.csv").write_text("file,person\n" + rows)
    store = store_of(CsvTable(tmp_path / "in", keep_together="person"), tmp_path / "out")
    assert (store.labels.groupby("person")["split"].nunique() == 1).all()
    with pytest.raises(DataError, match="no column 'name'; met file, person"):
        CsvTable(tmp_path / "in", keep_together="name").listing()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"age,gender\n1,2\n", "no column for the file name; met age, gender"),
        (b"", "cannot be read as a table"),
        (b"file,age\na.png,\xff\n", "not UTF-8"),
        (b"file,age\na.png,1,2,3\n", "more values than columns"),
        (b"file,age\na.png,1\nb.png,1,2,3\n", "cannot be read as a table"),
        (b"file,age,age \na.png,1,2\n", "the column 'age' twice"),
    ],
)
def test_csv_that_is_none(csv_folder, content, message):
    (csv_folder / "table.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        CsvTable(csv_folder).listing()


def test_csv_rows_that_end_early_have_missing_values(csv_folder):
    (csv_folder / "table.csv").write_text("file,age,mood\npicture0.png,3,glad\npicture1.png\n")
    records = CsvTable(csv_folder).listing().records
    assert records["age"].isna().tolist() == [False, True]
    assert records["mood"].isna().tolist() == [False, True]


def test_csv_has_to_be_the_only_one_or_be_named(csv_folder):
    with pytest.raises(DataError, match="holds 0 CSV files; name the table with --csv"):
        CsvTable(csv_folder).listing()
    for name in ("a.csv", "b.csv"):
        (csv_folder / name).write_text("file\npicture0.png\n")
    with pytest.raises(DataError, match="holds 2 CSV files"):
        CsvTable(csv_folder).listing()
    assert len(CsvTable(csv_folder, csv=csv_folder / "b.csv").listing().records) == 1


def fairface_folder(root: Path, encode, scene, packed: bool) -> Path:
    root.mkdir()
    for part, count in (("train", 30), ("val", 5)):
        rows = "".join(
            f"{part}/{n}.jpg,{'more than 70' if n % 2 else '3-9'},{'Male' if n % 3 else 'Female'},White,{n % 2 == 0}\n"
            for n in range(1, count + 2)
        )
        (root / f"fairface_label_{part}.csv").write_text("file,age,gender,race,service_test\n" + rows)
        pictures = {f"{part}/{n}.{'webp' if packed else 'jpg'}": encode(scene(n), "PNG") for n in range(1, count + 1)}
        pictures[f"{part}/{count + 7}.webp"] = encode(scene(0), "PNG")
        if packed:
            write_tar(root / f"fairface-{part}-128.tar", pictures)
        else:
            (root / part).mkdir()
            for name, data in pictures.items():
                (root / name).write_bytes(data)
    return root


def test_fairface_is_the_same_published_or_packed(tmp_path, scene, encode):
    published = store_of(FairFace(fairface_folder(tmp_path / "a", encode, scene, packed=False)), tmp_path / "out-a")
    packed = store_of(FairFace(fairface_folder(tmp_path / "b", encode, scene, packed=True)), tmp_path / "out-b")
    assert published.fingerprint == packed.fingerprint
    assert list(packed.labels.columns) == [
        "image_id",
        "is_face",
        "split",
        "age",
        "gender",
        "race",
        "service_test",
    ]
    assert packed.labels["image_id"].iloc[0] == "train/1.jpg"
    assert {item.image_id: item.reason for item in packed.manifest.rejected} == {
        "train/31.jpg": "labelled, but there is no such picture",
        "train/37": "no row in the labels",
        "val/6.jpg": "labelled, but there is no such picture",
        "val/12": "no row in the labels",
    }


def test_fairface_splits_train_by_hash_and_keeps_val_for_testing(tmp_path, scene, encode):
    labels = store_of(FairFace(fairface_folder(tmp_path / "a", encode, scene, packed=True)), tmp_path / "out").labels
    assert (labels["split"][labels["image_id"].str.startswith("val/")] == "test").all()
    for image_id, split in zip(labels["image_id"], labels["split"], strict=True):
        if image_id.startswith("train/"):
            assert split == split_of(image_id, {"train": 0.95, "val": 0.05})


def test_fairface_says_what_is_missing(tmp_path, scene, encode):
    with pytest.raises(DataError, match="FairFace labels not found"):
        FairFace(tmp_path).listing()
    root = fairface_folder(tmp_path / "a", encode, scene, packed=True)
    (root / "fairface-val-128.tar").unlink()
    with pytest.raises(DataError, match="FairFace pictures not found"):
        FairFace(root).listing()
    (root / "fairface_label_train.csv").write_text("file,age\n")
    with pytest.raises(DataError, match="no column 'gender'"):
        FairFace(root).listing()


@needs_shared
@pytest.mark.parametrize(
    ("source", "count"),
    [(FairFace(SHARED), 45_000), (ClassFolders(SHARED / "nonfaces-64.tar"), 32_000)],
    ids=["fairface", "nonfaces"],
)
def test_real_packs(tmp_path, source, count):
    store = prepare(source, tmp_path / "out", size=64, workers=1, limit=40)
    assert len(store) == 40
    assert store.manifest.notes == (f"limited to 40 of {count} pictures, spread evenly",)
    assert store.pixels.std() > 30


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


def write_h5(
    path: Path, rgb: np.ndarray, labels: np.ndarray, changes: dict[str, np.ndarray | None] | None = None
) -> Path:
    with h5py.File(path, "w") as file:
        for key, values in {"images": rgb[..., ::-1], "labels": labels, **(changes or {})}.items():
            if values is not None:
                file.create_dataset(key, data=values)
    return path


@pytest.fixture
def lab_pixels(scene_pixels) -> np.ndarray:
    """(12, 32, 32, 3) RGB, reddish."""
    pixels = np.stack([scene_pixels(seed, 32, 32) for seed in range(12)]).astype(int)
    pixels[..., 0] += 60
    pixels[..., 2] -= 60
    return pixels.clip(0, 255).astype(np.uint8)


LAB_LABELS = (np.arange(12) % 2)[:, None]


def test_h5_is_turned_from_bgr(tmp_path, lab_pixels):
    write_h5(tmp_path / "train_face.h5", lab_pixels, LAB_LABELS)
    store = store_of(MitH5(tmp_path), tmp_path / "out", size=32)
    assert (store.pixels == lab_pixels).all()
    assert store.labels["is_face"].tolist() == [False, True] * 6
    assert store.labels["image_id"].iloc[11] == "000011"
    assert store.manifest.notes == ()


def test_h5_can_be_resized(tmp_path, lab_pixels):
    write_h5(tmp_path / "x.h5", lab_pixels, LAB_LABELS.astype(float))
    store = store_of(MitH5(tmp_path / "x.h5"), tmp_path / "out", size=16)
    halves = lab_pixels.reshape(12, 16, 2, 16, 2, 3).mean((2, 4))
    assert np.abs(store.pixels - halves).mean() < 1.5


def test_h5_that_is_rgb_already_is_noted(tmp_path, lab_pixels, caplog):
    write_h5(tmp_path / "x.h5", lab_pixels[..., ::-1], LAB_LABELS)
    with caplog.at_level(logging.WARNING):
        store = store_of(MitH5(tmp_path / "x.h5"), tmp_path / "out", size=32)
    assert "probably holds RGB" in store.manifest.notes[0]
    assert "probably holds RGB" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None}, "no data set 'labels'; met images"),
        ({"images": None}, "no data set 'images'"),
        ({"images": np.zeros((12, 3, 32, 32), np.uint8)}, r"expected uint8 of \(n, side, side, 3\)"),
        ({"images": np.zeros((12, 32, 32, 3), np.float32)}, "images are float32"),
        ({"labels": np.zeros((11, 1))}, r"expected \(12, 1\)"),
        ({"labels": np.zeros((12, 1))}, "both classes are needed"),
        ({"labels": np.arange(12)[:, None]}, "labels are 0 or 1, met 2"),
    ],
)
def test_h5_that_is_not_the_labs(tmp_path, lab_pixels, changes, message):
    path = write_h5(tmp_path / "x.h5", lab_pixels, LAB_LABELS, changes)
    with pytest.raises(DataError, match=message):
        MitH5(path).listing()


def test_h5_that_is_none(tmp_path):
    (tmp_path / "x.h5").write_text("<html>not found</html>")
    with pytest.raises(DataError, match="no readable HDF5 file"):
        MitH5(tmp_path / "x.h5").listing()
    with pytest.raises(DataError, match="HDF5 file not found"):
        MitH5(tmp_path / "y.h5").listing()


def test_h5_damaged_blocks_are_rejected_alone(tmp_path, lab_pixels):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=lab_pixels[..., ::-1], chunks=(1, 32, 32, 3), fletcher32=True)
        file.create_dataset("labels", data=LAB_LABELS)
        block = file["images"].id.get_chunk_info(8)
    with path.open("r+b") as raw:
        raw.seek(block.byte_offset + 5)
        raw.write(b"\xaa\x55\xaa")
    row = block.chunk_offset[0]
    if row % 2:
        pytest.skip("the probe of the faces reads this row")
    store = store_of(MitH5(path), tmp_path / "out", size=32)
    assert [item.image_id for item in store.manifest.rejected] == [f"{row:06d}"]
    assert len(store) == 11


def test_synthetic_labels_faces_by_factor_and_things_by_class(tmp_path):
    store = store_of(Synthetic(num_faces=40, num_nonfaces=30, seed=3), tmp_path / "out", size=32)
    faces, things = store.labels[store.labels["is_face"]], store.labels[~store.labels["is_face"]]
    assert len(faces) == 40
    assert faces["skin"].notna().all()
    assert things["skin"].isna().all()
    assert things["object_class"].notna().all()
    assert faces["object_class"].isna().all()
    assert not [name for name in store.labels.columns if name.startswith("_") or name == "texture_seed"]
    assert "calibration" not in set(faces["split"])


def test_synthetic_obeys_shares_and_seed(tmp_path):
    shares = {"skin": {"dark": 0.1, "light": 0.9}}
    labels = Synthetic(num_faces=50, num_nonfaces=0, shares=shares).listing().records
    assert labels["skin"].value_counts().to_dict() == {"light": 45, "dark": 5}
    one, same = (Synthetic(num_faces=10, num_nonfaces=5, seed=4).listing().records for _ in range(2))
    other = Synthetic(num_faces=10, num_nonfaces=5, seed=5).listing().records
    pd.testing.assert_frame_equal(one, same)
    assert not one["age"].equals(other["age"])


def test_synthetic_pixels_are_the_renderers(tmp_path):
    from vaelab.data import synthetic

    store = store_of(Synthetic(num_faces=12, num_nonfaces=9), tmp_path / "out", size=32)
    assert (store.pixels[:12] == synthetic.render_faces(synthetic.sample_factors(12, 0), 32)).all()
    assert (store.pixels[12:] == synthetic.render_nonfaces(synthetic.sample_nonfaces(9, 0), 32)).all()


def test_synthetic_refuses_nonsense():
    with pytest.raises(DataError, match="not both 0"):
        Synthetic(num_faces=0, num_nonfaces=0)
    with pytest.raises(DataError, match="0 or more"):
        Synthetic(num_faces=-1)
    with pytest.raises(ConfigError, match="Unknown factor"):
        Synthetic(shares={"mood": {"good": 1.0}}).listing()


def test_synthetic_store_is_tied_to_the_drawing_code(tmp_path, monkeypatch):
    store_of(Synthetic(num_faces=8, num_nonfaces=2), tmp_path / "out", size=16)
    monkeypatch.setattr(Synthetic, "identity", lambda self: "another version")
    with pytest.raises(DataError, match="another request"):
        store_of(Synthetic(num_faces=8, num_nonfaces=2), tmp_path / "out", size=16)


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
