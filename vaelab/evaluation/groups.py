"""Detection: recall at a matched false-positive rate, over all faces and by group, with counts and intervals.

A group's recall means nothing without the false-positive rate it was bought with, so the threshold is always set on
calibration negatives first, and the rate it really gives on test negatives is reported beside every recall.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Shaped

from vaelab.data.groups import Grouping
from vaelab.errors import DataError
from vaelab.evaluation.clusters import Classes, in_classes, rate_of
from vaelab.evaluation.rates import Rate

Scores = Float[np.ndarray, " pictures"]


def threshold_at_fpr(negative_scores: Scores, fpr: float) -> float:
    """The score above which a share `fpr` of the calibration negatives lies.

    Raises:
        DataError: fewer than 10 / fpr negatives; 100 / fpr are recommended.
    """
    if len(negative_scores) < 10 / fpr:
        raise DataError(
            f"{len(negative_scores)} calibration negatives cannot set a threshold at {fpr:.2%} false positives; "
            f"at least {10 / fpr:.0f} are needed, {100 / fpr:.0f} recommended"
        )
    return float(np.quantile(negative_scores, 1.0 - fpr, method="higher"))


@dataclass(frozen=True)
class Detection:
    """What a detector does at one threshold.

    Attributes:
        fpr: the wanted false-positive rate; `realised_fpr` is what the threshold gives on test negatives.
        overall: recall over all test faces.
        by_group: recall by column and value.
        worst_group: the lowest recall of a column's groups of at least 30 faces; `gap` is the highest minus the lowest.
            Columns with fewer than two such groups are in neither.
    """

    fpr: float
    threshold: float
    num_calibration: int
    realised_fpr: Rate
    overall: Rate
    by_group: dict[str, dict[str, Rate]]
    worst_group: dict[str, str]
    gap: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def detection(
    face_scores: Float[np.ndarray, " faces"],
    labels: pd.DataFrame,
    calibration_scores: Float[np.ndarray, " calibration"],
    negative_scores: Float[np.ndarray, " negatives"],
    fpr: float,
    columns: Sequence[str] = (),
    *,
    faces_of: Shaped[np.ndarray, " faces"] | None = None,
    negatives_of: Shaped[np.ndarray, " negatives"] | None = None,
) -> Detection:
    """Recall at the threshold that `fpr` of the calibration negatives pass.

    Args:
        face_scores, labels: test faces and their label rows, aligned.
        calibration_scores: negatives that set the threshold and serve nothing else.
        negative_scores: test negatives.
        columns: label columns to report by; groups of fewer than 30 faces are left out of worst_group and gap.
        faces_of: the picture that each face is cut from, where it is cut out more than once.
        negatives_of: the class of each test negative, where classes are held out, or the picture that it is cut from.
    """
    threshold = threshold_at_fpr(calibration_scores, fpr)
    hit = face_scores > threshold
    by_group: dict[str, dict[str, Rate]] = {}
    worst: dict[str, str] = {}
    gap: dict[str, float] = {}
    for column in columns:
        grouping = Grouping.of(labels, [column])
        by_group[column] = {
            group.name: _rate(hit, faces_of, grouping.keys == number) for number, group in enumerate(grouping.groups)
        }
        rates = {group.name: by_group[column][group.name].rate for group in grouping.groups if group.is_summarised}
        if len(rates) > 1:
            worst[column] = min(rates, key=lambda name: rates[name])
            gap[column] = max(rates.values()) - min(rates.values())
    return Detection(
        fpr, threshold, len(calibration_scores), _rate(negative_scores > threshold, negatives_of),
        _rate(hit, faces_of), by_group, worst, gap,
    )  # fmt: skip


def _rate(
    hits: Bool[np.ndarray, " pictures"], of: Classes | None, which: Bool[np.ndarray, " pictures"] | None = None
) -> Rate:
    """Share of those pictures that are hit, its interval over the classes or pictures that they are of."""
    if which is not None:
        hits, of = hits[which], None if of is None else of[which]
    return rate_of(hits, in_classes(of))
