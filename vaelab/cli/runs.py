"""`runs`: what has been trained, and all that can be done with it."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vaelab import jobs
from vaelab.cli.runs_actions import add_actions
from vaelab.errors import VaelabError
from vaelab.runs.store import RUNS_DIR, Run, list_runs

DAMAGED = "damaged"
SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "name": lambda row: row["run"],
    "state": lambda row: row["state"],
    "images": lambda row: -row["images_seen"],
    "psnr": lambda row: -row.get("psnr", float("-inf")),
    "loss": lambda row: row.get("loss", float("inf")),
}


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `runs`."""
    parser = commands.add_parser(
        "runs",
        help="list the runs; tag, compare, delete, export and import them",
        description="Those that ship, then the newest. A run marked lost says running, but its process is gone.",
    )
    parser.add_argument("--root", type=Path, default=RUNS_DIR, help="folder of the runs (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--search", default="", metavar="TEXT", help="those whose name, recipe, tags or notes hold it")
    parser.add_argument("--sort", choices=sorted(SORTS), help="order of the list; default: shipped, then newest")
    parser.set_defaults(run=_runs)
    add_actions(parser)


def _runs(arguments: argparse.Namespace) -> int:
    jobs.advance(arguments.root)
    rows = [_row(run) for run in list_runs(arguments.root)]
    words = arguments.search.lower().split()
    rows = [row for row in rows if all(word in _searched(row) for word in words)]
    if arguments.sort:
        rows.sort(key=SORTS[arguments.sort])
    if arguments.json:
        print(json.dumps(rows))
        return 0
    if not rows:
        which = f"match {arguments.search!r}" if words else "yet; `python -m vaelab train` makes the first"
        print(f"no runs in {arguments.root} {which}", file=sys.stderr)
        return 0
    print(f"{'run':40}  {'recipe':14}  {'state':9}  {'images':>21}  validation")
    for row in rows:
        if row["state"] == DAMAGED:
            print(f"{row['run']:40}  {'':14}  {DAMAGED:9}  {row['message']}")
            continue
        seen = f"{row['images_seen']:,} of {row['num_images']:,}"
        shown = ", ".join(f"{name} {row[name]:.4g}" for name in ("psnr", "accuracy", "loss") if name in row)
        tags = f"  [{', '.join(row['tags'])}]" if row["tags"] else ""
        print(f"{row['run']:40}  {row['recipe']:14}  {row['state']:9}  {seen:>21}  {shown}{tags}")
    return 0


def _searched(row: dict[str, Any]) -> str:
    return " ".join([row["run"], row["recipe"], row["model"], row["state"], *row["tags"], row["notes"]]).lower()


def _row(run: Run) -> dict[str, Any]:
    """What is told of a run; of a damaged one its name and what is wrong with it, under message."""
    try:
        return _sound_row(run)
    except VaelabError as error:
        nothing = {"recipe": "", "model": "", "ships": run.is_shipped, "images_seen": 0, "num_images": 0}
        return {"run": run.id, "state": DAMAGED, "message": str(error), **nothing, "tags": [], "notes": ""}


def _sound_row(run: Run) -> dict[str, Any]:
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
        "tags": list(run.tags),
        "notes": run.notes,
        **{name: last[name] for name in ("psnr", "accuracy", "loss") if name in last},
    }
