"""A large data set out of a small one: its pictures again and again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Int

from vaelab.data.labels_file import write_labels
from vaelab.data.manifest import MANIFEST_FILE, Manifest
from vaelab.data.store import PIXELS_FILE, DatasetStore, counts_of

BLOCK = 1_000
"""Pictures written at a time."""


def repeat(
    given: DatasetStore,
    rows: Int[np.ndarray, " pictures"],
    splits: np.ndarray,
    folder: Path,
    most_written: int | None = None,
) -> DatasetStore:
    """A store in `folder` with the pictures `rows` of another one, a row as often as it is named.

    Args:
        splits: name of the split of each.
        most_written: how many are written; the others are a hole in the file, which reads as black pictures and takes
            no room on the disk.
    """
    labels = given.labels.iloc[rows].reset_index(drop=True)
    labels["image_id"] = [f"picture-{row}" for row in range(len(rows))]
    labels["split"] = splits
    folder.mkdir(parents=True)
    write_labels(labels, folder)
    with (folder / PIXELS_FILE).open("wb") as file:
        written = rows[:most_written]
        for start in range(0, len(written), BLOCK):
            file.write(given.gather(written[start : start + BLOCK]).tobytes())
        file.truncate(len(rows) * given.size**2 * 3)
    about = Manifest(
        folder.name, given.manifest.source, "whole", given.size, counts_of(labels), f"repeated {len(rows)}", "none"
    )
    (folder / MANIFEST_FILE).write_text(about.to_json(), encoding="utf-8")
    return DatasetStore.open(folder)
