"""Unpacking an archive that somebody else made: nothing outside the folder, no links, no bombs."""

from __future__ import annotations

import calendar
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Protocol, runtime_checkable

from vaelab.errors import DataError

MOST_ENTRIES = 500_000
MOST_BYTES = 20 * 10**9
MOST_RATIO = 100.0
"""Unpacked over packed size; pictures hardly shrink, so that even drawn ones stay well below."""
RATIO_COUNTS_FROM = 50 * 10**6
"""Smaller contents are no danger however well they are packed."""
LATEST_SECONDS = 2**33
"""Times after the year 2242 are garbage."""
_BLOCK_BYTES = 2**20
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,  # numbers and names that cannot be read
)


@runtime_checkable
class Readable(Protocol):
    """What both kinds of archive give for a file inside."""

    def read(self, size: int = -1, /) -> bytes:
        """The next `size` bytes."""


def unpack(archive: Path, folder: Path, *, most_bytes: int = MOST_BYTES, most_entries: int = MOST_ENTRIES) -> int:
    """Unpack a zip or tar (gzip, bzip2, xz too) into the new folder `folder`; returns the number of files.

    Either everything is unpacked or nothing stays: no byte is written to a name before it was checked, and bytes are
    counted as they come, whatever size the archive claims. Files keep the times that the archive gives them, so that
    what is unpacked twice is the same both times.

    Raises:
        DataError: it is no archive, is damaged, or holds what a collection of pictures never does: absolute paths,
            `..`, links, devices, the same name twice, or far more bytes than it has itself.
    """
    packed = archive.stat().st_size
    limit = min(most_bytes, max(RATIO_COUNTS_FROM, int(packed * MOST_RATIO)))
    folder.mkdir(parents=True)
    try:
        with _entries(archive) as entries:
            seen: set[PurePosixPath] = set()
            written = 0
            for name, file, modified in entries:
                path = _checked(name)
                if path in seen or len(seen) >= most_entries:
                    raise DataError(
                        f"the archive names {name!r} twice"
                        if path in seen
                        else f"the archive holds more than {most_entries:,} files; prepare it from a folder instead"
                    )
                seen.add(path)
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                written += _copy(file, target, limit - written, packed)
                os.utime(target, (modified, modified))
    except _DAMAGED as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise DataError(
            f"the archive cannot be read ({error}); pack it again as zip or tar, without a password"
        ) from error
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise DataError(f"the archive cannot be unpacked: {error.strerror or error}") from error
    except DataError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return len(seen)


@contextmanager
def _entries(archive: Path) -> Iterator[Iterator[tuple[str, Readable, int]]]:
    """(name, file, time of change) of every regular file; folders are passed over, anything else is refused."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            yield _zip_entries(zipped)
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tarred:
            yield _tar_entries(tarred)
    else:
        raise DataError("this is neither a zip nor a tar; pack the folder of pictures as one of them")


def _zip_entries(zipped: zipfile.ZipFile) -> Iterator[tuple[str, Readable, int]]:
    for entry in zipped.infolist():
        _checked(entry.filename)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DataError(f"the archive holds {entry.filename!r}, a link or a device; pack plain files alone")
    for entry in zipped.infolist():
        if not entry.is_dir():
            with zipped.open(entry) as file:
                yield entry.filename, file, _zip_time(entry)


def _zip_time(entry: zipfile.ZipInfo) -> int:
    """When the file was changed, as seconds of a clock whose zone nobody knows; 0 for days that no calendar has."""
    try:
        return calendar.timegm((*entry.date_time, 0, 0, 0))
    except ValueError:
        return 0


def _tar_entries(tarred: tarfile.TarFile) -> Iterator[tuple[str, Readable, int]]:
    for entry in whole_members(tarred, "the archive"):
        _checked(entry.name)
        if entry.isdir():
            continue
        file = tarred.extractfile(entry) if entry.isreg() else None
        if file is None:
            raise DataError(f"the archive holds {entry.name!r}, a link or a device; pack plain files alone")
        with file:
            yield entry.name, file, int(entry.mtime) if 0 <= entry.mtime < LATEST_SECONDS else 0


def whole_members(tarred: tarfile.TarFile, what: str) -> Iterator[tarfile.TarInfo]:
    """All members of a tar, and at its end the certainty that there are no more.

    Args:
        what: names the tar in the message.

    Raises:
        DataError: it ends before the mark that every tar ends with.
        OSError, EOFError, zlib.error, lzma.LZMAError: it is compressed, and its checksum is not that of its bytes.
    """
    yield from tarred
    assert tarred.fileobj is not None  # it is open
    tarred.fileobj.seek(tarred.offset)
    if tarred.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):  # tarfile takes a damaged header for the end
        raise DataError(f"{what} was cut or damaged at byte {tarred.offset:,}; copy, download or pack it again")
    tarred.fileobj.read(_BLOCK_BYTES)  # the checksum comes after tar's padding


def _checked(name: str) -> PurePosixPath:
    """The name as a path below the folder."""
    path, windows = PurePosixPath(name), PureWindowsPath(name)
    is_outside = path.is_absolute() or windows.is_absolute() or windows.drive or ".." in path.parts
    if is_outside or "\\" in name or "\0" in name:
        raise DataError(f"the archive holds {name!r}, which leads out of its folder; nothing was unpacked")
    return path


def _copy(file: Readable, target: Path, room: int, packed: int) -> int:
    """Copy one file; returns its bytes."""
    written = 0
    with target.open("xb") as out:
        while block := file.read(_BLOCK_BYTES):
            written += len(block)
            if written > room:
                raise DataError(
                    f"the archive has {packed:,} bytes and unpacks to far more than pictures do; nothing was kept. "
                    "If it is sound, unpack it yourself and prepare the folder"
                )
            out.write(block)
    return written
