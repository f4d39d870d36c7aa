"""What else moved: attributes read off two pictures by the model's own encoder and linear probes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from vaelab.editing.sliders import attribute_order
from vaelab.inference import FaceModel

Latent = Float[np.ndarray, " latent"]


@dataclass(frozen=True)
class Effect:
    """How far one attribute moved.

    Attributes:
        key, name: of the attribute.
        before, after: its probability by the probe, of either picture.
        moved: change of its log-odds, in standard deviations of those log-odds over real faces.
        auc: of the probe on held-out faces; a probe near 0.5 says nothing.
    """

    key: str
    name: str
    before: float
    after: float
    moved: float
    auc: float


def side_effects(model: FaceModel, before: Latent, after: Latent) -> list[Effect]:
    """How far each attribute moved between the pictures of two latents, in the order of the sliders.

    The pictures are drawn and encoded anew, so this is what the encoder sees in them, not what was asked for: a move
    that the decoder does not draw does not count. Empty where the model has learned no attribute.
    """
    if model.directions is None or not model.directions.learned:
        return []
    mu, _ = model.encode(model.decode(np.stack([before, after])))
    odds = model.directions.log_odds(mu)
    moved = (odds[1] - odds[0]) / np.maximum(model.directions.probe_spread, 1e-6)
    learned = model.directions.learned
    probs = expit(odds.astype(np.float64))
    return [
        Effect(learned[row].key, learned[row].name, float(probs[0, row]), float(probs[1, row]), float(moved[row]),
               learned[row].auc["logistic"].value)
        for row in attribute_order(model.directions)
    ]  # fmt: skip
