"""How well a member tells a group's faces from the shared negatives at every threshold: AUC and ROC."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import rankdata
from sklearn.metrics import roc_curve

from vaelab.evaluation.clusters import covariance_of_means
from vaelab.evaluation.fairness.two_level import TwoLevel, from_covariance


def auc(
    faces: Float[np.ndarray, "seeds faces"], negatives: Float[np.ndarray, "seeds negatives"]
) -> Float[np.ndarray, " seeds"]:
    """Probability that a face scores above a negative, ties counted half, for every seed."""
    return np.asarray(_placements(faces, negatives)[0].mean(axis=1))


def auc_interval(
    faces: Float[np.ndarray, "seeds faces"],
    negatives: Float[np.ndarray, "seeds negatives"],
    classes: Int[np.ndarray, " negatives"] | None = None,
) -> TwoLevel | None:
    """Mean AUC over seeds with its interval over seeds and pictures; None for fewer than two of either picture.

    Args:
        classes: number of each negative's class; those of one class are no independent pictures.

    Source: covariance of AUCs on shared pictures, DeLong et al. (Biometrics 1988); in classes, see `clusters.py`.
    """
    if faces.shape[1] < 2 or negatives.shape[1] < 2:
        return None
    of_faces, of_negatives = _placements(faces, negatives)
    covariance = covariance_of_means(of_faces) + covariance_of_means(of_negatives, classes)
    return from_covariance(of_faces.mean(axis=1), covariance, (0.0, 1.0))


def roc(
    faces: Float[np.ndarray, "seeds faces"],
    negatives: Float[np.ndarray, "seeds negatives"],
    fprs: Float[np.ndarray, " points"],
) -> Float[np.ndarray, "seeds points"]:
    """Recall of every seed at given false-positive rates on the test negatives."""
    number = negatives.shape[1]
    is_face = np.repeat([1, 0], [faces.shape[1], number])
    curves = [
        roc_curve(is_face, np.concatenate([face, negative])) for face, negative in zip(faces, negatives, strict=True)
    ]
    return np.stack([np.interp(fprs, false_positive, recall) for false_positive, recall, _ in curves])


def _placements(faces: np.ndarray, negatives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of negatives below each face (seeds, faces), and share of faces above each negative (seeds, negatives)."""
    below, above = np.empty(faces.shape), np.empty(negatives.shape)
    for seed, (face, negative) in enumerate(zip(faces, negatives, strict=True)):
        ranks = rankdata(np.concatenate([face, negative]))
        below[seed] = (ranks[: len(face)] - rankdata(face)) / len(negative)
        above[seed] = 1.0 - (ranks[len(face) :] - rankdata(negative)) / len(face)
    return below, above
