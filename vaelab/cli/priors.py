"""`priors`: fit the mixture and the second stage to a model's latents, and say which prior holds new faces best."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from vaelab.cli.arguments import add_data, open_data, open_model, run_command, tell
from vaelab.errors import ConfigError
from vaelab.evaluation.priors import PRIORS

if TYPE_CHECKING:
    from vaelab.evaluation.fitted_priors import FittedPriors
    from vaelab.evaluation.intervals import MeanWithInterval
    from vaelab.runs.store import Run

EPILOG = """\
Likelihoods are nats per face of held-out faces, with 95 % intervals: log p(z) for z drawn from each face's posterior,
the one term of the evidence lower bound that the prior decides. Drawing from the likeliest prior leaves fewest holes.

  python -m vaelab priors face-vae --show                        what is kept
  python -m vaelab sample face-vae --prior mixture               draw from one
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `priors`."""
    parser = run_command(
        commands, "priors", _priors, "fit priors to the latents of faces, so that new faces are drawn where faces lie"
    )
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    add_data(parser)
    parser.add_argument("--split", default="train", help="faces to fit to (default: %(default)s)")
    parser.add_argument("--show", action="store_true", help="fit nothing, show what there is")


def _priors(arguments: argparse.Namespace) -> int:
    run, model = open_model(arguments)
    if arguments.show:
        if model.fitted_priors is None:
            raise ConfigError(f"{run.id} has no fitted priors yet; `python -m vaelab priors {run.id}` fits them")
        return _shown(arguments, run, model.fitted_priors)
    from vaelab.priors import fit_priors

    fitted = fit_priors(model, open_data(arguments, run), arguments.split, tell)
    fitted.write(run)
    print(f"kept in {run.priors_path}", file=sys.stderr)
    return _shown(arguments, run, fitted)


def _shown(arguments: argparse.Namespace, run: Run, fitted: FittedPriors) -> int:
    if arguments.json:
        print(json.dumps(_record(run, fitted)))
        return 0
    for line in table(fitted):
        print(line)
    return 0


def _record(run: Run, fitted: FittedPriors) -> dict[str, Any]:
    return {
        "run": run.id,
        "weights_fingerprint": fitted.weights_fingerprint,
        "split": fitted.split,
        "held_out": fitted.held_out,
        "best": fitted.best,
        "likelihoods": {name: asdict(found) for name, found in fitted.likelihoods.items()},
    }


def table(fitted: FittedPriors) -> list[str]:
    """The priors as lines for people, the likeliest marked."""
    count = next(iter(fitted.likelihoods.values())).log_density.n
    lines = [
        f"nats per face on {count:,} faces of split {fitted.held_out}",
        f"  {'prior':14}  {'log p(z)':>26}  {'over N(0, I)':>24}  {'fitted to':>9}",
    ]
    for name, found in fitted.likelihoods.items():
        mark = "*" if name == fitted.best else " "
        bound = "at least " if name == "second-stage" else ""
        lines.append(
            f"{mark} {name:14}  {bound + _nats(found.log_density):>26}  {_nats(found.over_standard):>24}  "
            f"{found.num_fitted:>9,}"
        )
    return [*lines, *(f"  {name}: {PRIORS[name]}" for name in fitted.likelihoods)]


def _nats(value: MeanWithInterval) -> str:
    return f"{value.mean:.1f} [{value.low:.1f}, {value.high:.1f}]"
