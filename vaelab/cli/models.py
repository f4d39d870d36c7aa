"""`encode`, `evaluate`, `reconstruct`, `sample` and `ship`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from vaelab.cli.arguments import Command, add_data, non_negative, open_data, open_model, run_command, whole_number
from vaelab.errors import DataError
from vaelab.evaluation.priors import PRIORS
from vaelab.runs.store import Run, find_run


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands that use a trained model."""
    encode = _command(
        commands, "encode", _encode, "keep the latents of faces in the run, so that pages need no data set"
    )
    encode.add_argument("--split", default="test", help="faces to encode (default: %(default)s)")
    encode.add_argument(
        "--keep", type=whole_number, default=3000, metavar="N", help="posterior means to keep (default: %(default)s)"
    )
    evaluate = _command(
        commands, "evaluate", _evaluate, "measure a model on held-out faces and keep the report in the run"
    )
    evaluate.add_argument("--split", default="test", help="split to measure on (default: %(default)s)")
    evaluate.add_argument("--limit", type=whole_number, default=0, metavar="N", help="only the first N of the split")
    reconstruct = _command(commands, "reconstruct", _reconstruct, "write pictures beside their reconstructions")
    reconstruct.add_argument("pictures", nargs="*", type=Path, help="square crops of faces; none takes held-out faces")
    reconstruct.add_argument("--count", type=whole_number, default=16, help="how many faces (default: %(default)s)")
    sample = run_command(commands, "sample", _sample, "write new faces, decoded from random latents")
    sample.add_argument("--count", type=whole_number, default=64, help="how many (default: %(default)s)")
    sample.add_argument(
        "--prior", choices=list(PRIORS), default="standard", help="where latents come from (default: %(default)s)"
    )
    sample.add_argument(
        "--temperature", type=non_negative, default=1.0, help="factor on the deviations (default: %(default)s)"
    )
    sample.add_argument("--seed", type=int, default=0, help="the same seed gives the same faces (default: %(default)s)")
    _command(
        commands, "ship", _ship, "make a finished run one that ships: small weights, latents, reports, a model card"
    )
    for parser, name in ((reconstruct, "reconstructions.png"), (sample, "samples.png")):
        parser.add_argument("--out", type=Path, default=Path(name), help="picture to write (default: %(default)s)")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: Command, text: str
) -> argparse.ArgumentParser:
    parser = run_command(commands, name, run, text)
    add_data(parser)
    return parser


def _encode(arguments: argparse.Namespace) -> int:
    from vaelab.inference import FaceModel
    from vaelab.scorecard import encode_faces

    run = find_run(arguments.run_id, arguments.root)
    model = FaceModel.load(run, arguments.device, with_latents=False)
    stored = encode_faces(model, run, open_data(arguments, run), arguments.split, arguments.keep)
    result = {
        "run": run.id,
        "encoded": stored.num_encoded,
        "kept": len(stored.mu),
        "kl_nats": float(stored.kl_per_dim.sum()),
    }
    print(
        json.dumps(result)
        if arguments.json
        else f"{result['encoded']:,} faces encoded, {result['kept']:,} kept in {run.dir}"
    )
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from vaelab.scorecard import evaluate

    run, model = open_model(arguments)
    report = evaluate(
        model,
        open_data(arguments, run),
        arguments.split,
        arguments.limit,
        lambda text: print(f"{text} ...", file=sys.stderr),
    )
    path = run.write_report(arguments.split, report)
    if arguments.json:
        print(json.dumps(report))
        return 0
    for line in report_lines(report):
        print(line)
    print(f"kept in {path}", file=sys.stderr)
    return 0


def report_lines(report: dict[str, Any]) -> list[str]:
    """The report as lines for people."""
    lines = [f"{report['model']['model']} on {report['num_faces']:,} faces of split {report['split']}"]
    if found := report.get("reconstruction"):
        for name, key in (
            ("reconstruction from mu", "psnr_db"),
            ("PCA, as many components", "pca_psnr_db"),
            ("difference", "psnr_over_pca_db"),
        ):
            if key in found:
                value = found[key]
                lines.append(f"  {name:26} {value['mean']:.2f} dB PSNR [{value['low']:.2f}, {value['high']:.2f}]")
        lines.append(f"  {'KL':26} {found['kl_nats']:.1f} nats, {found['active_units']} active latents")
    for key, found in report.get("detection", {}).items():
        if not key.startswith("fpr_"):
            continue
        if "refused" in found:
            lines.append(f"  at {float(key[4:]):.1%} false positives: refused, {found['refused']}")
            continue
        recall, realised = found["overall"], found["realised_fpr"]
        lines.append(f"  at {found['fpr']:.1%} false positives: recall {_shown(recall)}, realised {_shown(realised)}")
        for column, name in found["worst_group"].items():
            group = found["by_group"][column][name]
            lines.append(f"      worst {column}: {name} {_shown(group)}; gap {found['gap'][column]:.2%}")
    return lines


def _shown(rate: dict[str, Any]) -> str:
    return f"{rate['rate']:.2%} [{rate['low']:.2%}, {rate['high']:.2%}] of {rate['count']:,}"


def _picture(path: Path, size: int) -> np.ndarray:
    from vaelab.data.images import PictureError, read_picture

    try:
        return read_picture(path, size)
    except PictureError as error:
        raise DataError(f"{path}: {error}") from error


def _reconstruct(arguments: argparse.Namespace) -> int:
    from vaelab.pictures import contact_sheet, save_generated

    run, model = open_model(arguments)
    if arguments.pictures:
        pixels = np.stack([_picture(path, model.size) for path in arguments.pictures])
    else:
        data = open_data(arguments, run)
        rows = data.rows("test", is_face=True, limit=arguments.count)
        if not len(rows):
            raise DataError("the data sets have no test faces; name pictures on the command line instead")
        pixels = data.pixels(rows)
    recon = model.reconstruct(pixels)
    sheet = contact_sheet(np.stack([pixels, recon], axis=1).reshape(-1, *pixels.shape[1:]), columns=8)
    save_generated(sheet, arguments.out, {"vaelab": "reconstruct", **model.about()})
    return _written(arguments, run, len(pixels))


def _sample(arguments: argparse.Namespace) -> int:
    from vaelab.pictures import contact_sheet, save_generated

    run, model = open_model(arguments)
    z = model.sample_latents(arguments.count, arguments.seed, arguments.prior, arguments.temperature)
    about = {"seed": arguments.seed, "prior": arguments.prior, "temperature": arguments.temperature}
    save_generated(
        contact_sheet(model.decode(z), columns=8),
        arguments.out,
        {"vaelab": "sample", **model.about(), **about},
    )
    return _written(arguments, run, len(z))


def _ship(arguments: argparse.Namespace) -> int:
    from vaelab.shipping import ship

    run = find_run(arguments.run_id, arguments.root)
    ship(run, open_data(arguments, run), lambda text: print(f"{text} ...", file=sys.stderr))
    print(json.dumps({"run": run.id, "card": str(run.dir / "README.md")}) if arguments.json else run.card)
    return 0


def _written(arguments: argparse.Namespace, run: Run, count: int) -> int:
    result = {"run": run.id, "count": count, "out": str(arguments.out)}
    print(json.dumps(result) if arguments.json else f"{count} faces in {arguments.out}")
    return 0
