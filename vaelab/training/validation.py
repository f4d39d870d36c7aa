"""The loss of training on pictures held out from it."""

from typing import Any

import numpy as np
import torch

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.errors import TrainingDiverged
from vaelab.losses import LIKELIHOODS
from vaelab.rng import generator
from vaelab.training.feed import images_on
from vaelab.training.step import Objective, evaluating

MAX_PICTURES = 2048
"""Faces, and as many non-faces, that one validation looks at."""


def validate(objective: Objective, data: Collection, config: TrainConfig, device: torch.device) -> dict[str, Any]:
    """Means over held-out pictures: the parts of the training loss, PSNR from `mu`, accuracy at 0.5, KL per dimension.

    The noise is the same each time, so that two validations differ by the weights alone.

    Raises:
        TrainingDiverged: a mean is not finite.
    """
    faces = data.rows("val", is_face=True, limit=MAX_PICTURES)
    others = data.rows("val", is_face=False, limit=len(faces)) if config.needs_nonfaces else faces[:0]
    if not len(faces) or (config.needs_nonfaces and not len(others)):
        return {}
    sums: dict[str, np.ndarray | float] = {}
    noise = generator(config.run.seed, "validation")
    step = 256
    with evaluating(objective):
        for start in range(0, len(faces), step):
            mine, rest = faces[start : start + step], others[start : start + step]
            images = images_on(data.pixels(np.concatenate([mine, rest])), device)
            eps = None
            if config.has_decoder:
                eps = torch.randn(len(mine), config.model.latent, generator=noise).to(device)
            parts = objective(images, len(mine), eps, torch.tensor(config.loss.beta, device=device))
            values: dict[str, np.ndarray | float] = {"loss": float(parts.loss)}
            if parts.recon_loss is not None and parts.kl is not None and parts.kl_per_dim is not None:
                values |= {"recon_loss": float(parts.recon_loss.mean()), "kl": float(parts.kl.mean())}
                values |= {"kl_per_dim": parts.kl_per_dim.double().cpu().numpy()}
                decoded = objective.network.decode(parts.mu)
                recon = LIKELIHOODS[config.loss.likelihood].mean(decoded)
                error = (recon - images[: len(mine)]).square().flatten(1).mean(1).clamp(min=1e-10)
                values["psnr"] = float(-10 * error.log10().mean())
            if parts.classification_loss is not None:
                values["classification_loss"] = float(parts.classification_loss.mean())
                # a picture is on the right side of 0.5 when its cross-entropy is below log 2
                values["accuracy"] = float((parts.classification_loss < np.log(2.0)).float().mean())
            for name, value in values.items():
                sums[name] = sums.get(name, 0.0) + value * (len(mine) / len(faces))
    for name, value in sums.items():
        if not np.isfinite(value).all():
            raise TrainingDiverged(
                f"{name} is no finite number on held-out pictures; the last saved state is untouched: "
                "resume with a lower learning rate or a clip_norm"
            )
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in sums.items()}
