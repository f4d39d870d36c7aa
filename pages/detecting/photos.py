"""The visitor's photos: chosen or taken, read or refused in words. They stay in the session and are written nowhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shell.welcome import camera_caution, serving_computer
from pages.studio.photo import TYPES
from vaelab.photos import MAX_PHOTO_BYTES, PhotoError, read_sized_photo

KEPT = "detect.photos"
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
    """The upload, or the camera in its place; the photos that it holds, and a sentence for each that cannot be read."""
    if st.toggle("Use the camera", key=USES_CAMERA, persist_state="session"):
        camera_caution()
        taken = st.camera_input("Take a photo", key="detect.taken")
        files = [] if taken is None else [taken]
    else:
        files = st.file_uploader(
            "Photos", type=list(TYPES), accept_multiple_files=True, key="detect.upload",
            help=f"JPEG, PNG or WebP. They stay in the memory of {serving_computer()} until you take them away or "
            "leave; nothing is written to disk.",
        )  # fmt: skip
    if len(files) > MOST_PHOTOS:
        st.warning(f"{len(files)} photos were chosen; the first {MOST_PHOTOS} are searched.", icon=":material/photo:")
    before: dict[str, Opened | str] = st.session_state.get(KEPT, {})
    now: dict[str, Opened | str] = {}
    for file in files[:MOST_PHOTOS]:
        now[file.file_id] = before.get(file.file_id) or open_photo(file.name, file.getvalue())
    st.session_state[KEPT] = now
    for problem in now.values():
        if isinstance(problem, str):
            st.error(problem, icon=":material/broken_image:")
    return [opened for opened in now.values() if isinstance(opened, Opened)]


def open_photo(name: str, data: bytes) -> Opened | str:
    """The photo in a file, or why it cannot be read, as a sentence that begins with the file's name."""
    shown = name.replace("`", "'")[:80]
    if len(data) > MAX_PHOTO_BYTES:  # the uploader's own limit holds in the browser only
        return (
            f"`{shown}`: this file has {len(data) / 2**20:.0f} MB; photos of up to {MAX_PHOTO_BYTES // 2**20} MB are "
            "taken. Save it smaller and choose it again."
        )
    try:
        return Opened(hashlib.sha256(data).hexdigest()[:16], name[:80], *read_sized_photo(data))
    except PhotoError as error:
        return f"`{shown}`: {error}"
