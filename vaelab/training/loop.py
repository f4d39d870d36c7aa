"""The training loop: the only one, read from top to bottom. The command line, jobs and torchrun all call `train`."""

import math
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vaelab.config import TrainConfig
from vaelab.data.collection import Collection
from vaelab.debiasing import Resampling, resampling
from vaelab.errors import Cancelled, CheckpointError, TrainingDiverged
from vaelab.losses import LossParts
from vaelab.models import build_model
from vaelab.models.residual import ResidualVAE
from vaelab.runs.checkpoints import load_weights, read_checkpoint, write_checkpoint
from vaelab.runs.store import Run, RunStatus
from vaelab.training import schedules
from vaelab.training.distributed import parallel, process_group
from vaelab.training.feed import Feed, images_on
from vaelab.training.start import set_principal_path
from vaelab.training.step import Objective, evaluating, pick_device, pick_precision
from vaelab.training.validation import validate

Progress = Callable[[dict[str, Any]], None]


def train(run: Run, on_report: Progress | None = None) -> None:
    """Train the run from where it is (its start, or its last state) to its end; everything it finds goes into its folder.

    Killed at any moment, a second call continues exactly where the last state was written: on the CPU the weights at the
    end are those of an uninterrupted training, bit for bit.

    Args:
        run: a queued run, or one that stopped.
        on_report: called with each line of metrics, for progress bars.

    Raises:
        ConfigError, DataError: the settings or the data do not fit this machine or each other.
        TrainingDiverged: the loss, a gradient or the resampling left the finite; the last state stays.
        Cancelled: somebody asked to stop; the state is saved.
    """
    config = run.config
    device = pick_device(config.run.device)
    with process_group(device) as ranks:
        # --- data
        data = Collection.open(config.data.datasets, Path(config.data.data_dir), config.data.size)
        feed = Feed(data, config, device, ranks)

        # --- network, averages, optimizer
        network = build_model(config)
        if isinstance(network, ResidualVAE) and network.principal is not None and not run.state_path.is_file():
            set_principal_path(network.principal, data, feed.face_rows, config)
        objective = Objective(network, config.loss).to(device, memory_format=torch.channels_last)
        averages = None
        if config.optim.ema_half_life:
            decay = schedules.ema_decay(config.optim.ema_half_life, config.optim.batch_size)
            averages = AveragedModel(objective, multi_avg_fn=get_ema_multi_avg_fn(decay))
        optimizer = torch.optim.AdamW(
            objective.parameters(), config.optim.learning_rate, weight_decay=config.optim.weight_decay, fused=True
        )
        precision = pick_precision(config.run, device)
        debiased = config.debias.aggregation != "none"
        refresh_every = config.debias.refresh_every or len(feed.face_rows) * config.optim.batch_size // feed.faces_per_batch

        # --- resume
        status = RunStatus(state="running")
        if run.state_path.is_file():
            status, sample_probs = _restore(run, objective, averages, optimizer)
            feed.faces.set_probs(sample_probs)
        if ranks.is_first:
            run.forget_metrics_after(status.images_seen)
            run.write_status(status)
            shown = f"{device.type}, {str(precision).removeprefix('torch.')}, {ranks.world} process(es)"
            run.log(f"training from {status.images_seen:,} of {config.optim.num_images:,} images on {shown}")
        step = parallel(objective, ranks, config.optim.batch_size)
        if config.run.compile:
            step = torch.compile(step)

        # --- steps
        seen, seconds = status.images_seen, status.train_seconds
        totals = _Totals()
        while seen < config.optim.num_images:
            started = time.perf_counter()
            if debiased and seen >= config.debias.resample_after and schedules.is_due(
                refresh_every, max(seen - config.optim.batch_size, 0), seen
            ):
                drawn = _resample(objective, data, feed, config, device)
                totals.resample_seconds += time.perf_counter() - started
                if ranks.is_first:
                    run.append_metrics("resampling", seen, **_resampling_metrics(drawn, data, feed))
            batch = feed.batch(seen)
            for group in optimizer.param_groups:
                group["lr"] = schedules.learning_rate(config.optim, seen)
            beta = torch.tensor(schedules.beta(config.loss, seen), device=device)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == torch.bfloat16):
                parts: LossParts = step(batch.images, batch.num_faces, batch.eps, beta)
            parts.loss.backward()  # type: ignore[no-untyped-call]
            if config.optim.clip_norm:
                torch.nn.utils.clip_grad_norm_(objective.parameters(), config.optim.clip_norm)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if averages is not None:
                averages.update_parameters(objective)
            before, seen = seen, seen + config.optim.batch_size
            totals.add(parts)
            totals.step_seconds += time.perf_counter() - started

            # --- report, validate, save
            is_over = seen >= config.optim.num_images
            is_cancelled = is_over or run.is_cancel_requested
            save = is_cancelled or schedules.is_due(config.run.checkpoint_every, before, seen)
            if not (save or schedules.is_due(config.run.report_every, before, seen)):
                continue
            report = totals.report(config, seen, float(beta))
            seconds += report["seconds"]
            totals = _Totals()
            status = RunStatus("running", seen, seconds)
            if not ranks.is_first:
                continue
            run.append_metrics("train", seen, **report)
            if is_over or schedules.is_due(config.run.validate_every, before, seen):
                shadow = objective if averages is None else averages.module
                run.append_metrics("validation", seen, **validate(shadow, data, config, device))
            if save:
                _save(run, objective, averages, optimizer, status, feed)
            run.write_status(status)
            if on_report is not None:
                on_report({"images_seen": seen, **report})
            if is_cancelled and not is_over:
                run.write_status(RunStatus("cancelled", seen, seconds, message="stopped on request; resume continues here"))
                run.clear_cancel()
                raise Cancelled(f"run {run.id} stopped on request after {seen:,} images; `resume {run.id}` continues")
        if ranks.is_first:
            run.write_status(RunStatus("done", seen, seconds))
            run.log(f"done after {seen:,} images and {seconds:.0f} s of training")


class _Totals:
    """Sums of the loss parts since the last report, kept on the device so that steps do not wait for them."""

    def __init__(self) -> None:
        self.images, self.steps = 0, 0
        self.step_seconds, self.resample_seconds = 0.0, 0.0
        self._sums: dict[str, Tensor] = defaultdict(lambda: torch.zeros(()))

    def add(self, parts: LossParts) -> None:
        means = {
            "loss": parts.loss,
            "recon_loss": parts.recon_loss,
            "kl": parts.kl,
            "neg_elbo": parts.neg_elbo,
            "classification_loss": parts.classification_loss,
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
        means = {name: float(value) / self.steps for name, value in self._sums.items()}
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


def _resample(
    objective: Objective, data: Collection, feed: Feed, config: TrainConfig, device: torch.device
) -> Resampling:
    """Encode all training faces, set how often each is drawn from now on, and return it."""
    means, deviations = [], []
    with evaluating(objective):
        for start in range(0, len(feed.face_rows), 512):
            images = images_on(data.pixels(feed.face_rows[start : start + 512]), device)
            posterior = objective.network.encode(images).posterior
            assert posterior is not None
            means.append(posterior.mu.cpu())
            deviations.append(posterior.std.cpu())
    drawn = resampling(torch.cat(means).numpy(), config.debias, torch.cat(deviations).numpy())
    feed.faces.set_probs(drawn.sample_probs)
    return drawn


def _resampling_metrics(drawn: Resampling, data: Collection, feed: Feed) -> dict[str, Any]:
    """Effective sample size, largest weight, and for each label the share of what is drawn beside that of the data."""
    labels = data.labels.iloc[feed.face_rows]
    groups = {}
    for column in labels.columns.difference(["image_id", "is_face", "split", "dataset"]):
        values = labels[column]
        if values.nunique() <= 20 and (values.dtype == "object" or values.dtype == "string" or values.dtype == "category"):
            in_data = values.value_counts(normalize=True)
            in_draws = np.bincount(values.astype("category").cat.codes, weights=drawn.sample_probs)
            names = values.astype("category").cat.categories
            groups[column] = {
                str(name): {"data": round(float(in_data[name]), 6), "drawn": round(float(share), 6)}
                for name, share in zip(names, in_draws, strict=True)
            }
    return {
        "effective_sample_size": drawn.effective_sample_size,
        "effective_share": drawn.effective_share,
        "num_active": drawn.num_active,
        "largest_prob_times_faces": float(drawn.sample_probs.max() * len(drawn.sample_probs)),
        "groups": groups,
    }


def _save(
    run: Run,
    objective: Objective,
    averages: AveragedModel | None,
    optimizer: torch.optim.Optimizer,
    status: RunStatus,
    feed: Feed,
) -> None:
    """Write what the pages load (averaged weights) and what resuming needs (everything)."""
    shadow = objective if averages is None else averages.module
    write_checkpoint(run, run.weights_path, shadow.network.state_dict(), {"images_seen": status.images_seen})
    tensors = {f"objective.{name}": tensor for name, tensor in objective.state_dict().items()}
    if averages is not None:
        tensors |= {f"averages.{name}": tensor for name, tensor in averages.state_dict().items()}
    for index, slots in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{slot}": value for slot, value in slots.items()}
    if feed.faces.sample_probs is not None:
        tensors["sample_probs"] = torch.from_numpy(feed.faces.sample_probs)
    write_checkpoint(run, run.state_path, tensors, {"images_seen": status.images_seen, "seconds": status.train_seconds})


def _restore(
    run: Run, objective: Objective, averages: AveragedModel | None, optimizer: torch.optim.Optimizer
) -> tuple[RunStatus, np.ndarray | None]:
    """Put the saved state back; returns the status it was saved with and the draw probabilities, if there were any."""
    state = read_checkpoint(run.state_path)
    load_weights(objective, state.part("objective"), str(run.state_path))
    if averages is not None:
        load_weights(averages, state.part("averages"), str(run.state_path))
    slots: dict[int, dict[str, Tensor]] = defaultdict(dict)
    for name, tensor in state.part("optimizer").items():
        index, slot = name.split(".")
        slots[int(index)][slot] = tensor
    groups = optimizer.state_dict()["param_groups"]
    if sorted(slots) != groups[0]["params"]:
        raise CheckpointError(f"{run.state_path}: the optimizer state does not fit the network; start the run anew")
    optimizer.load_state_dict({"state": dict(slots), "param_groups": groups})
    probs = state.tensors.get("sample_probs")
    record = state.record
    status = RunStatus("running", record["images_seen"], record["seconds"])
    return status, None if probs is None else probs.numpy()
