"""`map --over-training`: the faces of a training's frames laid out at each moment, as JSON and as a table."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaelab.cli.arguments import tell
from vaelab.errors import ConfigError, DataError
from vaelab.runs.store import Run, find_run

if TYPE_CHECKING:
    import pandas as pd

    from vaelab.evaluation.film import Film
    from vaelab.evaluation.frames import TrainingFrames
    from vaelab.evaluation.projection import MapSettings


def over_training(arguments: argparse.Namespace, settings: MapSettings) -> int:
    """Make the film, or read it where it is kept; print it and write it as it was asked for.

    Raises:
        ConfigError: it was asked for with what only a single map has.
        DataError: the run kept no frames, or the table cannot be written.
    """
    from vaelab.evaluation.film import Film
    from vaelab.evaluation.frames import TrainingFrames

    if arguments.out or arguments.measure:
        raise ConfigError("--out and --measure are for the map of a trained model; leave them out, or --over-training")
    run = find_run(arguments.run_id, arguments.root)
    frames = TrainingFrames.read(run)
    started = time.monotonic()
    film = Film.of_run(run, frames, settings, tell)
    seconds = time.monotonic() - started
    if arguments.csv:
        write_csv(arguments.csv, film_table(film, frames))
    if arguments.json:
        print(json.dumps(_record(run, film, frames, seconds)))
    else:
        _tell(run, film, frames, seconds)
    return 0


def film_table(film: Film, frames: TrainingFrames) -> pd.DataFrame:
    """A row for each frame and face: labels, images_seen, x and y."""
    import pandas as pd

    parts = [
        frames.labels.assign(images_seen=moment.images_seen, x=places[:, 0], y=places[:, 1])
        for moment, places in zip(film.moments, film.places, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table of faces.

    Raises:
        DataError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(path, index=False)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}; choose another place with --csv") from error
    print(f"wrote {path}", file=sys.stderr)


def _tell(run: Run, film: Film, frames: TrainingFrames, seconds: float) -> None:
    print(f"{len(frames.labels):,} faces at {len(film.moments)} moments in {seconds:.1f} s, kept in {run.dir}")
    print(f"{'images seen':>12} {'trustworthiness':>16} {'kept on the map':>16} {'kept since':>11} {'moved':>7}")
    for moment in film.moments:
        since = "" if moment.kept_since is None else f"{moment.kept_since.mean:.1%}"
        moved = "" if moment.moved is None else f"{moment.moved / 2:.3f}"
        trust, kept = moment.quality.trustworthiness.mean, moment.quality.preserved.mean
        print(f"{moment.images_seen:>12,} {trust:>16.3f} {kept:>16.1%} {since:>11} {moved:>7}")
    print(
        f"kept: of the {film.settings.neighbours} nearest latents, those near on the map, and those near in the frame "
        "before; moved: mean way since then, in widths of the map"
    )


def _record(run: Run, film: Film, frames: TrainingFrames, seconds: float) -> dict[str, Any]:
    return {
        "model": run.id,
        "film": film.key,
        "settings": asdict(film.settings),
        "seconds": round(seconds, 2),
        "faces": [str(name) for name in frames.labels["image_id"]],
        "frames": [
            {**asdict(moment), "places": [[round(float(value), 5) for value in place] for place in places]}
            for moment, places in zip(film.moments, film.places, strict=True)
        ],
    }
