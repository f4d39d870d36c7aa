"""`encode`, `reconstruct`, `sample` and `ship`; the flags of `evaluate` are its own."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from vaelab.cli import evaluating
from vaelab.cli.arguments import Command, add_data, non_negative, open_data, open_model, run_command, tell, whole_number
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
        commands, "evaluate", evaluating.run, "measure a model on held-out faces and keep the report in the run"
    )
    evaluate.add_argument("--split", default="test", help="split to measure on (default: %(default)s)")
    evaluate.add_argument("--limit", type=whole_number, default=0, metavar="N", help="only the first N of the split")
    evaluating.add_flags(evaluate)
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
    from vaelab.scorecard.encoding import encode_faces

    run = find_run(arguments.run_id, arguments.root)
    model = FaceModel.load(run, arguments.device, with_latents=False)
    stored = encode_faces(model, run, open_data(arguments, run), arguments.split, arguments.keep)
    result: dict[str, Any] = {
        "run": run.id,
        "encoded": stored.num_encoded,
        "kept": len(stored.mu),
    }
    if model.has_posteriors:
        result["kl_nats"] = float(stored.kl_per_dim.sum())
    print(
        json.dumps(result)
        if arguments.json
        else f"{result['encoded']:,} faces encoded, {result['kept']:,} kept in {run.dir}"
    )
    return 0


def _picture(path: Path, size: int) -> np.ndarray:
    from vaelab.data.images import PictureError, read_picture

    try:
        return read_picture(path, size)
    except PictureError as error:
        raise DataError(f"{path}: {error}") from error


def _reconstruct(arguments: argparse.Namespace) -> int:
    from vaelab.pictures import contact_sheet, save_compared

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
    save_compared(sheet, arguments.out, {"vaelab": "reconstruct", **model.about()})
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
    ship(run, open_data(arguments, run), tell)
    print(json.dumps({"run": run.id, "card": str(run.dir / "README.md")}) if arguments.json else run.card)
    return 0


def _written(arguments: argparse.Namespace, run: Run, count: int) -> int:
    result = {"run": run.id, "count": count, "out": str(arguments.out)}
    print(json.dumps(result) if arguments.json else f"{count} faces in {arguments.out}")
    return 0
