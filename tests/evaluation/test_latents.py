"""Stored latents: what pages need without any data set, and a prior that has the posteriors' moments."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vaelab.config import TrainConfig
from vaelab.errors import CheckpointError
from vaelab.evaluation import latents
from vaelab.evaluation.latents import StoredLatents
from vaelab.once import Once
from vaelab.rng import numpy_generator
from vaelab.runs.arrays import read_arrays, write_arrays
from vaelab.runs.store import Run

NUM, LATENT = 500, 4


@pytest.fixture
def posteriors() -> tuple[np.ndarray, np.ndarray]:
    random = numpy_generator(0, "posteriors")
    mixing = random.standard_normal((LATENT, LATENT))
    mu = (random.standard_normal((NUM, LATENT)) @ mixing + 0.5).astype(np.float32)
    return mu, random.uniform(0.1, 0.9, (NUM, LATENT)).astype(np.float32)


@pytest.fixture
def stored(posteriors: tuple[np.ndarray, np.ndarray]) -> StoredLatents:
    labels = pd.DataFrame({"image_id": [f"i{n}" for n in range(NUM)], "smile": ["yes", "no"] * (NUM // 2)})
    return StoredLatents.fit(*posteriors, labels, np.arange(0, NUM, 5), "abc")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(TrainConfig(), tmp_path, "first")


def test_the_fitted_prior_has_the_moments_of_the_aggregate_posterior(
    stored: StoredLatents, posteriors: tuple[np.ndarray, np.ndarray]
) -> None:
    mu, std = posteriors
    z = np.repeat(mu, 400, axis=0) + np.repeat(std, 400, axis=0) * numpy_generator(0, "eps").standard_normal(
        (400 * NUM, LATENT)
    )
    np.testing.assert_allclose(stored.prior_mean, z.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(stored.prior_factor @ stored.prior_factor.T, np.cov(z, rowvar=False), atol=0.05)


def test_kl_per_latent_is_that_of_torch(stored: StoredLatents, posteriors: tuple[np.ndarray, np.ndarray]) -> None:
    mu, std = (torch.from_numpy(side) for side in posteriors)
    expected = kl_divergence(Normal(mu, std), Normal(0.0, 1.0)).mean(0)
    np.testing.assert_allclose(stored.kl_per_dim, expected.numpy(), rtol=1e-4)


def test_statistics_come_from_all_and_labels_stay_with_their_latents(
    stored: StoredLatents, posteriors: tuple[np.ndarray, np.ndarray]
) -> None:
    assert stored.num_encoded == NUM
    assert len(stored.mu) == len(stored.labels) == NUM // 5
    assert np.array_equal(stored.mu[3], posteriors[0][15])
    assert stored.labels["image_id"][3] == "i15"


def test_what_was_written_is_read(stored: StoredLatents, run: Run) -> None:
    stored.write(run)
    found = StoredLatents.read(run)
    np.testing.assert_allclose(found.mu, stored.mu, atol=0.004)
    for name in ("posterior_std", "kl_per_dim", "prior_mean", "prior_factor"):
        assert np.array_equal(getattr(found, name), getattr(stored, name))
    pd.testing.assert_frame_equal(found.labels, stored.labels)
    assert (found.num_encoded, found.weights_fingerprint) == (NUM, "abc")


def test_labels_are_of_the_time_when_the_latents_were_read(stored: StoredLatents, run: Run) -> None:
    stored.write(run)
    found = StoredLatents.read(run)
    stored.labels.assign(smile="later").to_parquet(run.latents_path.with_suffix(".parquet"))
    pd.testing.assert_frame_equal(found.labels, stored.labels)


def test_labels_of_other_latents_are_refused(stored: StoredLatents, run: Run) -> None:
    stored.write(run)
    stored.labels.head(3).to_parquet(run.latents_path.with_suffix(".parquet"))
    with pytest.raises(CheckpointError, match="3 rows for 100 latents"):
        _ = StoredLatents.read(run).labels


def test_labels_of_a_broken_off_write_are_refused(
    stored: StoredLatents, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.write(run)
    later = replace(stored, read_labels=Once(lambda: stored.labels.assign(split="test")))
    with monkeypatch.context() as patch:
        patch.setattr(latents, "write_arrays", interrupted)
        with pytest.raises(KeyboardInterrupt):
            later.write(run)
    with pytest.raises(CheckpointError, match=r"belongs to other latents.*vaelab encode"):
        _ = StoredLatents.read(run).labels
    later.write(run)
    assert set(StoredLatents.read(run).labels["split"]) == {"test"}


def test_latents_that_name_no_labels_are_read(stored: StoredLatents, run: Run) -> None:
    """Those that were written before they did."""
    stored.write(run)
    kept = read_arrays(run.latents_path)
    del kept.record["labels_hash"]
    write_arrays(run, run.latents_path, kept.arrays, kept.record)
    assert len(StoredLatents.read(run).labels) == len(stored.mu)


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("content", [None, b"no parquet"])
def test_missing_or_damaged_labels_are_named(stored: StoredLatents, run: Run, content: bytes | None) -> None:
    stored.write(run)
    path = run.latents_path.with_suffix(".parquet")
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"latents\.parquet cannot be read"):
        _ = StoredLatents.read(run).labels
