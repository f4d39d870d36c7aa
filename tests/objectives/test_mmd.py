"""The kernel distance: a loop over pairs, zero for equal distributions, and following it leads to the prior."""

import numpy as np
import pytest
import torch
from torch import Tensor

from vaelab.objectives.mmd import SCALES, inverse_multiquadratic, squared_mmd
from vaelab.rng import generator

LATENT = 4


def normal(count: int, name: str) -> Tensor:
    return torch.randn(count, LATENT, generator=generator(0, name))


def kernel(a: Tensor, b: Tensor) -> float:
    squared = float((a - b).square().sum())
    return sum(2 * LATENT * scale / (2 * LATENT * scale + squared) for scale in SCALES)


def test_the_distance_is_a_loop_over_pairs() -> None:
    x, y = normal(5, "x"), normal(5, "y") + 1
    pairs = [(i, j) for i in range(5) for j in range(5)]
    within = sum(kernel(s[i], s[j]) for s in (x, y) for i, j in pairs if i != j) / 20
    between = sum(kernel(x[i], y[j]) for i, j in pairs) / 25
    assert float(squared_mmd(x, y)) == pytest.approx(within - 2 * between, rel=1e-4)


def test_a_point_is_as_like_itself_as_can_be() -> None:
    x = normal(6, "x")
    likeness = inverse_multiquadratic(x, x)
    torch.testing.assert_close(torch.diagonal(likeness), torch.full((6,), float(len(SCALES))))
    assert torch.linalg.eigvalsh(likeness.double()).min() > 0  # positive definite


def test_the_estimate_is_unbiased_around_zero_for_one_distribution_and_positive_for_two() -> None:
    same = np.array([float(squared_mmd(normal(64, f"a{i}"), normal(64, f"b{i}"))) for i in range(60)])
    other = np.array([float(squared_mmd(normal(64, f"a{i}") * 0.3, normal(64, f"b{i}"))) for i in range(10)])
    assert abs(same.mean()) < 4 * same.std() / np.sqrt(len(same))
    assert same.min() < 0 < same.max()
    assert other.min() > 5 * same.std()


def test_following_the_distance_spreads_the_points_as_the_prior() -> None:
    """All but a few points in the tails, where the kernels are nearly flat."""
    z = (0.05 * normal(64, "z") + 3).requires_grad_()
    optimizer = torch.optim.Adam([z], 0.1)
    start = float(squared_mmd(z, normal(64, "prior")).detach())
    for step in range(150):
        optimizer.zero_grad()
        squared_mmd(z, normal(64, f"prior{step}")).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert squared_mmd(z, normal(64, "prior")) < 0.1 * start
    assert z.median(0).values.abs().max() < 0.5
    assert 0.4 < z.abs().median() < 1.1  # 0.67 for N(0, 1)


def test_one_latent_alone_has_no_distance_and_no_gradient_that_is_not_finite() -> None:
    z = normal(1, "z").requires_grad_()
    squared_mmd(z, normal(1, "prior")).backward()  # type: ignore[no-untyped-call]
    assert z.grad is not None
    assert (z.grad == 0).all()
