"""Latents of the training on its way: the same held-out faces at each validation, from which a film is made."""

import numpy as np
import torch

from vaelab.config import TrainConfig
from vaelab.evaluation.frames import write_faces, write_frame
from vaelab.models.vgg import VGG19VAE
from vaelab.rng import numpy_generator
from vaelab.runs.frames import MOST_FACES
from vaelab.runs.store import Run
from vaelab.training.held_out import HeldOut
from vaelab.training.pixels import images_on
from vaelab.training.step import Objective, evaluating


def keep_frame(
    run: Run,
    objective: Objective,
    held_out: HeldOut,
    config: TrainConfig,
    device: torch.device,
    images_seen: int,
) -> None:
    """Write what the encoder makes of up to MOST_FACES held-out faces now; a detector alone leaves nothing.

    Nothing is drawn at random and no weight is touched, so a training goes on as if nobody had looked. Encoding costs
    about a third of a validation of as many faces; a validation looks at up to twice as many.
    """
    faces, features = held_out.faces, held_out.features
    if not config.has_decoder or not len(faces):
        return
    some = np.sort(numpy_generator(0, "frames").permutation(len(faces))[:MOST_FACES])
    labels = held_out.labels.iloc[some].drop(columns=["is_face", "dataset"]).dropna(axis=1, how="all")
    write_faces(run, labels.reset_index(drop=True))
    mu, std = np.empty((2, len(some), config.model.latent), np.float32)
    batch = config.faces_per_batch
    with evaluating(objective):
        for start in range(0, len(some), batch):
            part = some[start : start + batch]
            if features is None:
                encoding = objective.network.encode(images_on(held_out.data.pixels(faces[part]), device))
            else:
                assert isinstance(objective.network, VGG19VAE)
                seen = torch.from_numpy(features[part].astype(np.float32)).to(device)
                encoding = objective.network.encode_features(seen)
            assert encoding.posterior is not None
            mu[start : start + batch] = encoding.posterior.mu.cpu().numpy()
            std[start : start + batch] = encoding.posterior.std.cpu().numpy()
    typical = np.sqrt(np.square(std, dtype=np.float64).mean(axis=0)).astype(np.float32)
    write_frame(run, images_seen, mu, typical, labels["image_id"].tolist())
