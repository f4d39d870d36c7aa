"""A walk as files: the faces as one marked picture, the numbers as CSV, all of it as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from pages.counterfactual.figure import frame_numbers
from pages.counterfactual.plan import Plan
from vaelab.counterfactual import Walk
from vaelab.editing.recipe import to_record
from vaelab.pictures import contact_sheet, png_bytes

if TYPE_CHECKING:
    from vaelab.inference import FaceModel

FORMAT = "vaelab-walk-1"


def numbers(walk: Walk) -> pd.DataFrame:
    """One row per position: what each detector makes of the face there, and whether that is above its threshold."""
    table = pd.DataFrame({"position": walk.positions})
    for sight in walk.sights:
        table[f"{sight.detector} face_logit"] = sight.face_logit
        table[f"{sight.detector} face_prob"] = sight.face_prob
        table[f"{sight.detector} sees"] = sight.face_logit > sight.threshold.logit
    return table


def walk_record(model: FaceModel, plan: Plan, walk: Walk) -> dict[str, Any]:
    """Everything that is needed to walk again and to check the result, ready for JSON."""
    middle = len(walk.positions) // 2
    return {
        "format": FORMAT,
        "generated": True,
        "start": to_record(model, plan.recipe, walk.latents[middle]),
        "link": plan.to_query(),
        "detectors": [
            {
                "detector": sight.detector,
                "threshold": asdict(sight.threshold),
                "crossings": [asdict(crossing) for crossing in sight.crossings],
                "face_logit": [round(float(value), 4) for value in sight.face_logit],
            }
            for sight in walk.sights
        ],
        "positions": [round(float(position), 4) for position in walk.positions],
    }


def csv_file(walk: Walk) -> bytes:
    """`numbers` as CSV."""
    return numbers(walk).to_csv(index=False).encode()


def json_file(model: FaceModel, plan: Plan, walk: Walk) -> bytes:
    """`walk_record` as JSON."""
    return json.dumps(walk_record(model, plan, walk), indent=1).encode()


def strip_file(model: FaceModel, plan: Plan, walk: Walk) -> bytes:
    """The film strip as a PNG whose metadata says that it was generated, and how."""
    frames = walk.pixels[frame_numbers(walk)]
    return png_bytes(contact_sheet(frames, columns=len(frames)), walk_record(model, plan, walk))
