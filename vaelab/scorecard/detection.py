"""How a detector does on held-out faces at false-positive rates that were set on other pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from vaelab.data.collection import Collection
from vaelab.data.groups import group_columns
from vaelab.data.splits import SPLITS
from vaelab.errors import ConfigError
from vaelab.evaluation.clusters import classes_of, cut_from, held_out
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
    faces_of = cut_from(labels["image_id"].to_numpy(dtype=str))
    negatives_of = _what_is_shown(data, negatives, split)
    report: dict[str, Any] = {
        "num_negatives": len(negatives),
        "num_pictures_of_faces": len(np.unique(faces_of)),
        "num_kinds_of_negatives": len(np.unique(negatives_of)),
    }
    for fpr in FALSE_POSITIVE_RATES:
        if len(calibration) < 10 / fpr:
            report[f"fpr_{fpr:g}"] = {
                "refused": f"needs {10 / fpr:.0f} calibration negatives, there are {len(calibration)}"
            }
            continue
        report[f"fpr_{fpr:g}"] = detection(
            face_scores, labels, calibration_scores, negative_scores, fpr, columns,
            faces_of=faces_of, negatives_of=negatives_of,
        ).to_dict()  # fmt: skip
    return report


def _what_is_shown(data: Collection, negatives: np.ndarray, split: str) -> np.ndarray:
    """The class of each non-face, where other splits have none of it; else the picture that it is cut from."""
    pictures = cut_from(data.labels["image_id"].iloc[negatives].to_numpy(dtype=str))
    classes = classes_of(data.labels)
    if classes is None:
        return pictures
    others = np.concatenate([data.rows(other, is_face=False) for other in SPLITS if other != split])
    shown = held_out(classes[negatives], np.unique(classes[others]))
    return np.where(shown == "", pictures, shown)
