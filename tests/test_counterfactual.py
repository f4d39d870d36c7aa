"""Walks under detectors whose boundaries are known: crossings, words, shares and paired tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from vaelab.counterfactual import (
    Detector,
    Threshold,
    in_words,
    random_ways,
    threshold_of,
    walk,
    walk_many,
    walk_positions,
)
from vaelab.errors import ConfigError, DataError
from vaelab.rng import numpy_generator

SIDE = 4
HALF = Threshold(0.0, None, "a test")
VECTOR = np.array([1.0, 0.0], np.float32)
START = np.zeros(2, np.float32)


@dataclass(frozen=True)
class Scales:
    """Draws a picture from which z[0] can be read again, to 1/4000."""

    run_id: str = "scales"
    size: int = SIDE

    def decode(self, z: np.ndarray) -> np.ndarray:
        code = np.round((z[:, 0].astype(np.float64) + 8) * 4000).astype(int)
        pixels = np.zeros((len(z), SIDE, SIDE, 3), np.uint8)
        pixels[:, 0, 0, 0], pixels[:, 0, 0, 1] = code // 256, code % 256
        return pixels


@dataclass(frozen=True)
class Between:
    """Sees a face where z[0] lies in one of its stretches."""

    stretches: tuple[tuple[float, float], ...]
    run_id: str = "fake"
    size: int = SIDE

    def face_logit(self, pixels: np.ndarray) -> np.ndarray:
        value = (pixels[:, 0, 0, 0].astype(int) * 256 + pixels[:, 0, 0, 1]) / 4000 - 8
        inside = np.any([(low < value) & (value < high) for low, high in self.stretches], axis=0)
        return np.where(inside, 3.0, -3.0).astype(np.float32)


def seen_by(*stretches: tuple[float, float]) -> Any:
    return walk(Scales(), [Detector(Between(stretches), HALF)], START, VECTOR, 4.0, 20).sights[0]


@pytest.mark.parametrize("boundary", [0.013, 0.1, 1.5, 2.3456, 3.99])
def test_a_crossing_is_found_to_a_hundredth_of_a_step(boundary: float) -> None:
    (crossing,) = seen_by((-9, boundary)).crossings
    assert crossing.position == pytest.approx(boundary, abs=0.01)
    assert crossing.is_loss
    (crossing,) = seen_by((-boundary, 9)).crossings
    assert crossing.position == pytest.approx(-boundary, abs=0.01)
    assert crossing.is_loss, "away from the start, whichever side it is on"


def test_several_crossings_keep_their_directions() -> None:
    sight = seen_by((-2.2, 1.1), (2.52, 9))
    assert [crossing.is_loss for crossing in sight.crossings] == [True, True, False]
    assert [crossing.position for crossing in sight.crossings] == pytest.approx([-2.2, 1.1, 2.52], abs=0.01)
    words = in_words(sight, 4.0)
    assert words == "fake stops seeing a face at −2.20; stops seeing a face at +1.10, sees one again at +2.52."


def test_no_crossing_is_said_so() -> None:
    assert seen_by((-9, 9)).crossings == ()
    assert in_words(seen_by((-9, 9)), 4.0) == "fake sees a face along the whole walk, from −4.00 to +4.00."
    assert in_words(seen_by((7, 8)), 4.0) == "fake sees no face anywhere on this walk, from −4.00 to +4.00."


def test_one_sided_walks_in_words() -> None:
    assert in_words(seen_by((-9, 2.35)), 4.0) == "fake stops seeing a face at +2.35; still does at −4.00."
    assert in_words(seen_by((1, 9)), 4.0) == "fake sees no face at the start, but begins to see one at +1.00."


def test_the_middle_position_is_the_start_itself() -> None:
    found = walk(Scales(), [Detector(Between(((-9, 9),)), HALF)], np.array([0.3, 1], np.float32), VECTOR, 2.0, 7)
    assert len(found.positions) == 15
    assert found.positions[7] == 0
    assert np.array_equal(found.latents[7], np.array([0.3, 1], np.float32))
    np.testing.assert_allclose(found.positions, -found.positions[::-1])
    assert found.sights[0].face_prob == pytest.approx(1 / (1 + np.exp(-3.0)))


def test_shares_are_counts_with_wilson_intervals() -> None:
    starts = np.stack([np.linspace(-1, 1, 40), np.zeros(40)], axis=1).astype(np.float32)
    done: list[float] = []
    survey = walk_many(Scales(), [Detector(Between(((-9, 2.0),)), HALF)], starts, VECTOR, 2.0, 2, progress=done.append)
    shares = survey.shares("fake")
    np.testing.assert_allclose(walk_positions(2.0, 2), survey.positions)
    for share, position in zip(shares, survey.positions, strict=True):
        hits = int((starts[:, 0] + position < 2.0).sum())
        assert share.rate == hits / 40
        assert (share.low, share.high) == pytest.approx(proportion_confint(hits, 40, method="wilson"))
    assert shares[-1].rate == 0.5
    assert survey.num_faces == 40
    assert done[-1] == 1.0
    assert done == sorted(done)


def test_each_face_walks_as_it_would_alone() -> None:
    starts = np.array([[-0.7, 0], [0.4, 0], [1.2, 0]], np.float32)
    detector = Detector(Between(((-1.5, 1.5),)), HALF)
    survey = walk_many(Scales(), [detector], starts, VECTOR, 3.0, 4)
    for row, start in enumerate(starts):
        alone = walk(Scales(), [detector], start, VECTOR, 3.0, 4).sights[0]
        assert np.array_equal(survey.seen["fake"][row], alone.face_logit > 0)


def test_comparisons_name_every_end_once_and_holm_never_lowers_a_p_value() -> None:
    starts = np.stack([np.linspace(-1, 1, 60), np.zeros(60)], axis=1).astype(np.float32)
    detectors = [
        Detector(Between(((-9, 2.0),), "keen"), HALF),
        Detector(Between(((-9, 1.0),), "shy"), HALF),
    ]
    found = walk_many(Scales(), detectors, starts, VECTOR, 2.0, 2).comparisons()
    assert len(found) == 6
    assert len({(result.first, result.second) for result in found}) == 6
    assert all(result.p_holm >= result.p_value for result in found)
    between = next(result for result in found if (result.first, result.second) == ("keen at +2.00", "shy at +2.00"))
    assert (between.only_first, between.only_second) == (30, 0)
    assert between.p_holm < 0.01


def test_random_ways_are_as_long_as_the_walk_and_none_alike() -> None:
    factor, std = np.array([[2.0, 0.0], [0.5, 0.1]], np.float32), np.array([0.1, 0.9], np.float32)
    ways = random_ways(np.array([1.0, 0.7], np.float32), factor, std, 50, seed=3)
    np.testing.assert_allclose(np.linalg.norm(ways / std, axis=1), np.hypot(1.0 / 0.1, 0.7 / 0.9), rtol=1e-4)
    assert len(np.unique(ways.round(4), axis=0)) == 50
    assert np.array_equal(ways, random_ways(np.array([1.0, 0.7], np.float32), factor, std, 50, seed=3))


@pytest.mark.parametrize("drawn", [slice(0, 1), slice(0, 20), slice(19, 40)])
def test_random_ways_change_the_picture_about_as_much_where_half_the_latents_are_not_drawn(drawn: slice) -> None:
    """The walk moves latents that are drawn, or many that are not and one that is."""
    random = numpy_generator(0, "painter")
    shows = random.standard_normal((20, 300))
    std = np.repeat([0.15, 1.0], 20).astype(np.float32)
    vector = np.zeros(40, np.float32)
    vector[drawn] = 0.5
    ways = random_ways(vector, np.eye(40, dtype=np.float32), std, 100, seed=0)
    change = np.linalg.norm(ways[:, :20] @ shows, axis=1).mean() / np.linalg.norm(vector[:20] @ shows)
    assert 0.5 < change < 2


def test_a_control_tells_the_direction_from_the_distance() -> None:
    starts, sideways = np.zeros((30, 2), np.float32), np.tile(np.array([0, 1], np.float32), (30, 1))
    detector = Detector(Between(((-9, 2.0),)), HALF)
    survey = walk_many(Scales(), [detector], starts, VECTOR, 3.0, 2, ways=sideways)
    assert survey.shares("fake")[-1].rate == 0
    assert survey.shares("fake", is_control=True)[-1].rate == 1
    found = survey.comparisons()
    assert len(found) == 4
    assert (found[3].second, found[3].only_second) == ("fake at +3.00 of a random way", 30)


def test_thresholds_come_from_a_report_of_the_same_weights() -> None:
    found = {"threshold": 8.3, "num_calibration": 10_902}
    reports = {
        "val": {"model": {"weights": "abc"}, "detection": {"fpr_0.001": {**found, "threshold": 7.0}}},
        "test": {"model": {"weights": "abc"}, "detection": {"fpr_0.001": found, "fpr_0.01": {"refused": "few"}}},
    }
    threshold = threshold_of(reports, "abc", 0.001)
    assert (threshold.logit, threshold.fpr) == (8.3, 0.001)
    assert threshold.source == "0.1 % false positives on 10,902 pictures without a face"
    for other in (
        threshold_of(reports, "other", 0.001),
        threshold_of(reports, "abc", 0.01),
        threshold_of({}, "", 0.01),
    ):
        assert (other.logit, other.fpr) == (0.0, None)
        assert "0.5" in other.source


def test_what_cannot_be_walked_is_refused_in_words() -> None:
    detector = Detector(Between(((-9, 9),)), HALF)
    with pytest.raises(ConfigError, match="no detector"):
        walk(Scales(), [], START, VECTOR, 4.0, 20)
    with pytest.raises(ConfigError, match="takes pictures of 8 pixels, scales draws 4"):
        walk(Scales(), [Detector(Between((), size=8), HALF)], START, VECTOR, 4.0, 20)
    with pytest.raises(ConfigError, match="goes nowhere"):
        walk(Scales(), [detector], START, VECTOR, 0.0, 20)
    with pytest.raises(ConfigError, match="held fixed"):
        walk(Scales(), [detector], START, np.zeros(2, np.float32), 4.0, 20)
    with pytest.raises(DataError, match="no face"):
        walk_many(Scales(), [detector], np.empty((0, 2), np.float32), VECTOR, 4.0, 20)
