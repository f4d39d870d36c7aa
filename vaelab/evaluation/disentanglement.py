"""Whether single latents stand for single labelled factors: MIG, SAP and DCI.

All three are 0 for latents that mix everything, and none is by itself good or bad: read them beside the same scores of
an untrained encoder and of principal components, which know nothing of factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.svm import LinearSVC

from vaelab.errors import DataError
from vaelab.evaluation.attributes import is_quantity
from vaelab.evaluation.intervals import Estimate, bootstrapped, from_half_samples, half_samples
from vaelab.rng import numpy_generator, stream_seed

Latents = Float[np.ndarray, "faces latent"]

BINS = 20
"""Ranges of equal width that a latent, or a factor that is a quantity, is cut into for its mutual information."""
MIN_FACES = 200
NUM_TREES = 10
REPEATS = 6
TEST_SHARE = 0.3


@dataclass(frozen=True, eq=False)
class Factor:
    """One labelled cause of a picture.

    Attributes:
        levels: (faces,) the value of each face as a number from 0; a quantity is cut into BINS.
        quantity: (faces,) its exact value, None where it has levels alone.
    """

    name: str
    levels: Int[np.ndarray, " faces"]
    quantity: Float[np.ndarray, " faces"] | None

    @classmethod
    def of(cls, name: str, values: pd.Series) -> Factor:
        """The factor in a label column without gaps: see `is_quantity`; words are levels."""
        if is_quantity(values):
            exact = values.to_numpy(np.float64)
            return cls(name, _binned(exact[:, None])[:, 0], exact)
        return cls(name, pd.factorize(values, sort=True)[0].astype(np.int64), None)


@dataclass(frozen=True)
class Disentanglement:
    """The scores of one encoder, each a mean over the factors, 0 to 1.

    Attributes:
        mig: how much more the best latent knows of a factor than the second best, as a share of its entropy.
        sap: the same in held-out accuracy of one-latent predictors (or explained variance, for a quantity).
        disentanglement: each important latent serves one factor; `completeness`: each factor is in one latent.
        informativeness: held-out accuracy (or explained variance) of predicting factors from all latents.
        by_factor: `mig` of each factor.
    """

    mig: Estimate
    sap: Estimate
    disentanglement: Estimate
    completeness: Estimate
    informativeness: Estimate
    by_factor: dict[str, float]


def disentanglement(z: Latents, factors: list[Factor], seed: int = 0) -> Disentanglement:
    """The scores of posterior means `z` for the factors of the same faces.

    Intervals: MIG, disentanglement and completeness by half-samples (doubled faces would add to mutual information and
    be learned by heart); SAP and informativeness by the bootstrap over the faces that the predictors have not seen.

    Raises:
        DataError: fewer than MIN_FACES faces, or no factor that varies.
    """
    factors = [factor for factor in factors if len(np.unique(factor.levels)) > 1]
    if len(z) < MIN_FACES or not factors:
        raise DataError(
            f"disentanglement needs {MIN_FACES} faces and a label that varies; there are {len(z)} faces and "
            f"{len(factors)} such labels"
        )
    order = numpy_generator(seed, "disentanglement").permutation(len(z))
    test, train = np.split(order, [round(TEST_SHARE * len(z))])
    gaps = mutual_information_gaps(z, factors)
    halves = list(half_samples(len(z), REPEATS, seed))
    mig = [float(np.mean(mutual_information_gaps(z[half], _rows(factors, half)))) for half in halves]
    importance, right = _predicted_from_all(z, factors, train, test, seed)
    shapes = [
        modularity(_predicted_from_all(z, factors, train[half], test, seed)[0])
        for half in half_samples(len(train), REPEATS, seed)
    ]
    whole = modularity(importance)
    return Disentanglement(
        mig=from_half_samples(float(np.mean(gaps)), mig, len(z), (0.0, 1.0)),
        sap=bootstrapped(_mean_gap, _predicted_from_one(z, factors, train, test), seed, 200),
        disentanglement=from_half_samples(whole[0], [shape[0] for shape in shapes], len(train), (0.0, 1.0)),
        completeness=from_half_samples(whole[1], [shape[1] for shape in shapes], len(train), (0.0, 1.0)),
        informativeness=bootstrapped(lambda rows: float(rows.mean()), right, seed),
        by_factor={factor.name: float(gap) for factor, gap in zip(factors, gaps, strict=True)},
    )


def mutual_information_gaps(z: Latents, factors: list[Factor]) -> Float[np.ndarray, " factors"]:
    """For each factor, I(best latent) - I(second best), over its entropy.

    Source: Chen et al., Isolating Sources of Disentanglement in VAEs (NeurIPS 2018), equation 6, on histograms of
    BINS as in Locatello et al. (ICML 2019).
    """
    binned = _binned(z)
    gaps = []
    for factor in factors:
        information = np.array([_mutual_information(column, factor.levels) for column in binned.T])
        best = np.sort(np.append(information, 0.0))[::-1]  # with one latent the second best knows nothing
        gaps.append((best[0] - best[1]) / _mutual_information(factor.levels, factor.levels))
    return np.array(gaps)


def modularity(importance: Float[np.ndarray, "latent factors"]) -> tuple[float, float]:
    """Disentanglement and completeness of a matrix that says how much each latent matters to each factor.

    Source: Eastwood and Williams, A Framework for the Quantitative Evaluation of Disentangled Representations (2018).
    """
    rows, columns = importance.sum(axis=1), importance.sum(axis=0)
    total = importance.sum()
    if total <= 0:
        return 0.0, 0.0
    by_latent = 1.0 - _entropy(importance, axis=1)
    by_factor = 1.0 - _entropy(importance, axis=0)
    return float((by_latent * rows).sum() / total), float((by_factor * columns).sum() / total)


def _entropy(importance: np.ndarray, axis: int) -> np.ndarray:
    """Entropy of each row (axis 1) or column (axis 0) as a share of the largest possible one; of one entry, 0."""
    count = importance.shape[axis]
    if count == 1:
        return np.zeros(importance.shape[1 - axis])
    share = importance / np.maximum(importance.sum(axis=axis, keepdims=True), 1e-300)
    each = -share * np.log(np.maximum(share, 1e-300))
    return np.asarray(each.sum(axis=axis) / np.log(count))


def _binned(values: Float[np.ndarray, "faces columns"]) -> Int[np.ndarray, "faces columns"]:
    low, high = values.min(axis=0), values.max(axis=0)
    scaled = (values - low) / np.where(high > low, high - low, 1.0)
    return np.asarray(np.minimum((scaled * BINS).astype(np.int64), BINS - 1))


def _mutual_information(one: np.ndarray, other: np.ndarray) -> float:
    """Mutual information of two columns of whole numbers from their joint histogram, nats; with itself, the entropy."""
    wide = int(other.max()) + 1
    joint = np.bincount(one * wide + other, minlength=(int(one.max()) + 1) * wide).reshape(-1, wide) / len(one)
    outer = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    there = joint > 0
    return float((joint[there] * np.log(joint[there] / outer[there])).sum())


def _rows(factors: list[Factor], rows: np.ndarray) -> list[Factor]:
    """The factors of some of the faces; levels are numbered anew, exact values are left out."""
    return [Factor(f.name, np.unique(f.levels[rows], return_inverse=True)[1], None) for f in factors]


def _predicted_from_all(
    z: Latents, factors: list[Factor], train: np.ndarray, test: np.ndarray, seed: int
) -> tuple[Float[np.ndarray, "latent factors"], Float[np.ndarray, "test factors"]]:
    """Importances of random forests, one of the paper's two predictors, and how right they are on each test face.

    Every split sees all latents: a tree that is shown some at random credits those that know nothing.
    """
    importances, right = [], []
    for factor in factors:
        settings: Mapping[str, int] = {
            "n_estimators": NUM_TREES, "min_samples_leaf": 4, "random_state": stream_seed(seed, factor.name) % 2**32,
        }  # fmt: skip
        if factor.quantity is None:
            forest = RandomForestClassifier(**settings, max_features=None).fit(z[train], factor.levels[train])
            right.append((forest.predict(z[test]) == factor.levels[test]).astype(np.float64))
        else:
            forest = RandomForestRegressor(**settings).fit(z[train], factor.quantity[train])
            right.append(_explained(factor.quantity[test], forest.predict(z[test])))
        importances.append(forest.feature_importances_)
    return np.stack(importances, axis=1), np.stack(right, axis=1)


def _explained(truth: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """Numbers whose mean is the explained share of the variance, one for each face."""
    return np.asarray(1.0 - np.square(truth - guess) / max(float(truth.var()), 1e-300))


def _predicted_from_one(
    z: Latents, factors: list[Factor], train: np.ndarray, test: np.ndarray
) -> Float[np.ndarray, "test latent factors"]:
    """How right one-latent predictors are on each test face: a linear support vector machine, or a line.

    Source: Kumar, Sattigeri, Balakrishnan, Variational Inference of Disentangled Latent Concepts (ICLR 2018), with the
    machine's settings of Locatello et al. (ICML 2019).
    """
    result = np.empty((len(test), z.shape[1], len(factors)))
    for latent in range(z.shape[1]):
        column = z[:, latent : latent + 1]
        for index, factor in enumerate(factors):
            if factor.quantity is None:
                machine = LinearSVC(C=0.01, class_weight="balanced", dual=False)
                machine.fit(column[train], factor.levels[train])
                result[:, latent, index] = machine.predict(column[test]) == factor.levels[test]
            else:
                known, truth = column[train, 0], factor.quantity[train]
                slope = np.cov(known, truth)[0, 1] / max(float(known.var(ddof=1)), 1e-300)
                guess = truth.mean() + slope * (column[test, 0] - known.mean())
                result[:, latent, index] = _explained(factor.quantity[test], guess)
    return result


def _mean_gap(right: np.ndarray) -> float:
    """Mean over factors of how far the best latent's score lies above the second best."""
    scores = np.sort(right.mean(axis=0), axis=0)
    return float((scores[-1] - (scores[-2] if len(scores) > 1 else 0.0)).mean())
