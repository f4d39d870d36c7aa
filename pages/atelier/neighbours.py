"""Neighbours: the stored faces nearest to one, as the model redraws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pages.atelier.bench import bench, put
from pages.shell.faces import spoken_labels
from pages.shell.routes import stored_address
from pages.shell.sheet import face_sheet
from vaelab.editing.paths import nearest
from vaelab.editing.recipe import FaceRecipe
from vaelab.editing.sliders import edited_latent

if TYPE_CHECKING:
    from vaelab.evaluation.latents import StoredLatents
    from vaelab.inference import FaceModel

SHOWN = 8


def neighbours(model: FaceModel) -> None:
    """The nearest faces to press, and how near they are."""
    if model.latents is None:
        st.info(
            f"{model.run_id} stores no faces to compare with; `python -m vaelab encode {model.run_id}` stores some.",
            icon=":material/info:",
        )
        return
    found = nearest(model, edited_latent(model, bench().faces[bench().face]), SHOWN)
    rows = [int(row) for row in found.rows]
    ids = [str(model.latents.labels["image_id"].iloc[row]) for row in rows]
    face_sheet(
        [(stored_address(model, rows), f"The {len(rows)} nearest stored faces, the nearest first")],
        [f"Lay into the tray: {spoken_labels(model, name)}" for name in ids],
        label="Nearest stored faces",
        key="bench.nearest",
        on_pick=lambda index: put(FaceRecipe(model.run_id, start="stored", face=ids[index])),
    )
    st.caption(
        f"The nearest of {len(model.latents.mu):,} stored faces. No photographs are shipped: these are the model's own "
        "redrawings. Press one to lay it into the tray."
    )
    table = pd.DataFrame(
        {
            "Face": ids,
            "Labels": [spoken_labels(model, name) for name in ids],
            "Distance": [f"{distance:.1f}" for distance in found.distances],
            "In words": [found.in_words(index) for index in range(len(ids))],
        }
    )
    st.dataframe(table, hide_index=True, alt="Distances of the nearest stored faces")
    unit = (
        "standard deviations of the posteriors: how well the encoder can tell two faces apart"
        if model.has_posteriors
        else "units of z, as this encoder has no posteriors"
    )
    st.caption(
        f"Distance in {unit}. Usual between a stored face and its nearest other one: {found.usual:.1f}. "
        + _about_memory(model.latents, model.run_id)
    )


def _about_memory(stored: StoredLatents, run_id: str) -> str:
    """What nearness says about faces remembered from training."""
    if "train" in set(stored.labels["split"]):
        return "A drawn face much nearer than that would be one remembered."
    return (
        "These faces were held out from training, so none of them can be remembered; "
        f"`python -m vaelab encode {run_id} --split train` stores those to check against."
    )
