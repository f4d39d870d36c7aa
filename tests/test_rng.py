"""Named random streams: known from seed and name alone."""

import numpy as np
import torch

from vaelab.rng import generator, numpy_generator, random_rows, stream_seed


def test_the_same_name_gives_the_same_numbers_whatever_else_was_drawn() -> None:
    first = torch.randn(5, generator=generator(1, "eps", 3))
    generator(1, "eps", 2)
    torch.randn(7, generator=generator(1, "other"))
    assert torch.equal(first, torch.randn(5, generator=generator(1, "eps", 3)))
    assert np.array_equal(numpy_generator(1, "a").random(5), numpy_generator(1, "a").random(5))


def test_another_seed_or_name_is_another_stream() -> None:
    streams = [(0, "eps", 1), (0, "eps", 2), (1, "eps", 1), (0, "mirror", 1), (0, "eps"), (0, "eps1")]
    assert len({stream_seed(*stream) for stream in streams}) == len(streams)


def test_seeds_fit_every_generator() -> None:
    seeds = [stream_seed(0, index) for index in range(200)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**60  # and use the whole range


def test_random_rows_are_a_sample_in_order_and_all_where_that_is_asked() -> None:
    rows = np.arange(1000, 1200)
    some = random_rows(rows, 50, 0, "some")
    assert len(set(some.tolist())) == 50
    assert (np.diff(some) > 0).all()
    assert 1080 < some.mean() < 1120
    assert np.array_equal(some, random_rows(rows, 50, 0, "some"))
    assert not np.array_equal(some, random_rows(rows, 50, 0, "others"))
    assert random_rows(rows, 200, 0, "some") is rows
    assert not len(random_rows(rows, 0, 0, "some"))


def test_the_global_generators_are_left_alone() -> None:
    before_torch, before_numpy = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    torch.randn(5, generator=generator(0, "a"))
    numpy_generator(0, "a").random(5)
    assert torch.equal(before_torch, torch.get_rng_state())
    assert np.array_equal(before_numpy, np.random.get_state()[1])  # noqa: NPY002
