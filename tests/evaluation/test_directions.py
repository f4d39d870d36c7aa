"""Directions: what was planted is found, areas are those of scikit-learn, intervals hold, held attributes stay."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from vaelab.config import TrainConfig
from vaelab.errors import CheckpointError, DataError
from vaelab.evaluation.attributes import METHODS, Attribute
from vaelab.evaluation.directions import Directions, area_under_curve, outside, principal_components
from vaelab.rng import numpy_generator
from vaelab.runs.arrays import read_arrays, write_arrays
from vaelab.runs.store import Run

NUM, LATENT = 3000, 6
SMILE = np.array([2, 0, 0, 1, 0, 0], np.float32)
BEARD = np.array([0, 1.5, 0, 1, 0, 0], np.float32)


@pytest.fixture(scope="module")
def mu() -> np.ndarray:
    random = numpy_generator(0, "mu")
    return (random.standard_normal((NUM, LATENT)) * [1, 0.8, 1.5, 0.5, 1, 0.3]).astype(np.float32)


@pytest.fixture(scope="module")
def labels(mu: np.ndarray) -> pd.DataFrame:
    random = numpy_generator(1, "labels")

    def answers(direction: np.ndarray) -> np.ndarray:
        return np.where(mu @ direction + random.logistic(size=NUM) > 0, "yes", "no")

    return pd.DataFrame(
        {
            "image_id": [f"f/{n}" for n in range(NUM)],
            "split": np.where(np.arange(NUM) % 4 == 0, "test", "train"),
            "smile": answers(SMILE),
            "beard": answers(BEARD),
            "chance": random.choice(["yes", "no"], NUM),
        }
    )


@pytest.fixture(scope="module")
def found(mu: np.ndarray, labels: pd.DataFrame) -> Directions:
    return Directions.fit(mu, labels, "abc", held_out_split="test")


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_planted_direction_is_found(found: Directions) -> None:
    for key, planted in (("smile", SMILE), ("beard", BEARD)):
        row = found.keys.index(key)
        assert cosine(found.attributes["logistic"][row], planted) > 0.97
        assert cosine(found.probe_weight[row], planted) > 0.97


def test_the_mean_difference_is_the_difference_of_means(
    found: Directions, mu: np.ndarray, labels: pd.DataFrame
) -> None:
    taught = np.asarray(labels["split"] == "train")
    yes = np.asarray(labels["smile"] == "yes")
    difference = mu[taught & yes].mean(axis=0) - mu[taught & ~yes].mean(axis=0)
    assert cosine(found.attributes["mean"][found.keys.index("smile")], difference) == pytest.approx(1, abs=1e-5)


def test_the_best_told_apart_come_first_and_chance_tells_nothing(found: Directions) -> None:
    assert found.keys == ["smile", "beard", "chance"]
    chance = found.learned[2].auc["logistic"]
    assert chance.low < 0.5 < chance.high


def test_areas_are_measured_on_the_faces_held_out(found: Directions, mu: np.ndarray, labels: pd.DataFrame) -> None:
    held = np.asarray(labels["split"] == "test")
    for row, about in enumerate(found.learned):
        yes = np.asarray(labels[about.key] == "yes")
        assert about.num_held_out == held.sum()
        assert (about.num_positive, about.num_negative) == ((yes & ~held).sum(), (~yes & ~held).sum())
        for method in METHODS:
            expected = roc_auc_score(yes[held], mu[held] @ found.attributes[method][row])
            assert about.auc[method].value == pytest.approx(expected, abs=1e-6)


def test_held_out_faces_teach_nothing(mu: np.ndarray, labels: pd.DataFrame, found: Directions) -> None:
    changed = labels.copy()
    held = np.asarray(labels["split"] == "test")
    changed.loc[held, "smile"] = np.where(labels.loc[held, "smile"] == "yes", "no", "yes")
    other = Directions.fit(mu, changed, "abc", held_out_split="test")
    a, b = found.keys.index("smile"), other.keys.index("smile")
    np.testing.assert_array_equal(other.probe_weight[b], found.probe_weight[a])
    assert other.learned[b].auc["mean"].value == pytest.approx(1 - found.learned[a].auc["mean"].value, abs=1e-6)


def test_labels_of_held_out_faces_alone_are_split_by_id(mu: np.ndarray, labels: pd.DataFrame) -> None:
    """Labels made by hand often cover only the test split: some of them must teach."""
    partial = labels.assign(glasses=labels["smile"].where(labels["split"] == "test"))
    found = Directions.fit(mu, partial, "abc", held_out_split="test")
    about = found.learned[found.keys.index("glasses")]
    assert about.num_positive + about.num_negative + about.num_held_out == (labels["split"] == "test").sum()
    assert 0.2 < about.num_held_out / (labels["split"] == "test").sum() < 0.4


@pytest.mark.parametrize("num_test", [0, 6])
def test_labels_of_training_faces_alone_are_split_by_id(mu: np.ndarray, labels: pd.DataFrame, num_test: int) -> None:
    """A few labelled test faces are too few to measure on, and no reason to learn nothing."""
    known = np.asarray(labels["split"] == "train") & (np.arange(NUM) < 800)
    known[np.flatnonzero(labels["split"] == "test")[:num_test]] = True
    found = Directions.fit(mu, labels.assign(glasses=labels["smile"].where(known)), "abc", held_out_split="test")
    about = found.learned[found.keys.index("glasses")]
    assert about.num_positive + about.num_negative + about.num_held_out == known.sum()
    assert 0.2 < about.num_held_out / known.sum() < 0.4


def test_a_step_moves_the_log_odds_by_one_of_their_deviations(found: Directions, mu: np.ndarray) -> None:
    odds = found.log_odds(mu)
    np.testing.assert_allclose(odds.std(axis=0), found.probe_spread, rtol=1e-3)
    for method in METHODS:
        for row in range(2):
            moved = found.log_odds(mu[:5] + found.attributes[method][row])[:, row] - odds[:5, row]
            np.testing.assert_allclose(moved, found.probe_spread[row], rtol=1e-3)


def test_log_odds_are_calibrated(found: Directions, mu: np.ndarray, labels: pd.DataFrame) -> None:
    held = np.asarray(labels["split"] == "test")
    prob = 1 / (1 + np.exp(-found.log_odds(mu[held])[:, found.keys.index("smile")]))
    yes = np.asarray(labels["smile"] == "yes")[held]
    for low in (0.0, 0.25, 0.5, 0.75):
        inside = (prob >= low) & (prob < low + 0.25)
        assert yes[inside].mean() == pytest.approx(prob[inside].mean(), abs=0.1)


@pytest.mark.parametrize("held", [["beard"], ["beard", "chance"], ["smile", "beard", "chance"], ["beard", "beard"]])
def test_holding_leaves_the_held_log_odds_unchanged(found: Directions, mu: np.ndarray, held: list[str]) -> None:
    vector = found.attributes["mean"][found.keys.index("smile")]
    kept = outside(found.held_space(held), vector)
    moved = found.log_odds(mu[:50] + 3 * kept) - found.log_odds(mu[:50])
    for key in held:
        assert np.abs(moved[:, found.keys.index(key)]).max() < 1e-4
    if "smile" not in held:
        assert moved[:, found.keys.index("smile")].min() > 0


def test_holding_changes_as_little_as_it_can(found: Directions) -> None:
    """The projection is the nearest vector that holds: what it takes away lies along the held normals."""
    vector = found.attributes["mean"][0]
    normal = found.probe_weight[found.keys.index("beard")]
    assert abs(cosine(vector - outside(found.held_space(["beard"]), vector), normal)) == pytest.approx(1, abs=1e-4)
    assert outside(found.held_space([]), vector) is vector
    assert outside(found.held_space(["nothing"]), vector) is vector


def test_principal_components_are_those_of_the_covariance(found: Directions, mu: np.ndarray) -> None:
    steps, share = principal_components(mu)
    np.testing.assert_array_equal(steps, found.principal)
    np.testing.assert_allclose(steps.T @ steps, np.cov(mu, rowvar=False), atol=1e-4)
    assert share.sum() == pytest.approx(1)
    assert (np.diff(share) <= 0).all()
    assert (steps[np.arange(LATENT), np.abs(steps).argmax(axis=1)] > 0).all(), "a sign by chance is none of ours"


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_that_of_scikit_learn(seed: int) -> None:
    random = numpy_generator(seed, "scores")
    answers = random.integers(0, 2, 200).astype(np.float32)
    scores = np.round(random.standard_normal(200) + answers, 1)  # with ties
    found = area_under_curve(scores, answers)
    assert found.value == pytest.approx(roc_auc_score(answers, scores))
    assert 0 <= found.low < found.value < found.high <= 1


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    random = numpy_generator(7, "coverage")
    truth = 0.7602  # of N(1, 1) against N(0, 1): the normal distribution at 1 / sqrt(2)
    answers = np.repeat([0.0, 1.0], [120, 60])
    covered = 0
    for _ in range(400):
        area = area_under_curve(random.standard_normal(180) + answers, answers)
        covered += area.low <= truth <= area.high
    assert 0.92 <= covered / 400 <= 0.98


@pytest.mark.parametrize("scores", [[0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]])
def test_the_interval_of_a_clear_case_is_finite(scores: list[float]) -> None:
    area = area_under_curve(np.array(scores, float), np.array([0, 0, 0, 1, 1, 1.0]))
    assert np.isfinite([area.value, area.low, area.high]).all()
    assert area.low <= area.value + 1e-5
    assert area.high >= area.value - 1e-5


def test_labels_that_tell_nothing_leave_the_components(mu: np.ndarray, labels: pd.DataFrame, tmp_path: Path) -> None:
    found = Directions.fit(mu, labels[["image_id", "split"]], "abc")
    assert found.learned == ()
    assert found.attributes["mean"].shape == (0, LATENT)
    assert found.log_odds(mu[:3]).shape == (3, 0)
    run = Run.create(TrainConfig(), tmp_path, "first")
    found.write(run)
    assert Directions.read(run).learned == ()


def test_what_was_written_is_read(found: Directions, tmp_path: Path) -> None:
    run = Run.create(TrainConfig(), tmp_path, "first")
    found.write(run)
    again = Directions.read(run)
    assert again.learned == found.learned
    for field in dataclasses.fields(Directions):
        if isinstance(kept := getattr(found, field.name), np.ndarray):
            np.testing.assert_array_equal(getattr(again, field.name), kept)
    for method in METHODS:
        np.testing.assert_array_equal(again.attributes[method], found.attributes[method])


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    from vaelab.runs.checkpoints import write_checkpoint

    run = Run.create(TrainConfig(), tmp_path, "first")
    with pytest.raises(CheckpointError, match="does not exist"):
        Directions.read(run)
    write_checkpoint(run, run.directions_path, {}, {"learned": []})
    with pytest.raises(CheckpointError, match="directions first"):
        Directions.read(run)


def test_one_more_attribute_is_learned_and_taken_away(found: Directions, mu: np.ndarray, labels: pd.DataFrame) -> None:
    answers = (mu[:, 4] > 0.5).astype(np.float32)
    selected = Attribute("selected-few", "A few", "selected", "the rest", answers)
    more = found.with_attribute(selected, mu, labels["image_id"])
    assert more.keys == [*found.keys, "selected-few"]
    assert more.learned[-1].auc["logistic"].value > 0.95
    assert np.argmax(np.abs(more.attributes["logistic"][-1])) == 4
    assert np.array_equal(more.attributes["mean"][:-1], found.attributes["mean"])
    assert more.log_odds(mu).shape == (NUM, len(found.keys) + 1)
    again = more.without_attribute("selected-few")
    assert again.learned == found.learned
    assert np.array_equal(again.probe_weight, found.probe_weight)
    with pytest.raises(DataError, match="already a slider"):
        more.with_attribute(selected, mu, labels["image_id"])
    rare = dataclasses.replace(selected, key="rare", answers=(np.arange(NUM) < 5).astype(np.float32))
    with pytest.raises(DataError, match="5 faces against 2995 are too few"):
        found.with_attribute(rare, mu, labels["image_id"])


def test_an_attribute_that_is_hardly_drawn_is_not_forced(mu: np.ndarray, labels: pd.DataFrame) -> None:
    """Where a picture hardly answers, a step ends among the faces there are."""
    for drawn in (0.01, 0.0, -0.5):
        found = Directions.fit(mu, labels, "abc", response=drawn * np.eye(LATENT))
        for method in METHODS:
            for vector in found.attributes[method]:
                assert np.isfinite(vector).all()
                length = np.linalg.norm(vector)
                assert length == 0 or length <= 3.1 * (mu @ vector / length).std()


def test_directions_from_before_responses_were_measured_are_read(found: Directions, tmp_path: Path) -> None:
    run = Run.create(TrainConfig(), tmp_path, "first")
    found.write(run)
    stored = read_arrays(run.directions_path)
    arrays = {name: array for name, array in stored.arrays.items() if name != "drawn_weight"}
    write_arrays(run, run.directions_path, arrays, stored.record)
    again = Directions.read(run)
    np.testing.assert_array_equal(again.drawn_weight, found.probe_weight)
    np.testing.assert_array_equal(again.held_space(["beard"]), found.held_space(["beard"]))
