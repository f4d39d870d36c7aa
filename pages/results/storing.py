"""Storing a run's held-out faces: the click after which its sliders have names and pages know faces to start from."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.results.routes import has_data
from pages.shell.loaders import find, load_model, weights_stamp
from vaelab.runs.store import Run

KEPT_FACES = 3_000
"""As `python -m vaelab encode` keeps."""
WHY = (
    "Explore, Studio and Compare can begin at faces that the model has encoded once, and name its sliders from their "
    "labels. This run has stored none yet."
)


def can_store_faces(run: Run) -> bool:
    """Whether the run is whole, draws, and has its data here but no stored faces yet."""
    is_whole = run.config.has_decoder and bool(weights_stamp(run)) and run.status.state == "done"
    return is_whole and not run.latents_path.is_file() and has_data(run)


def store_faces(run: Run, key: str) -> None:
    """The offer to do so, where it makes sense."""
    if not can_store_faces(run):
        return
    st.markdown(WHY)
    if st.button("Store its faces", icon=":material/face_retouching_natural:", key=f"{key}.store.{run.id}"):
        with st.spinner("Encoding the held-out faces; some seconds for drawn ones, longer for photographs"):
            store(run.id)
        st.rerun(scope="app")


def store(run_id: str) -> None:
    """Encode the run's held-out faces and keep them in its folder.

    Raises:
        VaelabError: the run or its data are gone, or there are too few faces.
    """
    from vaelab.data.collection import Collection
    from vaelab.scorecard.encoding import encode_faces  # imports torch

    run = find(run_id)
    data = run.config.data
    collection = Collection.open(data.datasets, Path(data.data_dir), data.size)
    encode_faces(load_model(run), run, collection, "test", KEPT_FACES)
