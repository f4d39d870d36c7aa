"""The figures of a report as plain tables, one row per statement, for other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from vaelab.evaluation.fairness.density import DensityBand
from vaelab.evaluation.fairness.findings import Findings
from vaelab.evaluation.fairness.two_level import TwoLevel

Row = dict[str, Any]


def tables_of(
    found: Findings,
    exposures: Mapping[str, Sequence[Mapping[str, Any]]],
    bands: Mapping[str, Sequence[DensityBand]],
) -> dict[str, pd.DataFrame]:
    """By file name without ending. Shares are between 0 and 1; what does not exist is an empty field."""
    tables = {**_found(found), **_drawn(found, exposures, bands)}
    return {name: pd.DataFrame(rows) for name, rows in tables.items() if rows}


def _found(found: Findings) -> dict[str, list[Row]]:
    """What the members and arms do on held-out pictures."""
    return {
        "groups": [
            {"arm": one.arm, "group": one.group, "faces": one.count, "standing": one.standing}
            | _estimate("recall", one.mean)
            | _estimate("auc", one.auc)
            for one in found.recalls
        ],
        "groups-by-seed": [
            {"arm": one.arm, "group": one.group, "seed": seed, "faces": one.count, "found": hits}
            | {"recall": rate.rate, "low": rate.low, "high": rate.high}
            for one in found.recalls
            for seed, hits, rate in zip(found.seeds, one.hits, one.by_seed, strict=True)
        ],
        "arms": [
            {"arm": one.arm}
            | {
                key: value
                for name in ("worst_group", "average", "overall")
                for key, value in _estimate(name, getattr(one, name)).items()
            }
            | {"gap": one.gap}
            | {"variance": one.variance, "corrected_variance": one.corrected_variance, "noise_floor": one.noise_floor}
            for one in found.summaries
        ],
        "effects": [
            {"earlier": effect.earlier, "later": effect.later, "measure": name}
            | _estimate("change", change.difference)
            | {"p": change.difference.p_value, "p_holm": change.p_holm, "wilcoxon_p": change.wilcoxon_p}
            for effect in found.effects
            for name, change in effect.changes.items()
        ],
        "members": [
            {
                "arm": one.arm,
                "seed": seed,
                "threshold": threshold,
                "false_positives": rate.rate,
                "low": rate.low,
                "high": rate.high,
                "non_faces": rate.count,
            }
            for one in found.false_positives
            for seed, threshold, rate in zip(found.seeds, one.thresholds, one.realised, strict=True)
        ],
        "false-positives": [
            {"arm": one.arm} | _estimate("false_positives", one.mean) | _estimate("hard_false_positives", one.hard_mean)
            for one in found.false_positives
        ],
        "false-positives-by-class": [
            {"arm": one.arm, "class": name, "false_positives": rate.rate, "answers": rate.count}
            for one in found.false_positives
            for name, rate in one.by_class.items()
        ],
    }


def _drawn(
    found: Findings,
    exposures: Mapping[str, Sequence[Mapping[str, Any]]],
    bands: Mapping[str, Sequence[DensityBand]],
) -> dict[str, list[Row]]:
    """Whom the resampling drew, and recall where latents are thin."""
    return {
        "exposure": [
            {"arm": arm, "member": place, "label": column, "value": value, **shares}
            for arm, members in exposures.items()
            for place, member in enumerate(members)
            for column, values in member["groups"].items()
            for value, shares in values.items()
        ],
        "density": [
            {"arm": arm, "fifth": place + 1, "seed": seed, "faces": band.count, "recall": rate.rate}
            for arm, found_bands in bands.items()
            for place, band in enumerate(found_bands)
            for seed, rate in zip(found.seeds, band.by_seed, strict=True)
        ],
    }


def _estimate(name: str, estimate: TwoLevel | None) -> dict[str, float | None]:
    if estimate is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
