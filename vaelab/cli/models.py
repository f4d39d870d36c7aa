"""`encode`, `evaluate`, `reconstruct`, `sample` and `ship`."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaelab.errors import DataError
from vaelab.runs.store import RUNS_DIR, Run, find_run

if TYPE_CHECKING:
    from vaelab.data.collection import Collection
    from vaelab.inference import FaceModel


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands that use a trained model."""
    encode = _command(
        commands, "encode", _encode, "keep the latents of faces in the run, so that pages need no data set"
    )
    encode.add_argument("--split", default="test", help="faces to encode (default: %(default)s)")
    encode.add_argument(
        "--keep", type=_count, default=3000, metavar="N", help="posterior means to keep (default: %(default)s)"
    )
    evaluate = _command(
        commands, "evaluate", _evaluate, "measure a model on held-out faces and keep the report in the run"
    )
    evaluate.add_argument("--split", default="test", help="split to measure on (default: %(default)s)")
    evaluate.add_argument("--limit", type=_count, default=0, metavar="N", help="only the first N pictures of the split")
    reconstruct = _command(commands, "reconstruct", _reconstruct, "write pictures beside their reconstructions")
    reconstruct.add_argument("pictures", nargs="*", type=Path, help="square crops of faces; none takes held-out faces")
    reconstruct.add_argument("--count", type=_count, default=16, help="how many held-out faces (default: %(default)s)")
    sample = _command(commands, "sample", _sample, "write new faces, decoded from random latents")
    sample.add_argument("--count", type=_count, default=64, help="how many (default: %(default)s)")
    sample.add_argument("--prior", choices=["standard", "fitted"], default="standard", help="where latents come from")
    sample.add_argument(
        "--temperature", type=_factor, default=1.0, help="factor on the deviations (default: %(default)s)"
    )
    sample.add_argument("--seed", type=int, default=0, help="the same seed gives the same faces (default: %(default)s)")
    _command(
        commands, "ship", _ship, "make a finished run one that ships: small weights, latents, reports, a model card"
    )
    for parser, name in ((reconstruct, "reconstructions.png"), (sample, "samples.png")):
        parser.add_argument("--out", type=Path, default=Path(name), help="picture to write (default: %(default)s)")


def _count(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, met {text!r}")
    return int(text)


def _factor(text: str) -> float:
    """A finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of at least 0, met {text!r}")
    return value


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: Any, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.add_argument("run_id", metavar="RUN", help="name of the run; `python -m vaelab runs` lists them")
    parser.add_argument("--root", type=Path, default=RUNS_DIR, help="folder of the runs (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    if name != "sample":
        parser.add_argument(
            "--datasets", nargs="+", metavar="NAME", help="prepared data sets; default: those of training"
        )
        parser.add_argument("--data-dir", type=Path, help="folder of the data sets; default: that of training")
    parser.set_defaults(run=run)
    return parser


def _load(arguments: argparse.Namespace) -> tuple[Run, FaceModel]:
    from vaelab.inference import FaceModel

    run = find_run(arguments.run_id, arguments.root)
    return run, FaceModel.load(run, arguments.device)


def _data(arguments: argparse.Namespace, run: Run) -> Collection:
    from vaelab.data.collection import Collection

    config = run.config.data
    return Collection.open(
        arguments.datasets or config.datasets, arguments.data_dir or Path(config.data_dir), config.size
    )


def _encode(arguments: argparse.Namespace) -> int:
    from vaelab.inference import FaceModel
    from vaelab.scorecard import encode_faces

    run = find_run(arguments.run_id, arguments.root)
    model = FaceModel.load(run, arguments.device, with_latents=False)
    stored = encode_faces(model, run, _data(arguments, run), arguments.split, arguments.keep)
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

    run, model = _load(arguments)
    report = evaluate(
        model,
        _data(arguments, run),
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

    run, model = _load(arguments)
    if arguments.pictures:
        pixels = np.stack([_picture(path, model.size) for path in arguments.pictures])
    else:
        data = _data(arguments, run)
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

    run, model = _load(arguments)
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
    ship(run, _data(arguments, run), lambda text: print(f"{text} ...", file=sys.stderr))
    print(json.dumps({"run": run.id, "card": str(run.dir / "README.md")}) if arguments.json else run.card)
    return 0


def _written(arguments: argparse.Namespace, run: Run, count: int) -> int:
    result = {"run": run.id, "count": count, "out": str(arguments.out)}
    print(json.dumps(result) if arguments.json else f"{count} faces in {arguments.out}")
    return 0
