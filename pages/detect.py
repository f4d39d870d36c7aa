"""Detect: photos with many faces, detectors side by side, and a close look at each face."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.detecting.faces import caveats, one_face, thumbnails
from pages.detecting.files import csv_file, json_file, told_apart
from pages.detecting.looking import detectors_here, forget_all_but, load_detectors, painters, results
from pages.detecting.photos import SHOWN, Opened, choose_photos
from pages.detecting.plan import LINK, MOST_DETECTORS, RATES, SMALLEST, change, open_plan, plan
from pages.shell.boundary import error_boundary
from pages.shell.cautions import cautions
from pages.shell.links import write_link
from pages.shell.welcome import FIRST_DETECTOR, first_training, serving_computer
from pages.studio.cropper import preview_address
from pages.studio.state import show_in
from vaelab.wording import with_minus

if TYPE_CHECKING:
    from vaelab.detection.photographs import Detector, Result


@error_boundary
def detect_page() -> None:
    """The page."""
    st.title("Who is seen in a photo?", anchor=False)
    st.markdown(
        "Each detector looks at thousands of squares of a photo, large and small, at a threshold that gives all of "
        "them the same number of false alarms. Where they differ is drawn dashed."
    )
    known = detectors_here()
    if not known:
        first_training("There is no detector on this machine yet. The first one takes about a minute:", FIRST_DETECTOR)
        return
    notes = open_plan(known)
    if notes:
        st.info("  \n".join(notes), icon=":material/link_off:")
    choices, picture = st.columns([1, 3], gap="large")
    with choices:
        photos = choose_photos()
        forget_all_but(photos)
        _controls(known)
    with picture:
        if photos:
            show_photos(photos)
        else:
            st.info(
                f"Choose one or more photos, or take one. They are searched on {serving_computer()} and go no further.",
                icon=":material/group:",
            )
    write_link(plan().to_query(), LINK)


def show_photos(photos: Sequence[Opened]) -> None:
    """One photo with its faces, the choice among several, and the files."""
    detectors = load_detectors(plan())
    found = results(photos, detectors, plan())
    place = photos.index(st.session_state[SHOWN])
    if len(photos) > 1:
        names = [result.name for result in told_apart(found)]
        st.markdown("  \n".join(f"**{name}**: {result.in_words()}" for name, result in zip(names, found, strict=True)))
        key = show_in(f"detect.photo.{len(photos)}", place)
        st.selectbox(
            "Photo", range(len(photos)), format_func=names.__getitem__, key=key,
            on_change=lambda: st.session_state.update({SHOWN: photos[st.session_state[key]]}),
        )  # fmt: skip
    opened, result = photos[place], found[place]
    for one in detectors:
        cautions(one.model.config, one.name)
    _marked(opened, result)
    if len(photos) == 1:
        st.markdown(f"**{result.in_words()}**")
    if result.faces:
        thumbnails(opened.photo, result)
        one_face(opened.photo, result, detectors, painters(detectors))
        caveats()
    _levels(opened, detectors)
    _files(opened, result, found)


def _marked(opened: Opened, result: Result) -> None:
    """The photo with its faces marked, and the legend."""
    from vaelab.detection.drawing import annotated, legend

    marked = preview_address(annotated(opened.photo, result))
    st.image(marked, width="stretch", alt=f"{opened.name}: {result.in_words()}")
    if len(result.detectors) > 1 and result.faces:
        st.caption(legend(result.detectors))


def _levels(opened: Opened, detectors: Sequence[Detector]) -> None:
    """What each threshold is and where it comes from."""
    height, width = opened.photo.shape[:2]
    lines = [
        f"**{one.name}**: a face above log-odds {with_minus(f'{one.threshold.logit:.2f}')} ({one.threshold.source})"
        for one in detectors
    ]
    st.caption(
        "  \n".join(lines) + f"  \nThis photo is searched at {width} × {height} pixels; more pixels hold more squares, "
        "and with them more false alarms. The detectors learned upright faces seen from the front or half from the "
        "side, cut as squares; small, turned and covered ones are missed."
    )


def _files(opened: Opened, result: Result, found: Sequence[Result]) -> None:
    from vaelab.detection.drawing import png_file

    with st.container(horizontal=True):
        _download("Marked photo (PNG)", functools.partial(png_file, opened.photo, result), "png", "image/png")
        _download("Faces (CSV)", functools.partial(csv_file, found), "csv", "text/csv")
        _download("All of it (JSON)", functools.partial(json_file, found), "json", "application/json")


def _download(label: str, made: Callable[[], bytes], suffix: str, mime: str) -> None:
    """A file that is made only when its button is pressed."""
    st.download_button(
        label, made, file_name=f"faces.{suffix}", mime=mime, icon=":material/download:", on_click="ignore",
        key=f"detect.download.{suffix}",
    )  # fmt: skip


def _controls(known: Sequence[str]) -> None:
    """Who looks, how strictly, and for how small a face."""
    now = plan()
    key = show_in("detect.detectors", list(now.detectors))
    st.multiselect(
        "Detectors", known, key=key, max_selections=MOST_DETECTORS,
        on_change=lambda: change(detectors=tuple(st.session_state[key])),
    )  # fmt: skip
    rate_key = show_in("detect.rate", now.rate)
    st.segmented_control(
        "False alarms per photo", RATES, format_func=lambda rate: f"{rate:g}", key=rate_key, required=True,
        on_change=lambda: change(rate=st.session_state[rate_key]),
        help="On photos without a face; sets each detector's threshold. Fewer alarms, fewer faces.",
    )  # fmt: skip
    side_key = show_in("detect.smallest", now.smallest)
    st.segmented_control(
        "Smallest square, pixels", SMALLEST, key=side_key, required=True,
        on_change=lambda: change(smallest=st.session_state[side_key]),
        help="From brows to chin a face fills two thirds of its square. Smaller squares are many more: slower, and "
        "more false alarms.",
    )  # fmt: skip


detect_page()
