"""What choosing the worst group by its own noisy recall does to the figure: it comes out too low.

The lowest of several recalls that are alike is low by luck. An arm that makes groups alike would be punished for it,
an arm with one clearly lagging group would not, so a comparison would lean against what it looks for.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from vaelab.evaluation.fairness.measures import Measure


def selection_bias(
    measure: Measure,
    recall: Float[np.ndarray, "seeds groups"],
    resampled: Float[np.ndarray, "resamples seeds groups"],
) -> float:
    """How much too high `measure` is expected to be in the mean over seeds, because it chooses among noisy recalls.

    The bootstrap's answer: what choosing once more among resampled recalls adds. It takes back part of the bias, never
    more than all: where groups are alike, the recalls it starts from are spread by noise already. Taking back the whole
    was tried by drawing them together first; its own error then made intervals too short (`benchmarks/coverage.py`).

    Args:
        recall: one arm's, of the groups that `measure` is taken over.
        resampled: the same on resampled pictures, the group chosen anew in each.
    """
    return float((measure(resampled).mean(axis=0) - measure(recall)).mean())
