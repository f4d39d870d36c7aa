"""Whether a model's latents stand for labelled factors, beside an untrained encoder and principal components."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from vaelab.config import TrainConfig, replace
from vaelab.data.collection import Collection
from vaelab.data.groups import group_columns
from vaelab.data.synthetic.factors import FACTORS
from vaelab.engine import Engine
from vaelab.evaluation.attributes import is_quantity
from vaelab.evaluation.disentanglement import MIN_FACES, Factor, disentanglement
from vaelab.evaluation.reconstruction import PrincipalComponents
from vaelab.inference import FaceModel
from vaelab.models import build_model
from vaelab.once import Once
from vaelab.passes import encoded
from vaelab.rng import random_rows
from vaelab.scorecard.reconstruction import MAX_PCA_FACES
from vaelab.scorecard.training_faces import training_faces

NOT_FACTORS = {"object_class", "object_words"}
MIN_LEVEL_FACES = 20
"""A word that fewer faces have is left out with its faces: nothing could be held out of it."""


def disentanglement_section(
    model: FaceModel, data: Collection, faces: np.ndarray, num_faces: int, tell: Callable[[str], None]
) -> dict[str, Any]:
    """MIG, SAP and DCI of posterior means for the labels of `num_faces` of the faces, with two baselines."""
    rows, factors = factors_of(data, random_rows(faces, num_faces, 0, "disentanglement"))
    if len(rows) < MIN_FACES or not factors:
        return {"refused": f"needs {MIN_FACES} faces with labels that vary, there are {len(rows)} with {len(factors)}"}
    training = training_faces(model, data, MAX_PCA_FACES, "pca")
    encoders: dict[str, Callable[[], np.ndarray]] = {
        "model": lambda: encoded(model, data.pixels(rows))[0].astype(np.float64),
        "untrained_encoder": lambda: encoded(_untrained(model), data.pixels(rows))[0].astype(np.float64),
    }
    if len(training) > model.latent_size:
        encoders["principal_components"] = lambda: _principal(model, data, rows, training)
    report: dict[str, Any] = {"n": len(rows), "factors": [factor.name for factor in factors]}
    for name, encode in encoders.items():
        tell(f"disentanglement: {name.replace('_', ' ')}, {len(rows):,} faces, {len(factors)} labels")
        report[name] = asdict(disentanglement(encode(), factors))
    return report


def factors_of(data: Collection, rows: np.ndarray) -> tuple[np.ndarray, list[Factor]]:
    """The labels that count as factors, and the rows where all of them are known.

    Words and quantities are; a drawn face's groups of a quantity are not, beside the exact quantity.
    """
    labels = data.labels.iloc[rows]
    quantities = [str(name) for name in labels.columns if is_quantity(labels[name])]
    known = [name for name in quantities if labels[name].notna().all()]
    derived = {factor.name for factor in FACTORS.values() if factor.parent in known}
    words = [name for name in group_columns(labels) if name not in derived | NOT_FACTORS]
    keep = np.array(labels[words].notna().all(axis=1))  # a copy: pandas lends its own for reading only
    for name in words:
        counts = labels.loc[keep, name].value_counts()
        keep &= ~labels[name].isin(counts[counts < MIN_LEVEL_FACES].index).to_numpy()
    if not keep.any():
        return rows[keep], []
    labels = labels[keep]
    factors = [Factor.of(name, labels[name]) for name in [*words, *known]]
    return rows[keep], [factor for factor in factors if len(np.unique(factor.levels)) > 1]


def _untrained(model: FaceModel) -> FaceModel:
    """The MIT lab's encoder as it is before any training, with as many latents.

    Not the model's own network: some begin at the linear solution, or at nothing.
    """
    config = replace(TrainConfig(), model="vae", size=model.size, latent=model.latent_size)
    network = build_model(config).eval().requires_grad_(False).to(model.device)
    engine = Engine(config, network, model.device)
    return dataclasses.replace(
        model, run_id="untrained", config=config, read_engine=Once(lambda: engine), latents=None, directions=None
    )


def _principal(model: FaceModel, data: Collection, rows: np.ndarray, training: np.ndarray) -> np.ndarray:
    linear = PrincipalComponents.fit(data.pixels(training), model.latent_size)
    centred = data.pixels(rows).reshape(len(rows), -1).astype(np.float32) / 255 - linear.mean
    return np.asarray(centred @ linear.components.T, np.float64)
