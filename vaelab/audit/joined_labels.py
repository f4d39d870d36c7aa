"""Labels of the scored faces from a table that came later, such as apparent lightness."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from vaelab.data.extra_labels import joined, read_labels
from vaelab.evaluation.fairness.scores import Scores


def with_labels(scores: Scores, path: Path) -> tuple[Scores, str]:
    """The scores with the columns of a CSV joined to their faces' labels by `image_id`, and a sentence for the record.

    Raises:
        DataError: the file cannot be read, has a column that is there already, or names none of the faces.
    """
    labels, num_matched = joined(scores.labels, read_labels(path), str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return replace(scores, labels=labels), (
        f"Labels of {path.name} (SHA-256 {digest}) were joined to {num_matched:,} of {scores.num_faces:,} faces "
        "afterwards."
    )
