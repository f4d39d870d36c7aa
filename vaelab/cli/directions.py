"""`directions`: what the sliders of a model mean, learned from labels, measured on faces held out, and named."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaelab.cli.arguments import add_data, open_data, open_model, run_command, tell
from vaelab.errors import ConfigError

if TYPE_CHECKING:
    from vaelab.evaluation.directions import Auc, Directions
    from vaelab.inference import FaceModel
    from vaelab.runs.store import Run

EPILOG = """\
An area (AUC) of 0.5 says that what a direction was learned by (a regression, or two means) tells nothing about its
attribute, 1.0 that it tells all. The areas are measured on faces that nothing was learned from, with 95 % intervals.

  python -m vaelab directions face-vae --show                       what is kept
  python -m vaelab directions face-vae --stored                     learn without a data set
  python -m vaelab directions face-vae --labels smiles.csv          more labels: columns image_id, smile, ...
  python -m vaelab directions face-vae --name a.age="Older"         what the slider is called from now on
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `directions`."""
    parser = run_command(
        commands, "directions", _directions, "learn which way in latent space an attribute lies, and keep it in the run"
    )
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    add_data(parser)
    parser.add_argument(
        "--labels", nargs="+", type=Path, default=[], metavar="FILE", help="CSV files of more labels, by image_id"
    )
    parser.add_argument(
        "--name", action="append", type=_naming, default=[], metavar="SLIDER=NAME",
        help="name a slider and learn nothing; an empty name takes its own back",
    )  # fmt: skip
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--stored", action="store_true", help="learn from the faces that the run stores")
    source.add_argument("--show", action="store_true", help="learn nothing, show what there is")


def _naming(text: str) -> tuple[str, str]:
    """A slider's key and the name it is given."""
    key, equals, name = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"expected SLIDER=NAME, such as a.age=Older, met {text!r}")
    return key.strip(), name.strip()


def _directions(arguments: argparse.Namespace) -> int:
    from vaelab.editing.learning import learn_from_data, learn_from_stored
    from vaelab.evaluation.directions import rewriting

    run, model = open_model(arguments)
    _name_sliders(run, model, arguments.name)
    if arguments.show or arguments.name:
        if model.directions is None:
            raise ConfigError(f"{run.id} has no directions yet; `python -m vaelab directions {run.id}` learns them")
        return _shown(arguments, run, model.directions)

    if arguments.stored:
        learned = learn_from_stored(model, arguments.labels, tell)
    else:
        learned = learn_from_data(model, open_data(arguments, run), arguments.labels, tell)
    with rewriting(run):
        learned.write(run)
    print(f"kept in {run.directions_path}", file=sys.stderr)
    return _shown(arguments, run, learned)


def _name_sliders(run: Run, model: FaceModel, namings: list[tuple[str, str]]) -> None:
    from vaelab.editing.sliders import find_slider
    from vaelab.evaluation.attributes import METHODS

    for key, _ in namings:
        find_slider(model, METHODS[0], key)
    for key, name in namings:
        run.name_slider(key, name)


def _shown(arguments: argparse.Namespace, run: Run, directions: Directions) -> int:
    if arguments.json:
        print(json.dumps(_record(run, directions)))
        return 0
    for line in table(run, directions):
        print(line)
    return 0


def _record(run: Run, directions: Directions) -> dict[str, Any]:
    names = run.slider_names
    return {
        "run": run.id,
        "weights_fingerprint": directions.weights_fingerprint,
        "attributes": [
            {**asdict(about), "slider": f"a.{about.key}", "given_name": names.get(f"a.{about.key}", "")}
            for about in directions.learned
        ],
        "principal_share": [round(float(share), 5) for share in directions.principal_share],
    }


def table(run: Run, directions: Directions) -> list[str]:
    """The directions as lines for people."""
    from vaelab.evaluation.attributes import METHODS

    if not directions.learned:
        lines = ["no attribute can be learned: the labels have none with enough faces on either side"]
    else:
        areas = "".join(f"  {'AUC ' + method:>22}" for method in METHODS)
        lines = [f"{'slider':24}  {'name':24}  {'yes':>6}  {'no':>6}  {'held out':>8}{areas}"]
    names = run.slider_names
    for about in directions.learned:
        key = f"a.{about.key}"
        areas = "".join(f"  {_area(about.auc[method]):>22}" for method in METHODS)
        lines.append(
            f"{key:24}  {names.get(key, about.name):24}  {about.num_positive:>6,}  {about.num_negative:>6,}  "
            f"{about.num_held_out:>8,}{areas}"
        )
    count, shares = len(directions.principal), directions.principal_share
    lines.append(f"p0 to p{count - 1}: principal components with {shares.sum():.1%} of the variance")
    return lines


def _area(area: Auc) -> str:
    return f"{area.value:.3f} [{area.low:.3f}, {area.high:.3f}]"
