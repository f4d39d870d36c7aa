"""What holds for other seeds and other pictures: a figure measured once per seed, with an interval over both.

Resampling seeds says too little with six of them (a percentile interval over six values covers about 87 % instead of
95 %), so seeds count by their scatter and Student's t, and pictures by the bootstrap, as studies with several readers
of the same cases have done for long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student

from vaelab.errors import DataError


@dataclass(frozen=True)
class TwoLevel:
    """A mean over seeds with its 95 % interval over seeds and pictures.

    Attributes:
        by_seed: the figure of every seed, as measured.
        value: their mean.
        bias: how much too high `value` is expected to be, see `selection.py`; interval and p-value are of what is
            left without it, so the interval need not lie evenly around `value`.
        low, high: of the interval; about these very networks alone where there is one seed.
        error: standard error; `degrees` of freedom go with it, infinite where pictures are all that varies.
        p_value: two-sided, of the truth being 0; NaN where nothing varies and it is.
    """

    by_seed: tuple[float, ...]
    value: float
    bias: float
    low: float
    high: float
    error: float
    degrees: float
    p_value: float

    @property
    def centre(self) -> float:
        """The value without its bias."""
        return self.value - self.bias

    @property
    def errors(self) -> tuple[float, float]:
        """How far the interval reaches below and above `centre`, in standard errors of Student's t."""
        quantile = float(student.ppf(0.975, self.degrees))
        return (self.centre - self.low) / quantile, (self.high - self.centre) / quantile


def two_level(
    by_seed: Float[np.ndarray, " seeds"],
    resampled: Float[np.ndarray, "resamples seeds"],
    possible: tuple[float, float] = (-math.inf, math.inf),
    as_measured: Float[np.ndarray, " seeds"] | None = None,
) -> TwoLevel:
    """The mean of `by_seed` with an interval for seeds and pictures that were not seen.

    Var(mean) = s^2 / S + C: s^2 is the variance between seeds, which holds what pictures do to each seed by itself,
    and C the covariance of two seeds through the pictures they share.

    Args:
        resampled: the same figures on resampled pictures, the seeds left as they are.
        possible: what the figure cannot leave.
        as_measured: where `by_seed` and `resampled` are freed of a bias, the figures that are not.

    Source: Obuchowski and Rockette (Commun. Stat. 1995), degrees of freedom of Hillis (Stat. Med. 2007), with C by the
    bootstrap.

    Raises:
        DataError: fewer than two resamples.
    """
    if len(resampled) < 2:
        raise DataError(f"{len(resampled)} resamples make no interval; take at least 2, 1,000 are usual")
    covariance = np.atleast_2d(np.cov(resampled, rowvar=False))
    return from_covariance(by_seed, covariance, possible, as_measured)


def from_covariance(
    by_seed: Float[np.ndarray, " seeds"],
    covariance: Float[np.ndarray, "seeds seeds"],
    possible: tuple[float, float] = (-math.inf, math.inf),
    as_measured: Float[np.ndarray, " seeds"] | None = None,
) -> TwoLevel:
    """The same where the covariance of the seeds' figures through shared pictures is known."""
    number, middle = len(by_seed), float(np.mean(by_seed))
    as_measured = by_seed if as_measured is None else as_measured
    value = float(np.mean(as_measured))
    if number == 1:
        variance, degrees = float(covariance[0, 0]), math.inf
    else:
        seeds = float(np.var(by_seed, ddof=1)) / number
        shared = float((covariance.sum() - np.trace(covariance)) / (number * (number - 1)))
        variance = seeds + max(shared, 0.0)
        degrees = (variance / seeds) ** 2 * (number - 1) if seeds > 0 else math.inf
    error = math.sqrt(variance)
    half = float(student.ppf(0.975, degrees)) * error
    p_value = math.nan if middle == 0 else 0.0
    if error > 0:
        p_value = float(2 * student.sf(abs(middle) / error, degrees))
    low, high = max(middle - half, possible[0]), min(middle + half, possible[1])
    return TwoLevel(tuple(map(float, as_measured)), value, value - middle, low, high, error, degrees, p_value)


def share(
    by_seed: Float[np.ndarray, " seeds"],
    resampled: Float[np.ndarray, "resamples seeds"],
    count: int,
    as_measured: Float[np.ndarray, " seeds"] | None = None,
) -> TwoLevel:
    """The same for a share of `count` pictures, whose interval keeps to 0..1 and has a length at 100 % too.

    The two-level variance says how many independent pictures the seeds' share is worth; Wilson's interval is taken
    over so many. Where nothing varies, it is worth the `count` pictures.

    Source: Wilson with an effective sample size, as for surveys: Franco et al. (J. Surv. Stat. Methodol. 2019).
    """
    found = two_level(by_seed, resampled, as_measured=as_measured)
    middle = min(max(found.centre, 0.0), 1.0)
    worth = middle * (1 - middle) / found.error**2 if found.error > 0 else 0.0
    if worth <= 0:
        worth = float(count)
    quantile = float(student.ppf(0.975, found.degrees))
    weight = quantile**2 / worth
    centre = (middle + weight / 2) / (1 + weight)
    half = quantile / (1 + weight) * math.sqrt(middle * (1 - middle) / worth + weight / (4 * worth))
    return replace(found, low=max(centre - half, 0.0), high=min(centre + half, 1.0), p_value=math.nan)


def difference(one: TwoLevel, other: TwoLevel, between: TwoLevel) -> TwoLevel:
    """`one` minus `other`, its interval put together from both their intervals.

    Recall near 100 % is skewed: an arm that was lucky seems surer than it is. Intervals of shares know that, Student's
    does not, so the difference takes their lengths on either side, and from `between` how they go together.
    Lengths count in standard errors: pictures that arms share fall out of a difference and leave it to the few seeds,
    so that it needs a larger quantile than either arm.

    Args:
        between: `two_level` of the difference seed by seed.

    Source: recovery of variance estimates (MOVER), Zou and Donner (Stat. Med. 2008); with Wilson's intervals it is
    Newcombe's method for paired shares (Stat. Med. 1998). The p-value is the level at which the interval ends at 0.
    """
    correlation = 0.0
    if one.error > 0 and other.error > 0:
        correlation = (one.error**2 + other.error**2 - between.error**2) / (2 * one.error * other.error)
        correlation = min(max(correlation, -1.0), 1.0)
    middle = between.centre
    below = _together(one.errors[0], other.errors[1], correlation)
    above = _together(one.errors[1], other.errors[0], correlation)
    towards_zero = below if middle > 0 else above
    p_value = math.nan if middle == 0 and towards_zero == 0 else 0.0
    if towards_zero > 0:
        p_value = float(2 * student.sf(abs(middle) / towards_zero, between.degrees))
    quantile = float(student.ppf(0.975, between.degrees))
    low, high = max(middle - quantile * below, -1.0), min(middle + quantile * above, 1.0)
    return replace(between, low=low, high=high, p_value=p_value)


def _together(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(one**2 + other**2 - 2 * correlation * one * other, 0.0))
