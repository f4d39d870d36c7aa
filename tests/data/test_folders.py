"""Folders and tars of pictures: found in order, links and hostile members refused, damaged tars said."""

from __future__ import annotations

import io
import tarfile

import pytest

from tests.data.making import reasons, store_of, write_tar
from vaelab.data.sources import Folder
from vaelab.errors import DataError


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


@pytest.mark.parametrize("beside", [".ipynb_checkpoints", "a/.thumbnails", "__MACOSX"])
def test_what_programs_hide_beside_pictures_is_no_picture(tmp_path, scene, encode, beside):
    data = encode(scene(0), "PNG")
    files = {"a/1.png": data, f"{beside}/1.png": data, f"{beside}/b/2.png": data}
    for name, content in files.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    found = Folder(tmp_path / "in").listing()
    assert list(found.records["image_id"]) == ["a/1.png"]
    assert reasons(found) == {beside: "hidden folder"}
    found = Folder(write_tar(tmp_path / "in.tar", files)).listing()
    assert list(found.records["image_id"]) == ["a/1.png"]
    assert reasons(found) == dict.fromkeys([f"{beside}/1.png", f"{beside}/b/2.png"], "in a hidden folder")


def test_a_hidden_root_is_read(tmp_path, write_scenes):
    names = write_scenes(tmp_path / ".cache", 2)
    assert list(Folder(tmp_path / ".cache").listing().records["image_id"]) == names
