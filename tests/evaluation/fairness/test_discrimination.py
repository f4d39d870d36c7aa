"""AUC and ROC against scikit-learn and against resampling."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vaelab.evaluation.fairness.discrimination import auc, auc_interval, roc
from vaelab.rng import numpy_generator


@pytest.fixture
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Faces and negatives of three seeds, with ties."""
    random = numpy_generator(0, "auc")
    shared = random.standard_normal(90)
    faces = shared + 1.2 + random.standard_normal((3, 90))
    return np.round(faces, 1), np.round(random.standard_normal((3, 150)), 1)


def test_auc_is_scikit_learns(pictures: tuple[np.ndarray, np.ndarray]) -> None:
    faces, negatives = pictures
    is_face = np.repeat([1, 0], [90, 150])
    expected = [
        roc_auc_score(is_face, np.concatenate(pair)) for pair in zip(faces, negatives, strict=True)
    ]  # ties count half
    assert auc(faces, negatives) == pytest.approx(expected)


def test_its_error_is_the_bootstraps(pictures: tuple[np.ndarray, np.ndarray]) -> None:
    faces, negatives = pictures
    random = numpy_generator(0, "auc resampled")
    drawn = [auc(faces[:, random.integers(0, 90, 90)], negatives[:, random.integers(0, 150, 150)]) for _ in range(200)]
    one_seed = auc_interval(faces[:1], negatives[:1])
    assert one_seed is not None
    assert one_seed.error == pytest.approx(np.std(drawn, axis=0)[0], rel=0.2)
    all_seeds = auc_interval(faces, negatives)
    assert all_seeds is not None
    assert all_seeds.low < all_seeds.value < all_seeds.high <= 1.0


def test_roc_passes_through_the_recall_at_a_threshold(pictures: tuple[np.ndarray, np.ndarray]) -> None:
    faces, negatives = pictures
    threshold = np.sort(negatives[0])[-15]
    fpr = (negatives[0] >= threshold).mean()
    assert roc(faces, negatives, np.array([fpr]))[0, 0] == pytest.approx((faces[0] >= threshold).mean(), abs=0.02)
    ends = roc(faces, negatives, np.array([0.0, 1.0]))
    assert (ends[:, 1] == 1.0).all()


def test_no_picture_no_auc() -> None:
    assert auc_interval(np.zeros((2, 1)), np.zeros((2, 9))) is None
    assert auc_interval(np.zeros((2, 9)), np.zeros((2, 0))) is None
