"""Arms compared: pairs, exact tests, corrections."""

import itertools

import numpy as np
import pytest
from scipy.stats import PermutationMethod, wilcoxon

from tests.evaluation.fairness.conftest import MakeScores
from vaelab.data.groups import Grouping
from vaelab.evaluation.fairness.effects import Effect, effects, signed_rank
from vaelab.evaluation.fairness.measured import measured
from vaelab.evaluation.fairness.resampling import recalls
from vaelab.evaluation.fairness.scores import Scores
from vaelab.rng import numpy_generator


def compared(scores: Scores, columns: list[str], resamples: int) -> list[Effect]:
    found = recalls(scores, Grouping.of(scores.labels, columns), 0.05, resamples=resamples)
    return effects(scores.arms, scores.seeds, found, measured(found))


def test_every_later_arm_is_compared_with_every_earlier_one(lagging: Scores) -> None:
    found = compared(lagging, ["group"], resamples=200)
    assert [(effect.earlier, effect.later) for effect in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    same, better, _ = found
    assert better.changes["worst_group"].is_shown
    assert better.changes["worst_group"].difference.low > 0
    assert better.changes["gap"].difference.high < 0
    assert not same.changes["worst_group"].is_shown
    for name in ("worst_group", "gap", "average", "overall"):
        raw = [effect.changes[name].difference.p_value for effect in found]
        holm = [effect.changes[name].p_holm for effect in found]
        assert max(holm) >= max(raw)
        assert min(holm) == pytest.approx(min(1.0, 3 * min(raw)))


def test_mcnemar_counts_faces_that_one_network_alone_sees(lagging: Scores) -> None:
    found = recalls(lagging, Grouping.of(lagging.labels, ["group"]), 0.05, resamples=2)
    second = effects(lagging.arms, lagging.seeds, found, measured(found))[1]
    assert [pair.first for pair in second.members] == [f"c, seed {seed}" for seed in range(6)]
    for seed, pair in enumerate(second.members):
        assert pair.only_first == (found.hit[2, seed] & ~found.hit[0, seed]).sum()
        assert pair.only_second == (found.hit[0, seed] & ~found.hit[2, seed]).sum()
        assert pair.p_holm >= pair.p_value


def test_one_group_leaves_only_overall_recall(made: MakeScores) -> None:
    scores = made({"a": {"x": 2.0}, "b": {"x": 2.0}}, {"x": 60})
    assert set(compared(scores, [], resamples=20)[0].changes) == {"overall"}


def test_signed_ranks_are_exact() -> None:
    values = numpy_generator(0, "ranks").normal(0.5, 1, 9)
    assert signed_rank(values) == pytest.approx(wilcoxon(values, method="exact").pvalue)
    assert signed_rank([1, 2, 3, 4, 5, 6]) == pytest.approx(2 / 64)
    assert signed_rank([1, 2, 3, 4, 5]) is None
    assert signed_rank(np.zeros(8)) == 1.0


def test_signed_ranks_with_zeros_are_those_of_scipy() -> None:
    values = np.array([0.0, 0.5, 0.5, -0.25, 1.0, 0.0, 0.75])
    one_by_one = wilcoxon(values, zero_method="zsplit", method=PermutationMethod(n_resamples=2**13))
    assert signed_rank(values) == pytest.approx(one_by_one.pvalue)


def test_signed_ranks_with_ties_are_exact_too() -> None:
    values = np.array([1.0, 1.0, 2.0, -1.0, 3.0, 2.0, 2.0])
    ranks = np.array([2.0, 2.0, 5.0, 2.0, 7.0, 5.0, 5.0])
    observed = ranks[values > 0].sum()
    sums = np.array([ranks[list(signs)].sum() for signs in itertools.product([False, True], repeat=7)])
    expected = 2 * min((sums >= observed).mean(), (sums <= observed).mean())
    assert signed_rank(values) == pytest.approx(expected)
