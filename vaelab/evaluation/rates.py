"""A share of pictures and its interval."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """A share of `count` pictures with its 95 % Wilson interval; NaN where count is 0."""

    rate: float
    low: float
    high: float
    count: int


def rate(hits: float, count: float) -> Rate:
    """hits / count with its Wilson interval; fractions are an effective number of pictures."""
    from statsmodels.stats.proportion import proportion_confint  # takes as long as half of torch: no training waits

    if count == 0:
        return Rate(float("nan"), float("nan"), float("nan"), 0)
    low, high = proportion_confint(hits, count, method="wilson")
    return Rate(hits / count, float(low), float(high), int(count))
