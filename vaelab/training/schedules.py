"""What changes while training goes; every schedule is a function of images seen."""

import math

from vaelab.settings import LossConfig, OptimConfig


def learning_rate(config: OptimConfig, images_seen: int) -> float:
    """Adam's step size at this moment: a linear warm-up, then constant or a half cosine down to zero."""
    warmup = min(1.0, (images_seen + config.batch_size) / config.warmup) if config.warmup else 1.0
    if config.schedule == "constant":
        return config.learning_rate * warmup
    progress = min(1.0, images_seen / config.num_images)
    return config.learning_rate * warmup * 0.5 * (1.0 + math.cos(math.pi * progress))


def beta(config: LossConfig, images_seen: int) -> float:
    """Weight of the KL at this moment: rising linearly from 0 over the warm-up."""
    return config.beta * min(1.0, images_seen / config.beta_warmup) if config.beta_warmup else config.beta


def ema_decay(half_life: int, batch_size: int) -> float:
    """Share of the old average that stays after one batch, so that half is left after `half_life` images."""
    return float(0.5 ** (batch_size / half_life))


def is_due(every: int, before: int, after: int) -> bool:
    """Whether the clock passed a multiple of `every` between `before` and `after`."""
    return before // every != after // every
