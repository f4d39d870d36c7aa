"""A training in curves: the loss and its parts, quality and settings, and what each latent tells."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.live.history import LOSSES, OTHERS, Rows, kl_strip, marks, panel, parts_of, regions_panel
from pages.live.plot import plot
from vaelab.evaluation.regions import eyes_sentence
from vaelab.wording import counted

USED_NATS = 0.01
"""A latent that tells less is as good as unused."""


def loss_curves(rows: Rows, key: str) -> None:
    """All parts of the loss, in training and on held-out pictures."""
    plot([panel(rows, part) for part in parts_of(rows, LOSSES)], marks(rows), key=key)


def other_curves(rows: Rows, key: str) -> None:
    """What else is reported: quality on held-out pictures, and the settings of the moment."""
    panels = [panel(rows, part) for part in parts_of(rows, OTHERS)]
    plot(panels, marks(rows), key=key, height=120, narrowest=260, plain=True)


def region_curves(rows: Rows, key: str) -> None:
    """How well each region of the face is drawn, and whether the eyes are clearest; nothing where not measured."""
    latest = next((row["regions"] for row in reversed(rows) if row.get("regions")), None)
    if latest is None:
        return
    st.subheader("Are the eyes clearer than the rest?", anchor=False)
    plot([regions_panel(rows)], marks(rows), key=key, height=160, plain=True)
    st.markdown(eyes_sentence(latest))
    st.caption(
        "1 is a perfect reconstruction, 0 the mean face. Regions are fixed boxes that fit crops as FairFace's are; "
        "each is measured against how much faces differ there."
    )


def kl_heat(rows: Rows, key: str) -> None:
    """KL of each latent over the training, a column for each validation, the most telling latent on top."""
    table = kl_strip(rows)
    if table.empty:
        st.caption("After the first validation this shows how many nats each latent tells.")
        return
    used = int((table[table["images"] == table["images"].max()]["nats"] > USED_NATS).sum())
    st.vega_lite_chart(table, HEAT, height=260, key=key, alt="KL of each latent at each validation")
    st.caption(
        f"More than {USED_NATS} nats are told by {counted(used, 'latent')} now. Columns are validations; rows "
        "are latents, the one that tells most now on top."
    )


HEAT: dict[str, Any] = {
    "mark": {"type": "rect"},
    "encoding": {
        "x": {
            "field": "images",
            "type": "ordinal",
            "axis": {"format": ".3~s", "title": "images seen", "labelOverlap": True, "labelAngle": 0},
        },
        "y": {"field": "rank", "type": "ordinal", "axis": {"labels": False, "ticks": False, "title": "latents"}},
        "color": {
            "field": "nats",
            "type": "quantitative",
            "scale": {"type": "sqrt", "scheme": "viridis"},
            "legend": {"title": "nats", "orient": "right"},
        },
        "tooltip": [
            {"field": "latent", "title": "latent"},
            {"field": "images", "title": "images seen", "format": ","},
            {"field": "nats", "title": "nats", "format": ".3~f"},
        ],
    },
}
