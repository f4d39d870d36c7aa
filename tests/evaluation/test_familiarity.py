"""The rank of a picture among held-out faces: uniform for its own kind, small for another, bound to its weights."""

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from vaelab.data.collection import Collection
from vaelab.errors import CheckpointError, DataError
from vaelab.evaluation.familiarity import (
    FAR,
    MIN_FACES,
    UNUSUAL,
    Familiarity,
    prior_distance,
    unexplained_share,
    verdict,
)
from vaelab.evaluation.latents import StoredLatents
from vaelab.inference import FaceModel
from vaelab.once import Once
from vaelab.runs.store import Run
from vaelab.scorecard.encoding import encode_faces

LATENT, SIZE = 4, 8
FINGERPRINT = "0123456789abcdef"


def latents() -> StoredLatents:
    """A prior with strong correlation, so that a distance without it is wrong."""
    covariance = np.full((LATENT, LATENT), 0.9) + 0.1 * np.eye(LATENT)
    return StoredLatents(
        mu=np.zeros((1, LATENT), np.float32),
        read_labels=Once(lambda: pd.DataFrame({"image_id": ["a"]})),
        posterior_std=np.ones(LATENT, np.float32),
        kl_per_dim=np.ones(LATENT, np.float32),
        prior_mean=np.ones(LATENT, np.float32),
        prior_factor=np.linalg.cholesky(covariance).astype(np.float32),
        num_encoded=100,
        weights_fingerprint=FINGERPRINT,
    )


def drawn(count: int, seed: int, noise: float = 8.0, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures, reconstructions off by `noise`, and means `spread` times as far out as the prior says."""
    random = np.random.default_rng(seed)
    pixels = random.integers(40, 216, (count, SIZE, SIZE, 3)).astype(np.uint8)
    off = random.normal(0, noise * random.uniform(0.5, 1.5, (count, 1, 1, 1)), pixels.shape)
    prior = latents()
    mu = prior.prior_mean + spread * random.standard_normal((count, LATENT)) @ prior.prior_factor.T
    return pixels, (pixels + off).clip(0, 255).astype(np.uint8), mu.astype(np.float32)


@pytest.fixture(scope="module")
def fitted() -> Familiarity:
    return Familiarity.fit(*drawn(2001, 0), latents(), FINGERPRINT)


def test_faces_from_the_same_source_have_uniform_shares(fitted: Familiarity) -> None:
    shares = fitted.share_farther(fitted.score(*drawn(4000, 1), latents()))
    for level in (FAR, UNUSUAL, 0.25, 0.5, 0.9):
        assert abs((shares <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) * (1 / 4000 + 1 / 1000))
    assert shares.min() > 0
    assert shares.max() <= 1


def test_the_share_is_one_plus_those_at_least_as_far_over_one_plus_all(fitted: Familiarity) -> None:
    values = np.array([fitted.scores[0] - 1, fitted.scores[500], fitted.scores[-1] + 1])
    by_hand = [(1 + sum(known >= value for known in fitted.scores)) / (1 + len(fitted.scores)) for value in values]
    assert fitted.share_farther(values) == pytest.approx(by_hand)


@pytest.mark.parametrize(("noise", "spread"), [(60.0, 1.0), (8.0, 4.0)])
def test_either_sign_alone_is_enough(fitted: Familiarity, noise: float, spread: float) -> None:
    shares = fitted.share_farther(fitted.score(*drawn(200, 2, noise, spread), latents()))
    assert np.median(shares) < UNUSUAL


def test_distance_follows_the_covariance() -> None:
    prior = latents()
    along = prior.prior_mean + np.ones((1, LATENT), np.float32)
    across = prior.prior_mean + np.array([[1, -1, 1, -1]], np.float32)
    covariance = prior.prior_factor @ prior.prior_factor.T
    for mu in (along, across):
        step = (mu - prior.prior_mean)[0]
        assert prior_distance(mu, prior)[0] == pytest.approx(np.sqrt(step @ np.linalg.inv(covariance) @ step), rel=1e-3)
    assert prior_distance(across, prior)[0] > 5 * prior_distance(along, prior)[0]


def test_unexplained_share_does_not_depend_on_contrast() -> None:
    pixels, recon, _ = drawn(50, 3)
    half = unexplained_share((pixels // 2).astype(np.uint8), (recon // 2).astype(np.uint8))
    assert np.median(half / unexplained_share(pixels, recon)) == pytest.approx(1, abs=0.15)
    assert unexplained_share(pixels, pixels).max() == 0


def test_an_even_picture_is_no_division_by_nothing() -> None:
    grey = np.full((1, SIZE, SIZE, 3), 128, np.uint8)
    assert np.isfinite(unexplained_share(grey, grey + np.uint8(40))).all()


@pytest.mark.parametrize(
    ("share", "word"), [(0.009, "far"), (0.01, "unusual"), (0.049, "unusual"), (0.05, "typical"), (1.0, "typical")]
)
def test_verdicts(share: float, word: str) -> None:
    assert verdict(share) == word


def test_too_few_faces_are_refused() -> None:
    with pytest.raises(DataError, match=f"at least {MIN_FACES}"):
        Familiarity.fit(*drawn(MIN_FACES - 1, 0), latents(), FINGERPRINT)


def test_written_and_read_again_it_says_the_same(fitted: Familiarity, trained: Callable[[str], Run]) -> None:
    run = trained("vae")
    fitted.write(run)
    again = Familiarity.read(run, FINGERPRINT)
    scores = fitted.score(*drawn(300, 4), latents())
    difference = again.share_farther(again.score(*drawn(300, 4), latents())) - fitted.share_farther(scores)
    assert np.abs(difference).max() < 0.005
    with pytest.raises(CheckpointError, match="other weights"):
        Familiarity.read(run, "f" * 16)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"weights_fingerprint": "x", "unexplained": [], "distances": [1], "scores": [1]}',
     '{"weights_fingerprint": "x", "unexplained": [2, 1], "distances": [1], "scores": [1]}',
     '{"weights_fingerprint": "x", "unexplained": ["a"], "distances": [1], "scores": [1]}'],
)  # fmt: skip
def test_a_damaged_file_is_refused_by_name(text: str, trained: Callable[[str], Run]) -> None:
    run = trained("vae")
    run.familiarity_path.write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"familiarity\.json.*encode vae"):
        Familiarity.read(run, "x")


class WithMoreHeldOut(Collection):
    """The tiny data, whose training faces pass for validation faces: of those there are too few to rank among."""

    def rows(self, split: str, is_face: bool, limit: int = 0) -> np.ndarray:
        return super().rows("train" if split == "val" else split, is_face, limit)


def test_encoding_keeps_it_beside_the_latents(
    trained: Callable[[str], Run], tiny_data: Collection, faces: np.ndarray, nonfaces: np.ndarray
) -> None:
    run = trained("vae")
    encode_faces(FaceModel.load(run, with_latents=False), run, WithMoreHeldOut(tiny_data.stores), "test", 10)
    model = FaceModel.load(run)
    assert model.latents is not None
    kept = Familiarity.read(run, model.weights_fingerprint)
    assert len(kept.unexplained) + len(kept.scores) == len(tiny_data.rows("train", is_face=True))
    shares = []
    for pixels in (faces, nonfaces):
        mu = model.encode(pixels)[0]
        shares.append(kept.share_farther(kept.score(pixels, model.decode(mu), mu, model.latents)).mean())
    assert shares[1] < shares[0]
    assert json.loads(run.familiarity_path.read_text())["weights_fingerprint"] == model.weights_fingerprint


def test_without_enough_held_out_faces_encoding_keeps_no_stale_ranks(
    trained: Callable[[str], Run], tiny_data: Collection
) -> None:
    run = trained("vae")
    run.familiarity_path.write_text("of older latents", encoding="utf-8")
    assert 0 < len(tiny_data.rows("val", is_face=True)) < MIN_FACES
    encode_faces(FaceModel.load(run, with_latents=False), run, tiny_data, "train", 10)
    assert not run.familiarity_path.exists()
