"""`runs`: what has been trained."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from vaelab.runs.store import RUNS_DIR, Run, list_runs


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `runs`."""
    parser = commands.add_parser(
        "runs",
        help="list the runs",
        description="Those that ship, then the newest. A run marked lost says running, but its process is gone.",
    )
    parser.add_argument("--root", type=Path, default=RUNS_DIR, help="folder of the runs (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    parser.set_defaults(run=_runs)


def _runs(arguments: argparse.Namespace) -> int:
    rows = [_row(run) for run in list_runs(arguments.root)]
    if arguments.json:
        print(json.dumps(rows))
        return 0
    if not rows:
        print(f"no runs in {arguments.root} yet; `python -m vaelab train` makes the first", file=sys.stderr)
        return 0
    print(f"{'run':40}  {'recipe':14}  {'state':9}  {'images':>21}  validation")
    for row in rows:
        seen = f"{row['images_seen']:,} of {row['num_images']:,}"
        shown = ", ".join(f"{name} {row[name]:.4g}" for name in ("psnr", "accuracy", "loss") if name in row)
        print(f"{row['run']:40}  {row['recipe']:14}  {row['state']:9}  {seen:>21}  {shown}")
    return 0


def _row(run: Run) -> dict[str, Any]:
    config, status, validations = run.config, run.status, run.metrics("validation")
    last = validations[-1] if validations else {}
    return {
        "run": run.id,
        "recipe": config.recipe,
        "model": config.model.model,
        "ships": run.is_shipped,
        "state": status.state,
        "images_seen": status.images_seen,
        "num_images": config.optim.num_images,
        "message": status.message,
        **{name: last[name] for name in ("psnr", "accuracy", "loss") if name in last},
    }
