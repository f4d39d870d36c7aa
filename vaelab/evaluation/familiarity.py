"""How far a picture is from what a model knows, as a rank among held-out faces.

Two signs are joined: the share of a picture's variance that its reconstruction leaves unexplained, and the Mahalanobis
distance of `mu` under the Gaussian fitted to the posteriors. Each becomes a tail probability among held-out faces, and
the score is the sum of their negative logarithms (Fisher's combination). Its own rank among other held-out faces is
what is shown, so that of new faces from the same source a share of at most 5 % falls below 5 %, whatever the scores'
distribution. Source: Vovk et al., Algorithmic Learning in a Random World (2005), conformal p-values.

Measured against taking either sign alone, plain squared error instead of the unexplained share, the larger of the two
and the sum of squares: this one has the highest mean AUC over six kinds of wrong picture for both shipped models.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from vaelab.errors import CheckpointError, DataError
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.priors import whitened
from vaelab.runs.store import Run

Pixels = UInt8[np.ndarray, "batch size size 3"]
Latents = Float[np.ndarray, "batch latent"]
PerImage = Float[np.ndarray, " batch"]
Sorted = Float[np.ndarray, " held_out"]

MIN_FACES = 200
"""With fewer held-out faces, half of them for each step, no share below 1 % could be told."""
UNUSUAL, FAR = 0.05, 0.01
"""Shares of held-out faces below which a picture is called unusual, and far from what the model knows."""
FAINT_VARIANCE = 1e-3
"""Added to a picture's variance, of values in [0, 1]: an even grey has hardly any, and its error counts fully."""
_DIGITS = 5


@dataclass(frozen=True)
class Familiarity:
    """Held-out faces, against which a picture is ranked; all three sorted, smallest first.

    Attributes:
        unexplained, distances: the two signs, on one half of the held-out faces.
        scores: their combination, on the other half.
        weights_fingerprint: of the weights that reconstructed them.
    """

    unexplained: Sorted
    distances: Sorted
    scores: Float[np.ndarray, " others"]
    weights_fingerprint: str

    @classmethod
    def fit(
        cls, pixels: Pixels, recon: Pixels, mu: Latents, latents: StoredLatents, weights_fingerprint: str
    ) -> Familiarity:
        """The ranks of held-out faces: every other one for the two signs, the rest for their combination.

        Args:
            pixels, recon, mu: faces that neither the model nor the prior in `latents` was fitted to.

        Raises:
            DataError: there are fewer than `MIN_FACES`.
        """
        if len(pixels) < MIN_FACES:
            raise DataError(f"{len(pixels)} held-out faces cannot say what is usual; give at least {MIN_FACES}")
        unexplained, distances = unexplained_share(pixels, recon), prior_distance(mu, latents)
        signs = cls(np.sort(unexplained[::2]), np.sort(distances[::2]), np.empty(0), weights_fingerprint)
        scores = np.sort(signs._combined(unexplained[1::2], distances[1::2]))
        return cls(signs.unexplained, signs.distances, scores, weights_fingerprint)

    def score(self, pixels: Pixels, recon: Pixels, mu: Latents, latents: StoredLatents) -> PerImage:
        """How far each picture is from what the model knows; larger is farther, 0 is nearest.

        Args:
            recon: the model's reconstructions from `mu`.
            latents: those whose prior was used in fitting.
        """
        return self._combined(unexplained_share(pixels, recon), prior_distance(mu, latents))

    def share_farther(self, scores: PerImage) -> PerImage:
        """The share of held-out faces that are at least as far as each score, in (0, 1].

        It is uniform for faces from the same source (up to steps of 1 / (n + 1)) and small for anything else.
        """
        return _tail(self.scores, scores)

    def write(self, run: Run) -> None:
        """Keep in the run's folder, numbers to five significant digits."""
        columns = {name: _rounded(getattr(self, name)) for name in ("unexplained", "distances", "scores")}
        record = {"weights_fingerprint": self.weights_fingerprint, **columns}
        with run.replacing(run.familiarity_path.name) as file:
            file.write((json.dumps(record, allow_nan=False) + "\n").encode())

    @classmethod
    def read(cls, run: Run, weights_fingerprint: str) -> Familiarity:
        """What `write` kept for these weights.

        Raises:
            CheckpointError: the file is missing or damaged, or belongs to other weights.
        """
        path, again = run.familiarity_path, f"`python -m vaelab encode {run.id}` makes it anew"
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            columns = [np.asarray(record[name], np.float64) for name in ("unexplained", "distances", "scores")]
            fingerprint = str(record["weights_fingerprint"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path} cannot be read ({type(error).__name__}: {error}); {again}") from error
        if any(column.ndim != 1 or not len(column) or (np.diff(column) < 0).any() for column in columns):
            raise CheckpointError(f"{path} holds no sorted numbers; {again}")
        if fingerprint != weights_fingerprint:
            raise CheckpointError(f"{path} belongs to other weights; {again}")
        unexplained, distances, scores = columns
        return cls(unexplained, distances, scores, fingerprint)

    def _combined(self, unexplained: PerImage, distances: PerImage) -> PerImage:
        tails = np.log(_tail(self.unexplained, unexplained)) + np.log(_tail(self.distances, distances))
        return np.asarray(np.abs(tails))


def verdict(share: float) -> str:
    """`typical`, `unusual` or `far`, by the share of held-out faces that are at least as far."""
    if share < FAR:
        return "far"
    return "unusual" if share < UNUSUAL else "typical"


def unexplained_share(pixels: Pixels, recon: Pixels) -> PerImage:
    """Squared error of each reconstruction over the variance of the picture; 0 is perfect, 1 no better than grey."""
    values = pixels.astype(np.float32) / 255
    error = np.square(values - recon.astype(np.float32) / 255).mean(axis=(1, 2, 3))
    return np.asarray(error / (values.var(axis=(1, 2, 3)) + FAINT_VARIANCE), np.float64)


def prior_distance(mu: Latents, latents: StoredLatents) -> PerImage:
    """Mahalanobis distance of each `mu` from the fitted prior's mean, under its covariance."""
    return np.asarray(np.linalg.norm(whitened(mu, latents.prior_mean, latents.prior_factor), axis=1))


def _tail(known: Sorted, values: PerImage) -> PerImage:
    """(1 + how many of the sorted `known` are at least as large) / (n + 1), of each value."""
    larger = len(known) - np.searchsorted(known, values, side="left")
    return np.asarray((1.0 + larger) / (len(known) + 1.0))


def _rounded(values: Sorted) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in values]
