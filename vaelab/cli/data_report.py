"""What `data` says about stores, as text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from vaelab.data.groups import MAX_VALUES, Grouping
from vaelab.data.manifest import MANIFEST_FILE
from vaelab.data.ordering import natural_key
from vaelab.data.splits import SPLITS
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError

_MAX_REASONS = 8
_MAX_LINES = 24


def store_rows(data_dir: Path) -> list[dict[str, Any]]:
    """One row per folder under `data_dir` that is a store, was one, or is on the way to be one."""
    rows: list[dict[str, Any]] = []
    folders = [path for path in data_dir.glob("*") if path.is_dir()] if data_dir.is_dir() else []
    for path in sorted(folders, key=lambda folder: natural_key(folder.name)):
        if path.suffix == ".partial":
            message = "the same `data prepare` continues it"
            rows.append({"name": path.stem, "state": "unfinished", "message": message})
        elif (path / MANIFEST_FILE).is_file():
            rows.append(_store_row(path))
    return rows


def _store_row(path: Path) -> dict[str, Any]:
    try:
        manifest = DatasetStore.open(path).manifest
    except DataError as error:
        return {"name": path.name, "state": "damaged", "message": str(error)}
    return {
        "name": path.name,
        "state": "ready",
        "source": manifest.source,
        "size": manifest.size,
        "total": manifest.counts["total"],
        "faces": manifest.counts["by_is_face"]["true"],
        "num_rejected": manifest.num_rejected,
        "fingerprint": manifest.fingerprint,
        "licence": manifest.licence,
    }


def manifest_report(store: DatasetStore, path: Path) -> str:
    """Where a store lies, what it holds, its terms, its notes and why files were rejected."""
    manifest = store.manifest
    by_split = ", ".join(f"{split} {manifest.counts['by_split'][split]:,}" for split in SPLITS)
    by_is_face = manifest.counts["by_is_face"]
    lines = [
        f"{path}: {len(store):,} pictures of {manifest.size}x{manifest.size} from {manifest.source}, "
        f"crop {manifest.crop}",
        f"faces {by_is_face['true']:,}, non-faces {by_is_face['false']:,}; {by_split}",
        f"fingerprint {manifest.fingerprint}",
        f"licence: {manifest.licence}",
        *(f"note: {note}" for note in manifest.notes),
    ]
    reasons = Counter(item.reason for item in manifest.rejected).most_common()
    if reasons:
        lines.append(f"rejected: {manifest.num_rejected:,} files")
        lines += [f"  {count:,} x {reason}" for reason, count in reasons[:_MAX_REASONS]]
        if len(reasons) > _MAX_REASONS:
            lines.append(f"  and {len(reasons) - _MAX_REASONS} other reasons")
    return "\n".join(lines)


def labels_report(labels: pd.DataFrame) -> str:
    """Every label: counts by value and split, or the range of a quantity."""
    parts: list[str] = []
    for column in labels.columns:
        if column in ("image_id", "split", "is_face"):
            continue
        values = labels[column].dropna()
        if values.nunique() <= MAX_VALUES:
            parts.append(_counts_by_split(labels, str(column)))
        elif pd.api.types.is_numeric_dtype(values):
            parts.append(
                f"{column}: {len(values):,} values from {values.min():.4g} to {values.max():.4g}, "
                f"mean {values.mean():.4g}"
            )
        else:
            parts.append(f"{column}: {values.nunique():,} different values")
    return "\n".join(parts)


def _counts_by_split(labels: pd.DataFrame, column: str) -> str:
    grouping = Grouping.of(labels, [column])
    header = f"{column:32}" + "".join(f"{split:>13}" for split in SPLITS)
    lines = [header]
    for place, group in enumerate(grouping.groups[:_MAX_LINES]):
        splits = labels["split"][grouping.keys == place]
        lines.append(f"  {group.name[:30]:30}" + "".join(f"{int((splits == split).sum()):>13,}" for split in SPLITS))
    if len(grouping) > _MAX_LINES:
        lines.append(f"  and {len(grouping) - _MAX_LINES} other values")
    return "\n".join(lines)
