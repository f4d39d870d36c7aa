"""Uncertainty: what one face could have been, as far as the encoder can tell, and where its pixels disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from pages.atelier.bench import bench, of_latent, put
from pages.shell.faces import draw
from pages.shell.pictures import data_address, png, sheet
from pages.shell.sheet import face_sheet
from pages.studio.photo import photo_behind
from vaelab.editing.paths import pixel_uncertainty, posterior_samples
from vaelab.editing.sliders import edited_latent

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

Latent = NDArray[np.float32]
SHOWN, COUNTED = 8, 64
SEED = 1
SIDE = 300


def uncertainty(model: FaceModel) -> None:
    """The face, the deviation of each pixel, and some samples."""
    if not model.has_posteriors:
        st.info(
            f"{model.run_id} was trained by {model.config.loss.objective}: its encoder gives each picture one point "
            "and no posterior, so there is no uncertainty to show.",
            icon=":material/adjust:",
        )
        return
    mu, std, words = posterior(model)
    st.caption(words)
    field = pixel_uncertainty(model, mu, std, COUNTED, SEED)
    with st.container(horizontal=True, gap="medium"):
        st.image(png(draw(model, mu)), width=SIDE, caption="The face", alt="The face itself, from its mean latent")
        st.plotly_chart(
            field_figure(field),
            config={"displayModeBar": False},
            width="content",
            key="bench.field",
            alt=f"Deviation of each pixel over {COUNTED} samples: {field.mean():.1f} of 255 levels on average, "
            f"{field.max():.1f} at most",
        )
    drawn = posterior_samples(model, mu, std, SHOWN, SEED)
    face_sheet(
        [(data_address(sheet(model.decode(drawn)), "jpeg"), f"{SHOWN} samples")],
        [f"Lay sample {index + 1} into the tray" for index in range(SHOWN)],
        label="Samples of the posterior",
        key="bench.samples",
        on_pick=lambda index: put(of_latent(model, drawn[index])),
    )
    st.caption(
        f"{SHOWN} of the {COUNTED} samples behind the picture of deviations (seed {SEED}); press one to lay it into "
        f"the tray. On average a pixel's brightness deviates by {field.mean():.1f} of 255 levels. What the "
        "decoder never draws, such as fine hair, it is not uncertain about: it knows nothing of it."
    )


def posterior(model: FaceModel) -> tuple[Latent, Latent, str]:
    """Mean and deviations of the chosen face's posterior, and where they come from."""
    face = bench().faces[bench().face]
    z = edited_latent(model, face)
    if face.start == "stored" and not face.edits and model.latents is not None:
        return z, model.latents.posterior_std, (
            "A stored face keeps its posterior mean alone; the deviations are those of the average stored face."
        )  # fmt: skip
    photo = None if face.edits else photo_behind(model, face)
    if photo is not None:
        _, std = model.encode(photo.pixels[None])
        return z, std[0], "This face is from your photo: the deviations are the encoder's when it is shown that photo."
    _, std = model.encode(model.decode(z[None]))
    return z, std[0], (
        "This face was drawn, not photographed: the deviations are the encoder's when it is shown the drawn picture."
    )  # fmt: skip


def field_figure(field: NDArray[np.float32]) -> go.Figure:
    """The deviations as a picture of one hue that darkens evenly, with a scale."""
    figure = go.Figure(
        go.Heatmap(
            z=field, colorscale="Cividis", zmin=0, colorbar={"title": {"text": "levels<br>of 255"}, "thickness": 12},
            hovertemplate="row %{y}, column %{x}: %{z:.1f} levels<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        width=SIDE + 90, height=SIDE, margin={"l": 0, "r": 0, "t": 0, "b": 0}, paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain")
    return figure
