"""The process that makes one map, or one over a training: `python -m vaelab.jobs.map_worker RUN_DIR`.

What is asked for comes as JSON on its input. UMAP and numba are imported here and nowhere near a page: they take
seconds, then compile, and hold the interpreter.
"""

import json
import sys
from pathlib import Path

from vaelab.evaluation.facemap import FaceMap
from vaelab.evaluation.film import Film
from vaelab.evaluation.frames import TrainingFrames
from vaelab.evaluation.latents import StoredLatents
from vaelab.evaluation.projection import MapSettings
from vaelab.jobs.environment import give_way
from vaelab.runs.store import Run


def make(run: Run, settings: MapSettings, *, over_training: bool) -> None:
    """See that the run keeps this map of the faces it stores, or of those its training kept at each validation."""
    if over_training:
        Film.of_run(run, TrainingFrames.read(run), settings)
    else:
        FaceMap.of_run(run, StoredLatents.read(run), settings)


if __name__ == "__main__":
    give_way()
    asked = json.load(sys.stdin)
    make(Run.open(Path(sys.argv[1])), MapSettings(**asked["settings"]), over_training=asked["over_training"])
