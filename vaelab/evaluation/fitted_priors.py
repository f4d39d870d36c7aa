"""What is kept of the priors fitted to a model: the mixture, the second stage, and how well each describes new faces.

They are compared by E log p(z) in nats per face, z drawn from q(z given x) of faces that nothing was fitted to. Of the
evidence lower bound only this term depends on the prior, so a difference between two priors is exactly what the model
gains by the better one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vaelab.errors import CheckpointError
from vaelab.evaluation.intervals import MeanWithInterval
from vaelab.evaluation.priors import Mixture, SecondStage
from vaelab.runs.arrays import read_arrays, write_arrays
from vaelab.runs.store import Run


@dataclass(frozen=True)
class Likelihood:
    """How likely a prior holds the latents of held-out faces, nats per face; 95 % intervals over faces.

    Attributes:
        log_density: of the second stage, a lower bound.
        over_standard: what it adds to N(0, I), face by face.
        num_fitted: faces it was fitted to; 0 for N(0, I).
    """

    log_density: MeanWithInterval
    over_standard: MeanWithInterval
    num_fitted: int


@dataclass(frozen=True, eq=False)
class FittedPriors:
    """Priors fitted to the posteriors of training faces.

    Attributes:
        likelihoods: by the prior's name, of every prior the model has.
        split, held_out: where the faces were from that it was fitted to, and measured on.
        weights_fingerprint: of the weights that encoded them.
    """

    mixture: Mixture
    second_stage: SecondStage
    likelihoods: dict[str, Likelihood]
    split: str
    held_out: str
    weights_fingerprint: str

    @property
    def best(self) -> str:
        """The prior under which held-out faces are likeliest."""
        return max(self.likelihoods, key=lambda name: self.likelihoods[name].log_density.mean)

    def write(self, run: Run) -> None:
        """Keep in the run's folder; means, factors and layers as float16."""
        stage = self.second_stage
        arrays: dict[str, np.ndarray] = {
            "mixture.weights": self.mixture.weights,
            "mixture.means": half(self.mixture.means),
            "mixture.factors": half(self.mixture.factors),
            "second_stage.mean": half(stage.mean),
            "second_stage.factor": half(stage.factor),
        }
        for layer, (weight, bias) in enumerate(zip(stage.weights, stage.biases, strict=True)):
            arrays |= {f"second_stage.weight{layer}": half(weight), f"second_stage.bias{layer}": half(bias)}
        record = {
            "likelihoods": {name: asdict(found) for name, found in self.likelihoods.items()},
            "split": self.split,
            "held_out": self.held_out,
            "num_layers": len(stage.weights),
            "weights_fingerprint": self.weights_fingerprint,
        }
        write_arrays(run, run.priors_path, arrays, record)

    @classmethod
    def read(cls, run: Run) -> FittedPriors:
        """What `write` kept, for whatever weights.

        Raises:
            CheckpointError: the file is missing, damaged, or not about as many latents as the run has.
        """
        path, again = run.priors_path, f"`python -m vaelab priors {run.id}` makes it anew"
        stored = read_arrays(path)
        arrays = stored.arrays
        try:
            layers = range(stored.record["num_layers"])
            stage = SecondStage(
                mean=arrays["second_stage.mean"],
                factor=arrays["second_stage.factor"],
                weights=tuple(arrays[f"second_stage.weight{layer}"] for layer in layers),
                biases=tuple(arrays[f"second_stage.bias{layer}"] for layer in layers),
            )
            found = cls(
                Mixture(arrays["mixture.weights"], arrays["mixture.means"], arrays["mixture.factors"]),
                stage,
                {name: _likelihood(value) for name, value in stored.record["likelihoods"].items()},
                str(stored.record["split"]),
                str(stored.record["held_out"]),
                str(stored.record["weights_fingerprint"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path} is no file of priors ({type(error).__name__}: {error}); {again}") from error
        latent = run.config.model.latent
        if found.mixture.means.shape[1:] != (latent,) or stage.mean.shape != (latent,):
            raise CheckpointError(f"{path} is about {stage.mean.shape[0]} latents, {run.id} has {latent}; {again}")
        return found


def half(values: np.ndarray) -> np.ndarray:
    """`values` as they are kept, float16."""
    return values.astype(np.float16)


def _likelihood(value: dict[str, Any]) -> Likelihood:
    intervals = {name: MeanWithInterval(**value[name]) for name in ("log_density", "over_standard")}
    return Likelihood(num_fitted=int(value["num_fitted"]), **intervals)
