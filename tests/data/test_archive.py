"""Archives of strangers: sound ones are unpacked, anything else leaves nothing behind."""

import bz2
import gzip
import io
import lzma
import random
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vaelab.data.archive import unpack
from vaelab.errors import DataError


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for entry, content in entries:
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def refused(archive: Path, told: str, **limits: int) -> None:
    folder = archive.parent / "out"
    with pytest.raises(DataError, match=told):
        unpack(archive, folder, **limits)
    assert not folder.exists()
    assert not (archive.parent / "evil").exists()


def test_a_sound_zip_and_tar_are_unpacked(tmp_path: Path) -> None:
    entries = {"a.png": b"one", "deep/er/b.png": b"two"}
    assert unpack(zipped(tmp_path / "a.zip", entries), tmp_path / "zip") == 2
    pairs = [(tarfile.TarInfo(name), content) for name, content in entries.items()]
    assert unpack(tarred(tmp_path / "a.tar", *pairs), tmp_path / "tar") == 2
    for kind in ("zip", "tar"):
        assert (tmp_path / kind / "deep/er/b.png").read_bytes() == b"two"


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil", "C:\\evil", "..\\evil"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    refused(zipped(tmp_path / "a.zip", {"good.png": b"x", name: b"x"}), "leads out")
    refused(tarred(tmp_path / "a.tar", (tarfile.TarInfo("good.png"), b"x"), (tarfile.TarInfo(name), b"x")), "leads out")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    entry = tarfile.TarInfo("picture.png")
    entry.type, entry.linkname = kind, "/etc/passwd"
    refused(tarred(tmp_path / "a.tar", (entry, b"")), "link or a device")


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("picture.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    refused(tmp_path / "a.zip", "link or a device")


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "a.zip", {"a.png": bytes(60_000_000)}), "far more than pictures do")
    refused(zipped(tmp_path / "b.zip", {"a.png": bytes(2_000)}), "far more", most_bytes=1_000)
    many = zipped(tmp_path / "c.zip", {f"{index}.png": b"x" for index in range(20)})
    refused(many, "more than 10 files", most_entries=10)


def test_damage_and_strange_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no archive at all")
    refused(tmp_path / "a.zip", "neither a zip nor a tar")
    sound = zipped(tmp_path / "b.zip", {"a.png": bytes(range(256)) * 40}).read_bytes()
    (tmp_path / "b.zip").write_bytes(sound[:60] + b"\xff" * 20 + sound[80:])
    refused(tmp_path / "b.zip", "cannot be read")


def tar_of_three(path: Path, mode: str) -> Path:
    """Headers at 0, 1,536 and 3,072 of the uncompressed bytes."""
    with tarfile.open(path, mode) as archive:
        for number in range(3):
            entry = tarfile.TarInfo(f"{number}.png")
            entry.size, entry.mtime = 1_000, 1_600_000_000 + number
            archive.addfile(entry, io.BytesIO(bytes([number]) * 1_000))
    return path


@pytest.mark.parametrize("packed", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_with_a_damaged_header_is_refused(tmp_path: Path, packed: Callable[[bytes], bytes]) -> None:
    """A tar's reader takes a header that it cannot read for the end: the pictures after it would be missing."""
    content = bytearray(tar_of_three(tmp_path / "a.tar", "w").read_bytes())
    content[3_072 + 20] ^= 1
    (tmp_path / "b.tar").write_bytes(packed(bytes(content)))
    refused(tmp_path / "b.tar", "cut or damaged at byte 3,072")
    (tmp_path / "b.tar").write_bytes(packed(bytes(content[:3_072])))
    refused(tmp_path / "b.tar", "cut or damaged at byte 3,072")


def test_damage_that_only_the_checksum_shows_is_told(tmp_path: Path) -> None:
    sound = tar_of_three(tmp_path / "a.tar.gz", "w:gz").read_bytes()
    (tmp_path / "a.tar.gz").write_bytes(sound[:-8] + b"\xff" * 4 + sound[-4:])
    refused(tmp_path / "a.tar.gz", "CRC check failed")


def test_a_damaged_xz_is_told(tmp_path: Path) -> None:
    noise = random.Random(0).randbytes(500_000)  # fills blocks, so that the first ones are read before the damaged one
    tar = tarred(tmp_path / "a.tar", *[(tarfile.TarInfo(f"{number}.png"), noise) for number in range(2)])
    content = bytearray(lzma.compress(tar.read_bytes()))
    content[len(content) // 3] ^= 0xFF
    (tmp_path / "a.tar.xz").write_bytes(content)
    refused(tmp_path / "a.tar.xz", "cannot be read")


def test_names_that_are_no_text_are_told(tmp_path: Path) -> None:
    sound = zipped(tmp_path / "a.zip", {"é.png": b"x"}).read_bytes()
    (tmp_path / "a.zip").write_bytes(sound.replace("é".encode(), b"\xff\xa9"))
    refused(tmp_path / "a.zip", "cannot be read")


def test_files_keep_the_times_of_the_archive(tmp_path: Path) -> None:
    tar = tar_of_three(tmp_path / "a.tar", "w")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(3):
            archive.writestr(zipfile.ZipInfo(f"{number}.png", (2020, 9, 13, 12, 26, 40 + 2 * number)), b"x")
        archive.writestr(zipfile.ZipInfo("never.png", (2020, 13, 0, 0, 0, 0)), b"x")
    for archive_path, step in ((tar, 1), (tmp_path / "a.zip", 2)):
        folder = archive_path.with_suffix("")
        unpack(archive_path, folder / archive_path.suffix)
        times = [path.stat().st_mtime for path in sorted((folder / archive_path.suffix).glob("?.png"))]
        assert times == [1_600_000_000 + step * number for number in range(3)]
    assert (tmp_path / "a" / ".zip" / "never.png").stat().st_mtime == 0


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    entries = [(tarfile.TarInfo("a.png"), b"one"), (tarfile.TarInfo("a.png"), b"two")]
    refused(tarred(tmp_path / "a.tar", *entries), "twice")
