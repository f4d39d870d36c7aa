"""The scores of an experiment: every arm, every seed, every picture; all that a statement about fairness rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import pandas as pd

from vaelab.errors import DataError
from vaelab.evaluation.clusters import held_out, in_classes


@final
@dataclass(frozen=True, eq=False)
class Scores:
    """Face logits of every member of an experiment on one split.

    Attributes:
        arms: names in order; the first is the reference.
        seeds: paired over the arms: the same seed means the same draws under every arm.
        faces: (arms, seeds, faces) float32 logits of the split's faces.
        negatives: (arms, seeds, negatives) float32 logits of the split's non-faces; they report, and set nothing.
        calibration: (arms, seeds, calibration) float32 logits of non-faces that set thresholds and serve nothing else.
        labels: one row per face, aligned with the last axis of `faces`.
        hard_negatives: (arms, seeds, n) float32 logits of things that look like faces, or None.
        negative_classes: (negatives,) what each test negative shows, empty where that is unknown; or None.
        calibration_classes: (calibration,) the same of those that set thresholds.
    """

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    faces: np.ndarray
    negatives: np.ndarray
    calibration: np.ndarray
    labels: pd.DataFrame
    hard_negatives: np.ndarray | None = None
    negative_classes: np.ndarray | None = None
    calibration_classes: np.ndarray | None = None

    def __post_init__(self) -> None:
        for what, names in (("arm", self.arms), ("seed", self.seeds)):
            if not names:
                raise DataError(f"scores of no {what}; at least one {what} must be trained and scored")
            if len(set(names)) < len(names):
                raise DataError(f"the same {what} twice among {', '.join(map(str, names))}; each may come once")
        for name, logits in self._parts().items():
            if logits.ndim != 3 or logits.shape[:2] != (len(self.arms), len(self.seeds)):
                raise DataError(
                    f"scores of {name} have shape {logits.shape}; expected {len(self.arms)} arms x "
                    f"{len(self.seeds)} seeds x pictures"
                )
            if not np.isfinite(logits).all():
                arm, seed, picture = np.argwhere(~np.isfinite(logits))[0]
                raise DataError(
                    f"the score of picture {picture} among {name} is {logits[arm, seed, picture]} under arm "
                    f"{self.arms[arm]}, seed {self.seeds[seed]}; score that member again"
                )
        if len(self.labels) != self.num_faces:
            raise DataError(f"{self.num_faces} faces are scored, but labels have {len(self.labels)} rows")
        for what, logits, classes in (
            ("test negatives", self.negatives, self.negative_classes),
            ("calibration negatives", self.calibration, self.calibration_classes),
        ):
            if classes is not None and classes.shape != logits.shape[2:]:
                raise DataError(f"{logits.shape[2]} {what} are scored, but {len(classes)} have a class")

    def _parts(self) -> dict[str, np.ndarray]:
        parts = {"faces": self.faces, "negatives": self.negatives, "calibration": self.calibration}
        return parts if self.hard_negatives is None else parts | {"hard negatives": self.hard_negatives}

    @property
    def negative_numbers(self) -> np.ndarray | None:
        """(negatives,) int number of each test negative's held-out class; None where they count as independent."""
        return _numbers(self.negative_classes, self.calibration_classes)

    @property
    def calibration_numbers(self) -> np.ndarray | None:
        """(calibration,) the same of those that set thresholds."""
        return _numbers(self.calibration_classes, self.negative_classes)

    @property
    def num_faces(self) -> int:
        """Faces scored."""
        return int(self.faces.shape[-1])

    def with_arms(self, names: Sequence[str]) -> Scores:
        """The same scores of some arms, in the order given.

        Raises:
            DataError: an arm that was not scored.
        """
        return self._part(axis=0, kept=_places(names, self.arms, "arm"), arms=tuple(names))

    def with_seeds(self, seeds: Sequence[int]) -> Scores:
        """The same scores of some seeds, in the order given.

        Raises:
            DataError: a seed that was not scored.
        """
        return self._part(axis=1, kept=_places(seeds, self.seeds, "seed"), seeds=tuple(seeds))

    def _part(self, axis: int, kept: list[int], **names: tuple[str, ...] | tuple[int, ...]) -> Scores:
        logits = {name.replace(" ", "_"): part.take(kept, axis=axis) for name, part in self._parts().items()}
        return replace(self, **logits, **names)  # type: ignore[arg-type]


def _numbers(classes: np.ndarray | None, elsewhere: np.ndarray | None) -> np.ndarray | None:
    if classes is None or elsewhere is None:
        return in_classes(classes)
    return in_classes(held_out(classes, elsewhere))


def _places(wanted: Sequence[str] | Sequence[int], known: Sequence[str] | Sequence[int], what: str) -> list[int]:
    missing = [str(name) for name in wanted if name not in known]
    if missing:
        raise DataError(f"no scores of {what} {', '.join(missing)}; there are {', '.join(map(str, known))}")
    return [list(known).index(name) for name in wanted]
