"""Bringing pictures in: a folder on this machine, or an archive from the visitor's."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.datasets.checking import begin_check
from pages.datasets.own_labels import mappings_in, own_labels_table
from pages.datasets.preparing import begin, cancel, put_away, refuse_taken, standings
from pages.datasets.shelf import DATA_DIR
from pages.datasets.uploads import Upload, received
from pages.datasets.verdict import KEY as CHECK
from pages.datasets.verdict import stop_check
from pages.live.words import duration
from pages.shell.boundary import error_boundary
from vaelab.data.archive import unpack
from vaelab.data.sources import SOURCES, CelebA, ClassFolders, Source
from vaelab.data.sources.base import UNKNOWN_LICENCE
from vaelab.errors import DataError
from vaelab.portraits.crops import FACE_CROP, FaceCrops

BROUGHT = ("folder", "csv", "class-folders", "fairface", "utkface", "ppb", "celeba", "h5")
"""Sources that read files; `synthetic` draws its own, `subset` has a place of its own on the page; `cuts`, `laid` and
`windows` are made for the detector's recipe from what is prepared already."""
CROPS = {
    "centre-square": "The largest square in the middle",
    "whole": "The whole picture, it is square already",
    "margin:0.2": "A square with a fifth cut away at each side",
    "fit": "All of the picture, with bars that make it square",
    FACE_CROP: "The face that the detector finds",
}
CELEBA_CROP = {"celeba": "The middle of CelebA's aligned pictures, 148 by 148 pixels"}
MOST_UPLOAD_MB = 2_000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
TICK_SECONDS = 1.0
SIZES = (32, 48, 64, 96, 128, 256)


def bring_form() -> None:
    """Everything that a preparation needs, and its start."""
    kind = st.selectbox("What it is", BROUGHT, format_func=lambda name: SOURCES[name].summary, key="data.kind")
    if SOURCES[kind].licence != UNKNOWN_LICENCE:
        st.caption(f"{SOURCES[kind].licence}.")
    from_folder = st.segmented_control(
        "Where it is", ["On this machine", "Upload"], default="On this machine", key="data.where", required=True
    )
    uploaded, path = None, ""
    if from_folder == "Upload":
        uploaded = st.file_uploader(
            "A zip or tar of it",
            type=["zip", "tar", "gz", "tgz", "xz", "bz2"],
            max_upload_size=MOST_UPLOAD_MB,
            key="data.upload",
        )
    else:
        path = st.text_input("Folder or file", key="data.path", placeholder="~/pictures").strip()
    given = _options(SOURCES[kind])
    name_column, size_column = st.columns(2)
    size = size_column.selectbox("Picture (pixels)", SIZES, index=SIZES.index(64), key="data.size")
    suggested = f"{SOURCES[kind].store_stem or kind}-{size}"
    name = name_column.text_input("Name of the data set", key="data.name", placeholder=suggested).strip() or suggested
    own_labels = own_labels_table()
    buttons = st.container(horizontal=True)
    is_begun = buttons.button("Prepare", type="primary", icon=":material/input:", key="data.prepare")
    is_checked = buttons.button(
        "Check",
        icon=":material/fact_check:",
        key="data.check",
        help="Finds everything that is wrong with the pictures and their labels, and prepares nothing",
    )
    if is_begun or is_checked:
        if not path and uploaded is None:  # the buttons are never disabled: a typed path counts once it is left
            raise DataError(
                "Choose an archive to upload first." if from_folder == "Upload" else "Name a folder or file first."
            )
        mappings = mappings_in(own_labels)
        out_dir = checked_dir(name) if is_begun else None
        make_source, upload = _brought(SOURCES[kind], uploaded, path, given)
        with ExitStack() as refused:
            if upload is not None:
                refused.callback(upload.delete)
            if out_dir is not None:
                begin(make_source, out_dir, size, upload, mappings)
            else:
                what = uploaded.name if uploaded is not None else path
                stop_check()  # the page has a button for the last one only
                st.session_state[CHECK] = begin_check(make_source, what, size, mappings, upload)
            refused.pop_all()  # whoever began deletes it
        st.rerun(scope="app")


def under_preparation() -> None:
    """What is being prepared, with its progress; ticks only while something is."""
    alive = any(not standing.is_over for standing in standings())
    st.fragment(_progress, run_every=TICK_SECONDS if alive else None)(alive)


@error_boundary
def _progress(was_alive: bool) -> None:
    now = standings()
    if any(not standing.is_over for standing in now) != was_alive:
        st.rerun(scope="app")
    for standing in now:
        words, button = st.columns([5, 1], vertical_alignment="center")
        if standing.error:
            words.error(f"**{standing.name}**: {standing.error}", icon=":material/error:")
        elif standing.is_over:
            words.success(
                f"**{standing.name}**: {standing.total:,} pictures in {duration(standing.seconds)}.",
                icon=":material/check_circle:",
            )
        elif not standing.total:
            words.progress(0.0, text=f"**{standing.name}**: looking for pictures")
        else:
            left = (standing.total - standing.done) / standing.images_per_second if standing.images_per_second else None
            rate = (
                f" · {standing.images_per_second:,.0f} per second · {duration(left)} left" if left is not None else ""
            )
            text = f"**{standing.name}**: {standing.done:,} of {standing.total:,} pictures{rate}"
            words.progress(standing.done / standing.total, text=text)
        if standing.is_over:
            button.button("Put away", key=f"data.away.{standing.name}", on_click=put_away, args=(standing.name,))
        else:
            button.button("Cancel", key=f"data.cancel.{standing.name}", on_click=cancel, args=(standing.name,))


def checked_dir(name: str) -> Path:
    """The folder of a new data set.

    Raises:
        DataError: the name is no folder's name, or it is taken or being prepared.
    """
    if not NAME.fullmatch(name):
        raise DataError(f"{name!r} cannot name a data set; use letters, digits, '.', '_' and '-', at most 60")
    refuse_taken(DATA_DIR / name)
    return DATA_DIR / name


def _options(kind: type[Source]) -> dict[str, Any]:
    """What else the source can be told, as widgets."""
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    given: dict[str, Any] = {}
    if "crop" in defaults:
        crops = CELEBA_CROP | CROPS if kind is CelebA else CROPS
        if kind is ClassFolders:  # no faces there
            crops = {name: words for name, words in crops.items() if name != FACE_CROP}
        own = list(crops).index(str(defaults["crop"]))
        given["crop"] = st.selectbox(
            "Crop", list(crops), index=own, format_func=crops.__getitem__, key=f"data.crop.{kind.name}"
        )
    if "keep_together" in defaults:
        given["keep_together"] = st.text_input(
            "Keep together",
            key="data.together",
            placeholder="the column that names the person, if there is one",
            help="Pictures with the same value in this column stay in one split, so nobody is in training and test.",
        ).strip()
    if "non_faces" in defaults:
        given["non_faces"] = st.toggle("These pictures show no faces", key="data.nonfaces")
    if "terms" in defaults:
        given["terms"] = st.text_input("Terms", key="data.terms", placeholder="licence, and whom to credit").strip()
    return given


def _brought(
    kind: type[Source], uploaded: UploadedFile | None, path: str, given: dict[str, Any]
) -> tuple[Callable[[], Source], Upload | None]:
    """What makes the source, and the upload to delete when it was used."""
    if uploaded is None:
        source = _source(kind, Path(path).expanduser(), given)
        return lambda: source, None
    upload = received(uploaded)
    return _unpacked(kind, upload.archive, given), upload


def _source(kind: type[Source], root: Path, given: dict[str, Any]) -> Source:
    """The source as the form describes it."""
    if given.get("crop") != FACE_CROP:
        return kind(root=root, **given)  # type: ignore[call-arg]
    own = {name: value for name, value in given.items() if name != "crop"}
    return FaceCrops(kind(root=root, **own))  # type: ignore[call-arg]


def _unpacked(kind: type[Source], archive: Path, given: dict[str, Any]) -> Callable[[], Source]:
    """A source over what the archive holds; unpacked when it is called."""

    def make() -> Source:
        folder = archive.with_name("pictures")
        unpack(archive, folder)
        archive.unlink()
        inside = [path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX"))]
        only = inside[0] if len(inside) == 1 and (inside[0].is_dir() or kind.name == "h5") else folder
        return _source(kind, only, given)

    return make
