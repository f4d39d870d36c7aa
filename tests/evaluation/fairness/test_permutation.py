"""The permutation test finds groups that differ, and is right about groups that do not."""

import json
from pathlib import Path

import numpy as np
import pytest

from vaelab.evaluation.fairness.permutation import CAVEAT, labels_permuted
from vaelab.rng import numpy_generator


def test_a_lagging_group_is_found_and_equal_groups_are_not() -> None:
    random = numpy_generator(0, "permutation")
    keys = np.repeat([0, 1, 2], 200)
    recall = np.stack([np.where(keys == 1, 0.8, 0.95), np.full(600, 0.95)])
    hit = random.random((2, 4, 600)) < recall[:, None]
    lagging, equal = labels_permuted(hit, keys, resamples=300)
    assert (lagging.gap_p, lagging.variance_p) == (pytest.approx(1 / 301), pytest.approx(1 / 301))
    assert equal.gap_p > 0.05
    assert 0.005 < equal.gap_by_chance < 0.05


def test_p_values_are_uniform_where_labels_mean_nothing() -> None:
    random = numpy_generator(0, "uniform")
    keys = np.repeat([0, 1], 40)
    found = [labels_permuted(random.random((1, 2, 80)) < 0.7, keys, seed=i, resamples=99)[0] for i in range(200)]
    for p_values in ([each.gap_p for each in found], [each.variance_p for each in found]):
        assert np.mean(np.array(p_values) <= 0.05) < 0.09
        assert np.mean(np.array(p_values) <= 0.5) == pytest.approx(0.45, abs=0.12)  # ties push it up


def test_the_caveat_says_what_the_simulations_found() -> None:
    kept = json.loads((Path(__file__).parents[3] / "benchmarks" / "coverage.json").read_text(encoding="utf-8"))
    shares = [
        share
        for world in kept["worlds"].values()
        for name, share in world["found"].items()
        if name.endswith("by permutation") and share < 0.5  # groups that are alike
    ]
    assert f"in {100 * min(shares):.0f} to {100 * max(shares):.0f} % of simulated audits" in CAVEAT


def test_everybody_found_is_no_difference() -> None:
    assert labels_permuted(np.ones((1, 3, 60), bool), np.repeat([0, 1], 30), resamples=20)[0].gap_p == 1.0
