"""Pictures in classes: drawn anew as whole classes, worth fewer than as many independent ones."""

import numpy as np
import pytest

from vaelab.evaluation.clusters import covariance_of_means, cut_from, held_out, in_classes, rate_of, times_drawn
from vaelab.evaluation.fairness.discrimination import auc, auc_interval
from vaelab.evaluation.rates import rate
from vaelab.rng import numpy_generator

CLASSES = np.repeat([f"class {number}" for number in range(20)], np.resize([5, 40, 15], 20))


def test_a_picture_of_no_class_is_one_by_itself() -> None:
    names = np.array([f"class {number}" for number in range(12)] * 2 + ["", ""])
    numbers = in_classes(names)
    assert numbers is not None
    assert len(np.unique(numbers)) == 14
    assert (numbers[:12] == numbers[12:24]).all()
    assert numbers[24] != numbers[25]


@pytest.mark.parametrize("names", [None, np.array(["dog", "cat"] * 8), np.array([""] * 30)])
def test_few_or_no_classes_say_nothing(names: np.ndarray | None) -> None:
    assert in_classes(names) is None


def test_classes_that_other_splits_have_too_say_nothing_of_new_ones() -> None:
    found = held_out(np.array(["dog", "cup", "dog", ""]), np.array(["cup", "car", ""]))
    assert list(found) == ["dog", "", "dog", ""]


def test_squares_of_one_picture_are_told_by_its_name() -> None:
    assert list(cut_from(np.array(["val/1.jpg", "val/1.jpg#laid0", "val/2.jpg#cut3"]))) == [
        "val/1.jpg", "val/1.jpg", "val/2.jpg",
    ]  # fmt: skip


def test_classes_are_drawn_whole() -> None:
    numbers = in_classes(CLASSES)
    assert numbers is not None
    drawn = times_drawn(numpy_generator(0, "drawn"), 500, len(CLASSES), numbers)
    assert drawn.shape == (500, len(CLASSES))
    for number in range(20):
        assert (drawn[:, numbers == number] == drawn[:, numbers == number][:, :1]).all()
    np.testing.assert_allclose(drawn.mean(axis=0), 1.0, atol=0.25)


def test_the_covariance_of_means_is_that_of_drawing_classes() -> None:
    random, numbers = numpy_generator(0, "means"), in_classes(CLASSES)
    assert numbers is not None
    values = random.standard_normal((2, 20))[:, numbers] + random.standard_normal((2, len(CLASSES)))
    drawn = times_drawn(random, 4000, len(CLASSES), numbers)
    means = (drawn @ values.T) / drawn.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(covariance_of_means(values, numbers), np.cov(means.T), rtol=0.15, atol=0.004)
    alone = covariance_of_means(values)
    np.testing.assert_allclose(alone, np.cov(values) / len(CLASSES))
    assert (np.diag(covariance_of_means(values, numbers)) > 3 * np.diag(alone)).all()


def test_the_interval_of_a_rate_is_longer_where_classes_differ() -> None:
    random, numbers = numpy_generator(0, "rate"), in_classes(CLASSES)
    assert numbers is not None
    hits = random.random(len(CLASSES)) < np.repeat([0.3, 0.0], 10)[numbers]
    found, independent = rate_of(hits, numbers), rate(int(hits.sum()), len(hits))
    assert (found.rate, found.count) == (independent.rate, independent.count)
    assert found.high - found.low > 1.2 * (independent.high - independent.low)
    assert rate_of(hits) == independent
    assert rate_of(np.zeros(len(CLASSES), bool), numbers) == rate(0, len(CLASSES))


def test_intervals_are_no_shorter_for_pictures_that_classes_do_not_tell_apart() -> None:
    random, numbers = numpy_generator(0, "alike"), in_classes(CLASSES)
    assert numbers is not None
    for _ in range(20):
        hits = random.random(len(CLASSES)) < 0.2
        independent = rate(int(hits.sum()), len(hits))
        assert rate_of(hits, numbers).high >= independent.high - 1e-12


def test_the_error_of_an_auc_is_that_of_drawing_classes() -> None:
    random, numbers = numpy_generator(0, "auc"), in_classes(CLASSES)
    assert numbers is not None
    faces = 1.5 + random.standard_normal((2, 90))
    negatives = random.standard_normal(20)[numbers] + random.standard_normal((2, len(CLASSES)))
    drawn = []
    for _ in range(300):
        rows = np.concatenate([np.flatnonzero(numbers == one) for one in random.integers(0, 20, 20)])
        drawn.append(auc(faces[:, random.integers(0, 90, 90)], negatives[:, rows]))
    found = auc_interval(faces[:1], negatives[:1], numbers)
    independent = auc_interval(faces[:1], negatives[:1])
    assert found is not None
    assert independent is not None
    assert found.error == pytest.approx(np.std(drawn, axis=0)[0], rel=0.2)
    assert found.error > 1.3 * independent.error
