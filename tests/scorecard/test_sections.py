"""Likelihood and disentanglement of a trained model: in bounds, by what they say they are, beside their baselines."""

import dataclasses
import json
from collections.abc import Callable

import numpy as np
import pytest

from tests.apple_gpu import OnAppleGpu
from vaelab.config import replace
from vaelab.data.collection import Collection
from vaelab.inference import FaceModel
from vaelab.runs.store import Run
from vaelab.scorecard.disentanglement import disentanglement_section, factors_of
from vaelab.scorecard.likelihood import likelihood_section
from vaelab.scorecard.reconstruction import reconstruction_section


@pytest.mark.parametrize("kind", ["residual", "vae", "dbvae"])
def test_a_trained_model_codes_faces_in_fewer_bits_than_no_model(
    trained: Callable[[str], Run], tiny_data: Collection, kind: str
) -> None:
    model = FaceModel.load(trained(kind))
    rows = tiny_data.rows("train", is_face=True)
    found = likelihood_section(model, tiny_data, rows, 12, 8, lambda _: None)
    main = found["fitted_gaussian"]
    assert found["n"] == main["bits_per_dim"]["n"] == 12
    assert 0 < main["bits_per_dim"]["value"] < 8
    assert main["importance_bound_nats"]["mean"] >= main["elbo_nats"]["mean"]
    assert main["importance_bound_nats"]["standard_error"] > 0
    assert 1 <= main["effective_samples"]["mean"] <= 8
    bits = -main["importance_bound_nats"]["mean"] / (3 * 16**2) / np.log(2)
    assert main["bits_per_dim"]["value"] == pytest.approx(bits)
    assert ("as_trained_bernoulli" in found.get("not_measured", {})) == (kind == "vae")
    assert ("as_trained_laplace" in found) == (kind == "dbvae")
    if kind == "dbvae":  # noise of a whole unit around pixels within one unit: next to no model
        assert found["as_trained_laplace"]["bits_per_dim"]["value"] > main["bits_per_dim"]["value"]
    json.dumps(found, allow_nan=False)


def test_the_likelihood_on_an_apple_gpu_is_that_on_a_processor(
    trained: Callable[[str], Run], tiny_data: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = FaceModel.load(trained("vae"))
    rows, decode = tiny_data.rows("train", is_face=True), model.network.decode
    found = [likelihood_section(model, tiny_data, rows, 4, 2, lambda _: None)]
    monkeypatch.setattr(model.network, "decode", lambda z: decode(z).as_subclass(OnAppleGpu))
    found.append(likelihood_section(model, tiny_data, rows, 4, 2, lambda _: None))
    assert found[0] == found[1]


def test_a_model_without_posteriors_has_neither_kl_nor_likelihood(
    trained: Callable[[str], Run], tiny_data: Collection
) -> None:
    noisy = FaceModel.load(trained("residual"))
    model = dataclasses.replace(noisy, config=replace(noisy.config, objective="rae", likelihood="gaussian"))
    rows = tiny_data.rows("test", is_face=True)
    assert "no posterior" in likelihood_section(model, tiny_data, rows, 12, 8, lambda _: None)["refused"]
    assert "kl_nats" in reconstruction_section(noisy, tiny_data, rows, lambda _: None)
    found = reconstruction_section(model, tiny_data, rows, lambda _: None)
    assert not {"kl_nats", "kl_per_dim_nats"} & set(found)


def test_latents_stand_beside_an_untrained_encoder_and_principal_components(
    trained: Callable[[str], Run], tiny_data: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaelab.evaluation.disentanglement.REPEATS", 2)  # drawn faces have forty labels
    monkeypatch.setattr("vaelab.evaluation.disentanglement.NUM_TREES", 4)
    rows = np.concatenate([tiny_data.rows(split, is_face=True) for split in ("train", "val", "test")])
    _, factors = factors_of(tiny_data, rows)
    names = {factor.name for factor in factors}
    assert {"smile", "skin_lightness", "glasses"} <= names
    assert not {"skin", "age_group", "object_class"} & names  # groups of an exact quantity, and no label of a face
    found = disentanglement_section(FaceModel.load(trained("residual")), tiny_data, rows, 1000, lambda _: None)
    assert set(found["factors"]) == names
    for encoder in ("model", "untrained_encoder", "principal_components"):
        assert found[encoder]["mig"]["n"] == found["n"]
        assert 0 <= found[encoder]["completeness"]["value"] <= 1
    json.dumps(found, allow_nan=False)


def test_an_age_in_whole_years_is_a_factor(tiny_data: Collection) -> None:
    data, labels = Collection(tiny_data.stores), tiny_data.labels
    data.__dict__["labels"] = labels.assign(age=labels["age"].fillna(0).round().astype(np.int64))
    factors = {factor.name: factor for factor in factors_of(data, data.rows("train", is_face=True))[1]}
    assert factors["age"].quantity is not None
    assert "age_group" not in factors


def test_few_faces_have_no_disentanglement(trained: Callable[[str], Run], tiny_data: Collection) -> None:
    rows = tiny_data.rows("test", is_face=True)
    found = disentanglement_section(FaceModel.load(trained("vae")), tiny_data, rows, 1000, lambda _: None)
    assert "needs 200 faces" in found["refused"]
