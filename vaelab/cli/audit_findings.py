"""What an audit found, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vaelab.audit.report.wording import NOTHING, with_interval
from vaelab.wording import rate_name

if TYPE_CHECKING:  # so that no other command pays for the statistics
    from vaelab.evaluation.fairness.arms import Summary
    from vaelab.evaluation.fairness.findings import Findings


def lines(found: Findings) -> Iterator[str]:
    """Recall by group for all arms, what it adds up to, the verdicts, and what weakens them."""
    from vaelab.evaluation.fairness.verdicts import CORRECTED

    seeds = f"{len(found.seeds)} seed{'s' * (len(found.seeds) > 1)}"
    yield (
        f"recall in % at {rate_name(found.fpr)} false positives by {', '.join(found.columns)}: {found.num_faces:,} "
        f"faces, {found.num_negatives:,} non-faces, {found.num_calibration:,} for thresholds, {seeds}; 95 % intervals"
    )
    width = max(20, *(len(arm) + 2 for arm in found.arms))
    yield f"{'':28}{'faces':>7}" + "".join(f"{arm:>{width}}" for arm in found.arms)
    for group in found.groups:
        cells = [with_interval(found.recall(arm, group.name).mean) for arm in found.arms]
        yield f"{group.name:28}{group.count:>7,}" + "".join(f"{cell:>{width}}" for cell in cells)
    rows = {
        "worst group": [with_interval(summary.worst_group) for summary in found.summaries],
        "gap (by chance)": [_gap(summary) for summary in found.summaries],
        "average E[A]": [with_interval(summary.average) for summary in found.summaries],
        "all": [with_interval(summary.overall) for summary in found.summaries],
    }
    for title, cells in rows.items():
        yield f"{title:35}" + "".join(f"{cell:>{width}}" for cell in cells)
    rates = [with_interval(alarms.mean, 2) for alarms in found.false_positives]
    yield f"{'false positives, realised':35}" + "".join(f"{rate:>{width}}" for rate in rates)
    for left in found.left_out:
        yield f"{left.group}: {left.count} faces, {left.reason}"
    yield from (verdict.sentence for verdict in found.verdicts)
    if any(summary.worst_group is not None for summary in found.summaries):
        yield CORRECTED
    if found.family:
        yield found.family
    yield from (f"note: {warning}" for warning in found.warnings)


def _gap(summary: Summary) -> str:
    if summary.gap is None or summary.permuted is None:
        return NOTHING
    return f"{100 * summary.gap:.1f} ({100 * summary.permuted.gap_by_chance:.1f})"
