"""Distances between sets of faces: closed forms, what the published implementations give, and what each score means."""

import contextlib
import io

import numpy as np
import pytest
from scipy.linalg import sqrtm

from vaelab.errors import DataError
from vaelab.evaluation.generation import Neighbours, frechet_distance, frechet_with_interval
from vaelab.rng import numpy_generator


@pytest.fixture
def real() -> np.ndarray:
    return numpy_generator(0, "real").normal(0.0, 1.0, (300, 12)).astype(np.float32)


@pytest.fixture
def drawn() -> np.ndarray:
    return (0.8 * numpy_generator(0, "drawn").normal(0.3, 1.0, (300, 12))).astype(np.float32)


def test_the_distance_is_the_published_formula(real: np.ndarray, drawn: np.ndarray) -> None:
    first, second = np.cov(real, rowvar=False), np.cov(drawn, rowvar=False)
    root = sqrtm(first.astype(np.float64) @ second.astype(np.float64)).real
    shift = np.square(real.mean(0) - drawn.mean(0)).sum()
    assert frechet_distance(real, drawn) == pytest.approx(shift + np.trace(first + second - 2 * root), rel=1e-4)
    assert frechet_distance(real, real) == pytest.approx(0.0, abs=1e-6)


def test_the_distance_agrees_with_torch_fidelity(real: np.ndarray, drawn: np.ndarray) -> None:
    fid = pytest.importorskip("torch_fidelity.metric_fid")
    torch = pytest.importorskip("torch")
    statistics = [fid.fid_features_to_statistics(torch.from_numpy(side)) for side in (real, drawn)]
    theirs = fid.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(real, drawn) == pytest.approx(theirs, rel=1e-4)


def test_fewer_pictures_than_features_still_have_a_distance(real: np.ndarray, drawn: np.ndarray) -> None:
    assert frechet_distance(real[:8], real[:8]) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(real[:8], drawn[:8] + 1) > 1
    with pytest.raises(DataError, match="two pictures"):
        frechet_distance(real[:1], drawn)


@pytest.mark.parametrize("paired", [False, True])
def test_the_interval_covers_what_other_draws_give(paired: bool) -> None:
    random = numpy_generator(0, "coverage")

    def draw() -> tuple[np.ndarray, np.ndarray]:
        sides = random.normal(0.0, 1.0, (2, 400, 6)).astype(np.float32)
        return sides[0], sides[0] * 0.9 + sides[1] * 0.1 if paired else sides[1] + np.float32(0.7)

    others = [frechet_distance(*draw()) for _ in range(60)]
    widths = [
        (found.high - found.low) / 2 for found in (frechet_with_interval(*draw(), paired=paired) for _ in range(5))
    ]
    assert np.mean(widths) == pytest.approx(1.96 * np.std(others), rel=0.35)


def test_scores_of_pairs_vary_less_than_those_of_faces_that_nothing_joins() -> None:
    real, noise = numpy_generator(0, "pairs").normal(0.0, 1.0, (2, 400, 6)).astype(np.float32)
    found = Neighbours.measure(real, real * 0.9 + noise * 0.1)
    apart, together = (found.with_intervals(paired=paired) for paired in (False, True))
    assert together["density"].high - together["density"].low < 0.7 * (apart["density"].high - apart["density"].low)
    assert together["recall"].low == together["recall"].value == 1.0  # in every half each face has its reconstruction
    assert apart["recall"].low < 1.0


def test_sides_of_different_sizes_are_no_pairs(real: np.ndarray, drawn: np.ndarray) -> None:
    with pytest.raises(DataError, match="300 real and 200 drawn"):
        frechet_with_interval(real, drawn[:200], paired=True)


def test_the_scores_agree_with_the_published_code(real: np.ndarray, drawn: np.ndarray) -> None:
    prdc = pytest.importorskip("prdc")
    found = Neighbours.measure(real, drawn).scores()
    with contextlib.redirect_stdout(io.StringIO()):
        three, five = (prdc.compute_prdc(real, drawn, nearest_k=k) for k in (3, 5))
    assert found.precision == pytest.approx(three["precision"], abs=1e-9)
    assert found.recall == pytest.approx(three["recall"], abs=1e-9)
    assert found.density == pytest.approx(five["density"], abs=1e-9)
    assert found.coverage == pytest.approx(five["coverage"], abs=1e-9)


def test_precision_and_recall_agree_with_torch_fidelity(real: np.ndarray, drawn: np.ndarray) -> None:
    prc = pytest.importorskip("torch_fidelity.metric_prc")
    torch = pytest.importorskip("torch")
    theirs = prc.prc_features_to_metric(
        torch.from_numpy(drawn), torch.from_numpy(real), prc_neighborhood=3, prc_batch_size=100, verbose=False
    )
    found = Neighbours.measure(real, drawn).scores()
    assert sorted([found.precision, found.recall]) == pytest.approx(
        sorted([theirs["precision"], theirs["recall"]]), abs=1e-6
    )


def test_distances_hold_far_from_the_origin(real: np.ndarray, drawn: np.ndarray) -> None:
    near, far = Neighbours.measure(real, drawn).scores(), Neighbours.measure(real + 500, drawn + 500).scores()
    assert far.precision == pytest.approx(near.precision, abs=0.01)
    assert far.coverage == pytest.approx(near.coverage, abs=0.01)


def test_each_score_sees_its_own_fault() -> None:
    random = numpy_generator(0, "modes")
    two_kinds = np.concatenate([random.normal(0, 1, (200, 8)), random.normal(30, 1, (200, 8))]).astype(np.float32)
    one_kind = random.normal(0, 1, (400, 8)).astype(np.float32)
    dropped = Neighbours.measure(two_kinds, one_kind).scores()
    assert dropped.precision > 0.8
    assert dropped.recall < 0.55
    assert dropped.coverage < 0.55
    foreign = Neighbours.measure(one_kind, two_kinds).scores()
    assert foreign.precision < 0.55
    assert foreign.recall > 0.8


def test_scores_have_intervals_and_need_enough_pictures(real: np.ndarray, drawn: np.ndarray) -> None:
    found = Neighbours.measure(real, drawn).with_intervals()
    assert list(found) == ["precision", "recall", "density", "coverage"]
    assert all(
        score.low <= score.value <= score.high <= 2 and score.low < score.high and score.n == 300
        for score in found.values()
    )
    with pytest.raises(DataError, match="neighbours need 16"):
        Neighbours.measure(real[:9], drawn)
