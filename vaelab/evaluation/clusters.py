"""Pictures that come in classes, as non-faces do: new pictures are of new classes, so whole classes are drawn anew.

Classes are held out whole, and pictures of one class err alike: intervals that took them for independent pictures would
be too short for things that no class here shows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped

from vaelab.evaluation.rates import Rate, rate

Classes = Shaped[np.ndarray, " pictures"]
"""What each picture shows; None in its place stands for pictures that are independent of each other."""
CLASS_COLUMNS = ("object_words", "object_class")
"""Columns that may say what a non-face shows, the most telling first."""
MIN_CLASSES = 10
"""Fewer classes tell too little about others; their pictures count as independent then."""


def classes_of(labels: pd.DataFrame) -> Classes | None:
    """What each picture of a table of labels shows, empty where it is unknown; None where it is of all."""
    column = next((name for name in CLASS_COLUMNS if name in labels), None)
    return None if column is None else labels[column].fillna("").to_numpy(dtype=str)


def in_classes(classes: Classes | None) -> Int[np.ndarray, " pictures"] | None:
    """Number of each picture's class; one of an unknown class, an empty name, is a class of its own. None where
    pictures count as independent.
    """
    if classes is None:
        return None
    names, numbers = np.unique(classes, return_inverse=True)
    if np.count_nonzero(names != "") < MIN_CLASSES or len(names) == len(classes):
        return None
    unknown = np.flatnonzero(classes == "")
    numbers[unknown] = len(names) + np.arange(len(unknown))
    return np.asarray(np.unique(numbers, return_inverse=True)[1])


def held_out(classes: Classes, elsewhere: Shaped[np.ndarray, " others"]) -> Classes:
    """The classes without those that other splits have as well: of these, new pictures are of the same class."""
    return np.where(np.isin(classes, elsewhere), "", classes)


def cut_from(image_ids: Classes) -> Classes:
    """The picture that each square is of: what stands before the mark in the names that `cuts`, `laid` and `windows`
    give.
    """
    return np.array([name.partition("#")[0] for name in image_ids])


def times_drawn(
    random: np.random.Generator, resamples: int, count: int, classes: Int[np.ndarray, " pictures"] | None = None
) -> Int[np.ndarray, "resamples pictures"]:
    """How often each of `count` pictures is drawn in as many draws with replacement; whole classes where given."""
    if classes is not None:
        return times_drawn(random, resamples, int(classes.max()) + 1)[:, classes]
    if not count:
        return np.zeros((resamples, 0), dtype=np.int64)
    places = random.integers(0, count, (resamples, count)) + count * np.arange(resamples)[:, None]
    return np.bincount(places.ravel(), minlength=resamples * count).reshape(resamples, count)


def covariance_of_means(
    values: Float[np.ndarray, "members pictures"], classes: Int[np.ndarray, " pictures"] | None = None
) -> Float[np.ndarray, "members members"]:
    """Covariance of the members' means through the pictures they share.

    Source: with classes, the sum over each class stands for its pictures: Obuchowski, nonparametric analysis of
    clustered ROC curve data (Biometrics 1997).
    """
    members, pictures = values.shape
    if classes is None:
        return np.asarray(np.atleast_2d(np.cov(values)) / pictures)
    number = int(classes.max()) + 1
    centred = values - values.mean(axis=1, keepdims=True)
    sums = np.stack([np.bincount(classes, weights=one, minlength=number) for one in centred])
    return np.asarray(number / (number - 1) * (sums @ sums.T) / pictures**2).reshape(members, members)


def rate_of(hits: Shaped[np.ndarray, " pictures"], classes: Int[np.ndarray, " pictures"] | None = None) -> Rate:
    """Share of the pictures that are hit. With classes, Wilson's interval is over as many independent pictures as they
    are worth, at most all of them.

    Source: Wilson with an effective sample size, as for surveys: Franco et al. (J. Surv. Stat. Methodol. 2019).
    """
    found = rate(int(hits.sum()), len(hits))
    if classes is None or found.rate in (0.0, 1.0):
        return found
    variance = float(covariance_of_means(hits[None].astype(np.float64), classes)[0, 0])
    worth = min(found.rate * (1 - found.rate) / variance, len(hits)) if variance > 0 else len(hits)
    shorter = rate(found.rate * worth, worth)
    return Rate(found.rate, shorter.low, shorter.high, found.count)
