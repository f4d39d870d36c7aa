"""Disentanglement: latents that are the factors score near 1, a rotation of them near 0, noise nothing."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mutual_info_score

from vaelab.errors import DataError
from vaelab.evaluation.disentanglement import (
    Disentanglement,
    Factor,
    disentanglement,
    modularity,
    mutual_information_gaps,
)
from vaelab.rng import numpy_generator

FACES = 600


@pytest.fixture(scope="module")
def factors() -> list[Factor]:
    random = numpy_generator(0, "factors")
    labels = pd.DataFrame(
        {"kind": random.choice(["a", "b", "c"], FACES), "sex": random.choice(["f", "m"], FACES),
         "light": random.uniform(-1, 1, FACES)}
    )  # fmt: skip
    return [Factor.of(str(name), labels[name]) for name in labels]


@pytest.fixture(scope="module")
def exact(factors: list[Factor]) -> np.ndarray:
    """Latents of which each is one factor, with a little noise."""
    noise = numpy_generator(0, "noise").normal(0, 0.02, (FACES, 3))
    columns = [factor.quantity if factor.quantity is not None else factor.levels for factor in factors]
    return np.stack(columns, axis=1).astype(np.float64) + noise


@pytest.fixture(scope="module")
def found(exact: np.ndarray, factors: list[Factor]) -> Disentanglement:
    return disentanglement(exact, factors)


@pytest.fixture(scope="module")
def found_mixed(exact: np.ndarray, factors: list[Factor]) -> Disentanglement:
    standard = (exact - exact.mean(0)) / exact.std(0)
    return disentanglement(standard @ (np.eye(3) - 2 / 3), factors)  # every factor is mostly in two latents, equally


def test_factors_themselves_score_high(found: Disentanglement) -> None:
    assert found.mig.value > 0.8
    assert found.disentanglement.value > 0.9
    assert found.completeness.value > 0.9
    assert found.informativeness.value > 0.9
    assert found.sap.value > 0.3
    assert list(found.by_factor) == ["kind", "sex", "light"]


def test_a_rotation_loses_what_is_axis_bound_but_not_the_information(
    found: Disentanglement, found_mixed: Disentanglement
) -> None:
    assert found_mixed.mig.value < found.mig.value / 2
    assert found_mixed.sap.value < found.sap.value
    assert found_mixed.disentanglement.value < found.disentanglement.value / 2
    assert found_mixed.informativeness.value > 0.6


def test_every_score_has_an_interval_that_holds_it(found_mixed: Disentanglement) -> None:
    for name in ("mig", "disentanglement", "completeness", "informativeness"):
        score = getattr(found_mixed, name)
        assert score.low < score.value < score.high, name
    assert found_mixed.mig.n == FACES
    assert found_mixed.disentanglement.n == found_mixed.completeness.n == 0.7 * FACES, "those the forests learned from"
    assert found_mixed.sap.n == found_mixed.informativeness.n == 0.3 * FACES


def test_latents_of_noise_know_nothing(factors: list[Factor]) -> None:
    noise = numpy_generator(1, "noise").normal(size=(FACES, 5))
    found = disentanglement(noise, factors)
    assert found.mig.value < 0.05
    assert found.sap.value < 0.1
    assert found.disentanglement.value < 0.2


def test_information_gaps_are_those_of_scikit_learn(exact: np.ndarray, factors: list[Factor]) -> None:
    z = exact @ numpy_generator(5, "mix").normal(size=(3, 4))
    binned = [np.minimum(((c - c.min()) / (c.max() - c.min()) * 20).astype(int), 19) for c in z.T]
    for gap, factor in zip(mutual_information_gaps(z, factors), factors, strict=True):
        best = sorted(mutual_info_score(column, factor.levels) for column in binned)
        expected = (best[-1] - best[-2]) / mutual_info_score(factor.levels, factor.levels)
        assert gap == pytest.approx(expected)


def test_modularity_follows_its_definition() -> None:
    assert modularity(np.eye(3)) == pytest.approx((1.0, 1.0))
    assert modularity(np.ones((4, 2))) == pytest.approx((0.0, 0.0))
    shared = np.array([[1.0, 1.0], [0.0, 0.0]])  # one latent for both factors: complete, not disentangled
    assert modularity(shared) == pytest.approx((0.0, 1.0))
    assert modularity(np.zeros((2, 2))) == (0.0, 0.0)


def test_whole_numbers_are_quantities_and_yes_or_no_is_none() -> None:
    age = Factor.of("age", pd.Series(np.arange(FACES) % 90 + 1))
    assert age.quantity is not None
    assert age.quantity.dtype == np.float64
    assert age.levels.max() == 19
    assert Factor.of("smile", pd.Series([0, 1] * (FACES // 2))).quantity is None
    assert Factor.of("glasses", pd.Series([False, True] * (FACES // 2))).quantity is None


def test_too_few_faces_or_labels_are_refused(exact: np.ndarray, factors: list[Factor]) -> None:
    constant = Factor.of("same", pd.Series(["x"] * FACES))
    with pytest.raises(DataError, match="0 such labels"):
        disentanglement(exact, [constant])
    with pytest.raises(DataError, match="needs 200 faces"):
        disentanglement(exact[:50], [Factor(f.name, f.levels[:50], None) for f in factors])
