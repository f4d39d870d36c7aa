"""`train` and `resume`."""

import argparse
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vaelab import jobs
from vaelab.cli.settings import add_settings, given_settings
from vaelab.config import TrainConfig, differences, replace
from vaelab.errors import Cancelled, VaelabError
from vaelab.interrupts import interrupts_ask
from vaelab.recipes import RECIPES
from vaelab.runs.store import HEARTBEAT_TIMEOUT_SECONDS, RUNS_DIR, Run, RunStatus, find_run


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `train` and `resume`."""
    train = commands.add_parser(
        "train",
        help="train a model by a recipe",
        description="Train by a recipe; every flag below changes one setting of it. Ctrl-C saves and stops.",
        epilog="recipes: "
        + "; ".join(f"{n} ({c.loss.effective_beta})" if c.has_decoder else n for n, c in RECIPES.items()),
    )
    train.add_argument("--recipe", choices=sorted(RECIPES), default="first-minute", help="where the settings start")
    train.add_argument("--name", help="name of the run; default: date, recipe and four digits")
    train.add_argument(
        "--background", action="store_true", help="train in a process of its own, as soon as the device is free"
    )
    train.add_argument(
        "--resume",
        action="store_true",
        help="where a run of that --name and these settings is there, go on with it: for restarts by torchrun or SLURM",
    )
    train.add_argument("--show", action="store_true", help="print the settings as JSON and stop")
    _add_common(train)
    add_settings(train)
    train.set_defaults(run=_train)

    resume = commands.add_parser(
        "resume",
        help="go on with a run that stopped",
        description="Continue a stopped, failed or lost run exactly where its last state was saved.",
    )
    resume.add_argument("run_id", metavar="RUN", help="name of the run")
    resume.add_argument("--background", action="store_true", help="in a process of its own, once the device is free")
    _add_common(resume)
    resume.set_defaults(run=_resume)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", type=Path, default=RUNS_DIR, help="folder of the runs (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the last metrics as one JSON object")


def _train(arguments: argparse.Namespace) -> int:
    config = replace(RECIPES[arguments.recipe], **given_settings(arguments))
    if arguments.show:
        print(json.dumps(config.to_dict(), indent=1))
        return 0
    if arguments.background:
        return _tell_background(jobs.start(config, name=arguments.name, root=arguments.root), as_json=arguments.json)
    jobs.require_data(config)
    from vaelab.data.collection import Collection  # heavy imports only once there is work
    from vaelab.data.embedded import prepare_embedded

    prepare_embedded(config.data, progress_bar("drawing faces"))
    data = Collection.open(config.data.datasets, Path(config.data.data_dir), config.data.size)
    if int(os.environ.get("RANK", "0")):
        run = _wait_for(arguments)
    elif arguments.resume and (found := _begun(arguments, config)):
        run = found
    else:
        run = Run.create(config, arguments.root, arguments.name, data.fingerprints)
    if arguments.resume and run.status.state == "done":  # a job that was put back into its queue ends well
        print(f"run {run.id} is done after {run.status.images_seen:,} images", file=sys.stderr)
        return 0
    return _run(run, as_json=arguments.json)


def _begun(arguments: argparse.Namespace, config: TrainConfig) -> Run | None:
    """The run to go on with; None if there is none of that name."""
    if not arguments.name:
        raise VaelabError("--resume needs the --name of the run to go on with")
    if not (arguments.root / arguments.name).is_dir():
        return None
    run = find_run(arguments.name, arguments.root)
    if other := differences(run.config, config):
        raise VaelabError(
            f"run {run.id} has other settings ({', '.join(other)}); give the same ones, or another --name"
        )
    if run.status.state != "done":
        _wait_until_lost(run)
        jobs.check_resumable(run)
        run.clear_cancel()
    return run


def _wait_until_lost(run: Run) -> None:
    """A machine that died left its run `running`: on another one it counts as lost when it has been silent for long."""
    deadline = time.monotonic() + HEARTBEAT_TIMEOUT_SECONDS + 10
    while run.status.is_alive and run.status.host != socket.gethostname() and time.monotonic() < deadline:
        time.sleep(1.0)


def _wait_for(arguments: argparse.Namespace) -> Run:
    """Under torchrun only the first process makes the folder; the others find it by name."""
    if not arguments.name:
        raise VaelabError("under torchrun give the run a --name, so that all processes find the same folder")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (arguments.root / arguments.name / "config.json").is_file():
            return find_run(arguments.name, arguments.root)
        time.sleep(0.1)
    raise VaelabError(f"the first process made no run {arguments.name!r} within 60 s; see its output")


def _resume(arguments: argparse.Namespace) -> int:
    run = find_run(arguments.run_id, arguments.root)
    jobs.check_resumable(run)
    if not run.state_path.is_file():
        print(f"run {run.id} has no saved state: it starts from its beginning", file=sys.stderr)
    if arguments.background:
        return _tell_background(jobs.resume(run), as_json=arguments.json)
    run.clear_cancel()
    return _run(run, as_json=arguments.json)


def _tell_background(run: Run, *, as_json: bool) -> int:
    """Where a background training stands, and how to see it."""
    place = jobs.position(run)
    if as_json:
        print(json.dumps({"run": run.id, "state": run.status.state, "position": place}))
        return 0
    waits = f"waits at place {place}" if place else "has begun"
    print(f"run {run.id} {waits}; `python -m vaelab watch {run.id}` shows it", file=sys.stderr)
    print(run.id)
    return 0


def _run(run: Run, *, as_json: bool) -> int:
    """Train with a bar on standard error; failures are kept in the run's status and log before they are told."""
    from vaelab.training.job import run_training

    config = run.config
    first = int(os.environ.get("RANK", "0")) == 0
    under_torchrun = "TORCHELASTIC_RUN_ID" in os.environ
    is_interrupted = False
    if first:
        print(
            f"run {run.id}: {config.loss.effective_beta if config.has_decoder else 'no KL: a detector alone'}",
            file=sys.stderr,
        )
    with tqdm(
        total=config.optim.num_images,
        unit="img",
        unit_scale=True,
        disable=not first,
        file=sys.stderr,
        initial=0,
    ) as bar:

        def show(report: dict[str, Any]) -> None:
            bar.update(report["images_seen"] - bar.n)
            bar.set_postfix(loss=f"{report['loss']:.1f}", refresh=False)

        def stop() -> None:
            nonlocal is_interrupted
            is_interrupted = True
            run.request_cancel()

        try:
            with interrupts_ask(stop):
                status: RunStatus = run_training(run, show)
        except Cancelled:
            if not under_torchrun:
                raise
            return 0  # any other end would make torchrun start the processes anew
        finally:
            # torchrun starts anew what failed, and interrupts when its machine is wanted
            is_over = run.status.state in ("done", "stopped") and not is_interrupted
            if first and (is_over or not under_torchrun):  # others may have waited for this device
                jobs.advance(run.dir.parent)
    if as_json and first:
        last = {kind: rows[-1] for kind in ("train", "validation", "resampling") if (rows := run.metrics(kind))}
        print(json.dumps({"run": run.id, "state": status.state, "images_seen": status.images_seen, **last}))
    elif first:
        print(f"done: {run.dir}", file=sys.stderr)
    return 0


def progress_bar(text: str) -> Any:
    """A callback (done, total, ...) that shows a bar on standard error."""
    bar = tqdm(unit="pic", unit_scale=True, desc=text, file=sys.stderr, disable=None, leave=False)

    def show(done: int, total: int | None, *_: object) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if total is not None and done >= total:
            bar.close()

    return show
