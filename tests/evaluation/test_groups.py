"""Detection by group: thresholds cost what they promise, and rates are those of established libraries."""

import math

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, true_positive_rate
from scipy.stats import binomtest

from vaelab.errors import DataError
from vaelab.evaluation.groups import detection, threshold_at_fpr
from vaelab.evaluation.rates import rate
from vaelab.rng import numpy_generator


@pytest.mark.parametrize(("hits", "count"), [(0, 20), (7, 20), (20, 20), (950, 1000)])
def test_rates_have_wilson_intervals(hits: int, count: int) -> None:
    found = rate(hits, count)
    expected = binomtest(hits, count).proportion_ci(method="wilson")
    assert found.rate == hits / count
    assert found.count == count
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_an_empty_group_is_nan_with_count_zero() -> None:
    found = rate(0, 0)
    assert math.isnan(found.rate)
    assert found.count == 0


@pytest.mark.parametrize("fpr", [0.05, 0.01, 0.001])
def test_no_more_than_the_wanted_share_of_calibration_negatives_passes(fpr: float) -> None:
    scores = numpy_generator(0, "scores").standard_normal(20_000).astype(np.float32)
    threshold = threshold_at_fpr(scores, fpr)
    assert (scores > threshold).mean() <= fpr
    assert (scores >= threshold).mean() >= fpr  # and a lower threshold would pass too many


def test_equal_scores_pass_nothing() -> None:
    assert (np.zeros(1000, np.float32) > threshold_at_fpr(np.zeros(1000, np.float32), 0.05)).sum() == 0


def test_too_few_negatives_are_refused() -> None:
    with pytest.raises(DataError, match=r"999 calibration negatives.*1000 are needed"):
        threshold_at_fpr(np.zeros(999, np.float32), 0.01)


@pytest.fixture
def scored() -> tuple[np.ndarray, pd.DataFrame, np.ndarray, np.ndarray]:
    """Scores of faces of three groups of unequal difficulty, their labels, calibration and test negatives."""
    random = numpy_generator(0, "groups")
    group = np.repeat(["a", "b", "c"], [400, 200, 12])
    shift = pd.Series(group).map({"a": 2.5, "b": 1.5, "c": 0.0}).to_numpy()
    scores = (random.standard_normal(612) + shift).astype(np.float32)
    negatives = random.standard_normal((2, 2000)).astype(np.float32)
    return scores, pd.DataFrame({"group": group}), negatives[0], negatives[1]


def test_recall_by_group_is_fairlearns(scored: tuple[np.ndarray, pd.DataFrame, np.ndarray, np.ndarray]) -> None:
    scores, labels, calibration, negatives = scored
    found = detection(scores, labels, calibration, negatives, 0.01, ("group",))
    oracle = MetricFrame(
        metrics=true_positive_rate,
        y_true=np.ones(len(scores)),
        y_pred=(scores > found.threshold).astype(float),
        sensitive_features=labels["group"],
    )
    assert found.overall.rate == pytest.approx(oracle.overall)
    for name, recall in oracle.by_group.items():
        assert found.by_group["group"][name].rate == pytest.approx(recall)
        assert found.by_group["group"][name].count == (labels["group"] == name).sum()
    assert found.realised_fpr.rate == pytest.approx((negatives > found.threshold).mean())


def test_small_groups_are_counted_but_not_compared(
    scored: tuple[np.ndarray, pd.DataFrame, np.ndarray, np.ndarray],
) -> None:
    found = detection(*scored, 0.01, ("group",))
    groups = found.by_group["group"]
    assert set(groups) == {"a", "b", "c"}
    assert groups["c"].rate < groups["b"].rate
    assert found.worst_group == {"group": "b"}
    assert found.gap["group"] == pytest.approx(groups["a"].rate - groups["b"].rate)


def test_a_single_large_group_has_no_worst_and_no_gap(
    scored: tuple[np.ndarray, pd.DataFrame, np.ndarray, np.ndarray],
) -> None:
    scores, labels, calibration, negatives = scored
    labels = labels.assign(group=labels["group"].replace("b", "a"))  # 600 of a, 12 of c
    found = detection(scores, labels, calibration, negatives, 0.01, ("group",))
    assert set(found.by_group["group"]) == {"a", "c"}
    assert (found.worst_group, found.gap) == ({}, {})


def test_a_face_without_a_label_counts_for_the_whole_and_for_no_group(
    scored: tuple[np.ndarray, pd.DataFrame, np.ndarray, np.ndarray],
) -> None:
    scores, labels, calibration, negatives = scored
    labels = labels.assign(group=labels["group"].astype("str").where(labels["group"] != "c"))
    found = detection(scores, labels, calibration, negatives, 0.01, ("group",))
    assert found.overall.count == len(scores)
    assert set(found.by_group["group"]) == {"a", "b"}


def test_a_perfect_detector_has_no_gap(scored: tuple[np.ndarray, pd.DataFrame, np.ndarray, np.ndarray]) -> None:
    scores, labels, calibration, negatives = scored
    found = detection(scores + 100, labels, calibration, negatives, 0.05, ("group",))
    assert found.overall.rate == 1.0
    assert found.gap == {"group": 0.0}
    assert found.to_dict()["overall"]["count"] == len(scores)
