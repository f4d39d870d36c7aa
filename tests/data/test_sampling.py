"""Which pictures come next: every one once per pass, by probability where asked, known from the clock alone."""

import numpy as np
import pytest

from vaelab.data.sampling import EndlessSampler
from vaelab.errors import DataError
from vaelab.training.distributed import Ranks


@pytest.mark.parametrize(("num_items", "count"), [(10, 5), (10, 3), (7, 16), (1, 4)])
def test_every_item_comes_once_per_pass(num_items: int, count: int) -> None:
    sampler = EndlessSampler(num_items, 0, "faces")
    passes = 6
    batches = [sampler.draw(clock, count) for clock in range(0, passes * num_items, count)]
    drawn = np.concatenate(batches)[: passes * num_items].reshape(passes, num_items)
    for one_pass in drawn:
        assert sorted(one_pass) == list(range(num_items))
    if num_items > 3:
        assert not np.array_equal(drawn[0], drawn[1])


@pytest.mark.parametrize("weighted", [False, True])
def test_a_draw_depends_on_the_clock_and_on_nothing_drawn_before(weighted: bool) -> None:
    probs = np.linspace(1, 2, 50) / np.linspace(1, 2, 50).sum() if weighted else None
    walked, jumped = EndlessSampler(50, 3, "faces"), EndlessSampler(50, 3, "faces")
    walked.set_probs(probs)
    jumped.set_probs(probs)
    history = [walked.draw(clock, 8) for clock in range(0, 400, 8)]
    assert np.array_equal(jumped.draw(392, 8), history[-1])
    assert np.array_equal(jumped.draw(16, 8), history[2])


def test_streams_and_seeds_differ() -> None:
    first = EndlessSampler(100, 0, "faces").draw(0, 100)
    assert not np.array_equal(first, EndlessSampler(100, 1, "faces").draw(0, 100))
    assert not np.array_equal(first, EndlessSampler(100, 0, "nonfaces").draw(0, 100))


@pytest.mark.parametrize("world", [1, 2, 4])
def test_the_stripes_of_all_ranks_make_up_the_batch(world: int) -> None:
    batch = EndlessSampler(30, 0, "faces").draw(24, 16)
    stripes = [EndlessSampler(30, 0, "faces").draw(24, 16)[Ranks(rank, world).stripe()] for rank in range(world)]
    assert all(len(stripe) == 16 // world for stripe in stripes)
    assert np.array_equal(np.stack(stripes, axis=1).reshape(-1), batch)


def test_frequencies_match_the_probabilities() -> None:
    probs = np.array([0.5, 0.25, 0.125, 0.125, 0.0])
    sampler = EndlessSampler(5, 0, "faces")
    sampler.set_probs(probs)
    num_draws = 40_000
    drawn = np.concatenate([sampler.draw(clock, 100) for clock in range(0, num_draws, 100)])
    frequencies = np.bincount(drawn, minlength=5) / num_draws
    deviations = np.sqrt(probs * (1 - probs) / num_draws)
    assert (np.abs(frequencies - probs) <= 5 * deviations).all()
    assert frequencies[4] == 0


def test_taking_the_probabilities_back_goes_back_to_permutations() -> None:
    sampler = EndlessSampler(20, 0, "faces")
    before = sampler.draw(0, 20)
    sampler.set_probs(np.full(20, 0.05))
    sampler.set_probs(None)
    assert np.array_equal(sampler.draw(0, 20), before)


def test_nothing_to_draw_from_is_refused() -> None:
    with pytest.raises(DataError, match="nothing to draw for nonfaces"):
        EndlessSampler(0, 0, "nonfaces")


def test_probabilities_of_other_items_are_refused() -> None:
    with pytest.raises(DataError, match="3 probabilities for 5 items"):
        EndlessSampler(5, 0, "faces").set_probs(np.full(3, 1 / 3))
