"""`map`: a run's stored faces laid out by what its model sees in them, as JSON, as a table and as a picture."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaelab.cli.arguments import open_model, run_command, tell, whole_number
from vaelab.cli.mapping_film import over_training, write_csv
from vaelab.errors import ConfigError

if TYPE_CHECKING:
    from vaelab.evaluation.facemap import FaceMap
    from vaelab.inference import FaceModel
    from vaelab.runs.store import Run

EPILOG = """\
Neighbours on a map are mostly alike to the model; distances between clusters, their sizes and which way is up mean
next to nothing. A map is kept in the run and shown by the app's page Map; the same latents and settings give the same
coordinates again.

  python -m vaelab map face-vae                                 made, kept and measured
  python -m vaelab map face-vae --csv map.csv --out map.png     places with labels, and a picture of faces
  python -m vaelab map face-vae --method pca --dims 3 --json    all places as JSON
  python -m vaelab map my-run --over-training --csv film.csv    the same faces at each validation of the training
  python -m vaelab map face-vae --measure error lightness       also what the faces' pictures say, for the map's colours
  python -m vaelab map face-vae --measure seen --detector cnn   how sure a detector is of each face
  python -m vaelab encode face-vae --split train --keep 40000   more faces for the next map
"""
CELLS, CELL_PIXELS = 24, 48


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `map`."""
    parser = run_command(
        commands, "map", _map, "lay out the faces that a run stores, so that those its model finds alike lie together"
    )
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--method", choices=("umap", "pca"), default="umap", help="how faces are laid out (default: %(default)s)"
    )
    parser.add_argument("--dims", type=int, choices=(2, 3), default=2, help="axes of the map (default: %(default)s)")
    parser.add_argument(
        "--neighbours", type=whole_number, default=15, metavar="N", help="faces of a neighbourhood (default: 15)"
    )
    parser.add_argument("--min-dist", type=float, default=0.1, help="how near UMAP lets faces come (default: 0.1)")
    parser.add_argument(
        "--over-training", action="store_true",
        help="lay out the held-out faces that the training kept at each validation, every frame turned to fit the one "
        "before; with --csv a row for each face and frame",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of UMAP (default: %(default)s)")
    parser.add_argument(
        "--measure", nargs="+", choices=("error", "lightness", "seen"), default=[],
        help="measure the faces' pictures and keep it in the run: error of the redrawing, apparent lightness, and "
        "whether a detector sees a face",
    )  # fmt: skip
    parser.add_argument("--detector", metavar="RUN", default="", help="detector run of --measure seen")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write image_id, labels, places and what was measured")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a PNG of the faces where they lie (2 axes)")


def _map(arguments: argparse.Namespace) -> int:
    from vaelab.evaluation.facemap import FaceMap
    from vaelab.evaluation.projection import MapSettings

    settings = MapSettings(
        arguments.method, arguments.dims, arguments.neighbours, arguments.min_dist, arguments.seed
    )  # fmt: skip
    if arguments.over_training:
        return over_training(arguments, settings)
    if arguments.out and settings.dims != 2:
        raise ConfigError("a picture shows 2 axes; leave out --dims 3, or --out")
    if ("seen" in arguments.measure) != bool(arguments.detector):
        raise ConfigError("--measure seen and --detector RUN belong together; give both or neither")
    run, model = open_model(arguments)
    if model.latents is None:
        raise ConfigError(f"{run.id} stores no latents to lay out; `python -m vaelab encode {run.id}` makes them")
    started = time.monotonic()
    found = FaceMap.of_run(run, model.latents, settings, tell)
    seconds = time.monotonic() - started
    values = _measured(arguments, run)
    if arguments.csv:
        axes = dict(zip("xyz", found.places.T, strict=False))
        write_csv(arguments.csv, model.latents.labels.assign(**values, **axes))
    if arguments.out:
        _write_picture(arguments.out, found, model)
    if arguments.json:
        print(json.dumps(_record(found, model, seconds)))
        return 0
    trust, kept = found.quality.trustworthiness, found.quality.preserved
    print(f"{len(found.places):,} faces in {seconds:.1f} s, kept in {run.dir} as map {found.key}")
    print(f"trustworthiness {trust.mean:.3f} [{trust.low:.3f}, {trust.high:.3f}], n = {trust.n:,} faces")
    print(
        f"of the {found.quality.neighbours} nearest latents {kept.mean:.1%} [{kept.low:.1%}, {kept.high:.1%}] are "
        "among the nearest on the map"
    )
    return 0


def _measured(arguments: argparse.Namespace, run: Run) -> dict[str, np.ndarray]:
    """What was asked to be measured of each face, by its kind."""
    from vaelab.jobs.measure_worker import measure_faces
    from vaelab.scorecard.per_face import SEEN, Measure

    wanted = [Measure(kind, arguments.detector if kind == SEEN else "") for kind in dict.fromkeys(arguments.measure)]
    values = {}
    for measure in wanted:
        tell(f"measuring {measure.kind}")
        values[measure.kind] = measure_faces(run, measure)
    return values


def _record(found: FaceMap, model: FaceModel, seconds: float) -> dict[str, Any]:
    assert model.latents is not None
    return {
        **model.about(),
        "map": found.key,
        "settings": asdict(found.settings),
        "quality": asdict(found.quality),
        "seconds": round(seconds, 2),
        "faces": [str(name) for name in model.latents.labels["image_id"]],
        "places": [[round(float(value), 5) for value in place] for place in found.places],
    }


def _write_picture(path: Path, found: FaceMap, model: FaceModel) -> None:
    """One face, as the model redraws it, for each cell of the map that has any: the one nearest to its middle."""
    from PIL import Image

    from vaelab.passes import drawn
    from vaelab.pictures import save_generated

    assert model.latents is not None
    cells, rows = face_of_each_cell(found.places)
    side = CELLS * CELL_PIXELS
    picture = Image.new("RGB", (side, side), "white")
    for (across, up), pixels in zip(cells, drawn(model, model.latents.mu[rows]), strict=True):
        face = Image.fromarray(pixels).resize((CELL_PIXELS, CELL_PIXELS), Image.Resampling.LANCZOS)
        picture.paste(face, (int(across) * CELL_PIXELS, side - (int(up) + 1) * CELL_PIXELS))
    save_generated(np.asarray(picture), path, {"vaelab": "map", **model.about(), "map": found.key})
    print(f"wrote {path}", file=sys.stderr)


def face_of_each_cell(places: np.ndarray, count: int = CELLS) -> tuple[np.ndarray, np.ndarray]:
    """Cells (cells, 2), counted right and up, that have faces, and the row of the face nearest to each one's middle."""
    shares = (places.astype(np.float64) + 1.0) / 2.0 * count
    is_inside = ((shares >= 0) & (shares < count)).all(axis=1)
    rows = np.flatnonzero(is_inside)
    cells = np.floor(shares[rows]).astype(np.int64)
    from_middle = np.square(shares[rows] - cells - 0.5).sum(axis=1)
    order = np.argsort(from_middle, kind="stable")
    _, first = np.unique(cells[order], axis=0, return_index=True)
    return cells[order][first], rows[order][first]
