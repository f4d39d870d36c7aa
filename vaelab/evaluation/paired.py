"""Yes-or-no answers about the same pictures compared: exact test, interval, correction for many comparisons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool
from scipy.stats import binomtest, norm

from vaelab.evaluation.holm import holm


@dataclass(frozen=True)
class Paired:
    """Two ways of looking at the same faces, by how many are seen by only one of them.

    Attributes:
        first, second: the two, for people.
        only_first, only_second: faces that one sees and the other does not.
        difference: share seen by `first` minus share seen by `second`, with a 95 % interval from `low` to `high`.
        p_value: of the exact McNemar test; `p_holm` is corrected for all comparisons made, see `corrected`.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    count: int
    difference: float
    low: float
    high: float
    p_value: float
    p_holm: float


def paired(first: str, second: str, one: Bool[np.ndarray, " faces"], other: Bool[np.ndarray, " faces"]) -> Paired:
    """Two yes-or-no answers about the same faces compared.

    Source: exact McNemar test; interval of Bonett and Price (J. Educ. Behav. Stat. 2012), which holds for few
    disagreements too.
    """
    only_first, only_second, count = int((one & ~other).sum()), int((other & ~one).sum()), len(one)
    differing = only_first + only_second
    p_value = float(binomtest(only_first, differing).pvalue) if differing else 1.0
    plus, minus = (only_first + 1) / (count + 2), (only_second + 1) / (count + 2)
    half = float(norm.ppf(0.975)) * math.sqrt((plus + minus - (plus - minus) ** 2) / (count + 2))
    low, high = max(plus - minus - half, -1.0), min(plus - minus + half, 1.0)
    difference = (only_first - only_second) / count
    return Paired(first, second, only_first, only_second, count, difference, low, high, p_value, p_value)


def corrected(comparisons: Sequence[Paired]) -> list[Paired]:
    """The same comparisons with p-values corrected for their number, by Holm's method."""
    p_values = holm(np.array([result.p_value for result in comparisons]))
    return [replace(result, p_holm=float(p)) for result, p in zip(comparisons, p_values, strict=True)]
