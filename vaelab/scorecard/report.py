"""The report of one model on one split: its parts, each with what it was measured on, and how it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaelab.data.collection import Collection
from vaelab.errors import ConfigError, DataError
from vaelab.inference import FaceModel
from vaelab.scorecard import PARTS
from vaelab.scorecard.detection import detection_section
from vaelab.scorecard.disentanglement import disentanglement_section
from vaelab.scorecard.extractors import Extractor
from vaelab.scorecard.generation import check_extractors, generation_section
from vaelab.scorecard.likelihood import likelihood_section
from vaelab.scorecard.reconstruction import reconstruction_section

FACES = ("data", "split", "num_faces", "crop")
"""What a report says of the faces that it is about."""


@dataclass(frozen=True)
class Amounts:
    """How many pictures the costly parts look at: the whole takes some minutes on two cores.

    Attributes:
        generated: faces of each way, against as many real ones.
        likelihood: faces whose probability is bounded, by `importance` samples each.
        disentanglement: faces whose factors are read off their latents.
    """

    generated: int = 2000
    likelihood: int = 64
    importance: int = 64
    disentanglement: int = 3000


def evaluate(
    model: FaceModel,
    data: Collection,
    split: str = "test",
    limit: int = 0,
    progress: Callable[[str], None] | None = None,
    parts: Sequence[str] = PARTS,
    extractors: Sequence[Extractor] = (),
    amounts: Amounts | None = None,
) -> dict[str, Any]:
    """The report of a model on one split of prepared data; parts that it has nothing for are left out.

    Args:
        limit: look at the first so many faces and non-faces of each split; 0 at all.
        progress: told what is being measured.
        parts: which of PARTS to measure.
        extractors: what looks at drawn faces; without one their distance from real ones is not measured.

    Raises:
        ConfigError: an unknown part, or none that this kind of model has.
        DataError: the split has no faces, or too few calibration negatives.
    """
    tell, amounts = progress or (lambda _: None), amounts or Amounts()
    faces = data.rows(split, is_face=True, limit=limit)
    if not len(faces):
        raise DataError(f"the data sets have no faces in split {split!r}; choose another with --split")
    wanted = _possible(model, parts)
    check_extractors(extractors, model.size)
    report: dict[str, Any] = {
        "model": model.about(),
        "data": data.fingerprints,
        "split": split,
        "num_faces": len(faces),
        "crop": {store.manifest.name: store.manifest.crop for store in data.stores},
    }
    sections: dict[str, Callable[[], dict[str, Any]]] = {
        "reconstruction": lambda: reconstruction_section(model, data, faces, tell),
        "generation": lambda: generation_section(model, data, faces, amounts.generated, extractors, tell),
        "likelihood": lambda: likelihood_section(model, data, faces, amounts.likelihood, amounts.importance, tell),
        "disentanglement": lambda: disentanglement_section(model, data, faces, amounts.disentanglement, tell),
        "detection": lambda: detection_section(model, data, faces, split, limit),
    }
    for part in wanted:
        tell(part)
        report[part] = sections[part]()
    return report


def merged(known: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """The new report with the parts that only the known one has, if it is of the same weights, pictures and split."""
    if known is None or any(known.get(name) != new[name] for name in ("model", *FACES)):
        return dict(new)
    both = {**known, **new}
    return {name: both[name] for name in ["model", *FACES, *PARTS] if name in both}


def is_of_other_faces(known: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the known report still holds, as the weights are the same, and the new one is of other pictures."""
    return known.get("model") == new["model"] and any(known.get(name) != new[name] for name in FACES)


def _possible(model: FaceModel, parts: Sequence[str]) -> list[str]:
    """The parts that `model` has something for, in the order of PARTS."""
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise ConfigError(f"there is no part {unknown[0]!r} of a report; choose among {', '.join(PARTS)}")
    has = [part for part in PARTS if (model.has_detector if part == "detection" else model.has_decoder)]
    possible = [part for part in has if part in parts]
    if not possible:
        raise ConfigError(
            f"{model.run_id} is a {model.config.model.model}, which has no {' or '.join(parts)}; "
            f"choose among {', '.join(has)}"
        )
    return possible
