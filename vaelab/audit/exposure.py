"""What resampling did to a member's training: whom it drew, how often, and how many faces that is worth."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from vaelab.data.collection import Collection
from vaelab.data.groups import Grouping, choosable_columns
from vaelab.runs.store import Run

OVER_TIME = ("effective_sample_size", "effective_share", "num_active", "largest_prob_times_faces")
UNLABELLED = "no label"
"""Faces whose label is missing, beside the values of the label."""


def exposure_of(run: Run, training: Collection) -> dict[str, Any]:
    """What a finished training drew, from its own reports.

    Returns:
        num_faces: training faces; uniform_until: images seen before the first resampling.
        over_time: for each resampling the clock, effective sample size and share, active latents, largest weight.
        groups: by label column and value, its share of all training faces, and of all that was drawn from beginning to
            end; faces without a label are a value of their own, UNLABELLED.
        most_drawn, least_drawn: faces at the last resampling, with the probability of each draw.
    """
    rows = run.metrics("resampling")
    config = run.config
    faces = training.labels.iloc[training.rows("train", is_face=True, limit=config.data.max_faces)]
    last: dict[str, Any] = rows[-1] if rows else {}
    return {
        "num_faces": len(faces),
        "num_images": config.optim.num_images,
        "uniform_until": rows[0]["images_seen"] if rows else config.optim.num_images,
        "over_time": [{name: row[name] for name in ("images_seen", *OVER_TIME)} for row in rows],
        "groups": {
            column: _shares(Grouping.of(faces, [column]), column, rows, config.optim.num_images)
            for column in choosable_columns(faces)
            if all(column in row["groups"] for row in rows)  # older versions kept no yes-or-no labels
        },
        "most_drawn": last.get("most_drawn", []),
        "least_drawn": last.get("least_drawn", []),
    }


def _shares(
    grouping: Grouping, column: str, rows: list[dict[str, Any]], num_images: int
) -> dict[str, dict[str, float]]:
    """Of each group its share of all faces and of all draws, each period weighed by its length."""
    total = max(len(grouping.keys), 1)
    data = {group.name: group.count / total for group in grouping.groups}
    starts = [0, *(row["images_seen"] for row in rows)]
    lengths = np.diff([*starts, num_images])
    drawn: dict[str, float] = defaultdict(float)
    for length, row in zip(lengths, [None, *rows], strict=True):
        for name, share in data.items():
            in_period = share if row is None else row["groups"][column][name]["drawn"]
            drawn[name] += in_period * float(length) / num_images
    if grouping.num_ungrouped:
        data[UNLABELLED], drawn[UNLABELLED] = grouping.num_ungrouped / total, 1.0 - sum(drawn.values())
    return {name: {"data": round(share, 6), "drawn": round(drawn[name], 6)} for name, share in data.items()}
