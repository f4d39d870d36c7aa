"""The resampling pass of the DB-VAE: encode all training faces, find the rare ones, draw them more often."""

from typing import Any

import pandas as pd
import torch

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.debiasing import Resampling, resampling
from vaelab.training.feed import Feed, images_on
from vaelab.training.step import Objective, evaluating

MAX_GROUPS = 20
"""Label columns with more values than this are no groups."""


def resample(
    objective: Objective, data: Collection, feed: Feed, config: TrainConfig, device: torch.device
) -> Resampling:
    """Encode all training faces, set how often each is drawn from now on, and return it."""
    means, deviations = [], []
    with evaluating(objective):
        for start in range(0, len(feed.face_rows), 512):
            images = images_on(data.pixels(feed.face_rows[start : start + 512]), device)
            posterior = objective.network.encode(images).posterior
            assert posterior is not None
            means.append(posterior.mu.cpu())
            deviations.append(posterior.std.cpu())
    drawn = resampling(torch.cat(means).numpy(), config.debias, torch.cat(deviations).numpy())
    feed.faces.set_probs(drawn.sample_probs)
    return drawn


def resampling_metrics(drawn: Resampling, data: Collection, feed: Feed) -> dict[str, Any]:
    """Effective sample size, largest weight, and for each label the share of what is drawn beside that of the data."""
    labels = data.labels.iloc[feed.face_rows]
    groups = {}
    for column in labels.columns.difference(["image_id", "is_face", "split", "dataset"]):
        values = labels[column].to_numpy(dtype=object)
        in_data = pd.Series(1.0 / len(values), range(len(values))).groupby(values).sum()  # leaves missing labels out
        if pd.api.types.is_numeric_dtype(labels[column]) or not 2 <= len(in_data) <= MAX_GROUPS:
            continue
        in_draws = pd.Series(drawn.sample_probs).groupby(values).sum()
        groups[column] = {
            str(name): {"data": round(float(in_data[name]), 6), "drawn": round(float(in_draws[name]), 6)}
            for name in in_data.index
        }
    return {
        "effective_sample_size": drawn.effective_sample_size,
        "effective_share": drawn.effective_share,
        "num_active": drawn.num_active,
        "largest_prob_times_faces": float(drawn.sample_probs.max() * len(drawn.sample_probs)),
        "groups": groups,
    }
