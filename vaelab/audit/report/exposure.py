"""What resampling did: how many faces it rested on, whom it drew, and who is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vaelab.audit.exposure import UNLABELLED
from vaelab.audit.report.document import Block, Paragraph, Section, Table
from vaelab.audit.report.figures import density_figure, exposure_figure
from vaelab.audit.report.wording import NOTHING, number, percent
from vaelab.data.groups import NO, YES
from vaelab.evaluation.fairness.density import DensityBand
from vaelab.wording import listed

MOST_VALUES = 16
"""Labels with more values are not told by value."""
MOST_UNIFORM = 0.8
"""An arm that draws uniformly for a larger share of its training is told apart."""
Exposures = Mapping[str, Sequence[Mapping[str, Any]]]


def exposure_section(exposures: Exposures, bands: Mapping[str, Sequence[DensityBand]]) -> Section:
    """Everything about resampling; one sentence where no arm resamples."""
    blocks: list[Block] = []
    figure = exposure_figure(exposures)
    if figure is None:
        blocks.append(Paragraph("No arm draws faces by their rarity."))
    else:
        blocks += [Paragraph(text, is_caution=True) for text in _hardly_resampled(exposures)]
        blocks += [figure, _in_numbers(exposures), *_composition(exposures), _extremes(exposures)]
    usual = density_figure(bands)
    if usual is not None:
        blocks += [usual, _by_density(bands)]
    return Section("Exposure", tuple(blocks))


def _hardly_resampled(exposures: Exposures) -> list[str]:
    """Arms that are debiased by name alone."""
    return [
        f"Arm {arm} drew uniformly for {members[0]['uniform_until']:,} of its {members[0]['num_images']:,} images: it "
        "says next to nothing about resampling. Lower refresh_every or resample_after."
        for arm, members in exposures.items()
        if members[0]["uniform_until"] > MOST_UNIFORM * members[0]["num_images"]
    ]


def _in_numbers(exposures: Exposures) -> Table:
    rows = []
    for arm, members in exposures.items():
        last = [one["over_time"][-1] for one in members if one["over_time"]]
        if not last:
            continue
        rows.append(
            (
                arm,
                f"{members[0]['num_faces']:,}",
                f"{members[0]['uniform_until']:,}",
                percent(float(np.mean([row["effective_share"] for row in last]))),
                f"{np.mean([row['effective_sample_size'] for row in last]):,.0f}",
                number(float(np.mean([row["largest_prob_times_faces"] for row in last])), 1),
                number(float(np.mean([row["num_active"] for row in last])), 1),
            )
        )
    head = (
        "Arm", "Training faces", "Uniform until", "Effective share, %", "Effective faces", "Most drawn, times fair",
        "Active latents",
    )  # fmt: skip
    return Table("At the last resampling, means over seeds", head, tuple(rows))


def _composition(exposures: Exposures) -> list[Table]:
    """For each label, its values' shares in the data and in what each arm drew; one table for all yes-or-no labels."""
    first = next(iter(exposures.values()))[0]["groups"]
    drawn_by = tuple(f"Drawn by {arm}" for arm in exposures)
    note = "Over the whole training, means over seeds."

    def row(name: str, column: str, value: str) -> tuple[str, ...]:
        drawn = [[one["groups"][column][value]["drawn"] for one in members] for members in exposures.values()]
        return name, percent(first[column][value]["data"]), *(percent(float(np.mean(shares))) for shares in drawn)

    tables, having = [], []
    for column, values in first.items():
        if {YES, NO} <= set(values) <= {YES, NO, UNLABELLED}:
            having.append(row(column, column, YES))
        elif len(values) <= MOST_VALUES:
            rows = tuple(row(value, column, value) for value in values)
            tables.append(Table(f"Training faces by {column}, %", (column, "In the data", *drawn_by), rows, note))
    if having:
        head = ("Labelled yes", "In the data", *drawn_by)
        tables.append(Table("Training faces by yes-or-no labels, %", head, tuple(having), note))
    return tables


def _extremes(exposures: Exposures) -> Table:
    rows = []
    for arm, members in exposures.items():
        for kind, key in (("most", "most_drawn"), ("least", "least_drawn")):
            faces = members[0][key]
            fair = members[0]["num_faces"]
            shown = listed([f"{face['image_id']} ({face['prob'] * fair:.2g}×)" for face in faces], 8)
            rows.append((arm, kind, shown or NOTHING))
    return Table(
        "Faces drawn most and least, first seed, last resampling",
        ("Arm", "Drawn", "Faces, and how often in terms of a fair share"),
        tuple(rows),
        words=frozenset({0, 1, 2}),
    )


def _by_density(bands: Mapping[str, Sequence[DensityBand]]) -> Table:
    count = len(next(iter(bands.values())))
    rows = tuple(
        (arm, *(percent(float(np.mean([rate.rate for rate in band.by_seed]))) for band in found))
        for arm, found in bands.items()
    )
    sizes = [f"{band.count:,}" for band in next(iter(bands.values()))]
    head = ("Arm", *(f"Fifth {place + 1}" for place in range(count)))
    note = (
        "The first fifth holds the faces that are most unusual to a network: each has its own, so fifths of two arms "
        f"are not the same faces. Faces in each: {', '.join(sizes)}. Means over seeds."
    )
    return Table("Recall by latent density, %", head, rows, note)
