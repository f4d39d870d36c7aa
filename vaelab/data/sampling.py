"""Which pictures the next batch takes: endless, the same on every machine, and known from the clock alone.

A draw depends on (seed, stream, clock) and on nothing that was drawn before, so a resumed training needs no sampler
state and every rank of a distributed one can compute the whole batch and keep its stripe.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from vaelab.errors import DataError
from vaelab.rng import numpy_generator

Indices = Int[np.ndarray, " batch"]


class EndlessSampler:
    """Draws positions 0..num_items-1 without end: permutation after permutation, or by probability.

    Args:
        num_items: how many there are to draw from.
        seed, stream: name of the random stream.
    """

    def __init__(self, num_items: int, seed: int, stream: str) -> None:
        if num_items < 1:
            raise DataError(f"there is nothing to draw for {stream}: the data sets have no such training pictures")
        self.num_items = num_items
        self._seed, self._stream = seed, stream
        self.sample_probs: Float[np.ndarray, " items"] | None = None
        self._cumulative: Float[np.ndarray, " items"] | None = None
        self._permutation = lru_cache(maxsize=1)(self._permutation_of)

    def set_probs(self, sample_probs: Float[np.ndarray, " items"] | None) -> None:
        """Draw with replacement by these probabilities from now on; None goes back to permutations."""
        self.sample_probs = sample_probs
        if sample_probs is None:
            self._cumulative = None
            return
        if len(sample_probs) != self.num_items:
            raise DataError(f"{len(sample_probs)} probabilities for {self.num_items} items")
        self._cumulative = np.cumsum(sample_probs, dtype=np.float64)
        self._cumulative /= self._cumulative[-1]

    def draw(self, clock: int, count: int) -> Indices:
        """The `count` positions drawn when `clock` draws have been made before."""
        if self._cumulative is not None:
            random = numpy_generator(self._seed, self._stream, "weighted", clock).random(count)
            return np.searchsorted(self._cumulative, random, side="right").clip(max=self.num_items - 1)
        parts = []
        while count > 0:
            epoch, start = divmod(clock, self.num_items)
            part = self._permutation(epoch)[start : start + count]
            parts.append(part)
            clock, count = clock + len(part), count - len(part)
        return np.concatenate(parts)

    def _permutation_of(self, epoch: int) -> Indices:
        items = np.arange(self.num_items, dtype=np.int32)  # of a million, half of what int64 would keep
        return numpy_generator(self._seed, self._stream, "permutation", epoch).permutation(items)
