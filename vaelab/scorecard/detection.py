"""How a detector does on held-out faces at false-positive rates that were set on other pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from vaelab.data.collection import Collection
from vaelab.data.groups import group_columns
from vaelab.errors import ConfigError
from vaelab.evaluation.groups import detection
from vaelab.inference import FaceModel
from vaelab.passes import face_logits_of_rows

FALSE_POSITIVE_RATES = (0.05, 0.01, 0.001)


def detection_section(model: FaceModel, data: Collection, faces: np.ndarray, split: str, limit: int) -> dict[str, Any]:
    """Recall of faces at matched false-positive rates, over all and by group.

    Raises:
        ConfigError: the split has no non-faces.
    """
    calibration = data.rows("calibration", is_face=False)
    negatives = data.rows(split, is_face=False, limit=limit)
    if not len(negatives):
        raise ConfigError(f"no non-faces in split {split!r}; evaluate a detector on data sets that hold some")
    labels = data.labels.iloc[faces]
    columns = group_columns(labels)
    face_scores, calibration_scores, negative_scores = (
        face_logits_of_rows(model, data, rows) for rows in (faces, calibration, negatives)
    )
    report: dict[str, Any] = {"num_negatives": len(negatives)}
    for fpr in FALSE_POSITIVE_RATES:
        if len(calibration) < 10 / fpr:
            report[f"fpr_{fpr:g}"] = {
                "refused": f"needs {10 / fpr:.0f} calibration negatives, there are {len(calibration)}"
            }
            continue
        report[f"fpr_{fpr:g}"] = detection(
            face_scores, labels, calibration_scores, negative_scores, fpr, columns
        ).to_dict()
    return report
