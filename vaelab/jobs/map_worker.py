"""The process that makes one map: `python -m vaelab.jobs.map_worker RUN_DIR`, its settings as JSON on its input.

UMAP and numba are imported here and nowhere near a page: they take seconds, then compile, and hold the interpreter.
"""

import json
import sys
from pathlib import Path

from vaelab.evaluation.facemap import FaceMap
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.projection import MapSettings
from vaelab.jobs.environment import give_way
from vaelab.runs.store import Run


def make_map(run: Run, settings: MapSettings) -> FaceMap:
    """The map of the faces that `run` stores, kept with the run; one that is kept already is not made again."""
    latents = StoredLatents.read(run)
    kept = FaceMap.read(run, latents, settings)
    if kept is not None:
        return kept
    made = FaceMap.of(latents, settings)
    made.write(run)
    return made


if __name__ == "__main__":
    give_way()
    make_map(Run.open(Path(sys.argv[1])), MapSettings(**json.load(sys.stdin)))
