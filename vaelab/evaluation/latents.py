"""What is kept of a model's latents, so that pages need no data set: posterior means, labels, statistics, prior."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from vaelab.errors import CheckpointError
from vaelab.once import Once
from vaelab.runs.arrays import read_arrays, write_arrays
from vaelab.runs.store import Run

if TYPE_CHECKING:  # seconds of importing, which loading a model need not wait for
    import pandas as pd

Latents = Float[np.ndarray, "faces latent"]
PerLatent = Float[np.ndarray, " latent"]


@dataclass(frozen=True, eq=False)
class StoredLatents:
    """Posteriors of some faces and what they say about the model.

    Attributes:
        mu: posterior means of the kept faces.
        read_labels: gives their `labels`.
        posterior_std: root of the mean posterior variance of each latent.
        kl_per_dim: mean KL of each latent over `num_encoded` faces, nats; of no meaning where the encoder is
            deterministic, which `FaceModel.has_posteriors` tells.
        prior_mean, prior_factor: the Gaussian fitted to the aggregate posterior, N(mean, factor @ factor.T): the
            covariance of the means plus the mean posterior variances.
        num_encoded: faces the statistics come from; at least as many as are kept.
        weights_fingerprint: of the weights that made them.
    """

    mu: Latents
    read_labels: Once[pd.DataFrame]
    posterior_std: PerLatent
    kl_per_dim: PerLatent
    prior_mean: PerLatent
    prior_factor: Float[np.ndarray, "latent latent"]
    num_encoded: int
    weights_fingerprint: str

    @property
    def labels(self) -> pd.DataFrame:
        """The rows of the kept faces: image_id, split, attributes.

        Raises:
            CheckpointError: they are kept in a file that is damaged, or of other faces.
        """
        return self.read_labels()

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
            read_labels=Once(lambda: labels.iloc[keep].reset_index(drop=True)),
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
        write_arrays(run, run.latents_path, arrays, {**record, "labels_hash": _hash_of(table.getvalue())})

    @classmethod
    def read(cls, run: Run) -> StoredLatents:
        """What `write` kept; the labels are understood when somebody asks for them.

        Raises:
            CheckpointError: a file is missing or damaged.
        """
        stored = read_arrays(run.latents_path)
        path, again = run.latents_path.with_suffix(".parquet"), f"`python -m vaelab encode {run.id}` makes it anew"
        try:
            table = path.read_bytes()  # now, so that both files are of one time
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read ({error}); {again}") from error
        labels_hash = stored.record.pop("labels_hash", None)  # older files have none

        def labels() -> pd.DataFrame:
            import pandas as pd

            try:
                found = pd.read_parquet(io.BytesIO(table))
            except (OSError, ValueError) as error:
                raise CheckpointError(f"{path} cannot be read ({error}); {again}") from error
            if len(found) != len(stored.arrays["mu"]):
                raise CheckpointError(
                    f"{path} has {len(found)} rows for {len(stored.arrays['mu'])} latents; encode {run.id} anew"
                )
            if labels_hash not in (None, _hash_of(table)):
                raise CheckpointError(f"{path} belongs to other latents, or was changed by hand; {again}")
            return found

        arrays: dict[str, Any] = stored.arrays
        return cls(**arrays, read_labels=Once(labels), **stored.record)


def _hash_of(table: bytes) -> str:
    return hashlib.sha256(table).hexdigest()[:16]
