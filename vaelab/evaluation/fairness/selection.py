"""What choosing the worst group by its own noisy recall does to the figure: it comes out too low, and a gap too wide.

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
    """How much `measure` is expected to be off in the mean over seeds, because it chooses among noisy recalls.

    The bootstrap's own answer is too small: the recalls it starts from are already spread by the noise it adds. So
    their spread is first drawn together to what is left of it without noise; then the noise is added, and what
    `measure` makes of it is compared with what it was.

    Args:
        recall: one arm's, of the groups that `measure` is taken over.
        resampled: the same on resampled pictures.
    """
    noise = resampled - recall
    spread = recall.var(axis=-1, ddof=1).mean()
    if spread <= 0:
        return 0.0
    real = max(0.0, 1.0 - noise.var(axis=-1, ddof=1).mean() / spread)
    middle = recall.mean(axis=-1, keepdims=True)
    drawn_together = middle + np.sqrt(real) * (recall - middle)
    return float((measure(drawn_together + noise).mean(axis=0) - measure(drawn_together)).mean())
