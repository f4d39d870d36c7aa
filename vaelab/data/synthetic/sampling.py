"""Tables of factors with exactly the asked-for shares of every group, reproducible from a seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vaelab.data.synthetic.factors import CATEGORICAL, FACTORS, GROUPS, Draw
from vaelab.errors import ConfigError
from vaelab.rng import numpy_generator

Shares = Mapping[str | tuple[str, ...], Mapping[str | tuple[str, ...], float | int]]
"""Column(s) -> value(s) -> share of the rows; several columns are a tuple, or one text joined by commas."""


def sample_factors(count: int, seed: int, shares: Shares | None = None) -> pd.DataFrame:
    """A table of `count` faces, one per row, with a column per factor of `FACTORS` and `texture_seed`.

    Every categorical column has exactly its shares (largest remainder rounding, then shuffled): those in
    `shares`, else the factor's defaults; values that `shares` does not name get no row. A joint share makes a
    dependence: `{("skin", "glasses"): {("dark", "yes"): 0.05, ("dark", "no"): 0.45, ("light", "yes"): 0.5}}`,
    or the same with `"skin,glasses"` and `"dark,yes"` for JSON and the command line. Each column has its own
    random stream.

    Raises:
        ConfigError: negative count, unknown column or value, column shared twice, shares not summing to 1.
    """
    if count < 0:
        raise ConfigError(f"Cannot draw {count} faces: count must be 0 or more.")
    wanted = _checked_shares(shares or {})
    named = {column for columns in wanted for column in columns}
    for column in CATEGORICAL:
        if column not in named:
            factor = FACTORS[column]
            wanted[(column,)] = {(value,): p for value, p in zip(factor.values, factor.probabilities, strict=True)}

    table: dict[str, Any] = {}
    for columns, share in wanted.items():
        combinations = np.repeat(np.arange(len(share)), exact_counts(list(share.values()), count))
        numpy_generator(seed, "synthetic", "share", *columns).shuffle(combinations)
        for place, column in enumerate(columns):
            names = np.array([combination[place] for combination in share], dtype=object)
            table[column] = pd.Series(names[combinations], dtype="str")
    for name, factor in FACTORS.items():
        if factor.range is not None:
            table[name] = _continuous_values(name, table, numpy_generator(seed, "synthetic", name), count)
    table["texture_seed"] = numpy_generator(seed, "synthetic", "texture_seed").integers(0, 2**31, count)
    return pd.DataFrame(table)[[*FACTORS, "texture_seed"]]


def exact_counts(shares: list[float], count: int) -> NDArray[np.int64]:
    """Whole numbers with sum `count` closest to `shares * count`: the largest remainders are rounded up."""
    exact = np.asarray(shares, dtype=np.float64) * count
    counts = np.floor(exact + 1e-9).astype(np.int64)
    leftover = count - int(counts.sum())
    counts[np.argsort(-(exact - counts), kind="stable")[:leftover]] += 1
    return counts


def drawn(draw: Draw, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1) shaped as a factor's `draw` says; the same range, another density."""
    if draw == "centred":  # steepest at the ends: two thirds of the values within the middle half
        return 0.5 + 0.5 * np.sign(uniform - 0.5) * np.abs(2 * uniform - 1) ** 1.6
    return uniform**2 if draw == "low" else uniform


def _continuous_values(
    name: str, table: Mapping[str, Any], generator: np.random.Generator, count: int
) -> NDArray[np.float64]:
    factor = FACTORS[name]
    assert factor.range is not None
    uniform = generator.random(count)
    group = next((group for group in GROUPS if FACTORS[group].parent == name), None)
    if group is None:
        low, high = factor.range
        return low + (high - low) * drawn(factor.draw, uniform)
    edges = np.array([factor.range[0], *FACTORS[group].cuts, factor.range[1]])
    place = pd.Index(FACTORS[group].values).get_indexer(table[group])
    lower, upper = edges[place], edges[place + 1]
    # Rounding could land on the upper edge, which belongs to the next group.
    values: NDArray[np.float64] = np.minimum(lower + (upper - lower) * uniform, np.nextafter(upper, lower))
    return values


def _checked_shares(shares: Shares) -> dict[tuple[str, ...], dict[tuple[str, ...], float]]:
    checked: dict[tuple[str, ...], dict[tuple[str, ...], float]] = {}
    seen: set[str] = set()
    for key, share in shares.items():
        columns = _names(key)
        for column in columns:
            _check_column(column, seen)
            seen.add(column)
        checked[columns] = {_combination(columns, value): _share(columns, value, p) for value, p in share.items()}
        total = math.fsum(checked[columns].values())
        if abs(total - 1) > 1e-6:
            raise ConfigError(
                f"Shares of {', '.join(columns)} sum to {total:g}, expected 1: "
                f"give every wanted value its share, those left out get none."
            )
    return checked


def _names(key: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for part in key.split(",")) if isinstance(key, str) else tuple(key)


def _check_column(column: str, seen: set[str]) -> None:
    if column not in FACTORS:
        raise ConfigError(f"Unknown factor {column!r} in shares; expected one of {', '.join(CATEGORICAL)}.")
    if column not in CATEGORICAL:
        group = next((group for group in GROUPS if FACTORS[group].parent == column), None)
        advice = f"share its group {group!r} instead" if group else f"choose among {', '.join(CATEGORICAL)}"
        raise ConfigError(f"Factor {column!r} is continuous and cannot be shared by value: {advice}.")
    if column in seen:
        raise ConfigError(f"Factor {column!r} is shared twice; give one joint share over all columns it depends on.")


def _combination(columns: tuple[str, ...], value: str | tuple[str, ...]) -> tuple[str, ...]:
    combination = _names(value)
    if len(combination) != len(columns):
        raise ConfigError(
            f"Share {value!r} has {len(combination)} values, expected {len(columns)}: one for each of "
            f"{', '.join(columns)}."
        )
    for column, name in zip(columns, combination, strict=True):
        if name not in FACTORS[column].values:
            raise ConfigError(
                f"Unknown value {name!r} of {column!r} in shares; expected one of {', '.join(FACTORS[column].values)}."
            )
    return combination


def _share(columns: tuple[str, ...], value: str | tuple[str, ...], share: float | int) -> float:
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise ConfigError(f"Share of {value!r} in {', '.join(columns)} is {share!r}, expected a number from 0 to 1.")
    return float(share)
