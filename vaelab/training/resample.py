"""The resampling pass of the DB-VAE: encode all training faces, find the rare ones, draw them more often."""

import contextlib
import os
import tempfile
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.debiasing import Latents, Resampling, resampling
from vaelab.models.network import Network
from vaelab.training.distributed import Ranks, sum_over_ranks
from vaelab.training.feed import Feed
from vaelab.training.step import Objective, evaluating, pick_precision

CHUNK, CHUNK_ON_GPU = 192, 1024
"""Faces encoded at a time. On a processor, fewer leave little to each thread; what passes between two layers of many
more no longer fits its cache."""
MOST_IN_MEMORY = 2**24
"""Latents kept in memory, as numbers: 64 MiB, of 160,000 faces with a hundred each."""
NUM_EXTREMES = 8
"""Faces named as the most and as the least often drawn."""


def resample(
    objective: Objective, data: Collection, feed: Feed, config: TrainConfig, device: torch.device, ranks: Ranks
) -> Resampling:
    """Encode all training faces, set how often each is drawn from now on, and return it."""
    mu, std = encode_faces(objective.network, feed, config, device, ranks)
    drawn = resampling(mu, config.debias, std)
    feed.faces.set_probs(drawn.sample_probs)
    return drawn


def encode_faces(
    network: Network, feed: Feed, config: TrainConfig, device: torch.device, ranks: Ranks
) -> tuple[Latents, Latents | None]:
    """Posterior means of all training faces, and where the aggregation asks for them their deviations.

    In the precision of the training step, and without the decoder. Each process encodes its share of the chunks, which
    are the same for any number of processes.
    """
    kinds = ("mu", "std") if config.debias.aggregation == "gaussian" else ("mu",)
    # a latent's column is what is walked through next, so it lies in one piece
    found = {kind: _zeros(config.model.latent, len(feed.face_rows)) for kind in kinds}
    chunk = CHUNK if device.type == "cpu" else CHUNK_ON_GPU
    starts = range(0, len(feed.face_rows), chunk)[ranks.stripe()]
    precision = pick_precision(config.run, device)
    network, is_half = network.at_rest(precision), precision == torch.bfloat16
    with evaluating(network), torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_half):
        for start in starts:
            images = feed.pixels.images(feed.face_rows[start : start + chunk], precision)
            posterior = network.encode(images).posterior
            assert posterior is not None
            for kind, values in found.items():
                values[:, start : start + chunk] = getattr(posterior, kind).T.cpu().numpy()
    for values in found.values():
        sum_over_ranks(values, ranks, device)
    return found["mu"].T, found["std"].T if "std" in found else None


def _zeros(latents: int, faces: int) -> Float[np.ndarray, "latent faces"]:
    """Room for the latents of all faces; of very many in a file without a name, where the disk has room for it."""
    if latents * faces > MOST_IN_MEMORY and hasattr(os, "posix_fallocate"):
        with contextlib.suppress(OSError), tempfile.TemporaryFile() as file:  # the map keeps it; both go together
            os.posix_fallocate(file.fileno(), 0, 4 * latents * faces)
            return np.memmap(file, np.float32, "r+", shape=(latents, faces))
    return np.zeros((latents, faces), np.float32)


def resampling_metrics(drawn: Resampling, data: Collection, feed: Feed) -> dict[str, Any]:
    """Effective sample size, largest weight, the most and least drawn faces, and for each label the share of what is
    drawn beside that of the data.
    """
    num_faces = len(feed.face_rows)
    groups = {
        column: {
            group.name: {"data": round(group.count / num_faces, 6), "drawn": round(float(share), 6)}
            for group, share in zip(grouping.groups, grouping.mean(drawn.sample_probs) * grouping.counts, strict=True)
        }
        for column, grouping in feed.groups.items()
    }
    return {
        "effective_sample_size": drawn.effective_sample_size,
        "effective_share": drawn.effective_share,
        "num_active": drawn.num_active,
        "largest_prob_times_faces": float(drawn.sample_probs.max() * len(drawn.sample_probs)),
        **_extremes(drawn, data, feed),
        "groups": groups,
    }


def _extremes(drawn: Resampling, data: Collection, feed: Feed) -> dict[str, list[dict[str, Any]]]:
    """The most and the least drawn faces, with the probability of each draw; of equals the earlier in the data."""
    probs = drawn.sample_probs
    count = min(NUM_EXTREMES, len(probs))
    low, high = np.partition(probs, (count - 1, len(probs) - count))[[count - 1, -count]]
    least, most = np.flatnonzero(probs <= low), np.flatnonzero(probs >= high)  # quicker than to sort all
    found = {
        "most_drawn": most[np.argsort(-probs[most], kind="stable")[:count]],
        "least_drawn": least[np.argsort(probs[least], kind="stable")[:count]],
    }
    rows = np.unique(feed.face_rows[np.concatenate(list(found.values()))])
    names = data.table(rows, ["image_id"])["image_id"]
    return {
        name: [{"image_id": str(names[feed.face_rows[face]]), "prob": float(probs[face])} for face in faces]
        for name, faces in found.items()
    }
