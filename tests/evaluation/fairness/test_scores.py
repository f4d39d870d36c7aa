"""Scores fit together or are refused by name."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from vaelab.errors import DataError
from vaelab.evaluation.fairness.scores import Scores


@pytest.fixture
def scores() -> Scores:
    """Two arms, three seeds, five faces; every logit says whose it is."""
    whose = np.arange(6, dtype=np.float32).reshape(2, 3, 1)
    return Scores(
        ("cnn", "vae"), (1, 2, 3), whose + np.zeros(5, np.float32), whose + np.zeros(4, np.float32),
        whose + np.zeros(7, np.float32), pd.DataFrame({"race": list("aabbb")}),
        hard_negatives=whose + np.zeros(2, np.float32), negative_classes=np.array(["dog", "dog", "cup", "cup"]),
    )  # fmt: skip


def test_some_arms_and_seeds_keep_their_own_scores(scores: Scores) -> None:
    some = scores.with_arms(["vae"]).with_seeds([3, 1])
    assert (some.arms, some.seeds, some.num_faces) == (("vae",), (3, 1), 5)
    assert some.faces[0, :, 0].tolist() == [5, 3]
    assert some.calibration.shape == (1, 2, 7)
    assert some.hard_negatives is not None
    assert some.hard_negatives[0, :, 0].tolist() == [5, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arms": ()}, "no arm"),
        ({"seeds": ()}, "no seed"),
        ({"seeds": (1, 1, 2)}, "same seed twice"),
        ({"faces": np.zeros((2, 2, 5))}, r"faces have shape \(2, 2, 5\); expected 2 arms x 3 seeds"),
        ({"calibration": np.zeros(7)}, "calibration have shape"),
        ({"negatives": np.full((2, 3, 4), np.nan)}, "picture 0 among negatives is nan under arm cnn, seed 1"),
        ({"labels": pd.DataFrame({"race": ["a"]})}, "5 faces are scored, but labels have 1 rows"),
        ({"negative_classes": np.array(["dog"])}, "4 test negatives are scored, but 1 have a class"),
    ],
)
def test_what_does_not_fit_is_refused(scores: Scores, change: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(scores, **change)


def test_unknown_members_are_named(scores: Scores) -> None:
    with pytest.raises(DataError, match="no scores of arm gan; there are cnn, vae"):
        scores.with_arms(["cnn", "gan"])
    with pytest.raises(DataError, match="no scores of seed 9"):
        scores.with_seeds([9])
