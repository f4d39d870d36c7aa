"""What several commands share: their first arguments, numbers within bounds, and opening what they name."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vaelab.runs.store import RUNS_DIR, Run, find_run

if TYPE_CHECKING:
    from vaelab.data.collection import Collection
    from vaelab.inference import FaceModel

Command = Callable[[argparse.Namespace], int]


def run_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: Command, text: str
) -> argparse.ArgumentParser:
    """A command on one run."""
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.add_argument("run_id", metavar="RUN", help="name of the run; `python -m vaelab runs` lists them")
    parser.add_argument("--root", type=Path, default=RUNS_DIR, help="folder of the runs (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)
    return parser


def add_data(parser: argparse.ArgumentParser) -> None:
    """Flags that choose prepared data sets."""
    parser.add_argument("--datasets", nargs="+", metavar="NAME", help="prepared data sets; default: those of training")
    parser.add_argument("--data-dir", type=Path, help="folder of the data sets; default: that of training")


def whole_number(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, met {text!r}")
    return int(text)


def non_negative(text: str) -> float:
    """A finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of at least 0, met {text!r}")
    return value


def number_from(low: float, high: float) -> Callable[[str], float]:
    """The type of an argument that is a number from `low` to `high`."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"expected a number from {low:g} to {high:,g}, met {text!r}")
        return value

    return number


def tell(text: str) -> None:
    """What a command is at, for whoever waits: beside its result, not in it."""
    print(f"{text} ...", file=sys.stderr)


def open_model(arguments: argparse.Namespace) -> tuple[Run, FaceModel]:
    """The run that is named, and its model."""
    from vaelab.inference import FaceModel

    run = find_run(arguments.run_id, arguments.root)
    return run, FaceModel.load(run, arguments.device)


def open_data(arguments: argparse.Namespace, run: Run) -> Collection:
    """The data sets that are named, or else those of the run's training."""
    from vaelab.data.collection import Collection

    config = run.config.data
    return Collection.open(
        arguments.datasets or config.datasets, arguments.data_dir or Path(config.data_dir), config.size
    )
