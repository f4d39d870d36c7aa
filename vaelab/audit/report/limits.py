"""What the numbers of a report cannot say: most of it stands in every one."""

from __future__ import annotations

from pathlib import Path

from vaelab.audit.experiment import Experiment
from vaelab.audit.report.document import Paragraph, Section
from vaelab.data.manifest import are_drawn
from vaelab.evaluation.fairness.findings import Findings
from vaelab.evaluation.lightness import CAVEATS

OF_PHOTOS = (
    "Labels of race, gender and age are what annotators saw in a picture, not what a person is or says. Race labels, "
    "skin tone and apparent lightness are three different things; none is derived from another here."
)
OF_DRAWINGS = (
    "The held-out faces were drawn by a program, so every label is exact, and nobody's own: what holds among them need "
    "not hold among people, and finding one in its picture is not detection in a photograph."
)
LIMITS = (
    "The detectors are small networks trained for minutes on small pictures. A difference found between them is one "
    "between these ways of training at this size; it says nothing about products.",
    "Non-faces have no race and no gender. Groups are compared by recall against one shared set of non-faces; false "
    "alarms are nobody's.",
    "A group is only as uniform as its label. A gap within it does not show, and a crossing of labels may be too small "
    "to measure; small groups are marked, not dropped in silence.",
)


CUT_OUT = (
    "Recall of faces that were cut out beforehand is not detection in a photograph: position, size and what surrounds "
    "the face are given."
)
WINDOWS = (
    "A face counts as found where any window of its picture passes the threshold, wherever that window lies: this is "
    "not detection in a photograph, which says where the face is."
)
SAME_COLLECTION = (
    "Held-out faces come from the same collection as the training faces. How groups fare on other pictures may differ."
)


def limits_section(experiment: Experiment, found: Findings) -> Section:
    """The limits, with those of how this audit's pictures were chosen and framed."""
    drawn = are_drawn(experiment.face_datasets, Path(experiment.base.data.data_dir))
    texts = [OF_DRAWINGS if drawn else OF_PHOTOS, *LIMITS]
    if experiment.portraits != "as prepared":
        texts.append(WINDOWS)
    elif not drawn:
        texts.append(CUT_OUT)
    texts.append(_collection(experiment))
    if any("lightness" in column or column == "ita" for column in found.columns):
        texts.append(CAVEATS)
    if experiment.shares:
        texts.append(
            "The bias was planted: faces were left out of the training on purpose, so rare groups are rare by count "
            "alone. Bias that grew by itself differs in pose, light and quality too."
        )
    return Section("Limits", tuple(Paragraph(text) for text in texts))


def _collection(experiment: Experiment) -> str:
    """Where the held-out faces come from, seen from the training faces."""
    trained, tested = experiment.base.data.datasets, experiment.face_datasets
    others = [name for name in tested if name not in trained]
    if not others:
        return SAME_COLLECTION
    which = "All held-out faces" if len(others) == len(tested) else "Some of the held-out faces"
    return (
        f"{which} come from other collections than the training faces ({', '.join(others)}): what a group's recall "
        "owes to the people in it and what to how that collection was made cannot be told apart."
    )
