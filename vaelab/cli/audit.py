"""`audit`: detectors with and without debiasing, over paired seeds, compared at matched false-positive rates."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vaelab import config
from vaelab.audit.beginning import begin
from vaelab.audit.cautions import looked_at
from vaelab.audit.conductor import Progress, conduct, progress_of, start_audit, stop_audit
from vaelab.audit.experiment import KNOWN_ARMS, PRIMARY_FPR, SPLITS, Experiment, arms_from_dict, audit_base
from vaelab.audit.history import known_arms
from vaelab.audit.store import AUDITS_DIR, Audit, find_audit, list_audits
from vaelab.cli.arguments import whole_number
from vaelab.cli.settings import add_settings, given_settings, parsed_setting
from vaelab.cli.sources import mappings_of
from vaelab.data.groups import Grouping
from vaelab.data.store import DatasetStore
from vaelab.errors import ConfigError
from vaelab.portraits.treatment import PORTRAITS

KEPT = ("columns", "test_datasets", "negative_datasets", "hard_negatives", "shares", "mappings", "portraits", "fpr")
"""What an audit that is there keeps unless a flag says otherwise."""
SEEDS = 6
"""Fewer than six pairs cannot reach p < 0.05 in a signed-rank test."""
EPILOG = """\
arms:
  A   the detector alone (model cnn)
  B   the same network with the VAE's loss, faces drawn uniformly (model dbvae, aggregation none)
  C   the DB-VAE, which draws rare faces more often (aggregation max)
  any other name begins as B does; --set says what it changes. The first arm is what the others are compared with.

examples:
  python -m vaelab audit first --arms A B C --seeds 6
  python -m vaelab audit white --plant race White=0.9 rest --set C.aggregation=tempered C.effective_share=0.3
  python -m vaelab audit white --arms A B C D --set D.aggregation=max5     adds an arm to what is there
  python -m vaelab audit white --resume                                    goes on, or shows the findings again
  python -m vaelab audit white --by race gender --split val                groups crossed, on the validation split
  python -m vaelab audit white --resume --labels data/fairface-64-lightness.csv --by apparent_lightness
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `audit`."""
    parser = commands.add_parser(
        "audit",
        help="is it fairer? detectors with and without debiasing, over paired seeds",
        description="Train every arm with every seed on the same pictures, score all on the same held-out faces and "
        "compare recall by group at a matched false-positive rate. Ctrl-C saves and stops; the same command goes on. "
        "Settings below are of all arms.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="name of the audit")
    parser.add_argument("--list", action="store_true", help="list the audits and stop")
    parser.add_argument("--arms", nargs="+", metavar="ARM", help="arms in order (default: A B C)")
    parser.add_argument(
        "--seeds", nargs="+", type=_seed, metavar="N", help=f"one number: so many, from 0; several: these ({SEEDS})"
    )
    parser.add_argument("--set", nargs="+", type=_arm_setting, default=[], metavar="ARM.SETTING=VALUE", dest="changes")
    parser.add_argument(
        "--plant",
        nargs="+",
        metavar=("LABEL", "VALUE=SHARE"),
        help="shares of the training faces by a label; `rest` shares what is left evenly among the other values",
    )
    parser.add_argument("--by", nargs="+", metavar="LABEL", help="labels that make the groups, crossed (default: race)")
    parser.add_argument("--test-datasets", nargs="+", default=[], metavar="NAME", help="where test faces come from")
    parser.add_argument(
        "--negative-datasets", nargs="+", default=[], metavar="NAME", help="where thresholds and false alarms come from"
    )
    parser.add_argument(
        "--hard-negatives", nargs="+", default=[], metavar="NAME", help="non-faces that look like faces"
    )
    parser.add_argument(
        "--map",
        type=mappings_of,
        default=(),
        metavar="JSON",
        help="labels of your own making, on record, as in `data prepare`",
    )
    parser.add_argument("--portraits", choices=PORTRAITS, help="as prepared, or windows of whole pictures")
    parser.add_argument("--workers", type=whole_number, default=0, metavar="N", help="members trained side by side")
    parser.add_argument("--background", action="store_true", help="in a process of its own; returns at once")
    parser.add_argument("--resume", action="store_true", help="go on with the audit as it was begun")
    parser.add_argument("--stop", action="store_true", help="save the members at work and end")
    _add_looking(parser)
    parser.add_argument("--root", type=Path, default=AUDITS_DIR, help="folder of the audits (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    add_settings(parser, without=("seed", "model", "backbone"))
    parser.set_defaults(run=_audit)


def _add_looking(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say what the findings are of."""
    parser.add_argument("--report", action="store_true", help="write report.html, .pdf, .json, tables and figures")
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="with --resume: a CSV of more labels to group by, joined by image_id, such as that of `data lightness`",
    )
    parser.add_argument("--split", choices=SPLITS, default="test", help="what the findings are of (default: test)")
    parser.add_argument(
        "--fpr",
        type=float,
        metavar="X",
        help="false-positive rate: of a new audit the primary one, which verdicts are given at (default: "
        f"{PRIMARY_FPR:g}); of one that is there the rate to look at (default: its primary one)",
    )


def _audit(arguments: argparse.Namespace) -> int:
    if arguments.list:
        return _list(arguments)
    if not arguments.name:
        raise ConfigError("give the audit a name, or --list to see those there are")
    if arguments.fpr is not None and not 0 < arguments.fpr < 1:
        raise ConfigError(f"--fpr is {arguments.fpr:g}; give a share between 0 and 1, such as 0.01")
    if arguments.stop:
        stop_audit(find_audit(arguments.name, arguments.root))
        return 0
    if arguments.resume:
        audit = find_audit(arguments.name, arguments.root)
        if given_settings(arguments) or arguments.arms or arguments.changes or arguments.seeds or arguments.plant:
            raise ConfigError("--resume goes on with the audit as it was begun; leave it out to add arms or seeds")
    elif arguments.labels is not None:
        raise ConfigError("--labels adds labels to an audit that is there; give --resume as well")
    else:
        audit = begin(experiment_of(arguments), arguments.root)
    if arguments.background:
        start_audit(audit, arguments.workers)
        print(f"audit {audit.name} has begun; `python -m vaelab audit --list` shows how far it is", file=sys.stderr)
        return 0
    if any(not audit.is_scored(*member) for member in audit.experiment.members()):
        with _bar(audit) as bar:
            conduct(audit, arguments.workers, lambda progress: _show(bar, progress))
    if arguments.report:
        _report(audit, arguments)
    return _findings(audit, arguments)


def experiment_of(arguments: argparse.Namespace) -> Experiment:
    """The experiment that the flags describe; what they leave out is as in the audit of this name, if there is one.

    Raises:
        ConfigError: flags that contradict each other or name what is not there.
    """
    known = [audit for audit in list_audits(arguments.root) if audit.name == arguments.name]
    old = known[0].experiment if known else None
    given = given_settings(arguments)
    base = audit_base(**given) if old is None else config.replace(old.base, **given)
    before = {} if old is None else {**arms_from_dict(known_arms(known[0].history)), **old.arms}
    names = arguments.arms or list(KNOWN_ARMS if old is None else old.arms)
    arms: dict[str, dict[str, Any]] = {
        arm: dict(before.get(arm, KNOWN_ARMS.get(arm, {"aggregation": "none"}))) for arm in names
    }
    for arm, setting, text in arguments.changes:
        if arm not in arms:
            raise ConfigError(f"--set changes arm {arm!r}, but the arms are {', '.join(arms)}; name it in --arms")
        arms[arm][setting] = parsed_setting(setting, text)
    fpr = PRIMARY_FPR if arguments.fpr is None else arguments.fpr
    experiment = Experiment(
        arguments.name, base, arms, _seeds(arguments.seeds) or (old.seeds if old else _seeds([SEEDS])), fpr=fpr
    )
    if old is not None:
        experiment = replace(experiment, **{name: getattr(old, name) for name in KEPT})
    flags = {"columns": arguments.by, "mappings": arguments.map, "portraits": arguments.portraits}
    flags |= {name: getattr(arguments, name) for name in ("test_datasets", "negative_datasets", "hard_negatives")}
    changes: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in flags.items() if value
    }
    if arguments.plant:
        changes["shares"] = _planted(arguments.plant, experiment)
    return replace(experiment, **changes)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 0, met {text!r}")
    return int(text)


def _seeds(given: Sequence[int] | None) -> tuple[int, ...]:
    """One number is how many, several are the seeds themselves.

    Raises:
        ConfigError: none are asked for.
    """
    if given == [0]:
        raise ConfigError("--seeds 0 asks for no seed; give how many, such as 6, or several numbers")
    if not given:
        return ()
    return tuple(range(given[0])) if len(given) == 1 else tuple(given)


def _arm_setting(text: str) -> tuple[str, str, str]:
    """`C.aggregation=max` as its three parts; an arm's name may hold dots."""
    left, equals, value = text.partition("=")
    arm, dot, setting = left.rpartition(".")
    if not (equals and dot and arm and setting and value):
        raise argparse.ArgumentTypeError(f"expected ARM.SETTING=VALUE, such as C.aggregation=max, met {text!r}")
    return arm, setting.replace("-", "_"), value


def _planted(words: Sequence[str], experiment: Experiment) -> dict[str, dict[str, float]]:
    """`race White=0.9 rest` as shares of every value.

    Raises:
        ConfigError: a share that is no number, or `rest` with nothing left.
    """
    column, *pairs = words
    shares: dict[str, float] = {}
    for pair in pairs:
        if pair == "rest":
            continue
        value, _, text = pair.rpartition("=")
        try:
            shares[value] = float(text)
        except ValueError:
            raise ConfigError(f"--plant has {pair!r}; expected VALUE=SHARE, such as White=0.9, or rest") from None
    if "rest" in pairs:
        others = [value for value in _training_values(column, experiment) if value not in shares]
        left = 1.0 - sum(shares.values())
        if left <= 0 or not others:
            raise ConfigError(
                f"--plant leaves {left:g} for the rest; shares of the named values must sum to less than 1"
            )
        shares |= {value: round(left / len(others), 9) for value in others}
    return {column: shares}


def _training_values(column: str, experiment: Experiment) -> list[str]:
    for name in experiment.base.data.datasets:
        labels = DatasetStore.open(experiment.data_dir / name).labels
        if column in labels and labels["is_face"].any():
            return list(Grouping.of(labels, [column]).names)
    raise ConfigError(f"no data set of {', '.join(experiment.base.data.datasets)} has labels {column!r} to plant in")


def _list(arguments: argparse.Namespace) -> int:
    rows = [_row(audit) for audit in list_audits(arguments.root)]
    if arguments.json:
        print(json.dumps(rows))
        return 0
    if not rows:
        print(f"no audits in {arguments.root} yet; `python -m vaelab audit NAME` makes the first", file=sys.stderr)
        return 0
    print(f"{'audit':24}  {'state':9}  {'members':>9}  arms")
    for row in rows:
        done = f"{row['members_done']}/{row['members']}"
        print(f"{row['audit']:24}  {row['state']:9}  {done:>9}  {', '.join(row['arms'])}  {row['message']}".rstrip())
    return 0


def _row(audit: Audit) -> dict[str, Any]:
    experiment, status = audit.experiment, audit.status
    return {
        "audit": audit.name,
        "state": status.state,
        "message": status.message,
        "arms": list(experiment.arms),
        "seeds": list(experiment.seeds),
        **asdict(progress_of(audit)),
    }


def _bar(audit: Audit) -> Any:
    total = progress_of(audit)
    return tqdm(total=total.images, unit="img", unit_scale=True, desc=audit.name, file=sys.stderr, disable=None)


def _show(bar: Any, progress: Progress) -> None:
    bar.update(progress.images_seen - bar.n)
    bar.set_postfix_str(f"{progress.members_done}/{progress.members} members, {', '.join(progress.at_work)}")


def _findings(audit: Audit, arguments: argparse.Namespace) -> int:
    """Print what the scores say, on as many seeds as all arms have."""
    from vaelab.cli.audit_findings import lines
    from vaelab.evaluation.fairness.findings import find

    columns = tuple(arguments.by) if arguments.by else audit.experiment.columns
    primary = audit.experiment.fpr
    fpr = primary if arguments.fpr is None else arguments.fpr
    scores, cautions = looked_at(audit, arguments.split, columns, arguments.labels)
    found = find(scores, columns, fpr, primary=primary, cautions=cautions)
    if arguments.json:
        print(json.dumps({"audit": audit.name, "split": arguments.split, **found.to_dict()}))
        return 0
    for line in lines(found):
        print(line)
    return 0


def _report(audit: Audit, arguments: argparse.Namespace) -> None:
    """Write the report's files and say where."""
    from vaelab.audit.report.writing import write_report  # drawing libraries take a second

    page = write_report(audit, arguments.split, arguments.fpr, arguments.by or (), arguments.labels)
    print(f"report: {page}", file=sys.stderr)
