"""Scores of experiments whose truth is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from vaelab.evaluation.fairness.scores import Scores
from vaelab.rng import numpy_generator

MakeScores = Callable[..., Scores]


def make_scores(
    skill: dict[str, dict[str, float]],
    counts: dict[str, int],
    num_seeds: int = 6,
    num_negatives: int = 1500,
    seed: int = 0,
    seed_spread: float = 0.1,
) -> Scores:
    """Normal logits: pictures are hard or easy for all members, seeds differ as a whole.

    Args:
        skill: by arm and group, how far faces lie above negatives, in standard deviations of a negative's logit.
    """
    random = numpy_generator(seed, "tests", "fairness")
    group = np.repeat(list(counts), list(counts.values()))
    shape = (len(skill), num_seeds)

    def clouds(number: int) -> np.ndarray:
        shared = random.standard_normal(number)
        return 0.8 * shared + 0.6 * random.standard_normal((*shape, number))

    level = np.array([[arm[name] for name in group] for arm in skill.values()]).reshape(len(skill), 1, -1)
    faces = clouds(len(group)) + level + seed_spread * random.standard_normal((*shape, 1))
    negatives = [clouds(num_negatives).astype(np.float32) for _ in range(2)]
    labels = pd.DataFrame({"group": group.astype(str), "sex": np.resize(["f", "m"], len(group))})
    return Scores(tuple(skill), tuple(range(num_seeds)), faces.astype(np.float32), *negatives, labels)


@pytest.fixture
def made() -> MakeScores:
    """`make_scores`."""
    return make_scores


@pytest.fixture
def lagging() -> Scores:
    """Three arms: `a` misses group y, `b` is as `a`, `c` finds all groups alike; group tiny is too small to tell."""
    lags = {"x": 3.0, "y": 2.0, "z": 3.0, "tiny": 3.0}
    level = dict.fromkeys(lags, 3.0)
    return make_scores({"a": lags, "b": lags, "c": level}, {"x": 300, "y": 300, "z": 300, "tiny": 12})
