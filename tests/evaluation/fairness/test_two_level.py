"""Intervals over seeds and pictures: known cases, and the edges of what a share can be."""

import math

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_1samp
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from vaelab.errors import DataError
from vaelab.evaluation.fairness.two_level import TwoLevel, difference, from_covariance, share, two_level
from vaelab.rng import numpy_generator


def test_where_pictures_add_nothing_it_is_a_t_test() -> None:
    values = numpy_generator(0, "seeds").normal(0.02, 0.03, 8)
    found, expected = from_covariance(values, np.zeros((8, 8))), ttest_1samp(values, 0)
    interval = expected.confidence_interval()
    assert (found.value, found.degrees) == (pytest.approx(values.mean()), pytest.approx(7))
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert found.p_value == pytest.approx(expected.pvalue)


def test_where_seeds_agree_only_pictures_count() -> None:
    found = from_covariance(np.full(6, 0.5), np.full((6, 6), 0.01))
    assert found.degrees == math.inf
    assert found.error == pytest.approx(0.1)
    assert found.high - found.value == pytest.approx(0.196, abs=1e-3)


def test_one_seed_has_the_error_of_its_pictures() -> None:
    random = numpy_generator(0, "pictures")
    found = two_level(np.array([0.4]), random.normal(0.4, 0.05, (4000, 1)))
    assert found.error == pytest.approx(0.05, rel=0.05)
    assert found.degrees == math.inf


def test_nothing_that_varies_leaves_no_doubt_and_no_p_value() -> None:
    nothing = two_level(np.zeros(6), np.zeros((10, 6)))
    assert (nothing.low, nothing.high) == (0, 0)
    assert math.isnan(nothing.p_value)


def test_it_keeps_to_what_is_possible() -> None:
    found = two_level(np.array([0.0, 0.02]), np.zeros((10, 2)), (0.0, 1.0))
    assert found.low == 0.0
    assert found.value + student.ppf(0.975, 1) * found.error == pytest.approx(found.high)


def test_perfect_recall_has_wilsons_interval_of_its_pictures() -> None:
    found = share(np.ones(6), np.ones((50, 6)), 40)
    low, _ = proportion_confint(40, 40, method="wilson")
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(1.0))
    none = share(np.zeros(6), np.zeros((50, 6)), 40)
    assert none.low == 0.0
    assert none.high == pytest.approx(1 - low)


def test_one_network_has_about_wilsons_interval() -> None:
    random = numpy_generator(0, "one")
    found = share(np.array([0.9]), random.binomial(200, 0.9, (20_000, 1)) / 200, 200)
    low, high = proportion_confint(180, 200, method="wilson")
    assert (found.low, found.high) == (pytest.approx(low, abs=2e-3), pytest.approx(high, abs=2e-3))


def test_one_resample_is_refused() -> None:
    with pytest.raises(DataError, match="1 resamples make no interval"):
        two_level(np.zeros(3), np.zeros((1, 3)))


def _one_network(hits: int, count: int) -> TwoLevel:
    """Recall of one network whose resamples vary as independent pictures do."""
    recall = hits / count
    half = math.sqrt(recall * (1 - recall) / count / 2)
    return share(np.array([recall]), np.array([[recall - half], [recall + half]]), count)


def test_a_difference_of_independent_shares_is_newcombes() -> None:
    one, other = _one_network(56, 70), _one_network(48, 80)
    error = math.hypot(one.error, other.error)
    found = difference(one, other, from_covariance(np.array([one.value - other.value]), np.array([[error**2]])))
    low, high = confint_proportions_2indep(56, 70, 48, 80, method="newcomb", compare="diff")
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))
    assert found.p_value < 0.05, "the interval leaves 0 out"


def test_a_difference_of_arms_that_go_together_is_surer() -> None:
    one, other = _one_network(56, 70), _one_network(48, 70)
    widths = []
    for correlation in (0.0, 0.8):
        variance = one.error**2 + other.error**2 - 2 * correlation * one.error * other.error
        found = difference(one, other, from_covariance(np.array([one.value - other.value]), np.array([[variance]])))
        widths.append(found.high - found.low)
    assert widths[1] < 0.6 * widths[0]


def test_equal_arms_differ_by_nothing() -> None:
    one = share(np.ones(6), np.ones((9, 6)), 40)
    found = difference(one, one, two_level(np.zeros(6), np.zeros((9, 6))))
    assert found.value == 0.0
    assert found.low <= 0.0 <= found.high
    assert found.p_value == 1.0


def test_few_seeds_keep_their_wide_quantile_where_shared_pictures_cancel() -> None:
    """Both arms have many pictures in common, so each is sure by them; the difference rests on six seeds alone."""
    seeds = numpy_generator(0, "shared").normal(0, 0.01, (2, 6))
    shared = numpy_generator(1, "shared").normal(0, 0.05, (500, 1))
    arms = [share(0.5 + each, 0.5 + each + shared, 100) for each in seeds]
    between = two_level(seeds[0] - seeds[1], np.zeros((500, 6)))
    found = difference(*arms, between)
    assert found.high - found.low == pytest.approx(between.high - between.low, rel=0.1)
    assert found.p_value == pytest.approx(between.p_value, abs=0.05)
