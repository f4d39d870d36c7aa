"""The process that makes a map over training.

`python -m vaelab.jobs.film_worker RUN_DIR`, its settings as JSON on its input.
"""

import json
import sys
from pathlib import Path

from vaelab.evaluation.film import Film
from vaelab.evaluation.frames import TrainingFrames
from vaelab.evaluation.projection import MapSettings
from vaelab.jobs.environment import give_way
from vaelab.runs.store import Run


def make_film(run: Run, settings: MapSettings) -> Film:
    """The map over the training of `run`, kept with it; one that is kept already is not made again."""
    frames = TrainingFrames.read(run)
    kept = Film.read(run, frames, settings)
    if kept is not None:
        return kept
    made = Film.of(frames, settings)
    made.write(run)
    return made


if __name__ == "__main__":
    give_way()
    make_film(Run.open(Path(sys.argv[1])), MapSettings(**json.load(sys.stdin)))
