"""Side effects are what the encoder sees in the two pictures, not what was asked for."""

import dataclasses

import numpy as np
import pytest
from scipy.special import logit

from vaelab.editing.effects import side_effects
from vaelab.editing.sliders import attribute_order
from vaelab.inference import FaceModel


def test_nothing_moved_is_no_effect(taught: FaceModel) -> None:
    z = taught.sample_latents(1, 0)[0]
    for effect in side_effects(taught, z, z):
        assert effect.moved == 0
        assert effect.before == effect.after


def test_effects_are_read_off_the_pictures(taught: FaceModel) -> None:
    before, after = taught.sample_latents(2, 1, temperature=2.0)
    effects = side_effects(taught, before, after)
    directions = taught.directions
    assert directions is not None
    rows = [directions.keys.index(effect.key) for effect in effects]
    assert rows == attribute_order(directions)
    seen, _ = taught.encode(taught.decode(np.stack([before, after])))
    odds = directions.log_odds(seen).astype(float)
    for row, effect in zip(rows, effects, strict=True):
        assert logit(effect.before) == pytest.approx(odds[0, row], abs=1e-3)
        assert logit(effect.after) == pytest.approx(odds[1, row], abs=1e-3)
        assert effect.moved == pytest.approx((odds[1, row] - odds[0, row]) / directions.probe_spread[row], abs=1e-3)
        assert effect.auc == directions.learned[row].auc["logistic"].value


def test_a_move_that_is_not_drawn_does_not_count(taught: FaceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that ignores the latent draws the same picture twice, whatever the latent's own log-odds say."""
    same = taught.decode(np.zeros((2, 8), np.float32))
    monkeypatch.setattr(FaceModel, "decode", lambda self, z: same)
    before, after = np.zeros(8, np.float32), np.full(8, 3.0, np.float32)
    assert all(effect.moved == 0 for effect in side_effects(taught, before, after))


def test_there_and_back_are_opposite(taught: FaceModel) -> None:
    a, b = taught.sample_latents(2, 5)
    for forth, back in zip(side_effects(taught, a, b), side_effects(taught, b, a), strict=True):
        assert forth.moved == pytest.approx(-back.moved, abs=1e-4)
        assert (forth.before, forth.after) == pytest.approx((back.after, back.before), abs=1e-5)


def test_a_model_that_learned_nothing_says_nothing(taught: FaceModel) -> None:
    z = taught.sample_latents(1, 0)[0]
    assert side_effects(dataclasses.replace(taught, directions=None), z, z) == []
