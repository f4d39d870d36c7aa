"""How often stored faces would be drawn: shares that add up, rare faces more often, and no floor that stops it."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from vaelab.evaluation.drawing import times_fair_share
from vaelab.evaluation.latents import StoredLatents
from vaelab.rng import numpy_generator
from vaelab.settings import DebiasConfig

FACES = 300


@pytest.fixture(scope="module")
def latents() -> StoredLatents:
    mu = numpy_generator(0, "drawing").standard_normal((FACES, 3)).astype(np.float32)
    mu[:4, 1] = 9.0
    labels = pd.DataFrame({"image_id": [f"f{row}" for row in range(FACES)]})
    return StoredLatents.fit(mu, np.full_like(mu, 0.4), labels, np.arange(FACES), "abc")


@pytest.mark.parametrize("aggregation", ["max", "max5", "product", "gaussian", "tempered"])
def test_rare_faces_are_drawn_more_and_all_shares_are_one(latents: StoredLatents, aggregation: str) -> None:
    found = times_fair_share(latents, DebiasConfig(aggregation=aggregation, alpha=0.01))
    assert found.mean() == pytest.approx(1.0)
    assert found[:4].min() > np.median(found[4:])


def test_without_resampling_everybody_has_a_fair_share(latents: StoredLatents) -> None:
    assert np.allclose(times_fair_share(latents, DebiasConfig(aggregation="none")), 1.0)


def test_a_floor_that_would_stop_a_training_stops_no_map(latents: StoredLatents) -> None:
    config = DebiasConfig(aggregation="product", alpha=1e-6, min_effective_share=1.0)
    assert np.isfinite(times_fair_share(latents, config)).all()
    same = dataclasses.replace(config, min_effective_share=0.0)
    assert np.array_equal(times_fair_share(latents, config), times_fair_share(latents, same))
