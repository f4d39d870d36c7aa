"""`pause`, `unpause`, `stop`, `save`, `set`: what can be asked of a training while it runs."""

import argparse
from pathlib import Path

from vaelab import jobs
from vaelab.errors import ConfigError
from vaelab.runs.store import RUNS_DIR, Run, find_run


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands that steer a training."""
    _add(commands, "pause", "hold a training after saving it; it keeps its memory and its device", _pause)
    _add(commands, "unpause", "let a paused training go on", _unpause)
    _add(commands, "stop", "save a training and end it, or take a waiting one out of the queue", _stop)
    _add(commands, "save", "save weights and state now", _save)
    change = _add(commands, "set", "change a setting while the training runs; the record and the curves say so", _set)
    change.add_argument("--beta", type=float, metavar="X", help="weight of the KL, after its warm-up")
    change.add_argument("--learning-rate", type=float, metavar="X", help="highest step size of the schedule")


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str, run: object
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}. The training answers within a second, or a step, and every request "
        "becomes an event among the run's metrics.",
    )
    parser.add_argument("run_id", metavar="RUN", help="name of the run; `python -m vaelab runs` lists them")
    parser.add_argument("--root", type=Path, default=RUNS_DIR, help="folder of the runs (default: %(default)s)")
    parser.set_defaults(run=run)
    return parser


def _run(arguments: argparse.Namespace) -> Run:
    jobs.advance(arguments.root)
    return find_run(arguments.run_id, arguments.root)


def _pause(arguments: argparse.Namespace) -> int:
    _run(arguments).request(pause=True)
    return 0


def _unpause(arguments: argparse.Namespace) -> int:
    _run(arguments).request(pause=False)
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    jobs.stop(_run(arguments))
    return 0


def _save(arguments: argparse.Namespace) -> int:
    _run(arguments).request(save_now=True)
    return 0


def _set(arguments: argparse.Namespace) -> int:
    given = {"beta": arguments.beta, "learning_rate": arguments.learning_rate}
    asked = {name: value for name, value in given.items() if value is not None}
    if not asked:
        raise ConfigError("nothing to set; give --beta, --learning-rate or both")
    _run(arguments).request(**asked)
    return 0
