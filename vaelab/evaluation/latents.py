"""What is kept of a model's latents, so that pages need no data set: posterior means, labels, statistics, prior."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from vaelab.errors import CheckpointError
from vaelab.runs.checkpoints import read_checkpoint, write_checkpoint
from vaelab.runs.store import Run

Latents = Float[np.ndarray, "faces latent"]
PerLatent = Float[np.ndarray, " latent"]


@dataclass(frozen=True, eq=False)
class StoredLatents:
    """Posteriors of some faces and what they say about the model.

    Attributes:
        mu: posterior means of the kept faces; `labels` has their rows (image_id, split, attributes).
        posterior_std: root of the mean posterior variance of each latent.
        kl_per_dim: mean KL of each latent over `num_encoded` faces, nats.
        prior_mean, prior_factor: the Gaussian fitted to the aggregate posterior, N(mean, factor @ factor.T): the
            covariance of the means plus the mean posterior variances.
        num_encoded: faces the statistics come from; at least as many as are kept.
        weights_fingerprint: of the weights that made them.
    """

    mu: Latents
    labels: pd.DataFrame
    posterior_std: PerLatent
    kl_per_dim: PerLatent
    prior_mean: PerLatent
    prior_factor: Float[np.ndarray, "latent latent"]
    num_encoded: int
    weights_fingerprint: str

    @classmethod
    def fit(
        cls, mu: Latents, std: Latents, labels: pd.DataFrame, keep: np.ndarray, weights_fingerprint: str
    ) -> StoredLatents:
        """Statistics over all posteriors (`mu`, `std`), and the rows `keep` of them with their labels."""
        variance = np.square(std.astype(np.float64))
        kl = 0.5 * (variance + np.square(mu) - 1.0 - np.log(variance))
        covariance = np.cov(mu.astype(np.float64), rowvar=False).reshape(mu.shape[1], mu.shape[1])
        covariance += np.diag(variance.mean(axis=0))
        return cls(
            mu=mu[keep].astype(np.float32),
            labels=labels.iloc[keep].reset_index(drop=True),
            posterior_std=np.sqrt(variance.mean(axis=0)).astype(np.float32),
            kl_per_dim=kl.mean(axis=0).astype(np.float32),
            prior_mean=mu.mean(axis=0).astype(np.float32),
            prior_factor=np.linalg.cholesky(covariance).astype(np.float32),
            num_encoded=len(mu),
            weights_fingerprint=weights_fingerprint,
        )

    def write(self, run: Run) -> None:
        """Keep in the run's folder; means are kept as float16 (an error below 0.002 for values below 4)."""
        arrays = {
            "mu": self.mu.astype(np.float16),
            "posterior_std": self.posterior_std,
            "kl_per_dim": self.kl_per_dim,
            "prior_mean": self.prior_mean,
            "prior_factor": self.prior_factor,
        }
        table = io.BytesIO()
        self.labels.to_parquet(table, index=False)
        with run.replacing(run.latents_path.with_suffix(".parquet").name) as file:
            file.write(table.getvalue())
        record = {"num_encoded": self.num_encoded, "weights_fingerprint": self.weights_fingerprint}
        write_checkpoint(
            run, run.latents_path, {name: torch.from_numpy(array) for name, array in arrays.items()}, record
        )

    @classmethod
    def read(cls, run: Run) -> StoredLatents:
        """What `write` kept.

        Raises:
            CheckpointError: a file is missing or damaged, or the two do not belong together.
        """
        stored = read_checkpoint(run.latents_path)
        arrays: dict[str, Any] = {name: tensor.float().numpy() for name, tensor in stored.tensors.items()}
        path = run.latents_path.with_suffix(".parquet")
        try:
            labels = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise CheckpointError(
                f"{path} cannot be read ({error}); `python -m vaelab encode {run.id}` makes it anew"
            ) from error
        if len(labels) != len(arrays["mu"]):
            raise CheckpointError(
                f"{path} has {len(labels)} rows for {len(arrays['mu'])} latents; encode {run.id} anew"
            )
        return cls(**arrays, labels=labels, **stored.record)
