"""A visitor's own photo: chosen or taken, the face in it found, the square corrected, the crop encoded.

Nothing is written to disk and nothing leaves the machine that serves the page. Streamlit keeps uploads in its memory
(`MemoryUploadedFileManager`) until the session ends; what is kept here lies in the session's state, beside it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shell.boundary import show_error
from pages.shell.loaders import find
from pages.shell.welcome import camera_caution, serving_computer
from pages.studio.cropper import cropper, preview_address
from vaelab.editing.recipe import pack_latent
from vaelab.errors import VaelabError
from vaelab.photos import MAX_PHOTO_BYTES, FaceBox, PhotoError, crop_face, find_faces, read_photo

if TYPE_CHECKING:
    from vaelab.editing.recipe import FaceRecipe
    from vaelab.evaluation.familiarity import Familiarity
    from vaelab.inference import FaceModel

START = "photo.start"
DRAWN = "photo.drawn"
"""What other pages have drawn of the face; it goes when the photo goes."""
CHOSEN, OPENED, PROBLEM = "photo.chosen", "photo.opened", "photo.problem"
USES_CAMERA, FORGOTTEN = "photo.camera", "photo.forgotten"
TYPES = ("jpg", "jpeg", "png", "webp")
BADGES: dict[str, tuple[str, str, Literal["green", "orange", "red"]]] = {
    "typical": ("Familiar", ":material/check:", "green"),
    "unusual": ("Unusual", ":material/question_mark:", "orange"),
    "far": ("Far from what the model knows", ":material/warning:", "red"),
}


@dataclass(frozen=True)
class PhotoStart:
    """A face from a photo, ready to be edited.

    Attributes:
        pixels: the crop that was encoded, (size, size, 3) uint8.
        mu: its posterior mean, (latent,) float32, rounded to float16 so that a link carries it exactly.
        share: the share of held-out faces that are at least as far from what the model knows; None where the run
            keeps none to rank it among.
        verdict: `typical`, `unusual` or `far`; empty where there is no share.
        box: the square of the photo that it was cropped from.
        source: what it was made from: photo, weights and box.
    """

    pixels: NDArray[np.uint8]
    mu: NDArray[np.float32]
    share: float | None
    verdict: str
    box: FaceBox
    source: tuple[str, str, FaceBox]


@dataclass(frozen=True)
class _Opened:
    """A photo that was read and searched."""

    id: str
    photo: NDArray[np.uint8]
    boxes: tuple[FaceBox, ...]
    preview: str


def photo_start() -> PhotoStart | None:
    """The face that the photo on the table gave, for any page of the session; None where there is none."""
    kept: PhotoStart | None = st.session_state.get(START)
    return kept


def photo_behind(model: FaceModel, recipe: FaceRecipe) -> PhotoStart | None:
    """The visitor's photo, where the start of `recipe` is what these weights made of it; None otherwise."""
    photo = photo_start()
    if photo is None or recipe.start != "latent" or pack_latent(photo.mu) != recipe.z:
        return None
    _, weights, _ = photo.source
    return photo if weights == model.weights_fingerprint else None


def photo_controls(model: FaceModel) -> PhotoStart | None:
    """Choose or take a photo and put the square on the face; the face, once there is one."""
    file, square = st.columns([5, 7], gap="medium")
    with file:
        _choose()
        _open_chosen()
        if problem := st.session_state.get(PROBLEM):
            st.error(problem, icon=":material/broken_image:")
    opened: _Opened | None = st.session_state.get(OPENED)
    with square:
        start = None if opened is None else _from_opened(model, opened)
    with file:
        if start is not None:
            _badge(start)
        if opened is not None:
            st.button("Forget this photo", icon=":material/delete:", on_click=_forget, type="tertiary")
    st.session_state[START] = start
    return start


def _choose() -> None:
    """The upload, or the camera in its place; forgetting puts new ones there, which hold no file."""
    count = st.session_state.get(FORGOTTEN, 0)
    if st.toggle("Use the camera", key=USES_CAMERA, persist_state="session"):
        camera_caution()
        key = f"photo.taken.{count}"
        st.camera_input("Take a photo", key=key, on_change=_take, args=(key,))
    else:
        key = f"photo.upload.{count}"
        st.file_uploader(
            "Your photo", type=list(TYPES), key=key, on_change=_take, args=(key,),
            help=f"JPEG, PNG or WebP. It stays in the memory of {serving_computer()} until you leave; nothing is "
            "written to disk.",
        )  # fmt: skip


def _take(key: str) -> None:
    """Remember the bytes of a new file; a file that was taken away takes its face with it."""
    _clear()
    file = st.session_state[key]
    if file is not None:
        st.session_state[CHOSEN] = file.getvalue()


def _forget() -> None:
    """Drop the photo and the widget that holds its file."""
    _clear()
    st.session_state[FORGOTTEN] = st.session_state.get(FORGOTTEN, 0) + 1


def _clear() -> None:
    for key in (CHOSEN, OPENED, PROBLEM, START, DRAWN):
        st.session_state.pop(key, None)


def _open_chosen() -> None:
    """Read and search the file that was just chosen, or say why it cannot be."""
    data: bytes | None = st.session_state.pop(CHOSEN, None)
    if data is None:
        return
    try:
        with st.spinner("Looking for faces ..."):
            st.session_state[OPENED] = open_photo(data)
    except PhotoError as error:
        st.session_state[PROBLEM] = str(error)


def open_photo(data: bytes) -> _Opened:
    """Read a file and find the faces in it.

    Raises:
        PhotoError: it is too large, no picture, or damaged; the uploader checks neither on the server.
    """
    if len(data) > MAX_PHOTO_BYTES:
        raise PhotoError(
            f"This file has {len(data) / 2**20:.0f} MB; photos of up to {MAX_PHOTO_BYTES // 2**20} MB are taken. "
            "Save it smaller and choose it again."
        )
    photo = read_photo(data)
    return _Opened(hashlib.sha256(data).hexdigest()[:16], photo, tuple(find_faces(photo)), preview_address(photo))


def _from_opened(model: FaceModel, opened: _Opened) -> PhotoStart | None:
    """The square on the photo, and the face in it once one was found or the visitor has placed the square."""
    if not opened.boxes:
        st.info(
            "No face was found: it may be small, turned away or covered. Put the square on the face yourself.",
            icon=":material/face_retouching_off:",
        )
    before = photo_start()
    kept = before.box if before is not None and before.source[0] == opened.id else None
    begin = kept or (opened.boxes[0] if opened.boxes else _middle(opened.photo))
    box = cropper(opened.photo, opened.preview, opened.boxes, begin, key=f"photo.cropper.{opened.id}") or kept
    if len(opened.boxes) > 1:
        st.caption(f"{len(opened.boxes)} faces were found; press a dashed square to take another one.")
    if box is None and not opened.boxes:
        return None
    box = box or opened.boxes[0]
    try:
        start = _encoded(model, opened, box)
    except VaelabError as error:  # the square is too small, or the ranks belong to other weights
        show_error(error)
        return None
    return start


def _middle(photo: NDArray[np.uint8]) -> FaceBox:
    """Where a square begins on a photo in which no face was found."""
    height, width = photo.shape[:2]
    return FaceBox(width / 2, height / 2, 0.6 * min(width, height))


def _encoded(model: FaceModel, opened: _Opened, box: FaceBox) -> PhotoStart:
    """The face in the square, encoded; the one that is kept where neither photo, square nor weights have changed."""
    from vaelab.evaluation.familiarity import verdict

    source, before = (opened.id, model.weights_fingerprint, box), photo_start()
    if before is not None and before.source == source:
        return before
    pixels = crop_face(opened.photo, box, model.size)
    mu = model.encode(pixels[None])[0].astype(np.float16).astype(np.float32)
    share = None
    known = _familiarity(model)
    if known is not None and model.latents is not None:
        score = known.score(pixels[None], model.decode(mu), mu, model.latents)
        share = float(known.share_farther(score)[0])
    return PhotoStart(pixels, mu[0], share, "" if share is None else verdict(share), box, source)


def _familiarity(model: FaceModel) -> Familiarity | None:
    """What the run keeps to rank a photo among; None where it keeps nothing."""
    run = find(model.run_id)
    if not run.familiarity_path.is_file():
        return None
    from vaelab.evaluation.familiarity import Familiarity

    return Familiarity.read(run, model.weights_fingerprint)


def _badge(start: PhotoStart) -> None:
    """How far the face is from what the model knows, and what to make of it."""
    if start.share is None:
        return
    label, icon, color = BADGES[start.verdict]
    st.badge(label, icon=icon, color=color)
    far = "less than 1%" if start.share < 0.01 else f"{start.share:.0%}"
    advice = {
        "typical": "",
        "unusual": " Check that the square is upright and holds one face, from brow to chin.",
        "far": " Expect a poor likeness. Check that the square is upright and holds one face, from brow to chin.",
    }[start.verdict]
    st.caption(f"Of faces the model was not trained on, {far} are at least as far from what it knows.{advice}")
