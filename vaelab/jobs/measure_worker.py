"""The process that measures a run's stored faces.

`python -m vaelab.jobs.measure_worker RUN_DIR`, the measure as JSON on its input.
"""

import json
import sys
from pathlib import Path

import numpy as np

from vaelab.inference import FaceModel
from vaelab.jobs.environment import give_way
from vaelab.runs.store import Run, find_run
from vaelab.scorecard.per_face import Measure, PerFace, measured, read_values, values_key, write_values


def measure_faces(run: Run, measure: Measure) -> PerFace:
    """The measure of every stored face of `run`, kept with the run; one that is kept already is not made again.

    Raises:
        ConfigError: the run stores no faces, or the detector takes pictures of another size.
        DataError: the pictures are not on this machine.
        RunError: there is no such detector beside the run.
    """
    model = FaceModel.load(run)
    detector = None
    if measure.detector:
        detector = FaceModel.load(find_run(measure.detector, run.dir.parent), with_latents=False)
    if model.latents is not None:
        key = values_key(model.latents, measure, "" if detector is None else detector.weights_fingerprint)
        kept = read_values(run, key, model.latents)
        if kept is not None:
            return kept
    values = np.asarray(measured(run, model, measure, detector), np.float32)
    assert model.latents is not None  # measured refuses a model without
    write_values(run, key, values, measure)
    return values


if __name__ == "__main__":
    give_way()
    measure_faces(Run.open(Path(sys.argv[1])), Measure(**json.load(sys.stdin)))
