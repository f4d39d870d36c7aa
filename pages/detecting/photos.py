"""The visitor's photos: chosen or taken, read or refused in words. They stay in the session and are written nowhere."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.shell.welcome import camera_caution, serving_computer
from pages.studio.photo import TYPES
from vaelab.photos import MAX_PHOTO_BYTES, PhotoError, read_sized_photo

KEPT = "detect.photos"
"""Where the session keeps what became of each file, by the file's id."""
HELD = "detect.held"
"""Ids of the files that the upload or camera held when it was drawn last; when the page is left, it lets go of them."""
SHOWN = "detect.shown"
"""The photo that is looked at, of those that are here; None where there is none."""
USES_CAMERA = "detect.camera"
MOST_PHOTOS = 12


@dataclass(frozen=True, eq=False)
class Opened:
    """A photo that was read.

    Attributes:
        id: 16 hex digits that change with the file.
        name: what its owner calls it.
        photo: as it is searched.
        whole: width and height in its file, upright.
    """

    id: str
    name: str
    photo: NDArray[np.uint8]
    whole: tuple[int, int]


def choose_photos() -> list[Opened]:
    """The upload, or the camera in its place; the photos that are here, and a sentence for each that cannot be read.

    Photos outlive the widget that took them: those from before the page was left are listed, each to be taken away.
    """
    if st.toggle("Use the camera", key=USES_CAMERA, persist_state="session"):
        camera_caution()
        key = "detect.taken"
        st.camera_input("Take a photo", key=key, on_change=_let_go, args=(key,))
    else:
        key = "detect.upload"
        st.file_uploader(
            "Photos", type=list(TYPES), accept_multiple_files=True, key=key, on_change=_let_go, args=(key,),
            help=f"JPEG, PNG or WebP. They stay in the memory of {serving_computer()} until you take them away or "
            "close this tab; nothing is written to disk.",
        )  # fmt: skip
    files, before = _files(key), _kept()
    held = {file.file_id for file in files}
    earlier = {id_: one for id_, one in before.items() if id_ not in held and isinstance(one, Opened)}
    _list_earlier(earlier)
    count = len(earlier) + len(files)
    if count > MOST_PHOTOS:
        st.warning(f"{count} photos were chosen; the first {MOST_PHOTOS} are searched.", icon=":material/photo:")
    now: dict[str, Opened | str] = {**earlier}
    for file in files[: MOST_PHOTOS - len(earlier)]:
        now[file.file_id] = before.get(file.file_id) or open_photo(file.name, file.getvalue())
    st.session_state[KEPT], st.session_state[HELD] = now, held
    photos = [opened for opened in now.values() if isinstance(opened, Opened)]
    _show_one(photos, before.values())
    for problem in now.values():
        if isinstance(problem, str):
            st.error(problem, icon=":material/broken_image:")
    return photos


def _show_one(photos: Sequence[Opened], before: Collection[Opened | str]) -> None:
    """Show the first photo that is new; where none is, the one that was shown, or the first if it is gone."""
    shown: Opened | None = st.session_state.get(SHOWN)
    first = photos[0] if photos else None
    new = (opened for opened in photos if opened not in before)
    st.session_state[SHOWN] = next(new, shown if shown in photos else first)


def _kept() -> dict[str, Opened | str]:
    kept: dict[str, Opened | str] = st.session_state.get(KEPT, {})
    return kept


def _files(key: str) -> list[UploadedFile]:
    """The files that an upload or camera holds."""
    files = st.session_state[key]
    return files if isinstance(files, list) else [files] if files is not None else []


def _let_go(key: str) -> None:
    """Forget the photos whose files were taken out of the widget; those that it did not hold stay."""
    for gone in st.session_state.get(HELD, set()) - {file.file_id for file in _files(key)}:
        _forget(gone)


def _forget(file_id: str) -> None:
    _kept().pop(file_id, None)


def _list_earlier(earlier: Mapping[str, Opened]) -> None:
    """A button for each photo that no widget holds any longer."""
    for file_id, opened in earlier.items():
        st.button(
            f"Forget `{_in_code(opened.name)}`", icon=":material/delete:", key=f"detect.forget.{file_id}",
            on_click=_forget, args=(file_id,), type="tertiary",
        )  # fmt: skip


def _in_code(name: str) -> str:
    """A file's name as it can stand between backticks."""
    return name.replace("`", "'")[:80]


def open_photo(name: str, data: bytes) -> Opened | str:
    """The photo in a file, or why it cannot be read, as a sentence that begins with the file's name."""
    shown = _in_code(name)
    if len(data) > MAX_PHOTO_BYTES:  # the uploader's own limit holds in the browser only
        return (
            f"`{shown}`: this file has {len(data) / 2**20:.0f} MB; photos of up to {MAX_PHOTO_BYTES // 2**20} MB are "
            "taken. Save it smaller and choose it again."
        )
    try:
        return Opened(hashlib.sha256(data).hexdigest()[:16], name[:80], *read_sized_photo(data))
    except PhotoError as error:
        return f"`{shown}`: {error}"
