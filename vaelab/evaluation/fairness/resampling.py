"""Recall of every member in every group, as measured and as it would be on other pictures: the bootstrap of pictures.

Faces are drawn anew within their group, calibration negatives among themselves, whole classes of them where these are
known, so that thresholds move too. The same draw serves every arm and seed: what the members share by looking at the
same pictures stays shared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from vaelab.data.groups import Grouping
from vaelab.evaluation.clusters import times_drawn
from vaelab.evaluation.fairness.scores import Scores
from vaelab.evaluation.groups import threshold_at_fpr
from vaelab.rng import numpy_generator

AT_ONCE = 50
"""Resamples drawn together; bounds the memory to about 10 MB per 10,000 pictures."""


@final
@dataclass(frozen=True, eq=False)
class Recalls:
    """Recall at a matched false-positive rate.

    Attributes:
        grouping: the groups that the last axes follow.
        thresholds: (arms, seeds) of each member, at the wanted rate on its calibration negatives.
        hit: (arms, seeds, faces) bool; whether the member sees the face.
        by_group: (arms, seeds, groups) recall; NaN in an empty group.
        overall: (arms, seeds) recall over all faces, also those in no group.
        by_group_resampled: (resamples, arms, seeds, groups) the same on resampled pictures.
        overall_resampled: (resamples, arms, seeds).
    """

    grouping: Grouping
    thresholds: np.ndarray
    hit: np.ndarray
    by_group: np.ndarray
    overall: np.ndarray
    by_group_resampled: np.ndarray
    overall_resampled: np.ndarray

    @property
    def summarised(self) -> np.ndarray:
        """(groups,) bool; whether the group is large enough for worst group, gap and variance."""
        return np.array([group.is_summarised for group in self.grouping.groups], dtype=bool)


def thresholds_at_fpr(scores: Scores, fpr: float) -> Float[np.ndarray, "arms seeds"]:
    """Each member's own threshold at the same false-positive rate on the calibration negatives.

    Raises:
        DataError: fewer than 10 / fpr calibration negatives.
    """
    return np.array([[threshold_at_fpr(member, fpr) for member in arm] for arm in scores.calibration])


def recalls(scores: Scores, grouping: Grouping, fpr: float, *, seed: int = 0, resamples: int = 1000) -> Recalls:
    """Recall of every member by group at `fpr`, with `resamples` replicates on resampled pictures.

    Args:
        grouping: of `scores.labels`.
        seed: of the resampling.

    Raises:
        DataError: fewer than 10 / fpr calibration negatives.
    """
    thresholds = thresholds_at_fpr(scores, fpr)
    hit = scores.faces > thresholds[..., None]
    random = numpy_generator(seed, "pictures resampled")
    pictures = _Pictures.of(scores, grouping, fpr)
    found = [pictures.resampled(random, min(AT_ONCE, resamples - done)) for done in range(0, resamples, AT_ONCE)]
    shape = (resamples, *thresholds.shape, len(grouping) + 1)
    sums = np.concatenate(found or [np.zeros(shape)]).reshape(shape)
    counts = grouping.counts
    per_group = np.divide(sums[..., :-1], counts, out=np.full(sums[..., :-1].shape, np.nan), where=counts > 0)
    by_group = np.array([[grouping.mean(member) for member in arm] for arm in hit])
    return Recalls(
        grouping, thresholds, hit, by_group, hit.mean(axis=-1), per_group, sums.sum(axis=-1) / max(1, scores.num_faces)
    )


@dataclass(frozen=True, eq=False)
class _Pictures:
    """Scores laid out for resampling: members in one axis, faces sorted by group, negatives by score.

    Attributes:
        faces: (members, faces), faces of one group side by side, those of no group last.
        edges: (groups + 2,) where each group begins.
        negatives: (members, negatives) the calibration scores, falling; `places` are their columns as given.
        classes: of the calibration negatives as given.
    """

    faces: np.ndarray
    edges: np.ndarray
    membership: np.ndarray
    negatives: np.ndarray
    places: np.ndarray
    classes: np.ndarray | None
    fpr: float

    @staticmethod
    def of(scores: Scores, grouping: Grouping, fpr: float) -> _Pictures:
        strata = np.where(grouping.keys < 0, len(grouping), grouping.keys)
        order = np.argsort(strata, kind="stable")
        counts = np.bincount(strata, minlength=len(grouping) + 1)
        membership = np.eye(len(grouping) + 1, dtype=np.float32)[strata[order]]
        calibration = scores.calibration.reshape(-1, scores.calibration.shape[-1])
        places = np.argsort(-calibration, axis=1, kind="stable")
        return _Pictures(
            scores.faces.reshape(-1, scores.num_faces)[:, order], np.append(0, np.cumsum(counts)), membership,
            np.take_along_axis(calibration, places, axis=1), places, scores.calibration_numbers, fpr,
        )  # fmt: skip

    def resampled(self, random: np.random.Generator, resamples: int) -> np.ndarray:
        """(resamples, members, groups + 1) hits among resampled faces at thresholds of resampled negatives."""
        thresholds = self._thresholds(times_drawn(random, resamples, self.places.shape[1], self.classes))
        drawn = np.concatenate(
            [times_drawn(random, resamples, count) for count in np.diff(self.edges).tolist()], axis=1, dtype=np.float32
        )
        lowest, highest = thresholds.min(axis=0), thresholds.max(axis=0)
        sure = (self.faces > highest[:, None]).astype(np.float32).T
        blocks = [
            drawn[:, first:last] @ sure[first:last] for first, last in zip(self.edges, self.edges[1:], strict=False)
        ]
        hits = np.stack(blocks, axis=-1)
        for member, face in enumerate(self.faces):
            # only faces between the lowest and the highest threshold depend on which threshold it was
            between = np.flatnonzero((face > lowest[member]) & (face <= highest[member]))
            seen = drawn[:, between] * (face[between] > thresholds[:, member, None])
            hits[:, member] += seen @ self.membership[between]
        return hits

    def _thresholds(self, drawn: np.ndarray) -> np.ndarray:
        """(resamples, members) score of the first negative with more drawn at or over it than may lie above."""
        numbers, which = np.unique(drawn.sum(axis=1), return_inverse=True)  # classes differ in size
        above = np.array([_above(int(number), self.fpr) for number in numbers])[which][:, None]
        # as many as are usually needed: ten standard deviations of the Poisson count; in classes it may take more
        reach = int(above.max()) + 20 + int(10 * np.sqrt(above.max() + 1))
        found = np.empty((len(drawn), len(self.places)), dtype=self.negatives.dtype)
        for member, (scores, places) in enumerate(zip(self.negatives, self.places, strict=True)):
            is_over = np.cumsum(drawn[:, places[:reach]], axis=1) > above
            while not is_over[:, -1].all():
                reach *= 2
                is_over = np.cumsum(drawn[:, places[:reach]], axis=1) > above
            found[:, member] = scores[np.argmax(is_over, axis=1)]
        return found


def _above(number: int, fpr: float) -> int:
    """How many of `number` negatives `threshold_at_fpr` lets lie above the threshold."""
    return number - 1 - int(np.quantile(np.arange(number), 1.0 - fpr, method="higher"))
