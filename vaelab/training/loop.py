"""The training loop: the only one, read from top to bottom. The command line, jobs and torchrun all call `train`."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from vaelab.data.collection import Collection
from vaelab.errors import Cancelled
from vaelab.losses import LossParts
from vaelab.models import build_model
from vaelab.runs.control import Intervention, forget_switches
from vaelab.runs.frames import forget_frames_after
from vaelab.runs.previews import forget_previews_after
from vaelab.runs.store import Run, RunStatus
from vaelab.training import schedules
from vaelab.training.distributed import check_same_start, parallel, process_group, wait_for_all
from vaelab.training.features import use_backbone
from vaelab.training.feed import Feed
from vaelab.training.frames import keep_frame
from vaelab.training.held_out import HeldOut
from vaelab.training.memory import keep_freed_memory
from vaelab.training.perceptual import perceptual_distance
from vaelab.training.previews import draw_previews
from vaelab.training.resample import resample, resampling_metrics
from vaelab.training.start import begin
from vaelab.training.state import averaged, check_finite, restore_state, save_state
from vaelab.training.steering import Asked, Steering
from vaelab.training.step import (
    Averages,
    Objective,
    compiled,
    descend,
    pick_device,
    pick_precision,
    wait_for_device,
)
from vaelab.training.totals import Totals
from vaelab.training.validation import validate
from vaelab.wording import counted

log = logging.getLogger("vaelab.training")
Progress = Callable[[dict[str, Any]], None]


def train(run: Run, on_report: Progress | None = None) -> None:
    """Train the run from where it is (its start, or its last state) to its end; all it finds goes into its folder.

    Killed at any moment, a second call continues exactly where the last state was written: on the CPU the weights at
    the end are those of an uninterrupted training, bit for bit.

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
        held_out = HeldOut.of(data, config)

        # --- network, averages, optimizer
        network = build_model(config)
        if not run.state_path.is_file():
            begin(network, data, feed.face_rows, config, run.dir.parent)
        perceptual = perceptual_distance(config, run.dir.parent, device)
        objective = Objective(network, config.loss, perceptual).to(device).to(memory_format=torch.channels_last)
        averages = None
        if config.optim.ema_half_life:
            decay = schedules.ema_decay(config.optim.ema_half_life, config.optim.batch_size)
            averages = Averages(objective, decay)
        optimizer = torch.optim.AdamW(
            objective.parameters(),
            config.optim.learning_rate,
            weight_decay=config.optim.weight_decay,
            fused=True,
        )
        precision = pick_precision(config.run, device)
        debiased = config.debias.aggregation != "none"
        refresh_every = config.images_between_resamplings(len(feed.face_rows))

        # --- resume
        status = RunStatus(state="running")
        changes: list[Intervention] = []
        if run.state_path.is_file():
            status, sample_probs, changes = restore_state(run, objective, averages, optimizer)
            status = replace(status)
            feed.faces.set_probs(sample_probs)
        check_same_start(status.images_seen, ranks, device)
        if ranks.is_first:
            run.clear_leftovers()
            run.forget_metrics_after(status.images_seen)
            forget_previews_after(run.previews_dir, status.images_seen)
            forget_frames_after(run, status.images_seen)
            if not run.status.is_alive:  # else the queue started it, and people may have asked for something since
                forget_switches(run.requests_dir)
            run.write_status(status)
            shown = (
                f"{device.type}, {str(precision).removeprefix('torch.')}, "
                f"{counted(ranks.world, 'process', 'processes')}, {counted(torch.get_num_threads(), 'thread')}"
            )
            run.log(f"training from {status.images_seen:,} of {config.optim.num_images:,} images on {shown}")
            for warning in config.warnings:
                log.warning(warning)
                run.log(f"warning: {warning}")

        # --- frozen backbone: its weights, and what it sees in each face, computed once
        held_out = use_backbone(run, network, held_out, feed, device, ranks, status)

        keep_freed_memory(device)  # only now: the start may have needed much more than a step does
        steering = Steering(run, changes, ranks, device)
        step: Callable[..., LossParts] = parallel(objective, ranks, config.optim.batch_size)
        if config.run.compile:
            step = compiled(step)

        # --- steps
        seen, seconds = status.images_seen, status.train_seconds
        totals, was_reported = Totals(), True
        while seen < config.optim.num_images:
            started = time.perf_counter()
            if (
                debiased
                and seen >= config.debias.resample_after
                and schedules.is_due(refresh_every, max(seen - config.optim.batch_size, 0), seen)
            ):
                drawn = resample(objective, data, feed, config, device, ranks)
                if ranks.is_first:
                    run.append_metrics("resampling", seen, **resampling_metrics(drawn, data, feed))
                totals.resample_seconds += time.perf_counter() - started
            batch = feed.batch(seen)
            settings = steering.settings(seen)
            for group in optimizer.param_groups:
                group["lr"] = schedules.learning_rate(settings.optim, seen)
            beta = torch.full((), schedules.beta(settings.loss, seen), device=device)  # made there, not copied
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == torch.bfloat16):
                parts = step(batch.images, batch.num_faces, batch.eps, beta, batch.features)
            descend(parts.loss, objective, optimizer, averages, config.optim.clip_norm)
            before, seen = seen, seen + config.optim.batch_size
            totals.add(parts)

            # --- report, validate, save, pause
            is_over = seen >= config.optim.num_images
            asked = Asked(save=True) if is_over else steering.look(seen, now=was_reported)
            was_reported = False
            save = asked != Asked() or schedules.is_due(config.run.checkpoint_every, before, seen)
            validates = is_over or schedules.is_due(config.run.validate_every, before, seen)
            reports = save or validates or schedules.is_due(config.run.report_every, before, seen)
            if reports:
                wait_for_device(device)  # what a GPU still has to do is part of these steps
            totals.step_seconds += time.perf_counter() - started
            if not reports:
                continue
            report = totals.report(settings, seen, float(beta))
            check_finite(objective, optimizer, seen)
            seconds += report["seconds"]
            totals = Totals()
            status = RunStatus("running", seen, seconds)
            if ranks.is_first:
                run.append_metrics("train", seen, **report)
                if validates:
                    shown_weights = averaged(objective, averages)
                    run.append_metrics("validation", seen, **validate(shown_weights, held_out, settings, device))
                    draw_previews(run, shown_weights, held_out, config, device, seen)
                    keep_frame(run, shown_weights, held_out, config, device, seen)
                if save:
                    save_state(run, objective, averages, optimizer, status, feed, steering.changes)
                run.write_status(status)
                if on_report is not None:
                    on_report({"images_seen": seen, **report})
                if asked.stop:
                    run.write_status(replace(status, state="stopped", message="stopped on request; resume goes on"))
                    run.clear_cancel()
            if save:
                wait_for_all(ranks)  # nobody may look for the state before it is written
            if asked.stop:
                raise Cancelled(f"run {run.id} stopped on request after {seen:,} images; `resume {run.id}` continues")
            if asked.pause:
                steering.wait(status)
            was_reported = True
        if ranks.is_first:
            run.write_status(RunStatus("done", seen, seconds))
            run.log(f"done after {seen:,} images and {seconds:.0f} s of training")
