"""Recall by latent density: whether faces that the encoder finds unusual are the ones that are missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from vaelab.data.groups import Standing, standing_of
from vaelab.errors import DataError
from vaelab.evaluation.fairness.resampling import thresholds_at_fpr
from vaelab.evaluation.fairness.scores import Scores
from vaelab.evaluation.rates import Rate, rate


@dataclass(frozen=True)
class DensityBand:
    """Faces of about equal density.

    Attributes:
        low, high: edges of the band, in the unit of the densities given.
        by_seed: recall of each seed's network.
    """

    low: float
    high: float
    count: int
    by_seed: tuple[Rate, ...]

    @property
    def standing(self) -> Standing:
        """What its size allows to be said."""
        return standing_of(self.count)


def recall_by_density(hit: Bool[np.ndarray, "seeds faces"], density: np.ndarray, bands: int = 5) -> list[DensityBand]:
    """Recall of one arm in bands of equally many faces, the most unusual faces first.

    Args:
        density: (faces,) of each face under one model, in any unit that rises with it, such as log density.

    Raises:
        DataError: not one finite density per face.
    """
    if density.shape != hit.shape[1:] or not np.isfinite(density).all():
        raise DataError(
            f"expected one finite density for each of {hit.shape[1]} faces, met shape {density.shape} with "
            f"{int((~np.isfinite(density)).sum())} not finite; score and encode the same faces"
        )
    order = np.argsort(density, kind="stable")
    return [
        DensityBand(
            float(density[rows[0]]),
            float(density[rows[-1]]),
            len(rows),
            tuple(rate(int(member[rows].sum()), len(rows)) for member in hit),
        )
        for rows in np.array_split(order, min(bands, len(order)))
        if len(rows)
    ]


def bands_by_arm(
    scores: Scores, densities: Mapping[str, Mapping[int, np.ndarray]], fpr: float
) -> dict[str, list[DensityBand]]:
    """Recall by latent density of the arms that have latents, each member by its own density and at its own threshold.

    A band is a rank: its edges differ from member to member, and are given as their mean; its size does not.

    Args:
        densities: by arm and seed, as for `recall_by_density`; members without one are left out.

    Raises:
        DataError: a density does not belong to these faces, or too few calibration negatives for `fpr`.
    """
    thresholds = thresholds_at_fpr(scores, fpr)
    found: dict[str, list[DensityBand]] = {}
    for place, arm in enumerate(scores.arms):
        known = densities.get(arm, {})
        members = [
            recall_by_density(scores.faces[place, [number]] > thresholds[place, number], known[seed])
            for number, seed in enumerate(scores.seeds)
            if seed in known
        ]
        if members:
            found[arm] = [
                DensityBand(
                    float(np.mean([band.low for band in bands])),
                    float(np.mean([band.high for band in bands])),
                    bands[0].count,
                    tuple(band.by_seed[0] for band in bands),
                )
                for bands in zip(*members, strict=True)
            ]
    return found
