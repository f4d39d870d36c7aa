"""Picture files in a folder or in a tar: found safely, read by many processes, never unpacked."""

from __future__ import annotations

import os
import posixpath
import stat
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from vaelab.data.archive import whole_members
from vaelab.data.images import MAX_FILE_BYTES, Crop, PictureError, read_dimensions, read_picture, read_whole_picture
from vaelab.data.manifest import Rejected
from vaelab.data.ordering import natural_key
from vaelab.errors import DataError

FILE_COLUMNS = ("_container", "_file", "_offset", "_bytes", "_modified")


@dataclass(frozen=True)
class FileIndex:
    """The plain files of one folder or tar, and what in it is none.

    Attributes:
        files: path inside the container -> (offset of its bytes, number of bytes, time of change in
            nanoseconds).
        rejected: links, devices, what is hidden, unreadable folders, names that lead outside.
    """

    files: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)

    def sorted_names(self) -> list[str]:
        """All paths, naturally sorted."""
        return sorted(self.files, key=natural_key)

    def table(self, names: Sequence[str], container: int = 0) -> pd.DataFrame:
        """The columns that `FilesReader` needs, one row per name."""
        places = np.array([self.files[name] for name in names], dtype=np.int64).reshape(len(names), 3)
        return pd.DataFrame(
            {
                "_container": np.full(len(names), container, dtype=np.int64),
                "_file": pd.Series(list(names), dtype="str"),
                "_offset": places[:, 0],
                "_bytes": places[:, 1],
                "_modified": places[:, 2],
            }
        )


def index_files(container: Path) -> FileIndex:
    """Every file of a folder (with its sub-folders) or of an uncompressed tar.

    Raises:
        DataError: the container does not exist, cannot be read or is no tar.
    """
    if container.is_dir():
        return _index_folder(container)
    if not container.exists():
        raise DataError(f"no such folder or tar: {container}")
    return _index_tar(container)


def _index_folder(root: Path) -> FileIndex:
    index = FileIndex()
    real_root = os.path.realpath(root)
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    _index_entry(index, entry, posixpath.join(folder, entry.name), real_root, pending)
        except OSError as error:
            if not folder:
                raise DataError(f"the folder {root} cannot be read: {error.strerror}") from error
            index.rejected.append(Rejected(_printable(folder), f"folder cannot be read: {error.strerror}"))
    index.rejected.sort(key=lambda item: natural_key(item.image_id))
    return index


def _index_entry(index: FileIndex, entry: os.DirEntry[str], name: str, real_root: str, pending: list[str]) -> None:
    """Adds one directory entry to the index, to the folders still to visit, or to what is rejected."""
    if entry.is_dir(follow_symlinks=False):
        if _is_hidden(name):
            index.rejected.append(Rejected(_printable(name), "hidden folder"))
        else:
            pending.append(name)
        return
    reason = ""
    try:
        status = entry.stat()
    except OSError as error:
        reason = "broken symbolic link" if entry.is_symlink() else f"cannot be read: {error.strerror}"
    else:
        if entry.is_symlink() and not os.path.realpath(entry.path).startswith(real_root + os.sep):
            reason = "symbolic link that leads out of the folder"
        elif entry.is_symlink() and stat.S_ISDIR(status.st_mode):
            reason = "symbolic link to a folder; not followed"
        elif not stat.S_ISREG(status.st_mode):
            reason = "not a plain file"  # opening a pipe would wait for ever
        elif _printable(name) != name:
            reason = "file name is not valid UTF-8"
        elif _is_hidden(name):
            reason = "hidden file"
    if reason:
        index.rejected.append(Rejected(_printable(name), reason))
    else:
        index.files[name] = (0, status.st_size, status.st_mtime_ns)


def _is_hidden(name: str) -> bool:
    """Whether a path is of what programs put beside people's files: previews, checkpoints, resource forks."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _index_tar(path: Path) -> FileIndex:
    index = FileIndex()
    try:
        modified = path.stat().st_mtime_ns
        with tarfile.open(path, "r:") as archive:
            for member in whole_members(archive, f"the tar {path}"):
                reason = _tar_reason(member, index)
                if reason:
                    index.rejected.append(Rejected(_printable(member.name), reason))
                elif member.isfile():
                    index.files[posixpath.normpath(member.name)] = (member.offset_data, member.size, modified)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except tarfile.TarError as error:
        raise DataError(
            f"{path} is no readable tar ({error}); a compressed one has to be unpacked to a plain .tar "
            "or a folder first"
        ) from error
    return index


def _tar_reason(member: tarfile.TarInfo, index: FileIndex) -> str:
    """Why a member cannot be used, or nothing. No file is ever written to the name it carries."""
    if member.isdir():
        return ""
    if not member.isfile() or member.issparse():
        return "not a plain file in the tar"
    name = posixpath.normpath(member.name)
    if name.startswith(("/", "../")) or name == "..":
        return "path leads out of the tar"
    if _printable(name) != name:
        return "file name is not valid UTF-8"
    if _is_hidden(name):
        return "hidden file" if posixpath.basename(name).startswith(".") else "in a hidden folder"
    if name in index.files:
        raise DataError(f"the tar holds {name!r} twice; every picture needs a name of its own")
    return ""


class FilesReader:
    """Reads and decodes pictures from folders and tars by the columns of `FILE_COLUMNS`."""

    def __init__(self, containers: Sequence[Path], crop: str, stack: ExitStack) -> None:
        self._crop = Crop.parse(crop)
        self._containers = containers
        self._tars: dict[int, int] = {}
        for number, container in enumerate(containers):
            if container.is_file():
                descriptor = os.open(container, os.O_RDONLY | os.O_CLOEXEC)
                stack.callback(os.close, descriptor)
                self._tars[number] = descriptor

    def read(self, records: pd.DataFrame, size: int) -> list[np.ndarray | str]:
        """One entry per record: (size, size, 3) uint8 RGB, or the reason why there is none."""
        results: list[np.ndarray | str] = []
        for container, name, offset, num_bytes in zip(
            records["_container"], records["_file"], records["_offset"], records["_bytes"], strict=True
        ):
            try:
                results.append(read_picture(self._encoded(container, name, offset, num_bytes), size, self._crop))
            except PictureError as error:
                results.append(str(error))
        return results

    def whole(self, records: pd.DataFrame, longest_side: int) -> Iterator[np.ndarray | str]:
        """Each record's whole picture, (height, width, 3) uint8 RGB, or the reason why there is none.

        One at a time: uncut pictures of a chunk would take gigabytes.
        """
        for container, name, offset, num_bytes in zip(
            records["_container"], records["_file"], records["_offset"], records["_bytes"], strict=True
        ):
            try:
                yield read_whole_picture(self._encoded(container, name, offset, num_bytes), longest_side)
            except PictureError as error:
                yield str(error)

    def dimensions(self, records: pd.DataFrame) -> list[tuple[int, int] | None]:
        """Width and height of each record's picture as stored, pixels; None where it cannot be read."""
        results: list[tuple[int, int] | None] = []
        for container, name, offset, num_bytes in zip(
            records["_container"], records["_file"], records["_offset"], records["_bytes"], strict=True
        ):
            try:
                results.append(read_dimensions(self._encoded(container, name, offset, num_bytes)))
            except PictureError:
                results.append(None)
        return results

    def _encoded(self, container: int, name: str, offset: int, num_bytes: int) -> bytes | Path:
        if container not in self._tars:
            return self._containers[container] / name
        if num_bytes > MAX_FILE_BYTES:
            raise PictureError(f"gigantic: more than {MAX_FILE_BYTES // 2**20} MB")
        try:
            return os.pread(self._tars[container], num_bytes, offset)
        except OSError as error:
            raise PictureError(f"cannot be read: {error.strerror or error}") from error


@contextmanager
def files_reader(containers: Sequence[Path], crop: str) -> Iterator[FilesReader]:
    """A reader over these folders and tars; `_container` numbers them in this order."""
    with ExitStack() as stack:
        yield FilesReader(containers, crop, stack)
