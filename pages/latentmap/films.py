"""The film of a training: principal components at once, UMAP as soon as a process of its own has made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pages.latentmap.state import METHODS
from pages.latentmap.underway import under_way
from vaelab.errors import CheckpointError
from vaelab.jobs.mapping import begin_film
from vaelab.runs.frames import faces_path, frames_of, has_frames
from vaelab.runs.maps import film_path
from vaelab.runs.status import ALIVE
from vaelab.runs.store import Run

if TYPE_CHECKING:
    from vaelab.evaluation.film import Film
    from vaelab.evaluation.frames import TrainingFrames


def film_labels(run: Run) -> pd.DataFrame | None:
    """The faces of the run's frames with their labels; None where it kept none.

    Raises:
        CheckpointError: the table is damaged.
    """
    if not has_frames(run):
        return None
    try:
        return pd.read_parquet(faces_path(run))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"the faces of the film of {run.id} cannot be read ({error})") from error


def frames_now(run: Run) -> TrainingFrames:
    """The run's frames, as they are now."""
    found: TrainingFrames = _frames(run.id, _stamp(run), run)
    return found


def chosen_film(run: Run, method: str) -> Film:
    """The film to show now: UMAP where it is wanted and made; where it is only wanted, it is begun meanwhile."""
    stamp = _stamp(run)
    if method == "umap" and not _grows(run):
        key = _key(run.id, stamp, run)
        if film_path(run, key).is_file():
            found = _kept(key, run)
            if found is not None:
                return found
            _kept.clear()  # it is damaged, and made anew
        _begin(run, key)
    principal: Film = _principal(run.id, stamp, run)
    return principal


def waiting_for_film(run: Run, wanted: str, shown: Film) -> None:
    """Say that another film than the one asked for is shown, and for how long yet or why."""
    if shown.settings.method == wanted:
        return
    if _grows(run):
        st.info(
            "The training goes on, so these are principal components, which are there at once. UMAP of all frames is "
            "made when it has ended.",
            icon=":material/hourglass_top:",
        )
        return
    key = _key(run.id, _stamp(run), run)
    under_way(
        run, key, film_path(run, key).name,
        f"{METHODS['umap']} of all {len(shown.moments)} frames is being computed in the background, a minute or two "
        "the first time; meanwhile these are the principal components. It is kept with the model.",
        f"{METHODS['umap']} of the frames could not be made, so principal components are shown",
    )  # fmt: skip


def _grows(run: Run) -> bool:
    return run.status.state in ALIVE


def _stamp(run: Run) -> str:
    """Text that changes with the frames; one that is thinned out meanwhile is left out."""
    found = []
    for clock, path in frames_of(run):
        try:
            found.append(f"{clock}:{path.stat().st_mtime_ns:x}")
        except FileNotFoundError:
            continue
    return " ".join(found)


def _begin(run: Run, key: str) -> None:
    from vaelab.evaluation.projection import MapSettings

    begin_film(run, MapSettings(), key)


@st.cache_resource(max_entries=4, show_spinner=False)
def _frames(run_id: str, stamp: str, _run: Run) -> TrainingFrames:
    from vaelab.evaluation.frames import TrainingFrames

    return TrainingFrames.read(_run)


@st.cache_resource(max_entries=4, show_spinner="Laying out the frames ...")
def _principal(run_id: str, stamp: str, _run: Run) -> Film:
    from vaelab.evaluation.film import Film
    from vaelab.evaluation.projection import MapSettings

    return Film.of(frames_now(_run), MapSettings("pca"))


@st.cache_resource(max_entries=16, show_spinner=False)
def _key(run_id: str, stamp: str, _run: Run) -> str:
    from vaelab.evaluation.film import film_key
    from vaelab.evaluation.projection import MapSettings

    return film_key(frames_now(_run), MapSettings())


@st.cache_resource(max_entries=4, show_spinner=False)
def _kept(key: str, _run: Run) -> Film | None:
    from vaelab.evaluation.film import Film
    from vaelab.evaluation.projection import MapSettings

    return Film.read(_run, frames_now(_run), MapSettings())
