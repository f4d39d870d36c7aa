"""The resampling pass of the DB-VAE: encode all training faces, find the rare ones, draw them more often."""

from typing import Any

import numpy as np
import torch

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.data.groups import Grouping, group_columns
from vaelab.debiasing import Resampling, resampling
from vaelab.training.feed import Feed, images_on
from vaelab.training.step import Objective, evaluating

NUM_EXTREMES = 8
"""Faces named as the most and as the least often drawn."""


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
    """Effective sample size, largest weight, the most and least drawn faces, and for each label the share of what is
    drawn beside that of the data.
    """
    labels = data.labels.iloc[feed.face_rows]
    num_faces = len(labels)
    groups = {}
    for column in group_columns(labels):
        grouping = Grouping.of(labels, [column])
        in_draws = grouping.mean(drawn.sample_probs) * grouping.counts
        groups[column] = {
            group.name: {"data": round(group.count / num_faces, 6), "drawn": round(float(share), 6)}
            for group, share in zip(grouping.groups, in_draws, strict=True)
        }
    return {
        "effective_sample_size": drawn.effective_sample_size,
        "effective_share": drawn.effective_share,
        "num_active": drawn.num_active,
        "largest_prob_times_faces": float(drawn.sample_probs.max() * len(drawn.sample_probs)),
        "most_drawn": _extremes(-drawn.sample_probs, drawn, labels["image_id"].to_numpy()),
        "least_drawn": _extremes(drawn.sample_probs, drawn, labels["image_id"].to_numpy()),
        "groups": groups,
    }


def _extremes(order: np.ndarray, drawn: Resampling, image_ids: np.ndarray) -> list[dict[str, Any]]:
    """The faces that come first by `order`, with the probability of each draw; of equals the earlier in the data."""
    first = np.argsort(order, kind="stable")[:NUM_EXTREMES]
    return [{"image_id": str(image_ids[face]), "prob": float(drawn.sample_probs[face])} for face in first]
