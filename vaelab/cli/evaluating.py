"""`evaluate`: which parts of the scorecard to measure, on how many pictures, and the report as lines for people."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaelab.cli.arguments import open_data, open_model, tell, whole_number
from vaelab.errors import ConfigError
from vaelab.runs.store import Run, find_run
from vaelab.scorecard import DETECTOR, PARTS
from vaelab.scorecard.card import refusals_of, rows_of

if TYPE_CHECKING:
    from vaelab.data.collection import Collection
    from vaelab.inference import FaceModel
    from vaelab.scorecard.extractors import Extractor


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of `evaluate` alone."""
    parser.add_argument(
        "--parts", type=_parts, default=PARTS, metavar="A,B", help=f"what to measure: {','.join(PARTS)} (default: all)"
    )
    parser.add_argument(
        "--extractor", metavar="RUN", help=f"cnn whose features drawn faces are compared on (default: {DETECTOR})"
    )
    parser.add_argument(
        "--inception", type=Path, metavar="FILE", help="Inception weights, safetensors: the published FID too"
    )
    for name, text in (
        ("generated", "faces drawn in each way"),
        ("likelihood", "faces whose probability is bounded"),
        ("importance", "posterior samples for each of them"),
        ("disentanglement", "faces whose labels are read off latents"),
    ):
        parser.add_argument(f"--num-{name}", type=whole_number, metavar="N", help=text)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report there too, as JSON")
    parser.add_argument("--replace", action="store_true", help="let go of a report that the run keeps of other faces")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print the report and keep it in the run, unless that has one of the same weights on other faces."""
    from vaelab.scorecard.report import Amounts, evaluate, is_of_other_faces, merged

    run, model = open_model(arguments)
    data = open_data(arguments, run)
    given = {name: getattr(arguments, f"num_{name}") for name in vars(Amounts())}
    report = evaluate(
        model,
        data,
        arguments.split,
        arguments.limit,
        tell,
        arguments.parts,
        _extractors(arguments, model) if model.has_decoder and "generation" in arguments.parts else (),
        Amounts(**{name: value for name, value in given.items() if value is not None}),
    )
    known = run.reports().get(arguments.split)
    if set(arguments.parts) < set(PARTS):
        report = merged(known, report)
    if known is None or arguments.replace or not is_of_other_faces(known, report):
        told = f"kept in {run.write_report(arguments.split, report)}"
        _renew_card(run, model, data)
    else:
        told = (
            f"not kept: run {run.id} has a report of the same weights on {known['num_faces']:,} faces of "
            f"{', '.join(known['data'])}; --out FILE writes this one beside it, --replace lets go of that one"
        )
    if arguments.out:
        _write(arguments.out, report)
    if arguments.json:
        print(json.dumps(report))
    else:
        for line in report_lines(report):
            print(line)
    print(told, file=sys.stderr)
    return 0


def _renew_card(run: Run, model: FaceModel, data: Collection) -> None:
    """Write the card of a run that ships anew, with its pictures, once all that it tells is there."""
    from vaelab.shipping import card, write_sheets

    if run.is_shipped and "test" in run.reports() and (model.latents is not None or not model.has_decoder):
        if model.fitted_priors is not None:
            write_sheets(run, model)
        run.write_card(card(run, model, data, run.status))


def report_lines(report: Mapping[str, Any]) -> list[str]:
    """The report as lines for people."""
    lines = [f"{report['model']['model']} on {report['num_faces']:,} faces of split {report['split']}"]
    part = ""
    for row in rows_of(report):
        if row.part != part:
            part = row.part
            lines.append(f"  {part}")
        interval = f" [{row.interval}]" if row.interval else ""
        count = f", n = {row.n:,}" if row.n else ""
        lines.append(f"    {row.measure:24} {row.subject:40} {row.shown}{interval}{count}")
    return lines + [f"  not measured: {reason}" for reason in refusals_of(report)]


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(","))
    for part in parts:
        if part not in PARTS:
            raise argparse.ArgumentTypeError(f"expected parts of {','.join(PARTS)}, met {part!r}")
    return parts


def _extractors(arguments: argparse.Namespace, model: FaceModel) -> list[Extractor]:
    """The detector that was named, or else the one that ships if pictures of this size suit it; Inception if named."""
    from vaelab.inference import FaceModel
    from vaelab.scorecard.extractors import detector_features, inception_features, shipped_detector

    found: Extractor | None
    if arguments.extractor:
        detector = find_run(arguments.extractor, arguments.root)
        found = detector_features(FaceModel.load(detector, arguments.device))
    else:
        found = shipped_detector(arguments.root, model.size, arguments.device)
    if found is None:
        tell(f"no run {DETECTOR!r} for {model.size} pixels: drawn faces are not compared; name one with --extractor")
    inception = inception_features(arguments.inception) if arguments.inception else None
    return [extractor for extractor in (found, inception) if extractor is not None]


def _write(path: Path, report: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; choose another --out") from error
