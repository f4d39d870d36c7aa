"""The report's files, all from one look at the scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vaelab.audit.cautions import looked_at, unpaired
from vaelab.audit.history import history_of
from vaelab.audit.report.content import Material, document_of
from vaelab.audit.report.page import page_of
from vaelab.audit.report.paper import pdf_of
from vaelab.audit.report.tables import tables_of
from vaelab.audit.store import Audit, split_ending
from vaelab.errors import DataError
from vaelab.evaluation.fairness.density import bands_by_arm
from vaelab.evaluation.fairness.findings import find
from vaelab.evaluation.fairness.published import PUBLISHED
from vaelab.runs.files import replacing, telling

RATES = (0.05, 0.01, 0.001)
"""False-positive rates that every report looks at, beside the primary one."""


def write_report(
    audit: Audit,
    split: str = "test",
    fpr: float | None = None,
    columns: Sequence[str] = (),
    labels: Path | None = None,
) -> Path:
    """Write report.html, .pdf and .json, tables/*.csv and figures/*.png into the audit's folder.

    The split val is for choosing: its files are called report-val and so on, so that nobody takes them for the result.

    Args:
        fpr: false-positive rate of the thresholds; by default the experiment's primary one.
        columns: labels that make the groups; by default those of the experiment.
        labels: a CSV of more labels, joined by `image_id`.

    Returns:
        The web page.

    Raises:
        DataError: no seed is done under all arms, too few calibration negatives for `fpr`, or labels that do not fit.
        RunError: the folder cannot be written to.
    """
    material = material_of(audit, split, fpr, columns, labels)
    document = document_of(material)
    written = {
        "html": page_of(document).encode(),
        "pdf": pdf_of(document),
        "json": (json.dumps(_as_json(material), indent=1, allow_nan=False) + "\n").encode(),
    }
    for kind, content in written.items():
        with audit.replacing(audit.report_path(kind, split).name) as file:
            file.write(content)
    ending = split_ending(split)
    tables = tables_of(material.found, material.exposures, material.bands)
    _fill(audit, f"tables{ending}", {
        f"{name}.csv": table.to_csv(index=False, lineterminator="\n").encode() for name, table in tables.items()
    })  # fmt: skip
    _fill(audit, f"figures{ending}", {f"{picture.name}.png": picture.png for picture in document.pictures()})
    return audit.report_path("html", split)


def material_of(
    audit: Audit, split: str, fpr: float | None = None, columns: Sequence[str] = (), labels: Path | None = None
) -> Material:
    """All that the report is written from."""
    experiment = audit.experiment
    fpr = experiment.fpr if fpr is None else fpr
    columns = tuple(columns) or experiment.columns
    scores, cautions = looked_at(audit, split, columns, labels)
    known: Any = {"primary": experiment.fpr, "cautions": cautions}
    others: dict[float, Any] = {}
    for rate in sorted({*RATES, experiment.fpr}, reverse=True):
        if rate != fpr:
            try:
                others[rate] = find(scores, columns, rate, **known)
            except DataError as error:
                others[rate] = str(error)
    exposures = {
        arm: [one for seed in scores.seeds if (one := audit.exposure(arm, seed)) is not None]
        for arm in experiment.resampling_arms
    }
    return Material(
        experiment,
        audit.about,
        split,
        find(scores, columns, fpr, **known),
        others,
        {arm: members for arm, members in exposures.items() if members},
        bands_by_arm(scores, {arm: audit.log_densities(split, arm) for arm in scores.arms}, fpr),
        unpaired(audit, split, scores),
    )


def _as_json(material: Material) -> dict[str, Any]:
    """Everything in the report as plain values."""
    return {
        **{name: value for name, value in material.about.items() if name != "experiment"},
        "experiment": material.experiment.to_dict(),
        "history": history_of(material.about),
        "unpaired": material.unpaired,
        "split": material.split,
        "findings": material.found.to_dict(),
        "at_other_rates": {
            f"{fpr:g}": {"refused": found} if isinstance(found, str) else found.to_dict()
            for fpr, found in material.others.items()
        },
        "exposure": {arm: list(members) for arm, members in material.exposures.items()},
        "recall_by_density": {arm: [asdict(band) for band in bands] for arm, bands in material.bands.items()},
        "published": [asdict(one) for one in PUBLISHED],
    }


def _fill(audit: Audit, name: str, files: Mapping[str, bytes]) -> None:
    """Put files into a folder of the audit, and take out those of an earlier report."""
    folder = audit.dir / name
    with telling(f"cannot write {name} of audit {audit.name}", audit.dir):
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            if path.name not in files:
                path.unlink()
    for file_name, content in files.items():
        with replacing(folder, file_name, f"audit {audit.name}") as file:
            file.write(content)
