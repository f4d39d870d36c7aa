"""Who is among some faces: the share of every label's values, beside their share among all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Int

from vaelab.data.groups import Grouping, group_columns
from vaelab.evaluation.rates import Rate, rate


@dataclass(frozen=True)
class Share:
    """One value of one label.

    Attributes:
        selected, whole: its share of the selected faces, and of all faces, that have the label at all.
    """

    column: str
    value: str
    selected: Rate
    whole: Rate

    @property
    def differs(self) -> bool:
        """Whether the share among all lies outside the 95 % interval of that among the selected, if any are."""
        return self.selected.count > 0 and not self.selected.low <= self.whole.rate <= self.selected.high


def composition(labels: pd.DataFrame, rows: Int[np.ndarray, " rows"]) -> list[Share]:
    """Shares of all values of all labels that group faces, among `rows` of `labels` and among all of them."""
    found = []
    for column in group_columns(labels):
        grouping = Grouping.of(labels, [column])
        keys = grouping.keys[rows]
        known, counts = int((keys >= 0).sum()), np.bincount(keys[keys >= 0], minlength=len(grouping))
        for name, chosen, among_all in zip(grouping.names, counts, grouping.counts, strict=True):
            whole = rate(int(among_all), int(grouping.counts.sum()))
            found.append(Share(column, name, rate(int(chosen), known), whole))
    return found
