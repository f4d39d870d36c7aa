"""The loss of training on pictures held out from it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vaelab.config import TrainConfig
from vaelab.data.groups import Grouping, group_columns
from vaelab.errors import TrainingDiverged
from vaelab.evaluation.groups import threshold_at_fpr
from vaelab.evaluation.regions import RegionErrors
from vaelab.losses import LIKELIHOODS, LossParts
from vaelab.rng import generator
from vaelab.training.held_out import HeldOut
from vaelab.training.pixels import images_on
from vaelab.training.step import Objective, evaluating

RECALL_FPR = 0.01
FIRST_CHOICE = ("race", "skin_tone", "skin", "gender")
"""The label column that recall is reported by while training; else the first there is."""


def validate(objective: Objective, held_out: HeldOut, config: TrainConfig, device: torch.device) -> dict[str, Any]:
    """Means over held-out pictures: the parts of the training loss, PSNR from `mu`, accuracy at 0.5, KL per dimension,
    and, of faces cut as FairFace's, how much of each region is drawn.

    The noise is the same each time, so that two validations differ by the weights alone.

    Raises:
        TrainingDiverged: a mean is not finite.
    """
    faces, others, features = held_out.faces, held_out.others, held_out.features
    if not len(faces) or (config.needs_nonfaces and not len(others)):
        return {}
    sums: dict[str, np.ndarray | float] = {}
    losses: list[float] = []  # no arrays: each would lie where the next batch wants to, and memory grew by every batch
    is_face: list[bool] = []
    noise = generator(config.run.seed, "validation")
    is_regional = config.has_decoder and held_out.is_cut_as_fairface
    regions = RegionErrors(held_out.mean_face, len(faces)) if is_regional else None
    batch = config.faces_per_batch  # what is estimated within a batch is then of as many as in training
    with evaluating(objective):
        for start in range(0, len(faces), batch):
            mine, rest = faces[start : start + batch], others[start : start + batch]
            images = images_on(held_out.data.pixels(np.concatenate([mine, rest])), device)
            eps = None
            if config.has_decoder:
                drawn = len(images) if config.loss.mask == "as-published" else len(mine)
                eps = torch.randn(drawn, config.model.latent, generator=noise).to(device)
            seen = None
            if features is not None:
                seen = torch.from_numpy(features[start : start + batch].astype(np.float32)).to(device)
            parts = objective(images, len(mine), eps, torch.tensor(config.loss.beta, device=device), seen)
            recon = None
            if config.has_decoder:
                recon = LIKELIHOODS[config.loss.likelihood].mean(objective.network.decode(parts.mu))
            if regions is not None and recon is not None:
                regions.add(*(part.float().cpu().numpy() for part in (images[: len(mine)], recon)))
            if parts.classification_loss is not None:
                new = min(len(rest), max(0, held_out.num_others - start))
                losses += parts.classification_loss[: len(mine) + new].tolist()
                is_face += [True] * len(mine) + [False] * new
            values = _batch_means(parts, images[: len(mine)], recon)
            for name, value in values.items():
                sums[name] = sums.get(name, 0.0) + value * (len(mine) / len(faces))
    _check_finite(sums)
    result = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in sums.items()}
    if regions is not None and (found := regions.result()):
        result["regions"] = found
    if losses:
        result |= recall_by_group(np.array(losses), np.array(is_face), held_out.labels)
    return result


def _check_finite(means: Mapping[str, np.ndarray | float]) -> None:
    for name, value in means.items():
        if not np.isfinite(value).all():
            raise TrainingDiverged(
                f"{name} is no finite number on held-out pictures; the last saved state is untouched: "
                "resume with a lower learning rate or a clip_norm"
            )


def _batch_means(
    parts: LossParts, images: Float[Tensor, "faces 3 size size"], recon: Float[Tensor, "faces 3 size size"] | None
) -> dict[str, np.ndarray | float]:
    """Means over one batch: the parts of the loss it has, and the PSNR of `recon` where faces are drawn."""
    values: dict[str, np.ndarray | float] = {"loss": float(parts.loss)}
    values |= {name: float(term.mean()) for name, term in parts.terms.items()}
    if parts.kl is not None and parts.kl_per_dim is not None:
        values |= {"kl": float(parts.kl.mean()), "kl_per_dim": parts.kl_per_dim.cpu().double().numpy()}
    if parts.recon_loss is not None:
        values["recon_loss"] = float(parts.recon_loss.mean())
    if recon is not None:
        error = (recon - images).square().flatten(1).mean(1).clamp(min=1e-10)
        values["psnr"] = float(-10 * error.log10().mean())
    if parts.classification_loss is not None:
        values["classification_loss"] = float(parts.classification_loss.mean())
        # a picture is on the right side of 0.5 when its cross-entropy is below log 2
        values["accuracy"] = float((parts.classification_loss < np.log(2.0)).float().mean())
    return values


def recall_by_group(
    losses: Float[np.ndarray, " pictures"], is_face: Bool[np.ndarray, " pictures"], labels: pd.DataFrame
) -> dict[str, Any]:
    """Recall of each group of one label column at 1 % false positives on the held-out negatives; {} if they are few.

    A quick look on the way, not an evaluation: threshold and rate come from the same negatives. It costs no pass:
    the loss of a picture is softplus(-logit) for a face and softplus(logit) for another, so it gives the logit back.
    """
    columns = group_columns(labels)
    if (~is_face).sum() < 10 / RECALL_FPR or not columns:
        return {}
    with np.errstate(divide="ignore", over="ignore"):
        log_odds = np.where(losses > 30, losses, np.log(np.expm1(losses)))  # expm1 would overflow, and changes nothing
    scores = np.where(is_face, -log_odds, log_odds)
    threshold = threshold_at_fpr(scores[~is_face], RECALL_FPR)
    column = next((name for name in FIRST_CHOICE if name in columns), columns[0])
    hit = scores[is_face] > threshold
    grouping = Grouping.of(labels, [column])
    groups = {
        group.name: {"recall": float(recall), "count": group.count}
        for group, recall in zip(grouping.groups, grouping.mean(hit), strict=True)
        if group.count
    }
    return {"recall": float(hit.mean()), "recall_by_group": {"column": column, "fpr": RECALL_FPR, "groups": groups}}
