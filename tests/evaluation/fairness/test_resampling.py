"""Resampled recalls are what drawing pictures one by one gives."""

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.fairness.conftest import MakeScores
from vaelab.data.groups import Grouping
from vaelab.errors import DataError
from vaelab.evaluation.fairness.resampling import recalls, thresholds_at_fpr
from vaelab.evaluation.fairness.scores import Scores
from vaelab.rng import numpy_generator


def test_recall_by_group_is_a_plain_count(lagging: Scores) -> None:
    grouping = Grouping.of(lagging.labels, ["group"])
    found = recalls(lagging, grouping, 0.05, resamples=2)
    for arm in range(3):
        for seed in range(6):
            threshold = np.quantile(lagging.calibration[arm, seed], 0.95, method="higher")
            for place, group in enumerate(grouping.groups):
                faces = lagging.faces[arm, seed][(lagging.labels["group"] == group.name).to_numpy()]
                assert found.by_group[arm, seed, place] == pytest.approx((faces > threshold).mean())
    assert found.summarised.tolist() == [group.name != "tiny" for group in grouping.groups]


@pytest.mark.parametrize("fpr", [0.05, 0.01])
def test_resampling_is_drawing_with_replacement(made: MakeScores, fpr: float) -> None:
    scores = made({"a": {"x": 1.5, "y": 2.5}}, {"x": 80, "y": 40}, num_seeds=2, num_negatives=1000)
    grouping = Grouping.of(scores.labels, ["group"])
    fast = recalls(scores, grouping, fpr, resamples=1500).by_group_resampled[:, 0]
    random, slow = numpy_generator(1, "one by one"), np.empty_like(fast)
    for draw in slow:
        negatives = random.integers(0, 1000, 1000)
        rows = [random.choice(np.flatnonzero(grouping.keys == group), grouping.counts[group]) for group in (0, 1)]
        for seed in (0, 1):
            threshold = np.quantile(scores.calibration[0, seed][negatives], 1 - fpr, method="higher")
            draw[seed] = [(scores.faces[0, seed][row] > threshold).mean() for row in rows]
    np.testing.assert_allclose(fast.mean(0), slow.mean(0), atol=5 * 0.08 / np.sqrt(1500))
    np.testing.assert_allclose(fast.std(0), slow.std(0), rtol=0.12)
    shared = [np.corrcoef(each[:, 0, 0], each[:, 1, 0])[0, 1] for each in (fast, slow)]
    assert shared[0] == pytest.approx(shared[1], abs=0.12), "what seeds share through pictures stays shared"


@pytest.mark.parametrize("fpr", [0.05, 0.01])
def test_thresholds_move_with_whole_classes(made: MakeScores, fpr: float) -> None:
    scores = made({"a": {"x": 1.5, "y": 2.5}}, {"x": 80, "y": 40}, num_seeds=2, num_negatives=1000)
    random = numpy_generator(2, "one by one")
    names = np.repeat([f"class {number}" for number in range(50)], np.resize([10, 30, 20, 20], 50))
    numbers = np.unique(names, return_inverse=True)[1]
    of_class = random.standard_normal(50).astype(np.float32)[numbers]
    scores = replace(scores, calibration=scores.calibration + of_class, calibration_classes=names)
    grouping = Grouping.of(scores.labels, ["group"])
    fast = recalls(scores, grouping, fpr, resamples=1500).by_group_resampled[:, 0]
    slow = np.empty_like(fast)
    for draw in slow:
        negatives = np.concatenate([np.flatnonzero(numbers == one) for one in random.integers(0, 50, 50)])
        rows = [random.choice(np.flatnonzero(grouping.keys == group), grouping.counts[group]) for group in (0, 1)]
        for seed in (0, 1):
            threshold = np.quantile(scores.calibration[0, seed][negatives], 1 - fpr, method="higher")
            draw[seed] = [(scores.faces[0, seed][row] > threshold).mean() for row in rows]
    np.testing.assert_allclose(fast.mean(0), slow.mean(0), atol=0.02)
    np.testing.assert_allclose(fast.std(0), slow.std(0), rtol=0.12)
    alone = recalls(replace(scores, calibration_classes=None), grouping, fpr, resamples=300).by_group_resampled[:, 0]
    assert (fast.std(0) / alone.std(0)).mean() > 1.15, "classes are what makes a threshold uncertain"


def test_the_same_seed_gives_the_same_resamples(lagging: Scores) -> None:
    grouping = Grouping.of(lagging.labels, ["group"])
    one, again, other = (recalls(lagging, grouping, 0.05, seed=seed, resamples=20) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.by_group_resampled, again.by_group_resampled)
    assert not np.array_equal(one.by_group_resampled, other.by_group_resampled)


def test_faces_of_no_group_count_for_the_whole(lagging: Scores) -> None:
    lagging.labels.loc[lagging.labels["group"] == "y", "group"] = None
    grouping = Grouping.of(lagging.labels, ["group"])
    found = recalls(lagging, grouping, 0.05, resamples=200)
    assert found.overall[0, 0] == pytest.approx(found.hit[0, 0].mean())
    assert found.overall_resampled[:, 0, 0].mean() == pytest.approx(found.overall[0, 0], abs=0.02)
    assert found.by_group.shape[-1] == 3


def test_an_empty_group_is_no_number(made: MakeScores) -> None:
    scores = made({"a": {"x": 2.0, "y": 2.0}}, {"x": 50, "y": 50})
    crossed = Grouping.of(scores.labels.assign(sex=scores.labels["group"]), ["group", "sex"])
    found = recalls(scores, crossed, 0.05, resamples=3)
    assert np.isnan(found.by_group[0, 0]).tolist() == [False, True, True, False]
    assert np.isnan(found.by_group_resampled[0, 0, 0]).tolist() == [False, True, True, False]


def test_too_few_calibration_negatives_are_refused(lagging: Scores) -> None:
    with pytest.raises(DataError, match=r"1500 calibration negatives cannot set a threshold at 0.10%"):
        thresholds_at_fpr(lagging, 0.001)
