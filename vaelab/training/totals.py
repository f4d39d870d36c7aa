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

ADDED_EVERY = 256
"""Steps after which their parts are added up, so that those of a long window take no room."""


class Totals:
    """The loss parts since the last report, kept on the device and as they are, so that steps do not wait for sums."""

    def __init__(self) -> None:
        self.steps = 0
        self.step_seconds, self.resample_seconds = 0.0, 0.0
        self._kept: dict[str, list[Tensor]] = defaultdict(list)
        self._sums: dict[str, Tensor] = {}

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
                self._kept[name].append(value.detach())
        self.steps += 1
        if self.steps % ADDED_EVERY == 0:
            self._add_up()

    def _add_up(self) -> None:
        """Put what is kept into the sums over steps of their means."""
        for name, values in self._kept.items():
            added = torch.stack(values).reshape(len(values), -1).mean(1).sum()
            self._sums[name] = added + self._sums[name] if name in self._sums else added
        self._kept.clear()

    def report(self, config: TrainConfig, images_seen: int, beta: float) -> dict[str, Any]:
        """Means per image since the last report, with speed and settings of the moment.

        Raises:
            TrainingDiverged: the loss is not a finite number; the message gives its parts.
        """
        self._add_up()
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
