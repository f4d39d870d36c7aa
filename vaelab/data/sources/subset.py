"""A part of a prepared store in which some groups are rarer than in the whole: a bias made on purpose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from PIL import Image

from vaelab.data.groups import Grouping
from vaelab.data.sources.base import Listing, Source
from vaelab.data.splits import hash_fraction
from vaelab.data.store import DatasetStore
from vaelab.errors import DataError


@dataclass(frozen=True)
class Subset(Source):
    """The training faces of a store, thinned until its groups have the wished shares; all other rows stay.

    Held-out pictures stay as they are, so that a model trained on the subset is measured on the same people as one
    trained on the whole. Faces are left out in an order that the seed gives once: of two subsets with one seed, the one
    with the smaller share of a group holds none of its faces that the other lacks.

    Attributes:
        root: folder of the store.
        shares: {column: {value: share}} of one label column; shares are relative, a value that is not named has none.
        seed: which faces of a group are left out.
    """

    name: ClassVar[str] = "subset"
    summary: ClassVar[str] = "a part of a prepared data set, with other shares of its groups"

    root: Path
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seed: int = 0

    def listing(self) -> Listing:
        """The rows that stay, in the store's order; each keeps its id, its split and its labels.

        Raises:
            DataError: no store, an unknown column or value, shares that leave nothing.
        """
        store = DatasetStore.open(self.root)
        rows = self._kept(store)
        records = store.labels.iloc[rows].reset_index(drop=True)
        records = records.assign(split_key=records["image_id"], _row=rows)
        plan = self.plan(store.labels)
        note = f"training faces of {store.manifest.name} by {next(iter(self.shares))}: " + ", ".join(
            f"{group} {kept:,} of {there:,}" for group, there, kept in plan.itertuples(index=False)
        )
        return Listing(records, notes=(note,))

    def plan(self, labels: pd.DataFrame) -> pd.DataFrame:
        """Training faces of each group: `group`, `available`, `kept`. As many stay in all as the shares allow.

        Raises:
            DataError: an unknown column or value, a negative share, no share above 0, or a wished group without faces.
        """
        column, shares = self._column()
        grouping = Grouping.of(labels[_training_faces(labels)], [column])
        unknown = sorted(set(shares) - set(grouping.names))
        if unknown:
            raise DataError(f"{column} has no value {unknown[0]!r}; it has {', '.join(grouping.names)}")
        wished = np.array([shares.get(name, 0.0) for name in grouping.names], np.float64)
        if not (np.isfinite(wished).all() and (wished >= 0).all() and wished.sum() > 0):
            raise DataError(f"shares must be 0 or more and not all 0, met {dict(shares)}")
        wished /= wished.sum()
        empty = [group.name for group, share in zip(grouping.groups, wished, strict=True) if share and not group.count]
        if empty:
            raise DataError(f"{column} {empty[0]!r} is wished but has no training face; set its share to 0")
        total = np.min(grouping.counts[wished > 0] / wished[wished > 0])
        kept = np.minimum(np.floor(total * wished + 1e-9).astype(np.int64), grouping.counts)
        return pd.DataFrame({"group": grouping.names, "available": grouping.counts, "kept": kept})

    @contextmanager
    def reader(self) -> Iterator[StoreReader]:
        """Opens the store."""
        yield StoreReader(DatasetStore.open(self.root))

    @property
    def crop_name(self) -> str:
        """That of the store it is a part of."""
        return DatasetStore.open(self.root).manifest.crop

    def licence_line(self) -> str:
        """That of the store it is a part of."""
        return DatasetStore.open(self.root).manifest.licence

    def identity(self) -> str:
        """The store's fingerprint."""
        return DatasetStore.open(self.root).fingerprint

    def _column(self) -> tuple[str, Mapping[str, float]]:
        if len(self.shares) != 1:
            met = ", ".join(self.shares) or "none"
            raise DataError(f'shares must be of one label column, as {{"race": {{"Black": 0.1, ...}}}}; met {met}')
        return next(iter(self.shares.items()))

    def _kept(self, store: DatasetStore) -> np.ndarray:
        column, _ = self._column()
        is_training = _training_faces(store.labels)
        training = np.flatnonzero(is_training)
        grouping = Grouping.of(store.labels.iloc[training], [column])
        kept = [np.flatnonzero(~is_training)]
        for place, count in enumerate(self.plan(store.labels)["kept"]):
            mine = training[grouping.keys == place]
            ids = store.labels["image_id"].iloc[mine]
            order = np.argsort([hash_fraction(f"{self.seed}/{image_id}") for image_id in ids], kind="stable")
            kept.append(mine[order[:count]])
        rows: np.ndarray = np.sort(np.concatenate(kept))
        return rows


@dataclass(frozen=True)
class StoreReader:
    """Copies pictures out of a store."""

    store: DatasetStore

    def read(self, records: pd.DataFrame, size: int) -> Sequence[np.ndarray | str]:
        """One (size, size, 3) uint8 RGB picture per record; resized with Lanczos where the store's size differs."""
        pixels = np.asarray(self.store.pixels[records["_row"].to_numpy()])
        if size == self.store.size:
            return list(pixels)
        scale = Image.Resampling.LANCZOS
        return [np.asarray(Image.fromarray(picture).resize((size, size), scale)) for picture in pixels]


def _training_faces(labels: pd.DataFrame) -> np.ndarray:
    """(n,) bool: which rows a training draws faces from."""
    return ((labels["split"] == "train") & labels["is_face"].astype(bool)).to_numpy(dtype=bool)
