"""What the published notebook's loss does, beside the intended one: two trainings on the same drawn pictures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from vaelab.config import TrainConfig, replace
from vaelab.inference import FaceModel
from vaelab.runs.store import Run
from vaelab.training.job import run_training


def test_as_published_everything_becomes_a_face(
    tiny_config: Callable[..., TrainConfig], tmp_path: Path, faces: np.ndarray, nonfaces: np.ndarray
) -> None:
    shares = {}
    for mask in ("faces-only", "as-published"):
        config = tiny_config(model="dbvae", mask=mask, classifier_weight=768.0, num_images=6400)
        run = Run.create(replace(config, report_every=3200, validate_every=6400, checkpoint_every=6400), tmp_path, mask)
        run_training(run)
        model = FaceModel.load(run)
        shares[mask] = tuple(float((model.face_prob(pixels) > 0.5).mean()) for pixels in (faces, nonfaces))
        assert ("everything becomes a face" in (run.dir / "log.txt").read_text()) == (mask == "as-published")
    recall, false_positives = shares["as-published"]
    assert recall > 0.98
    assert false_positives > 0.95
    recall, false_positives = shares["faces-only"]
    assert recall > 0.6
    assert false_positives < 0.2
