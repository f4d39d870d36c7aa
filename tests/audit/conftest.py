"""Small real audits: three arms of tiny detectors on drawn faces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vaelab.audit.experiment import Experiment
from vaelab.config import TrainConfig

ARMS = {"A": {"model": "cnn"}, "B": {"aggregation": "none"}, "C": {"aggregation": "max"}}


@pytest.fixture(scope="session")
def tiny_experiment(tiny_config: Callable[..., TrainConfig]) -> Callable[..., Experiment]:
    """Makes an experiment whose members take a fraction of a second each; any entry can be given by name."""

    def experiment(**entries: Any) -> Experiment:
        settings = entries.pop("settings", {})
        base = tiny_config(
            model="dbvae", **{"refresh_every": 64, "num_images": 160, "inactive_variance": 0.0, **settings}
        )
        given: dict[str, Any] = {"name": "tiny", "arms": ARMS, "seeds": (0, 1), "columns": ("skin",)}
        given |= {"fpr": 0.1, **entries}
        return Experiment(base=base, **given)

    return experiment
