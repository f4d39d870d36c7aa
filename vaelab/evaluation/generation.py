"""How near a set of drawn faces comes to a set of real ones, by the features that an extractor sees in them.

All four neighbour scores need as many drawn faces as real ones to be read as published, and every one of them depends
on that number: it stands beside the figure, and so does what real faces in place of drawn ones reach.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from vaelab.errors import DataError
from vaelab.evaluation.intervals import Estimate, from_half_samples, half_samples

Reals = Float[np.ndarray, "reals dims"]
Drawn = Float[np.ndarray, "drawn dims"]

PRECISION_NEIGHBOURS = 3
"""k of improved precision and recall, as published."""
DENSITY_NEIGHBOURS = 5
"""k of density and coverage, as published."""
MIN_PICTURES = 16
"""Below it half a sample has too few neighbours."""
POSSIBLE = {"precision": (0.0, 1.0), "recall": (0.0, 1.0), "density": (0.0, math.inf), "coverage": (0.0, 1.0)}
REPEATS = 20
"""Half-samples behind an interval: its width is known to about 16 %."""


def frechet_distance(real: Reals, generated: Drawn) -> float:
    """Squared Frechet distance of the Gaussians fitted to two sets of features; 0 where means and covariances agree.

    It falls as the sets grow, since a small set's covariance is noisy: compare figures of one n alone.
    Source: Heusel et al., GANs Trained by a Two Time-Scale Update Rule (2017), equation 6.
    Differs: the trace of the root comes from symmetric eigenvalues, which are real and non-negative up to rounding;
    the usual matrix root of a product that is not symmetric is neither.

    Raises:
        DataError: fewer than two pictures on a side.
    """
    if min(len(real), len(generated)) < 2:
        raise DataError(f"a covariance needs two pictures, there are {len(real)} and {len(generated)}")
    first, second = real.astype(np.float64), generated.astype(np.float64)
    covariance = [np.atleast_2d(np.cov(side, rowvar=False)) for side in (first, second)]
    values, vectors = np.linalg.eigh(covariance[0])
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    overlap = np.sqrt(np.linalg.eigvalsh(root @ covariance[1] @ root).clip(0)).sum()
    shift = np.square(first.mean(axis=0) - second.mean(axis=0)).sum()
    return float(max(shift + np.trace(covariance[0]) + np.trace(covariance[1]) - 2 * overlap, 0.0))


def frechet_with_interval(real: Reals, generated: Drawn, repeats: int = REPEATS, paired: bool = False) -> Estimate:
    """The Frechet distance of two sets of one size, with an interval from half-samples of both.

    Args:
        paired: each drawn face was made from the real face of its row; see `_halves`.
    """
    replicates = [
        frechet_distance(real[mine], generated[theirs])
        for mine, theirs in _halves(len(real), len(generated), repeats, paired)
    ]
    return from_half_samples(frechet_distance(real, generated), replicates, len(generated), (0.0, math.inf))


def _halves(reals: int, drawn: int, repeats: int, paired: bool) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Halves of both sides: the same rows of pairs, which share what is particular to a half, else apart.

    Raises:
        DataError: pairs of sides that differ in size.
    """
    if not paired:
        return zip(half_samples(reals, repeats, 0), half_samples(drawn, repeats, 1), strict=True)
    if reals != drawn:
        raise DataError(f"pairs need a drawn face for each real one; there are {reals} real and {drawn} drawn ones")
    return ((half, half) for half in half_samples(reals, repeats, 0))


@dataclass(frozen=True)
class NeighbourScores:
    """Shares of faces whose neighbours are of the other set.

    Attributes:
        precision: drawn faces within the reach of real ones: is what is drawn plausible?
        recall: real faces within the reach of drawn ones: is all that is real also drawn?
        density: balls of real faces that a drawn face lies in, over k; above 1 where drawn faces crowd.
        coverage: real faces whose ball holds a drawn face.
    """

    precision: float
    recall: float
    density: float
    coverage: float


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Distances among real faces, among drawn ones, and across; 12 n^2 bytes.

    Source: Kynkaanniemi et al., Improved Precision and Recall Metric (NeurIPS 2019), equations 1 and 2;
    Naeem et al., Reliable Fidelity and Diversity Metrics (ICML 2020), equations 5 and 6.
    """

    real: Float[Tensor, "reals reals"]
    generated: Float[Tensor, "drawn drawn"]
    across: Float[Tensor, "reals drawn"]

    @classmethod
    def measure(cls, real: Reals, generated: Drawn) -> Neighbours:
        """All distances between the rows of two sets.

        Raises:
            DataError: fewer than MIN_PICTURES on a side.
        """
        if min(len(real), len(generated)) < MIN_PICTURES:
            raise DataError(
                f"neighbours need {MIN_PICTURES} pictures on each side, there are {len(real)} and {len(generated)}; "
                "raise the limit"
            )
        sides = [torch.from_numpy(np.array(side, np.float32)) for side in (real, generated)]
        centre = sides[0].mean(dim=0)  # the fast distance loses digits far from the origin
        first, second = (side - centre for side in sides)
        within = [torch.cdist(side, side).fill_diagonal_(0.0) for side in (first, second)]
        return cls(within[0], within[1], torch.cdist(first, second))

    def scores(self) -> NeighbourScores:
        """The four scores; a face is no neighbour of its own."""
        reach = _radii(self.real, PRECISION_NEIGHBOURS)
        reach_back = _radii(self.generated, PRECISION_NEIGHBOURS)
        ball = _radii(self.real, DENSITY_NEIGHBOURS)
        inside = self.across <= ball[:, None]
        return NeighbourScores(
            precision=_share((self.across <= reach[:, None]).any(dim=0)),
            recall=_share((self.across <= reach_back[None, :]).any(dim=1)),
            density=float(inside.sum(dim=0, dtype=torch.float64).mean() / DENSITY_NEIGHBOURS),
            coverage=_share(inside.any(dim=1)),
        )

    def subset(self, real: Int[np.ndarray, " reals"], generated: Int[np.ndarray, " drawn"]) -> Neighbours:
        """The same distances among some of the faces."""
        mine, theirs = torch.from_numpy(real), torch.from_numpy(generated)
        return Neighbours(
            self.real[mine][:, mine], self.generated[theirs][:, theirs], self.across[mine][:, theirs]
        )  # fmt: skip

    def with_intervals(self, repeats: int = REPEATS, paired: bool = False) -> dict[str, Estimate]:
        """The four scores by name, each with an interval from half-samples of both sets.

        Args:
            paired: each drawn face was made from the real face of its row; see `_halves`.
        """
        count = len(self.generated)
        replicates = [
            asdict(self.subset(mine, theirs).scores())
            for mine, theirs in _halves(len(self.real), count, repeats, paired)
        ]
        return {
            name: from_half_samples(value, [replicate[name] for replicate in replicates], count, POSSIBLE[name])
            for name, value in asdict(self.scores()).items()
        }


def _radii(within: Float[Tensor, "n n"], neighbours: int) -> Float[Tensor, " n"]:
    """Distance from each face to its k-th nearest other; the nearest of all is itself."""
    return within.topk(neighbours + 1, dim=1, largest=False).values[:, -1]


def _share(found: Tensor) -> float:
    return float(found.double().mean())
