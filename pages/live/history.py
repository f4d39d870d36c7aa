"""A run's reports as lines to draw: thinned, with what happened meanwhile. Pure: no Streamlit here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Rows = Sequence[Mapping[str, Any]]

MOST_POINTS = 1_500
"""More cannot be told apart on a screen."""
MOST_STRIPS, MOST_DIMS = 48, 128

LOSSES = {
    "loss": "Loss that is minimised, nats",
    "recon_loss": "Reconstruction, nats",
    "kl": "KL, nats",
    "neg_elbo": "Minus evidence lower bound, nats",
    "classification_loss": "Face or not, cross-entropy, nats",
    "total_correlation": "Total correlation of the latents, nats",
    "mutual_information": "What the latents tell of the picture, nats; at most the log of a batch",
    "dimension_kl": "KL of each latent by itself, nats",
    "mmd": "Kernel distance of the latents to the prior",
    "latent_norm": "Half the squared length of the latents",
    "decoder_norm": "Half the squared norm of the decoder's weights",
    "perceptual_loss": "Distance of the detector's features, nats",
}
"""Parts of the loss; all are per image."""
OTHERS = {
    "psnr": "PSNR on held-out faces, dB",
    "accuracy": "Face or not, share right at 0.5",
    "beta": "Effective beta",
    "learning_rate": "Learning rate",
    "images_per_second": "Images per second",
}
NEVER_NEGATIVE = ("kl", "classification_loss", *OTHERS)
"""A density's minus log may fall below zero, where no logarithm exists; these never do."""


def panel(rows: Rows, part: str) -> dict[str, Any]:
    """One quantity over the training, as `pages.live.plot.plot` takes it."""
    lines = [
        line(rows, part, source, name, ink)
        for ink, (source, name) in enumerate((("train", "training"), ("validation", "held out")))
    ]
    title = LOSSES.get(part) or OTHERS.get(part) or part.replace("_", " ")
    return {"title": title, "positive": part in NEVER_NEGATIVE, "lines": [found for found in lines if found["x"]]}


def regions_panel(rows: Rows) -> dict[str, Any]:
    """What is drawn of each region of the face, at each validation."""
    validations = [row for row in rows if row.get("kind") == "validation" and row.get("regions")]
    names = list(validations[0]["regions"]["explained"]) if validations else []
    flat = [{**row, **row["regions"]["explained"]} for row in validations]
    lines = [{**line(flat, name, "validation", name, ink), "dashed": False} for ink, name in enumerate(names)]
    return {"title": "Share of the differences between faces that is drawn", "positive": False, "lines": lines}


def line(rows: Rows, part: str, source: str, name: str, ink: int) -> dict[str, Any]:
    """One quantity from one kind of report (`train` or `validation`), at most about MOST_POINTS points of it."""
    found = [(row["images_seen"], row[part]) for row in rows if row.get("kind") == source and part in row]
    images, values = np.array(found, np.float64).reshape(-1, 2).T
    kept = thinned(values)
    return {
        "name": name,
        "ink": ink,
        "dashed": source == "validation",
        "smooth": source == "train" and part in LOSSES,
        "x": images[kept].tolist(),
        "y": [float(f"{value:.6g}") for value in values[kept]],
    }


def parts_of(rows: Rows, known: Mapping[str, str]) -> list[str]:
    """Which of the `known` quantities the run reports, in the order of `known`."""
    reported = {name for row in rows if row.get("kind") in ("train", "validation") for name in row}
    return [name for name in known if name in reported]


def marks(rows: Rows) -> list[dict[str, Any]]:
    """What was done to the run (strong), and when its draw probabilities were renewed."""
    return [
        {
            "x": row["images_seen"],
            "strong": row["kind"] == "event",
            "text": event_words(row) if row["kind"] == "event" else "draw probabilities renewed",
        }
        for row in rows
        if row.get("kind") in ("event", "resampling")
    ]


def event_words(event: Mapping[str, Any]) -> str:
    """`beta 1 → 2` for a change, the bare deed for a pause or a save."""
    what = str(event.get("what", "changed")).replace("_", " ")
    old, new = event.get("old"), event.get("new")
    if isinstance(old, bool) or isinstance(new, bool) or (old is None and new is None):
        return what
    return f"{what} {_plain(old)} → {_plain(new)}"


def thinned(values: NDArray[np.float64], most: int = MOST_POINTS) -> NDArray[np.int64]:
    """Which points to draw: all, or the lowest and highest of equal stretches, so that no spike is lost."""
    count = len(values)
    if count <= most:
        return np.arange(count)
    kept = {0, count - 1}
    for stretch in np.array_split(np.arange(count), max(most // 2 - 1, 1)):
        inside = values[stretch]
        kept |= {int(stretch[inside.argmin()]), int(stretch[inside.argmax()])}
    return np.array(sorted(kept))


def kl_strip(rows: Rows) -> pd.DataFrame:
    """KL of each latent at each validation: `images`, `latent`, `rank` (0 tells most now) and `nats`."""
    validations = [row for row in rows if row.get("kind") == "validation" and row.get("kl_per_dim")]
    if not validations:
        return pd.DataFrame({"images": [], "latent": [], "rank": [], "nats": []})
    places = np.unique(np.linspace(0, len(validations) - 1, min(len(validations), MOST_STRIPS)).round().astype(int))
    order = np.argsort(validations[-1]["kl_per_dim"])[::-1][:MOST_DIMS]
    pieces = []
    for place in places:
        row = validations[place]
        nats = np.array(row["kl_per_dim"], np.float64)[order].round(4)
        about = {"images": row["images_seen"], "latent": order, "rank": np.arange(len(order)), "nats": nats}
        pieces.append(pd.DataFrame(about))
    return pd.concat(pieces, ignore_index=True)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
