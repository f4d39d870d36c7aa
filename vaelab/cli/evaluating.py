"""`evaluate`: which parts of the scorecard to measure, on how many pictures, and the report as lines for people."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaelab.cli.arguments import open_data, open_model, whole_number
from vaelab.errors import ConfigError
from vaelab.runs.store import Run, find_run

if TYPE_CHECKING:
    from vaelab.inference import FaceModel
    from vaelab.scorecard import Extractor

PARTS = ("reconstruction", "generation", "likelihood", "disentanglement", "detection")
"""As in `vaelab.scorecard`, whose import would cost every other command a second; a test holds them to each other."""
EXTRACTOR = "cnn"
"""The run whose features the Frechet distance is on: the detector that ships."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of `evaluate` alone."""
    parser.add_argument(
        "--parts", type=_parts, default=PARTS, metavar="A,B", help=f"what to measure: {','.join(PARTS)} (default: all)"
    )
    parser.add_argument(
        "--extractor", metavar="RUN", help=f"cnn whose features drawn faces are compared on (default: {EXTRACTOR})"
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


def run(arguments: argparse.Namespace) -> int:
    """Measure, keep the report in the run, print it."""
    from vaelab.scorecard import Amounts, evaluate, merged

    run, model = open_model(arguments)
    given = {name: getattr(arguments, f"num_{name}") for name in vars(Amounts())}
    report = evaluate(
        model,
        open_data(arguments, run),
        arguments.split,
        arguments.limit,
        _told,
        arguments.parts,
        _extractors(arguments, model) if model.has_decoder and "generation" in arguments.parts else (),
        Amounts(**{name: value for name, value in given.items() if value is not None}),
    )
    if set(arguments.parts) < set(PARTS):
        report = merged(run.reports().get(arguments.split), report)
    path = run.write_report(arguments.split, report)
    if arguments.out:
        _write(arguments.out, report)
    if arguments.json:
        print(json.dumps(report))
        return 0
    for line in report_lines(report):
        print(line)
    print(f"kept in {path}", file=sys.stderr)
    return 0


def report_lines(report: Mapping[str, Any]) -> list[str]:
    """The report as lines for people."""
    lines = [f"{report['model']['model']} on {report['num_faces']:,} faces of split {report['split']}"]
    for section, words in (
        ("reconstruction", _reconstruction),
        ("generation", _generation),
        ("likelihood", _likelihood),
        ("disentanglement", _disentanglement),
        ("detection", _detection),
    ):
        if section not in report:
            continue
        found = report[section]
        lines += [f"  {section} refused: {found['refused']}"] if "refused" in found else words(found)
    return lines


def _told(text: str) -> None:
    print(f"{text} ...", file=sys.stderr)


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(","))
    for part in parts:
        if part not in PARTS:
            raise argparse.ArgumentTypeError(f"expected parts of {','.join(PARTS)}, met {part!r}")
    return parts


def _extractors(arguments: argparse.Namespace, model: FaceModel) -> list[Extractor]:
    """The detector that was named, or else the one that ships if it takes pictures of this size; Inception if named."""
    from vaelab.inference import FaceModel
    from vaelab.scorecard import detector_features, inception_features

    found = []
    if arguments.extractor:
        detector = find_run(arguments.extractor, arguments.root)
        found.append(detector_features(FaceModel.load(detector, arguments.device)))
    elif ((arguments.root / EXTRACTOR) / "config.json").is_file():
        detector = Run.open(arguments.root / EXTRACTOR)
        if detector.config.data.size == model.size and detector.weights_path.is_file():
            found.append(detector_features(FaceModel.load(detector, arguments.device)))
    if not found:
        _told(f"no run {EXTRACTOR!r} for {model.size} pixels: drawn faces are not compared; name one with --extractor")
    return [*found, inception_features(arguments.inception)] if arguments.inception else found


def _write(path: Path, report: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; choose another --out") from error


def _reconstruction(found: Mapping[str, Any]) -> list[str]:
    names = (
        ("psnr_db", "reconstruction from mu", "dB PSNR"),
        ("pca_psnr_db", "PCA, as many components", "dB PSNR"),
        ("psnr_over_pca_db", "difference", "dB PSNR"),
        ("ssim", "structural similarity", ""),
        ("sharpness_ratio_median", "sharpness, share of photo's", ""),
        ("kl_nats", "KL", "nats"),
        ("active_units", "active latents", ""),
    )
    return [f"  {name:28} {_figure(found[key], unit)}" for key, name, unit in names if key in found]


def _generation(found: Mapping[str, Any]) -> list[str]:
    lines = [f"  against {found['n']:,} real faces" + "".join(f", {e['name']}" for e in found["extractors"])]
    for name, way in found["ways"].items():
        figures = ", ".join(f"{key.replace('_', ' ')} {_figure(way[key])}" for key in way if key != "words")
        lines.append(f"    {name.replace('_', ' '):20} {figures}")
    return lines


def _likelihood(found: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, noise in found.items():
        if isinstance(noise, dict) and "bits_per_dim" in noise:
            bound = _figure(noise["importance_bound_nats"], f"nats, {found['num_samples']} samples")
            lines.append(f"  {'log P is at least':28} {bound} ({name.replace('_', ' ')}, {found['n']} faces)")
            lines.append(f"  {'bits per pixel value':28} {_figure(noise['bits_per_dim'])}")
    return lines


def _disentanglement(found: Mapping[str, Any]) -> list[str]:
    lines = [f"  labels {', '.join(found['factors'])}, {found['n']:,} faces"]
    for name, scores in found.items():
        if isinstance(scores, dict):
            figures = ", ".join(f"{key} {_figure(scores[key])}" for key in scores if key != "by_factor")
            lines.append(f"    {name.replace('_', ' '):20} {figures}")
    return lines


def _detection(found: Mapping[str, Any]) -> list[str]:
    lines = []
    for key, at in found.items():
        if not key.startswith("fpr_"):
            continue
        if "refused" in at:
            lines.append(f"  at {float(key[4:]):.1%} false positives: refused, {at['refused']}")
            continue
        recall, realised = at["overall"], at["realised_fpr"]
        lines.append(f"  at {at['fpr']:.1%} false positives: recall {_rate(recall)}, realised {_rate(realised)}")
        for column, name in at["worst_group"].items():
            group = at["by_group"][column][name]
            lines.append(f"      worst {column}: {name} {_rate(group)}; gap {at['gap'][column]:.2%}")
    return lines


def _figure(value: Any, unit: str = "") -> str:
    """`25.35 dB [25.28, 25.43]`; a report of an earlier version has some figures without an interval."""
    unit = f" {unit}" if unit else ""
    if not isinstance(value, dict):
        return f"{value:.4g}{unit}"
    centre = value["mean"] if "mean" in value else value["value"]
    return f"{_digits(centre)}{unit} [{_digits(value['low'])}, {_digits(value['high'])}]"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def _rate(rate: Mapping[str, Any]) -> str:
    return f"{rate['rate']:.2%} [{rate['low']:.2%}, {rate['high']:.2%}] of {rate['count']:,}"
