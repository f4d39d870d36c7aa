"""Directions in latent space that mean something: attributes learned from labels, and principal components.

A step along a principal component is one standard deviation of the encoded faces. A step along an attribute changes
its log-odds by one standard deviation of theirs, by either method, so that what else moves can be compared. Log-odds
are read off the drawn picture: what the encoder writes into a latent that the decoder ignores tells an attribute, but
moving it draws nothing.

Source: mean differences, Larsen et al., Autoencoding beyond Pixels (ICML 2016); linear boundaries of what is seen in
drawn faces and their conditional projection, Shen et al., InterFaceGAN (CVPR 2020), equation 5.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from vaelab.errors import CheckpointError, DataError
from vaelab.evaluation.attributes import METHODS, MIN_FACES, Attribute, attributes_of, held_out_by_id
from vaelab.evaluation.response import Response
from vaelab.runs.arrays import read_arrays, write_arrays
from vaelab.runs.files import locked, telling
from vaelab.runs.store import Run

if TYPE_CHECKING:
    import pandas as pd

Latents = Float[np.ndarray, "faces latent"]
MAX_PRINCIPAL = 24
HELD_OUT_SHARE = 0.3
REGULARISATION = 0.02
"""Inverse strength of the L2 penalty on standardised latents: without one, directions of few faces fit noise."""
MAX_FITTED = 20_000
"""More faces move a direction by less than anyone can see, and cost minutes."""
FURTHEST = 3.0
"""No step goes further than so many standard deviations of the faces along it: some attributes are hardly drawn."""


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve on held-out faces, with a 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Learned:
    """What is known about one attribute's directions.

    Attributes:
        key, name, positive, negative: as in `Attribute`.
        num_positive, num_negative: faces it was learned from.
        num_held_out: faces, of both kinds, that the areas were measured on.
        auc: on held-out faces, by method: of the probe's log-odds, and of projecting on the difference of means.
    """

    key: str
    name: str
    positive: str
    negative: str
    num_positive: int
    num_negative: int
    num_held_out: int
    auc: dict[str, Auc]


@dataclass(frozen=True, eq=False)
class Directions:
    """All directions of one set of weights.

    Attributes:
        learned: one record per attribute, best told apart first.
        attributes: by method, (attributes, latent): a step towards yes.
        probe_weight, probe_bias: log-odds of an attribute are `mu @ weight + bias`.
        drawn_weight: (attributes, latent) what one unit of z adds to the log-odds that are read off the drawn picture;
            `probe_weight` where no response was measured.
        probe_spread: (attributes,) standard deviation of those log-odds over faces.
        principal: (components, latent): steps along the principal components of the posterior means.
        principal_share: (components,) share of the means' variance along each.
        weights_fingerprint: of the weights they belong to.
    """

    learned: tuple[Learned, ...]
    attributes: dict[str, Float[np.ndarray, "attributes latent"]]
    probe_weight: Float[np.ndarray, "attributes latent"]
    probe_bias: Float[np.ndarray, " attributes"]
    probe_spread: Float[np.ndarray, " attributes"]
    drawn_weight: Float[np.ndarray, "attributes latent"]
    principal: Float[np.ndarray, "components latent"]
    principal_share: Float[np.ndarray, " components"]
    weights_fingerprint: str

    @classmethod
    def fit(
        cls,
        mu: Latents,
        labels: pd.DataFrame,
        weights_fingerprint: str,
        held_out_split: str | None = None,
        response: Response | None = None,
    ) -> Directions:
        """Learn the directions of all attributes in `labels`.

        Args:
            mu: posterior means of faces.
            labels: their rows, with `image_id` and `split`.
            held_out_split: rows of this split are learned from by nothing. Attributes with too few known faces inside
                it or outside it, and all of them without it, hold out 30 % of their faces by a hash of the id.
            response: from `measured_response`; without it every latent counts as wholly drawn.
        """
        by_id = held_out_by_id(labels["image_id"], HELD_OUT_SHARE)
        by_split = np.asarray(labels["split"] == held_out_split) if held_out_split else by_id
        found = [
            _fit(attribute, mu, by_split, by_id, response)
            for attribute in attributes_of(labels)
            if _can_be_learned(attribute, by_split, by_id)
        ]
        found.sort(key=lambda one: -one.about.auc["logistic"].value)
        empty = np.empty((0, mu.shape[1]), np.float32)
        principal, share = principal_components(mu)
        return cls(
            learned=tuple(one.about for one in found),
            attributes={
                method: np.stack([one.steps[method] for one in found]) if found else empty for method in METHODS
            },
            probe_weight=np.stack([one.weight for one in found]) if found else empty,
            probe_bias=np.array([one.bias for one in found], np.float32),
            probe_spread=np.array([one.spread for one in found], np.float32),
            drawn_weight=np.stack([one.drawn_weight for one in found]) if found else empty,
            principal=principal,
            principal_share=share,
            weights_fingerprint=weights_fingerprint,
        )

    def with_attribute(
        self, attribute: Attribute, mu: Latents, image_ids: pd.Series, response_of: Callable[[], Response] | None = None
    ) -> Directions:
        """These directions and one more, learned from posterior means and the attribute's answer for each of them.

        Args:
            response_of: gives the response of `fit`; asked once it is known that there is something to learn.

        Raises:
            DataError: too few faces on either side to learn from and to measure on, or a key that is taken.
        """
        held_out = held_out_by_id(image_ids, HELD_OUT_SHARE)
        if attribute.key in self.keys:
            raise DataError(f"there is already a slider {attribute.name!r}; choose another name")
        if min(attribute.counts) < MIN_FACES or not _can_be_learned(attribute, held_out, held_out):
            yes, no = attribute.counts
            raise DataError(
                f"{yes} faces against {no} are too few to learn a direction from and to measure it on; take about "
                f"{2 * MIN_FACES} or more on either side"
            )
        new = _fit(attribute, mu, held_out, held_out, None if response_of is None else response_of())
        return replace(
            self,
            learned=(*self.learned, new.about),
            attributes={name: np.vstack([known, new.steps[name]]) for name, known in self.attributes.items()},
            probe_weight=np.vstack([self.probe_weight, new.weight]),
            probe_bias=np.append(self.probe_bias, np.float32(new.bias)),
            probe_spread=np.append(self.probe_spread, np.float32(new.spread)),
            drawn_weight=np.vstack([self.drawn_weight, new.drawn_weight]),
        )

    def without_attribute(self, key: str) -> Directions:
        """These directions without the attribute of this key; themselves where they have none."""
        rows = [row for row, known in enumerate(self.keys) if known != key]
        return replace(
            self,
            learned=tuple(self.learned[row] for row in rows),
            attributes={name: steps[rows] for name, steps in self.attributes.items()},
            probe_weight=self.probe_weight[rows],
            probe_bias=self.probe_bias[rows],
            probe_spread=self.probe_spread[rows],
            drawn_weight=self.drawn_weight[rows],
        )

    @property
    def keys(self) -> list[str]:
        """Keys of the attributes, in their order."""
        return [attribute.key for attribute in self.learned]

    def log_odds(self, mu: Latents) -> Float[np.ndarray, "faces attributes"]:
        """Log-odds of each attribute for posterior means."""
        return np.asarray(mu @ self.probe_weight.T + self.probe_bias, np.float32)

    def held_space(self, held: Sequence[str]) -> Float[np.ndarray, "latent rank"]:
        """An orthonormal basis, float64, of the space in which the held attributes' log-odds change, for `outside`.

        Log-odds as they are read off the drawn picture.
        """
        from scipy.linalg import orth  # a second of importing, which loading a model need not wait for

        keys = self.keys
        normals = self.drawn_weight[[keys.index(key) for key in held if key in keys]].astype(np.float64)
        return np.asarray(orth(normals.T))

    def write(self, run: Run) -> None:
        """Keep in the run's folder."""
        arrays = {f"attributes.{method}": steps for method, steps in self.attributes.items()}
        arrays |= {
            name: getattr(self, name)
            for name in ("probe_weight", "probe_bias", "probe_spread", "drawn_weight", "principal", "principal_share")
        }
        record = {
            "weights_fingerprint": self.weights_fingerprint,
            "learned": [asdict(attribute) for attribute in self.learned],
        }
        write_arrays(run, run.directions_path, arrays, record)

    @classmethod
    def read(cls, run: Run) -> Directions:
        """What `write` kept.

        Raises:
            CheckpointError: the file is missing or damaged.
        """
        stored = read_arrays(run.directions_path)
        try:
            learned = tuple(_learned(entry) for entry in stored.record["learned"])
            arrays: dict[str, Any] = {"drawn_weight": stored.arrays["probe_weight"], **stored.arrays}
            steps = {method: arrays.pop(f"attributes.{method}") for method in METHODS}
            return cls(learned, steps, **arrays, weights_fingerprint=stored.record["weights_fingerprint"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{run.directions_path} is no file of directions ({error}); `python -m vaelab directions {run.id}` "
                "makes it anew"
            ) from error


@contextlib.contextmanager
def rewriting(run: Run) -> Iterator[None]:
    """Whoever else rewrites the run's directions waits until the block ends: what is read in it is what is replaced.

    Raises:
        RunError: the run's folder cannot be written to.
    """
    with telling(f"cannot lock the directions of {run.id}", run.dir), locked(run.directions_path.with_suffix(".lock")):
        yield


def outside(
    space: Float[np.ndarray, "latent rank"], vector: Float[np.ndarray, " latent"]
) -> Float[np.ndarray, " latent"]:
    """`vector` without its part in the space that the orthonormal columns of `space` span.

    Source: Shen et al. (CVPR 2020), equation 5, for any number of conditions.
    """
    return np.asarray(vector - space @ (space.T @ vector), np.float32) if space.shape[1] else vector


def principal_components(
    mu: Latents,
) -> tuple[Float[np.ndarray, "components latent"], Float[np.ndarray, " components"]]:
    """Steps of one standard deviation along the first principal components of the means, and shares of variance."""
    covariance = np.cov(mu.astype(np.float64), rowvar=False).reshape(mu.shape[1], mu.shape[1])
    variances, vectors = np.linalg.eigh(covariance)
    order = np.argsort(-variances)[:MAX_PRINCIPAL]
    steps = vectors[:, order].T * np.sqrt(np.maximum(variances[order], 0.0))[:, None]
    largest = np.abs(steps).argmax(axis=1)
    steps *= np.sign(steps[np.arange(len(steps)), largest])[:, None]  # an eigenvector's sign is chance: fix it
    return steps.astype(np.float32), (variances[order] / variances.sum()).astype(np.float32)


def area_under_curve(scores: np.ndarray, answers: np.ndarray) -> Auc:
    """How well `scores` (n,) tell yes from no (n,), with DeLong's 95 % interval on the logit scale.

    Source: DeLong et al. (Biometrics 1988); Sun and Xu, Fast Implementation (IEEE SPL 2014).
    """
    from scipy.special import expit, logit
    from scipy.stats import norm, rankdata  # seconds of importing, which loading a model need not wait for

    yes, no = scores[answers == 1], scores[answers == 0]
    both = rankdata(np.concatenate([yes, no]))
    above = (both[: len(yes)] - rankdata(yes)) / len(no)
    below = 1.0 - (both[len(yes) :] - rankdata(no)) / len(yes)
    value = float(above.mean())
    error = float(np.sqrt(above.var(ddof=1) / len(yes) + below.var(ddof=1) / len(no)))
    inside = min(max(value, 1e-6), 1 - 1e-6)
    reach = float(norm.ppf(0.975)) * error / (inside * (1 - inside))
    low, high = float(expit(logit(inside) - reach)), float(expit(logit(inside) + reach))
    return Auc(value, min(low, value), max(high, value))  # at 0 and 1, where there is no logit


def _learned(entry: dict[str, Any]) -> Learned:
    return Learned(**{**entry, "auc": {method: Auc(**area) for method, area in entry["auc"].items()}})


def _rows(attribute: Attribute, by_split: np.ndarray, by_id: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from and rows held out: by split where that leaves enough of either."""
    answers, known = attribute.answers, np.isfinite(attribute.answers)
    is_enough = _has_both(answers[~by_split]) and _has_both(answers[by_split], MIN_FACES // 3)
    held = by_split if is_enough else by_id
    fitted = np.flatnonzero(known & ~held)
    return fitted[:: max(1, len(fitted) // MAX_FITTED)], np.flatnonzero(known & held)


def _can_be_learned(attribute: Attribute, by_split: np.ndarray, by_id: np.ndarray) -> bool:
    return all(_has_both(attribute.answers[rows], MIN_FACES // 3) for rows in _rows(attribute, by_split, by_id))


def _has_both(answers: np.ndarray, least: int = MIN_FACES) -> bool:
    return bool(min((answers == 1).sum(), (answers == 0).sum()) >= least)


@dataclass(frozen=True, eq=False)
class _Fitted:
    """One attribute's record, steps by method, and rows of the arrays in `Directions`."""

    about: Learned
    steps: dict[str, np.ndarray]
    weight: np.ndarray
    bias: float
    spread: float
    drawn_weight: np.ndarray


def _fit(
    attribute: Attribute, mu: Latents, by_split: np.ndarray, by_id: np.ndarray, response: Response | None
) -> _Fitted:
    from sklearn.linear_model import LogisticRegression  # seconds of importing, which loading a model need not wait for

    fitted, held = _rows(attribute, by_split, by_id)
    answers, latents = attribute.answers[fitted], mu[fitted].astype(np.float64)
    centre, deviation = latents.mean(axis=0), np.maximum(latents.std(axis=0), 1e-6)
    regression = LogisticRegression(C=REGULARISATION, max_iter=500)
    regression.fit((latents - centre) / deviation, answers)
    weight = regression.coef_[0] / deviation
    bias = float(regression.intercept_[0] - weight @ centre)
    difference = latents[answers == 1].mean(axis=0) - latents[answers == 0].mean(axis=0)
    spread = float((mu.astype(np.float64) @ weight).std())
    drawn_weight = weight if response is None else weight @ response
    about = Learned(
        attribute.key, attribute.name, attribute.positive, attribute.negative,
        int((answers == 1).sum()), int((answers == 0).sum()), len(held),
        {
            method: area_under_curve(mu[held] @ vector, attribute.answers[held])
            for method, vector in (("logistic", weight), ("mean", difference))
        },
    )  # fmt: skip
    steps = {
        method: _step(vector, drawn_weight, spread, latents)
        for method, vector in (("logistic", drawn_weight), ("mean", difference))
    }
    return _Fitted(about, steps, weight.astype(np.float32), bias, spread, drawn_weight.astype(np.float32))


def _step(vector: np.ndarray, drawn_weight: np.ndarray, spread: float, latents: np.ndarray) -> np.ndarray:
    """Along `vector`, as far as adds `spread` to the log-odds, but no further than FURTHEST; 0 along a vector of 0."""
    unit = vector / max(float(np.linalg.norm(vector)), 1e-12)
    furthest = FURTHEST * float((latents @ unit).std())
    gain = float(unit @ drawn_weight)
    return (unit * (spread / gain if gain * furthest > spread else furthest)).astype(np.float32)
