"""What happened since the last report."""

import math
from collections import defaultdict
from typing import Any

import torch
from torch import Tensor

from vaelab.config import TrainConfig
from vaelab.errors import TrainingDiverged
from vaelab.losses import LossParts, mean_over_ranks
from vaelab.training import schedules


class Totals:
    """Sums of the loss parts since the last report, kept on the device so that steps do not wait for them."""

    def __init__(self) -> None:
        self.images, self.steps = 0, 0
        self.step_seconds, self.resample_seconds = 0.0, 0.0
        self._sums: dict[str, Tensor] = defaultdict(lambda: torch.zeros(()))

    def add(self, parts: LossParts) -> None:
        means: dict[str, Tensor | None] = {
            "loss": parts.loss,
            "recon_loss": parts.recon_loss,
            "kl": parts.kl,
            "neg_elbo": parts.neg_elbo,
            "classification_loss": parts.classification_loss,
            **parts.terms,
        }
        for name, value in means.items():
            if value is not None:
                self._sums[name] = self._sums[name].to(value.device) + value.detach().mean()
        self.steps += 1

    def report(self, config: TrainConfig, images_seen: int, beta: float) -> dict[str, Any]:
        """Means per image since the last report, with speed and settings of the moment.

        Raises:
            TrainingDiverged: the loss is not a finite number; the message gives its parts.
        """
        sums = mean_over_ranks(torch.stack(list(self._sums.values()))).tolist()
        means = {name: value / self.steps for name, value in zip(self._sums, sums, strict=True)}
        if not all(math.isfinite(value) for value in means.values()):
            shown = ", ".join(f"{name} {value:g}" for name, value in means.items())
            raise TrainingDiverged(
                f"the loss is no longer a finite number at {images_seen:,} images ({shown}); the last saved state is "
                "untouched: resume with a lower learning rate or a clip_norm"
            )
        seconds = self.step_seconds
        return {
            **means,
            "beta": beta,
            "learning_rate": schedules.learning_rate(config.optim, images_seen),
            "seconds": seconds,
            "images_per_second": self.steps * config.optim.batch_size / seconds,
            "resample_share": self.resample_seconds / seconds,
        }
